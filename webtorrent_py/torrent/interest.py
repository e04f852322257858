"""Which peers have something that we want.

Strategy: for each peer that does, one wanted piece of theirs is kept as a *witness*. As long as that one is missing,
nothing has to be counted; only when it is got, or not wanted any more, another is looked for. Witnesses are chosen at
random, so that a peer's changes some ten times in a whole download, and a piece that is got concerns few peers.
"""

from collections.abc import Iterator
from random import Random

from webtorrent_py.codec.bitfield import Bitfield


class Interest:
    """The peers, by their handles, that have wanted pieces."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._witness: dict[int, int] = {}
        self._peers_of: dict[int, set[int]] = {}

    def __contains__(self, peer: int) -> bool:
        return peer in self._witness

    def __iter__(self) -> Iterator[int]:
        return iter(self._witness)

    def witness(self, peer: int) -> int | None:
        """A wanted piece that the peer has; None if there is none."""
        return self._witness.get(peer)

    def examine(self, peer: int, has: Bitfield, wanted: Bitfield) -> bool:
        """Whether the peer has anything that is wanted."""
        known = self._witness.get(peer)
        if known is not None:
            if wanted[known] and has[known]:
                return True
            self.forget(peer)
        if has.none or wanted.none:
            return False
        found = wanted.find_common(has, self._random.randrange(len(wanted)))
        if found is None:
            return False
        self.gained(peer, found)
        return True

    def gained(self, peer: int, index: int) -> None:
        """The peer has this wanted piece."""
        if peer not in self._witness:
            self._witness[peer] = index
            self._peers_of.setdefault(index, set()).add(peer)

    def forget(self, peer: int) -> None:
        """The peer is gone, or its witness is not one any more."""
        index = self._witness.pop(peer, None)
        if index is not None:
            peers = self._peers_of[index]
            peers.discard(peer)
            if not peers:
                del self._peers_of[index]

    def depending_on(self, index: int) -> list[int]:
        """The peers to examine again when piece `index` is not wanted any more."""
        return list(self._peers_of.get(index, ()))
