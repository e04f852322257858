"""Numbers that name connections, sockets, torrents and readers to the host; never used twice."""

from itertools import count


class Handles:
    """One sequence for all kinds, so that a handle of one kind can never be taken for one of another."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self) -> int:
        """A number that was not given out before."""
        return next(self._numbers)
