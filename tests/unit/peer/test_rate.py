"""The rate of steady, bursty and ended transfers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.peer.rate import FOLD_INTERVAL, TIME_CONSTANT, RateMeter


@given(st.floats(1e3, 1e8), st.floats(0.001, 0.5), st.floats(1.0, 60.0))
def test_a_steady_flow_has_its_rate_from_the_first_seconds_on(rate, interval, duration):
    meter = RateMeter()
    ticks = max(int(duration / interval), 4)
    count = int(rate * interval)
    for tick in range(ticks):
        meter.add(count, 100 + tick * interval)
    now = 100 + (ticks - 1) * interval
    # One count more than there are intervals, and one more or less at the edge of what is looked at.
    tolerance = (interval + FOLD_INTERVAL) / min(now - 100, TIME_CONSTANT) + 0.05
    assert meter.rate(now) == pytest.approx(count / interval, rel=tolerance)
    assert meter.total == ticks * count


def test_nothing_is_no_rate():
    meter = RateMeter()
    assert meter.rate(0.0) == meter.rate(1e6) == 0.0
    meter.add(0, 5.0)
    assert meter.rate(5.0) == 0.0


@given(st.integers(1, 10**9))
def test_what_has_ended_fades_to_exactly_nothing(count):
    meter = RateMeter()
    meter.add(count, 0.0)
    rates = [meter.rate(float(second)) for second in range(1, 100)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0.0


def test_a_flow_that_stops_has_lost_most_of_its_rate_a_few_seconds_later():
    meter = RateMeter()
    for tick in range(100):
        meter.add(100_000, tick / 10)
    assert meter.rate(10.0) == pytest.approx(1e6, rel=0.1)
    assert meter.rate(10 + 3 * TIME_CONSTANT) < 6e4


def test_asking_does_not_change_the_answer():
    asked, left_alone = RateMeter(), RateMeter()
    for tick in range(200):
        for meter in (asked, left_alone):
            meter.add(tick * 100, tick / 20)
        asked.rate(tick / 20)
        asked.rate(tick / 20)
    assert asked.rate(10.0) == pytest.approx(left_alone.rate(10.0), rel=0.02)
