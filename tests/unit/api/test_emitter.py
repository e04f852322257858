"""Node's semantics of events."""

import pytest

from webtorrent_py.api.emitter import Emitter


def test_listeners_are_called_in_order_with_the_arguments_until_they_are_off() -> None:
    emitter, heard = Emitter(), []
    first = emitter.on("a", lambda *args: heard.append((1, args)))
    emitter.on("a", lambda *args: heard.append((2, args)))
    assert emitter.emit("a", 5, "x")
    emitter.off("a", first)
    emitter.off("a", first)
    emitter.off("other", first)
    assert emitter.emit("a")
    assert not emitter.emit("b")
    assert heard == [(1, (5, "x")), (2, (5, "x")), (2, ())]


def test_once_is_once_and_can_be_taken_off() -> None:
    emitter, heard = Emitter(), []
    emitter.once("a", heard.append)
    emitter.off("a", emitter.once("a", heard.append))
    emitter.emit("a", 1)
    emitter.emit("a", 2)
    assert heard == [1]


def test_a_listener_that_is_added_or_taken_off_meanwhile_changes_the_next_event() -> None:
    emitter, heard = Emitter(), []

    def listener(value: int) -> None:
        heard.append(value)
        emitter.off("a", listener)
        emitter.on("a", lambda value: heard.append(-value))

    emitter.on("a", listener)
    emitter.emit("a", 1)
    emitter.emit("a", 2)
    assert heard == [1, -2]


def test_what_a_listener_raises_reaches_who_emits() -> None:
    emitter = Emitter()
    emitter.on("a", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        emitter.emit("a")
