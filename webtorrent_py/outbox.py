"""Where the core leaves what it wants done and what happened, until the host takes it."""

from webtorrent_py.actions import Action
from webtorrent_py.events import Downloaded, Event


class Outbox:
    """One per client. Every part of the core appends in the order in which it decides."""

    __slots__ = ("_actions", "_events")

    def __init__(self) -> None:
        self._actions: list[Action] = []
        self._events: list[Event] = []

    def do(self, action: Action) -> None:
        """Ask the host to carry out `action`."""
        self._actions.append(action)

    def tell(self, event: Event) -> None:
        """Tell the user of the client that something happened."""
        self._events.append(event)

    def tell_downloaded(self, torrent: int, count: int) -> None:
        """Tell that `count` bytes came. Those of one channel message become one event."""
        last = self._events[-1] if self._events else None
        if type(last) is Downloaded and last.torrent == torrent:
            self._events[-1] = Downloaded(torrent, last.count + count)
        else:
            self._events.append(Downloaded(torrent, count))

    def take_actions(self) -> list[Action]:
        """Hand over all actions since the last call, oldest first."""
        actions, self._actions = self._actions, []
        return actions

    def take_events(self) -> list[Event]:
        """Hand over all events since the last call, oldest first."""
        events, self._events = self._events, []
        return events
