"""Our requests to one peer: what is asked for, what was taken back, and what came though nobody asked for it."""

from webtorrent_py.errors import WireError

# How many requests a peer may hold for us, as for those of theirs that we hold.
MAX_REQUESTS = 2000
# Bytes that nobody asked for. An honest peer sends hardly any.
MAX_UNREQUESTED_BYTES = 16 * 1024 * 1024

Place = tuple[int, int]
"""A block by index of the piece and offset in it."""


class Requests(dict[Place, float]):
    """The requests that are not answered: place of the block → when it was asked for."""

    __slots__ = ("_cancelled", "_unrequested_bytes")

    def __init__(self) -> None:
        super().__init__()
        # Cancelled requests may be answered still; stock peers never say that they will not.
        self._cancelled: dict[Place, None] = {}
        self._unrequested_bytes = 0

    def cancel(self, place: Place) -> None:
        """Take a request back."""
        self.pop(place, None)
        self._cancelled[place] = None
        if len(self._cancelled) > MAX_REQUESTS:
            del self._cancelled[next(iter(self._cancelled))]

    def answered(self, place: Place, length: int) -> float | None:
        """A block of `length` bytes came. When it was asked for, if it was; raises `WireError` for a flood."""
        sent_at = self.pop(place, None)
        if sent_at is not None:
            return sent_at
        if place in self._cancelled:
            del self._cancelled[place]
            return None
        self._unrequested_bytes += length
        if self._unrequested_bytes > MAX_UNREQUESTED_BYTES:
            raise WireError("the peer floods us with blocks that nobody asked for")
        return None

    def rejected(self, place: Place) -> bool:
        """The peer will not send a block. Whether it was asked to."""
        self._cancelled.pop(place, None)
        return self.pop(place, None) is not None
