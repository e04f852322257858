"""Token buckets and turns: a rate is kept, shared fairly, and never starves anybody."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtorrent_py.limits import BURST, UNLIMITED, Throttle

BLOCK = 16384


class Movers:
    """Members of torrents that always have more blocks to move; the time is that of the throttle's timer."""

    def __init__(self, members, *, common=UNLIMITED, own=None):
        self.now = 100.0
        self.throttle = Throttle()
        self.throttle.set_rate(common, self.now)
        self.shares = {torrent: self.throttle.share(torrent) for torrent, _ in members}
        for torrent, rate in (own or {}).items():
            self.shares[torrent].set_rate(rate, self.now)
        self.moved = Counter()
        self.log = []
        for torrent, member in members:
            self.shares[torrent].wait(member, self.now)

    def serve(self, block=BLOCK):
        while (turn := self.throttle.next_turn(self.now)) is not None:
            torrent, member = turn
            self.shares[torrent].spend(block)
            self.moved[turn] += block
            self.log.append((self.now, block))
            self.shares[torrent].wait(member, self.now)

    def run(self, seconds, block=BLOCK):
        end = self.now + seconds
        wakes = 0
        self.serve(block)
        while (due := self.throttle.get_timer()) is not None and due <= end:
            assert due > self.now, "a timer that is due at once again would never end"
            self.now = due
            self.serve(block)
            wakes += 1
        self.now = end
        return wakes

    def total(self, torrent=None):
        return sum(count for (each, _), count in self.moved.items() if torrent in (None, each))


@settings(max_examples=40)
@given(st.floats(0.05, 300), st.integers(1, 3), st.integers(1, 4), st.sampled_from([1000, BLOCK, 131072]))
def test_the_rate_is_kept_and_used_whatever_it_is(blocks, torrents, members, block):
    rate = blocks * block
    movers = Movers([(t, 10 * t + m) for t in range(torrents) for m in range(members)], common=rate)
    movers.run(10, block)
    assert 10 * rate - (BURST + 0.1) * rate - block <= movers.total() <= 10 * rate + BURST * rate + block
    # In any second too.
    for start in range(100, 110):
        second = sum(count for when, count in movers.log if start <= when < start + 1)
        assert second <= rate * (1 + BURST) + block


@settings(max_examples=20)
@given(st.integers(50_000, 2_000_000), st.integers(2, 5), st.integers(1, 5))
def test_all_torrents_and_their_members_get_the_same(rate, torrents, members):
    # The first torrent has many members: it gets no more for that.
    names = [(0, m) for m in range(members)] + [(t, 100 + t) for t in range(1, torrents)]
    movers = Movers(names, common=rate)
    movers.run(20)
    totals = [movers.total(torrent) for torrent in range(torrents)]
    assert max(totals) - min(totals) <= BLOCK
    first = [movers.moved[0, m] for m in range(members)]
    assert max(first) - min(first) <= BLOCK


def test_a_torrents_own_limit_leaves_the_rest_to_others():
    movers = Movers([(1, 1), (2, 2)], common=500_000, own={1: 100_000})
    movers.run(10)
    assert movers.total(1) == pytest.approx(1_000_000, rel=0.05)
    assert movers.total(2) == pytest.approx(4_000_000, rel=0.05)


def test_a_fast_line_does_not_wake_for_each_block():
    movers = Movers([(1, 1)], common=20e6)
    assert movers.run(10) <= 10 / 0.02 + 2
    assert movers.total() == pytest.approx(200e6, rel=0.05)


def test_nothing_moves_at_zero_and_nobody_wakes_until_that_changes():
    movers = Movers([(1, 1), (2, 2)], own={1: 0})
    movers.throttle.set_rate(0, movers.now)
    assert movers.run(1000) == 0 and movers.total() == 0 and movers.throttle.get_timer() is None
    assert movers.shares[1].stopped and movers.shares[2].stopped
    movers.throttle.set_rate(100_000, movers.now)
    movers.run(10)
    assert movers.total(1) == 0 and movers.total(2) == pytest.approx(1_000_000, rel=0.05)
    movers.shares[1].set_rate(50_000, movers.now)
    movers.run(10)
    assert movers.total(1) == pytest.approx(500_000, rel=0.05)


def test_without_limits_whoever_waits_has_its_turn_at_once():
    throttle = Throttle()
    share = throttle.share(1)
    assert not share.limited and not share.stopped
    for member in (5, 6, 5):
        share.wait(member, 1.0)
    assert [throttle.next_turn(1.0) for _ in range(3)] == [(1, 5), (1, 6), None]
    assert throttle.get_timer() is None


def test_a_limit_that_is_lifted_lets_go_those_who_wait():
    throttle = Throttle(0.0)
    share = throttle.share(1)
    share.wait(5, 1.0)
    assert share.limited and throttle.next_turn(2.0) is None
    throttle.set_rate(UNLIMITED, 3.0)
    due = throttle.get_timer()
    assert due is not None and due <= 3.0 and throttle.next_turn(3.0) == (1, 5)


@pytest.mark.parametrize("rate", [100_000, 0])
def test_who_leaves_gets_no_turn(rate):
    throttle = Throttle()
    one, other = throttle.share(1), throttle.share(2)
    one.set_rate(rate, 0.0)
    for share in (one, other):
        share.wait(1, 0.0)
        share.wait(2, 0.0)
    one.leave(1)
    other.close()
    assert throttle.next_turn(1.0) == ((1, 2) if rate else None)
    one.close()
    one.set_rate(UNLIMITED, 2.0)
    assert throttle.next_turn(3.0) is None and throttle.get_timer() is None
    assert not throttle._queue and not throttle._resting


def test_what_is_given_back_can_be_taken_by_others_but_is_not_hoarded():
    movers = Movers([(1, 1)], common=100_000)
    movers.run(2)
    before = movers.total()
    movers.shares[1].give_back(50 * BLOCK)
    movers.run(0)
    assert movers.total() - before <= 100_000 * BURST + BLOCK
