"""Events by name, as Node's EventEmitter has them."""

from collections.abc import Callable
from typing import Any

Listener = Callable[..., object]


class Emitter:
    """Calls listeners in the order in which they were added. A listener that raises stops the others."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}

    def on(self, name: str, listener: Listener) -> Listener:
        """Call `listener` at every event `name`. Returns it, so that `off` can be given it."""
        self._listeners.setdefault(name, []).append(listener)
        return listener

    def once(self, name: str, listener: Listener) -> Listener:
        """Call `listener` at the next event `name` only. Returns what `off` takes."""

        def call(*args: Any) -> None:
            self.off(name, call)
            listener(*args)

        return self.on(name, call)

    def off(self, name: str, listener: Listener) -> None:
        """Call `listener` no more. Nothing happens when it was not there."""
        listeners = self._listeners.get(name, [])
        if listener in listeners:
            listeners.remove(listener)

    def emit(self, name: str, *args: Any) -> bool:
        """Call all listeners of `name`. Returns whether there was one."""
        listeners = tuple(self._listeners.get(name, ()))
        for listener in listeners:
            listener(*args)
        return bool(listeners)
