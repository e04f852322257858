"""How many peers have each piece, and the pieces still to be started in order of rarity.

Strategy: pieces that may be started stand in one list per availability. Moving a piece to the
neighbouring list is O(1) (swap with the last, pop), so a `have` costs the same in a torrent of ten
pieces and of a hundred thousand. A peer that has everything adds one to a counter instead of touching
every piece. Ties are broken at random: a piece enters its list at a random place. Each priority has lists
of its own, and higher ones come first.
"""

from collections.abc import Iterator
from random import Random

from webtorrent_py.codec.bitfield import Bitfield


class Availability:
    """Counts per piece over all peers, and the candidates to start, rarest first (BEP 3)."""

    def __init__(self, piece_count: int, random: Random) -> None:
        self._random = random
        self._seeds = 0
        self._count = [0] * piece_count
        self._place = [-1] * piece_count
        self._priority = bytearray(piece_count)
        self._tiers: dict[int, list[list[int]]] = {}
        self.waiting = 0
        """How many pieces may be started."""

    def __getitem__(self, index: int) -> int:
        """How many connected peers have the piece."""
        return self._count[index] + self._seeds

    def add_peer(self, pieces: Bitfield) -> None:
        """A peer came that has `pieces`."""
        if pieces.all:
            self._seeds += 1
        else:
            for index in pieces.indices():
                self._move(index, 1)

    def remove_peer(self, pieces: Bitfield) -> None:
        """A peer went; `pieces` is what it had by then."""
        if pieces.all and self._seeds:
            self._seeds -= 1
        else:
            for index in pieces.indices():
                self._move(index, -1)

    def add_have(self, index: int, pieces: Bitfield) -> None:
        """A peer that now has `pieces` got piece `index`."""
        self._move(index, 1)
        if pieces.all:
            # From here on it counts as a seed, as `remove_peer` will take it.
            for each in range(len(self._count)):
                self._move(each, -1)
            self._seeds += 1

    def offer(self, index: int, priority: int) -> None:
        """Let the piece be started, with a priority above 0 (255 is the most urgent)."""
        if self._place[index] >= 0 and self._priority[index] == priority:
            return
        self.withdraw(index)
        self._priority[index] = priority
        self._enter(index)

    def is_offered(self, index: int) -> bool:
        """Whether there is such a piece, and it may be started."""
        return index < len(self._place) and self._place[index] >= 0

    def withdraw(self, index: int) -> None:
        """Let the piece not be started: it is under way, verified, or unwanted."""
        if self._place[index] >= 0:
            self._leave(index)

    def rarest(self) -> Iterator[int]:
        """The pieces that may be started, by priority, then rarest first. Change nothing while iterating."""
        for priority in sorted(self._tiers, reverse=True):
            for pieces in self._tiers[priority]:
                yield from reversed(pieces)

    def _move(self, index: int, step: int) -> None:
        listed = self._place[index] >= 0
        if listed:
            self._leave(index)
        self._count[index] += step
        if listed:
            self._enter(index)

    def _enter(self, index: int) -> None:
        count = self._count[index]
        lists = self._tiers.setdefault(self._priority[index], [])
        while len(lists) <= count:
            lists.append([])
        pieces = lists[count]
        self.waiting += 1
        place = self._random.randrange(len(pieces) + 1)
        pieces.append(index)
        self._swap(pieces, place, len(pieces) - 1)

    def _leave(self, index: int) -> None:
        pieces = self._tiers[self._priority[index]][self._count[index]]
        self._swap(pieces, self._place[index], len(pieces) - 1)
        pieces.pop()
        self._place[index] = -1
        self.waiting -= 1

    def _swap(self, pieces: list[int], one: int, other: int) -> None:
        pieces[one], pieces[other] = pieces[other], pieces[one]
        self._place[pieces[one]] = one
        self._place[pieces[other]] = other
