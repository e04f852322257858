"""Telling the peers which pieces we got.

Every piece concerns every peer. So that a fast download among many peers does not spend its time on that, the
first piece after a pause is told of at once, and what follows within `INTERVAL` in one message for all of it.
"""

from collections.abc import Iterable

from webtorrent_py.torrent.source import Source
from webtorrent_py.wire.messages import Have

# Seconds. As long as a message may be on its way anyhow.
INTERVAL = 0.1


class Haves:
    """The pieces that the peers were not told of yet."""

    def __init__(self) -> None:
        self._pieces: list[int] = []
        self._told_at: float | None = None

    def add(self, index: int) -> None:
        """We got a piece."""
        self._pieces.append(index)

    def discard(self, index: int) -> None:
        """We lost a piece: peers that were not told of it need not be."""
        if index in self._pieces:
            self._pieces.remove(index)

    def due(self) -> float | None:
        """When to tell; None if there is nothing to tell."""
        if not self._pieces:
            return None
        return 0.0 if self._told_at is None else self._told_at + INTERVAL

    def maybe_tell(self, peers: Iterable[Source], now: float) -> None:
        """Tell, if it is time."""
        due = self.due()
        if due is not None and now >= due:
            self._told_at = now
            haves = b"".join([Have(index).serialize() for index in self._pieces])
            self._pieces.clear()
            for peer in peers:
                peer.send_haves(haves, now)
