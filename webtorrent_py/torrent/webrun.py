"""What a web seed is made of: the runs of bytes that it fetches, how they fail, and what it asks of the downloader."""

from typing import Protocol

from webtorrent_py.errors import WebSeedError
from webtorrent_py.peer.connection import Block
from webtorrent_py.torrent.source import Source


class FetchFailedError(WebSeedError):
    """A fetch failed. `file` is the one that the server does not give us; None: the server gives us nothing."""

    def __init__(self, message: str, file: int | None) -> None:
        super().__init__(message)
        self.file = file


class Wants(Protocol):
    """What a seed must know of the downloader."""

    def claim(self, source: Source, index: int) -> list[Block]:
        """The blocks of a piece that nobody is asked for, from here on asked of `source`; none if it is not wanted."""

    def count_wanted(self, first: int, last: int) -> int:
        """How many of the pieces from `first` to `last` (inclusive) are wanted and not here."""


class Run:
    """Bytes of the torrent that are fetched in order. `position` is the next one to come, all ends are exclusive."""

    __slots__ = (
        "end",
        "fetch",
        "fetch_end",
        "fetch_start",
        "file",
        "heard_at",
        "is_stream",
        "is_whole",
        "partial",
        "position",
    )

    def __init__(self, position: int, end: int, is_stream: bool) -> None:
        self.position = position
        self.end = end
        self.is_stream = is_stream
        self.fetch: int | None = None
        self.fetch_start = self.fetch_end = position
        """The bytes of the present fetch. Before them there may be padding."""
        self.file: int | None = None
        """Which file they are of."""
        self.is_whole = False
        """Whether the server sends the file to its end, whatever was asked for."""
        self.heard_at = 0.0
        self.partial = bytearray()
        """The beginning of the block at `position`."""
