"""Request depths on computed lines."""

from collections import deque

import pytest

from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.torrent.pieces import BLOCK_LENGTH
from webtorrent_py.torrent.pipeline import INITIAL_DEPTH, MAX_ROUND_TRIP, MIN_DEPTH, SLACK, Pipeline

REFILL_SHARE = 4


class Line:
    """A peer that answers `round_trip` seconds after a request, and sends `rate` bytes per second."""

    def __init__(self, rate: float, round_trip: float) -> None:
        self.rate = rate
        self.round_trip = round_trip
        self.meter = RateMeter()
        self.pipeline = Pipeline(self.meter.rate)
        self.now = 0.0
        self.blocks = 0
        self._free_at = 0.0
        self._outstanding: deque[tuple[float, float]] = deque()
        self._ask()

    def _ask(self) -> None:
        depth = self.pipeline.depth
        if len(self._outstanding) <= depth - max(depth // REFILL_SHARE, 1):
            while len(self._outstanding) < depth:
                self._free_at = max(self._free_at, self.now + self.round_trip) + BLOCK_LENGTH / self.rate
                self._outstanding.append((self.now, self._free_at))

    def run(self, seconds: float) -> float:
        """Let time pass; the share of the line that was used."""
        begun, blocks = self.now, self.blocks
        while self._outstanding and self._outstanding[0][1] <= begun + seconds:
            asked_at, self.now = self._outstanding.popleft()
            self.blocks += 1
            self.meter.add(BLOCK_LENGTH, self.now)
            self.pipeline.block_received(self.now - asked_at, self.now)
            self._ask()
        self.now = begun + seconds
        return (self.blocks - blocks) * BLOCK_LENGTH / seconds / self.rate


@pytest.mark.parametrize(
    ("rate", "round_trip"),
    [(20e6, 0.1), (20e6, 0.02), (100e6, 0.001), (5e6, 0.3), (1e6, 0.05), (50e3, 0.1), (2e6, 0.8)],
)
def test_the_line_is_full_soon_and_the_queue_not_longer_than_it_must_be(rate, round_trip):
    line = Line(rate, round_trip)
    line.run(4.0)
    assert line.run(10.0) > 0.95
    in_flight = rate * round_trip / BLOCK_LENGTH
    assert line.pipeline.depth >= in_flight
    assert line.pipeline.depth <= 1.3 * max(in_flight + rate * SLACK / BLOCK_LENGTH, MIN_DEPTH) + 1


def test_it_begins_with_a_few_and_doubles_with_each_round_trip():
    line = Line(20e6, 0.1)
    assert line.pipeline.depth == INITIAL_DEPTH
    line.run(0.25)
    assert line.pipeline.depth >= 3 * INITIAL_DEPTH


def test_a_slow_peer_is_asked_for_little():
    line = Line(20e3, 0.1)
    line.run(60.0)
    assert line.pipeline.depth == MIN_DEPTH


def test_the_queue_does_not_grow_with_time():
    line = Line(500e3, 0.05)
    for _ in range(20):
        line.run(60.0)
        assert line.pipeline.depth <= 1.1 * 500e3 * (MAX_ROUND_TRIP + SLACK) / BLOCK_LENGTH


@pytest.mark.parametrize(("before", "after"), [(200e3, 10e6), (10e6, 200e3)])
def test_it_follows_a_line_that_changes(before, after):
    line = Line(before, 0.1)
    line.run(20.0)
    line.rate = after
    line.run(15.0)
    assert line.run(5.0) > 0.9
    assert line.pipeline.depth < 3 * after * (0.1 + SLACK) / BLOCK_LENGTH + MIN_DEPTH


def test_it_recovers_when_the_round_trip_grows():
    line = Line(1e6, 0.02)
    line.run(20.0)
    line.round_trip = 0.9
    line.run(90.0)
    assert line.run(20.0) > 0.9


def test_after_a_stall_it_begins_with_one():
    line = Line(5e6, 0.1)
    line.run(10.0)
    line.pipeline.stalled()
    assert line.pipeline.depth == 1
    line.run(10.0)
    assert line.run(5.0) > 0.95
