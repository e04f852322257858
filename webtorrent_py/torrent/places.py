"""Whose place goes to somebody else when a torrent has no place left.

Of no use is, in this order: who wants nothing while we want nothing either (two seeds, BEP 21); who wants nothing of
us and has nothing for us, some time after it came; who has neither given nor taken anything for minutes, though one
side wanted it. Others keep their places: somebody new may be no better.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

TIME_TO_SETTLE = 30.0
"""Seconds in which a peer may find out what it wants."""
TIME_TO_PROGRESS = 180.0
"""Seconds without any block after which a peer will hardly send, or take, one."""


class Meter(Protocol):
    """What flows one way."""

    def rate(self, now: float) -> float:
        """Bytes per second of late."""


class Occupant(Protocol):
    """What must be known of a peer."""

    @property
    def handshaken(self) -> bool:
        """Whether it is known who it is."""

    @property
    def opened_at(self) -> float:
        """Since when it is connected."""

    @property
    def last_block(self) -> float:
        """When it sent a block, or was asked for one after a pause."""

    @property
    def am_interested(self) -> bool:
        """Whether it has something that we want."""

    @property
    def peer_interested(self) -> bool:
        """Whether we have something that it wants."""

    @property
    def upload_only(self) -> bool:
        """Whether it says that it wants no pieces."""

    @property
    def is_seed(self) -> bool:
        """Whether it has everything."""

    @property
    def upload(self) -> Meter:
        """What it takes."""


_Occupant = TypeVar("_Occupant", bound=Occupant)


def least_useful(peers: Iterable[_Occupant], *, wants_nothing: bool, now: float) -> _Occupant | None:
    """The peer whose place anybody may have; None if all may keep theirs. `wants_nothing`: we do not, of anybody."""
    candidates = [(_uselessness(peer, wants_nothing, now), now - peer.opened_at, peer) for peer in peers]
    worst = max(candidates, key=lambda each: each[:2], default=None)
    return worst[2] if worst is not None and worst[0] else None


def _uselessness(peer: Occupant, wants_nothing: bool, now: float) -> int:
    age = now - peer.opened_at
    if not peer.handshaken:
        return 0
    if wants_nothing and (peer.is_seed or peer.upload_only):
        return 3
    if not peer.am_interested and not peer.peer_interested and age > TIME_TO_SETTLE:
        return 2
    stalls = now - peer.last_block > TIME_TO_PROGRESS and not peer.upload.rate(now)
    return 1 if stalls and age > TIME_TO_PROGRESS else 0
