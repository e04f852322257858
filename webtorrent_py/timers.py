"""Deadlines of many things, with the earliest at hand: no cost for those that are not due."""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Timers(Generic[Key]):
    """One deadline per key, in seconds of the caller's clock.

    A replaced or cancelled deadline stays in the heap until it comes up and is then skipped, so setting
    one costs O(log n) and asking for the next one is O(1) amortised.
    """

    def __init__(self) -> None:
        self._deadlines: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._serial = 0

    def set(self, key: Key, when: float | None) -> None:
        """Let `key` be due at `when`, instead of any former deadline; None cancels."""
        if when is None:
            self._deadlines.pop(key, None)
        elif self._deadlines.get(key) != when:
            self._deadlines[key] = when
            self._serial += 1
            heapq.heappush(self._heap, (when, self._serial, key))

    def next(self) -> float | None:
        """The earliest deadline, or None if nothing is waiting."""
        while self._heap:
            when, _, key = self._heap[0]
            if self._deadlines.get(key) == when:
                return when
            heapq.heappop(self._heap)
        return None

    def take_due(self, now: float) -> list[Key]:
        """Remove and return the keys whose deadline is at or before `now`, earliest first."""
        due = []
        while (when := self.next()) is not None and when <= now:
            key = heapq.heappop(self._heap)[2]
            del self._deadlines[key]
            due.append(key)
        return due
