"""One file of a torrent."""

import mimetypes
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from webtorrent_py.api.reader import RandomReader, Reader
from webtorrent_py.codec.files import FileEntry
from webtorrent_py.errors import InvalidRangeError

if TYPE_CHECKING:
    from webtorrent_py.api.torrent import Torrent

# What the table of the Python in use may lack, and pages play or show.
_TYPES = {
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".md": "text/markdown",
    ".mkv": "video/x-matroska",
    ".mka": "audio/x-matroska",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


class File:
    """One file of a torrent. Ranges are bytes of the file, `end` exclusive, as in Python's slices."""

    def __init__(self, torrent: "Torrent", index: int, entry: FileEntry) -> None:
        self.torrent = torrent
        self.index = index
        self.entry = entry

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.entry.name

    @property
    def path(self) -> str:
        """The path with the torrent's name in front (multi-file torrents), joined with `/`."""
        return self.entry.path_string

    @property
    def length(self) -> int:
        """In bytes."""
        return self.entry.length

    @property
    def offset(self) -> int:
        """In bytes from the start of the torrent."""
        return self.entry.offset

    @property
    def type(self) -> str:
        """The MIME type that the name's extension stands for."""
        stem, dot, extension = self.name.lower().rpartition(".")
        known = _TYPES.get(dot + extension) or mimetypes.guess_type("name" + dot + extension)[0]
        return known if stem and known else "application/octet-stream"

    @property
    def downloaded(self) -> int:
        """Verified bytes."""
        return self.torrent.core_torrent.file_downloaded(self.index)

    @property
    def progress(self) -> float:
        """Verified part, from 0 to 1."""
        return self.downloaded / self.length if self.length else 1.0

    @property
    def done(self) -> bool:
        """Whether every byte is verified."""
        return self.downloaded == self.length

    @property
    def pieces(self) -> tuple[int, int] | None:
        """The first and the last piece with bytes of it. None for an empty file."""
        metainfo = self.torrent.core_torrent.metainfo
        return metainfo.file_pieces(self.index) if metainfo else None

    def select(self, priority: int = 1) -> None:
        """Download this file (again); higher priorities (1 to 255) first."""
        self._select(max(1, priority))

    def deselect(self) -> None:
        """Do not download what only this file needs."""
        self._select(0)

    def open(self, start: int = 0, end: int | None = None) -> Reader:
        """Read a range from front to back, the pieces next in line first. Raises `InvalidRangeError`."""
        return Reader(self.torrent, *self._range(start, end))

    def open_random(self) -> RandomReader:
        """Read anywhere in the file."""
        return RandomReader(self.torrent, *self._range(0, None))

    async def read(self, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of a range, downloaded first if need be."""
        return b"".join([part async for part in self.stream(start, end)])

    async def stream(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a range in parts, as they come."""
        reader = self.open(start, end)
        try:
            while (part := await reader.read()) is not None:
                yield part
        finally:
            reader.close()

    def _select(self, priority: int) -> None:
        self.torrent.run(self.torrent.core.select_file, self.torrent.core_torrent.id, self.index, priority)

    def _range(self, start: int, end: int | None) -> tuple[int, int]:
        if end is None:
            end = self.length
        if not 0 <= start <= end <= self.length:
            raise InvalidRangeError(f"bytes {start} to {end} are not in '{self.name}', which has {self.length} bytes")
        return self.offset + start, self.offset + end
