"""Which peers are too slow for what is urgent.

What a reader waits for should come from whoever is fast: a slow peer that took the next block would make the viewer
wait, although it does no harm with a piece that is needed later. So about once a second the peers are compared, and a
slow one is not asked for urgent pieces that one of the fastest has too.
"""

from collections.abc import Iterable

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.source import Source

# A peer that is this many times slower than the fastest is slow.
SLOW = 4.0
# How many of the fastest are expected to take what is urgent.
FASTEST = 4


class Pace:
    """The fastest peers, and those that are slow beside them."""

    def __init__(self) -> None:
        self._fastest: list[Source] = []
        self._slow: set[int] = set()

    def compare(self, peers: Iterable[Source], now: float) -> None:
        """Look at how fast everybody is. Who was never asked for anything is not slow."""
        rates = [(0.0 if peer.snubbed else peer.download.rate(now), peer) for peer in peers]
        best = max((rate for rate, _ in rates), default=0.0)
        rates.sort(key=lambda each: each[0], reverse=True)
        self._fastest = [peer for rate, peer in rates[:FASTEST] if rate * SLOW >= best > 0.0]
        self._slow = {
            peer.handle for rate, peer in rates if rate * SLOW < best and (peer.requests or peer.download.total)
        }

    def forget(self, peer: int) -> None:
        """A peer is gone."""
        self._slow.discard(peer)
        self._fastest = [each for each in self._fastest if each.handle != peer]

    def left_to_faster(self, peer: int, urgent: Iterable[int], piece_count: int) -> Bitfield | None:
        """Those of the urgent pieces that `peer` should not be asked for; None if it may be asked for all."""
        if peer not in self._slow:
            return None
        left = Bitfield(piece_count)
        for index in urgent:
            if any(each.may_request(index) for each in self._fastest):
                left.set(index)
        return left
