"""How many blocks to have asked of a peer at any time.

Too few leave the line idle for a round trip after each block; too many make cancels, choking and the end
game slow, and fill the peer's queue. Wanted is what fits on the line during one round trip, and some more
for jitter on both sides.

Strategy: begin with a few and add one for every block that comes, which doubles the depth with every round
trip, as long as the rate still grows by it (slow start). From then on follow rate × (shortest round trip +
`SLACK`).
"""

from collections.abc import Callable

from webtorrent_py.torrent.pieces import BLOCK_LENGTH

INITIAL_DEPTH = 16
MIN_DEPTH = 4
# Seconds of reserve: a page may be busy for this long without the line running dry.
SLACK = 0.4
# A block sent when nothing else was outstanding shows the round trip; old ones are forgotten after this.
ROUND_TRIP_MEMORY = 30.0
# No line takes longer than this to answer. What does is our own queue, which must not be taken for the line:
# the depth would grow by it with every measurement.
MAX_ROUND_TRIP = 1.0
# Slow start ends when the rate did not grow by this factor within `GROWTH_INTERVAL`.
GROWTH = 1.1
GROWTH_INTERVAL = 0.5


class Pipeline:
    """The request depth for one peer, which sends `rate(now)` bytes per second."""

    __slots__ = ("_checked_at", "_checked_rate", "_depth", "_rate", "_round_trip", "_round_trip_at", "_starting")

    def __init__(self, rate: Callable[[float], float]) -> None:
        self._rate = rate
        self._depth = float(INITIAL_DEPTH)
        self._starting = True
        self._round_trip: float | None = None
        self._round_trip_at = 0.0
        self._checked_at: float | None = None
        self._checked_rate = 0.0

    @property
    def depth(self) -> int:
        """Blocks to have outstanding."""
        return int(self._depth)

    def block_received(self, waited: float, now: float) -> None:
        """A block came `waited` seconds after it was asked for."""
        if self._round_trip is None or waited < self._round_trip or now - self._round_trip_at > ROUND_TRIP_MEMORY:
            self._round_trip = waited
            self._round_trip_at = now
        if self._checked_at is None:
            self._checked_at = now
        if self._starting:
            self._depth += 1
        if now - self._checked_at >= GROWTH_INTERVAL:
            rate = self._rate(now)
            if rate < self._checked_rate * GROWTH:
                self._starting = False
            self._checked_at, self._checked_rate = now, rate
            if not self._starting:
                self._depth = max(MIN_DEPTH, rate * (min(self._round_trip, MAX_ROUND_TRIP) + SLACK) / BLOCK_LENGTH)

    def stalled(self) -> None:
        """The peer did not answer in time: ask for little until it does."""
        self._depth = 1.0
        self._starting = True
        self._checked_at = None
        self._checked_rate = 0.0
