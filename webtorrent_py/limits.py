"""Limits of speed, for all torrents together and for each: token buckets, and turns for those that wait.

Strategy: a bucket fills with `rate` bytes per second and holds little, so that a limited stream flows instead of
coming in bursts. Whoever moves bytes takes them out, if need be into debt: a block is moved whole, and the debt
is waited for afterwards. So a rate is kept to within a block, however small it is.

Who finds a limit does not look again and again: it waits (`Share.wait`) and is called when its turn has come
(`Throttle.next_turn`). Turns go round among the torrents, and within a torrent among its members (peers, web
seeds: whatever the handle names). One turn is good for one block. What does not wait costs nothing.

A limit of 0 lets nothing through, `UNLIMITED` everything (webtorrent.js's `throttleDownload`).
"""

from webtorrent_py.timers import Timers

UNLIMITED = -1.0
# What may be moved at once after a pause, in seconds of the rate: less than a reader notices.
BURST = 0.2
# Seconds that a timer gathers: waking for every single block of a fast line would cost more than the blocks.
GATHER = 0.02


class Bucket:
    """Tokens, one for each byte that may be moved. Empty when a limit is set."""

    __slots__ = ("_filled_at", "_tokens", "rate")

    def __init__(self) -> None:
        self.rate = UNLIMITED
        """Bytes per second, 0: none at all, `UNLIMITED`."""
        self._tokens = 0.0
        self._filled_at = 0.0

    def set_rate(self, rate: float, now: float) -> None:
        """Limit to `rate` bytes per second from now on."""
        self._fill(now)
        self.rate = rate if rate >= 0 else UNLIMITED
        self._tokens = min(self._tokens, 0.0)
        self._filled_at = now

    def is_open(self, now: float) -> bool:
        """Whether something may be moved now."""
        if self.rate <= 0:
            return self.rate < 0
        self._fill(now)
        return self._tokens > 0

    def opens_at(self) -> float | None:
        """When something may be moved, which may be past; None: not before the rate is set anew."""
        if self.rate < 0 or self._tokens > 0:
            return self._filled_at
        return self._filled_at - self._tokens / self.rate + GATHER if self.rate else None

    def take(self, count: float) -> None:
        """`count` bytes are moved. Negative: they were taken before, and will not be."""
        if self.rate >= 0:
            self._tokens -= count

    def _fill(self, now: float) -> None:
        if self.rate > 0:
            self._tokens = min(self._tokens + (now - self._filled_at) * self.rate, self.rate * BURST)
        self._filled_at = now


class Share:
    """One torrent's part of a `Throttle`, with a limit of its own."""

    def __init__(self, throttle: "Throttle", torrent: int) -> None:
        self._throttle = throttle
        self.torrent = torrent
        self.own = Bucket()
        self.members: dict[int, None] = {}
        """Who waits, next first; kept here, used by `Throttle`."""
        self.limited = False
        """Whether there is any limit. If not, nobody needs to wait. (No property: it is asked for each block.)"""

    @property
    def rate(self) -> float:
        """Bytes per second that the torrent may have at most; `UNLIMITED`."""
        rates = [bucket.rate for bucket in (self.own, self._throttle.common) if bucket.rate >= 0]
        return min(rates, default=UNLIMITED)

    @property
    def stopped(self) -> bool:
        """Whether nothing at all may be moved."""
        return self.own.rate == 0 or self._throttle.common.rate == 0

    def set_rate(self, rate: float, now: float) -> None:
        """Limit this torrent to `rate` bytes per second."""
        self.own.set_rate(rate, now)
        self.rates_changed()
        self._throttle.enqueue(self, now)

    def rates_changed(self) -> None:
        """Its limit, or the common one, is another."""
        self.limited = self.rate >= 0

    def wait(self, member: int, now: float) -> None:
        """Let `Throttle.next_turn` name this member when it may move a block. Once, however often it is called."""
        if not self.members:
            self.members[member] = None
            self._throttle.enqueue(self, now)
        else:
            self.members[member] = None

    def spend(self, count: int) -> None:
        """`count` bytes are moved, or asked for, which will move them."""
        self.own.take(count)
        self._throttle.common.take(count)

    def give_back(self, count: int) -> None:
        """`count` bytes that were asked for will not come."""
        self.spend(-count)

    def leave(self, member: int) -> None:
        """Let this member wait no more."""
        self.members.pop(member, None)

    def clear(self) -> None:
        """Let nobody wait any more."""
        self.members.clear()
        self._throttle.forget(self)

    def close(self) -> None:
        """The torrent is gone."""
        self.clear()
        self._throttle.shares.pop(self.torrent, None)


class Throttle:
    """One direction of all torrents."""

    def __init__(self, rate: float = UNLIMITED) -> None:
        self.common = Bucket()
        self.common.set_rate(rate, 0.0)
        self.shares: dict[int, Share] = {}
        self.waits = False
        """Whether anybody waits for its turn. (No property: it is asked after each input.)"""
        self._queue: dict[int, Share] = {}
        # Those whose own limit has to be waited for.
        self._resting: dict[int, Share] = {}
        self._timers: Timers[int] = Timers()

    def set_rate(self, rate: float, now: float) -> None:
        """Limit all torrents together to `rate` bytes per second."""
        self.common.set_rate(rate, now)
        for share in self.shares.values():
            share.rates_changed()

    def share(self, torrent: int) -> Share:
        """The part of a torrent; the limit of its own is `UNLIMITED` at first."""
        share = self.shares[torrent] = Share(self, torrent)
        share.rates_changed()
        return share

    def forget(self, share: Share) -> None:
        """Nobody of this share waits."""
        self._queue.pop(share.torrent, None)
        self._resting.pop(share.torrent, None)
        self._timers.set(share.torrent, None)
        self.waits = bool(self._queue or self._resting)

    def enqueue(self, share: Share, now: float) -> None:
        """Let a share with waiting members take turns."""
        self.forget(share)
        if not share.members:
            return
        if share.own.is_open(now):
            self._queue[share.torrent] = share
        else:
            self._resting[share.torrent] = share
            self._timers.set(share.torrent, share.own.opens_at())
        self.waits = True

    def next_turn(self, now: float) -> tuple[int, int] | None:
        """The torrent and member that may move a block now; it is no longer waiting. None: nobody may."""
        for torrent in self._timers.take_due(now):
            self.enqueue(self._resting[torrent], now)
        while self._queue and self.common.is_open(now):
            share = next(iter(self._queue.values()))
            if share.members and share.own.is_open(now):
                member = next(iter(share.members))
                del share.members[member]
                self.enqueue(share, now)
                return share.torrent, member
            self.enqueue(share, now)
        return None

    def get_timer(self) -> float | None:
        """When to call `next_turn` again."""
        rested = self._timers.next()
        opens = self.common.opens_at() if self._queue else None
        return min((time for time in (rested, opens) if time is not None), default=None)
