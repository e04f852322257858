"""Whom to serve.

Strategy (BEP 3): those that give us most, while we download; those that take fastest, once we have
everything. One slot goes to somebody at random for `OPTIMISTIC_ROUNDS` rounds, so that newcomers get a
chance and better partners are found. Slots that would stay empty are filled at once, not at the next
round: somebody who waits for a free slot helps nobody.
"""

from collections.abc import Iterable
from random import Random
from typing import Protocol

ROUND = 10.0
"""Seconds between two rounds."""
OPTIMISTIC_ROUNDS = 3
UPLOAD_SLOTS = 10


class Candidate(Protocol):
    """What the choker must know of a peer."""

    @property
    def handle(self) -> int:
        """The connection's handle."""

    @property
    def peer_interested(self) -> bool:
        """Whether it wants anything of us."""


class Rating(Protocol):
    """How much speaks for serving a peer."""

    def __call__(self, peer: Candidate) -> float:
        """Bytes per second that it gives us, or takes."""


class Choker:
    """Decides which of the interested peers are served."""

    def __init__(self, random: Random, slots: int = UPLOAD_SLOTS) -> None:
        self._random = random
        self._slots = slots
        self._round = 0
        self._optimistic: int | None = None

    def choose(self, peers: Iterable[Candidate], rating: Rating) -> set[int]:
        """A new round: the handles of the peers to unchoke; all others are to be choked."""
        interested = [peer for peer in peers if peer.peer_interested]
        self._random.shuffle(interested)
        interested.sort(key=rating, reverse=True)
        handles = [peer.handle for peer in interested]
        if len(handles) <= self._slots:
            self._optimistic = None
            return set(handles)
        chosen = handles[: self._slots - 1]
        rest = handles[self._slots - 1 :]
        if self._optimistic not in rest or self._round % OPTIMISTIC_ROUNDS == 0:
            self._optimistic = self._random.choice(rest)
        self._round += 1
        return {*chosen, self._optimistic}

    def has_free_slot(self, served: int) -> bool:
        """Whether one more peer may be unchoked before the next round, with `served` unchoked now."""
        return served < self._slots
