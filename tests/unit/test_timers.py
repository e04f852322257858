"""Deadlines, against a dictionary that is searched every time."""

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.timers import Timers

keys = st.integers(0, 4)
times = st.integers(0, 20).map(float)


@given(st.lists(st.tuples(keys, st.none() | times) | st.tuples(st.just("take"), times), max_size=60))
def test_they_are_due_in_order_and_once(steps):
    timers: Timers[int] = Timers()
    model: dict[int, float] = {}
    for key, when in steps:
        if key == "take":
            due = timers.take_due(when)
            assert [model[each] for each in due] == sorted(model[each] for each in due)
            assert set(due) == {each for each, deadline in model.items() if deadline <= when}
            for each in due:
                del model[each]
        else:
            timers.set(key, when)
            if when is None:
                model.pop(key, None)
            else:
                model[key] = when
        assert timers.next() == min(model.values(), default=None)


def test_equal_deadlines_come_in_the_order_in_which_they_were_set():
    timers: Timers[str] = Timers()
    for key in "cab":
        timers.set(key, 1.0)
    assert timers.take_due(1.0) == ["c", "a", "b"]
    assert timers.next() is None


def test_a_key_that_is_set_while_due_ones_are_handled_is_not_lost():
    timers: Timers[str] = Timers()
    timers.set("a", 1.0)
    assert timers.take_due(5.0) == ["a"]
    timers.set("a", 1.0)
    assert timers.take_due(5.0) == ["a"]
