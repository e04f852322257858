"""How fast bytes flow, from their counts and times."""

import math

# Long enough to smooth over bursts of a data channel, short enough to follow a user's "it got slow".
TIME_CONSTANT = 3.0
# Counts that come closer together than this are folded in at once: the exponential is not free.
FOLD_INTERVAL = 0.1


class RateMeter:
    """Exponentially weighted rate in bytes per second, right from the first seconds on."""

    __slots__ = ("_folded_at", "_pending", "_started_at", "_weighted", "total")

    def __init__(self) -> None:
        self.total = 0
        self._pending = 0
        self._weighted = 0.0
        self._started_at: float | None = None
        self._folded_at = 0.0

    def add(self, count: int, now: float) -> None:
        """Count `count` bytes as moved at `now`."""
        self.total += count
        if self._started_at is None:
            self._started_at = self._folded_at = now
        self._pending += count
        if now - self._folded_at >= FOLD_INTERVAL:
            self._fold(now)

    def rate(self, now: float) -> float:
        """Bytes per second over about the last `TIME_CONSTANT` seconds."""
        if self._started_at is None:
            return 0.0
        if now - self._folded_at >= FOLD_INTERVAL:
            self._fold(now)
        # Without this, a transfer that has just begun would seem slow: the past before it counts as zero.
        age = max(now - self._started_at, FOLD_INTERVAL)
        rate = (self._weighted + self._pending / TIME_CONSTANT) / (1.0 - math.exp(-age / TIME_CONSTANT))
        return rate if rate >= 1.0 else 0.0

    def _fold(self, now: float) -> None:
        decay = math.exp(-(now - self._folded_at) / TIME_CONSTANT)
        self._weighted = self._weighted * decay + self._pending / TIME_CONSTANT
        self._pending = 0
        self._folded_at = now
