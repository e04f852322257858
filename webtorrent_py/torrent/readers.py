"""Who reads the torrent's bytes, and what must come first for it.

A reader stands at a position of a byte range. The pieces from there to `WINDOW` bytes ahead are urgent;
moving the position moves the window at once. Only verified and stored bytes can be read.
"""

from collections.abc import Iterator

from webtorrent_py.codec.bitfield import Bitfield

# Bytes ahead of a reader that are asked for before all else: enough to keep a fast line busy, little
# enough that a seek does not wait for what was asked for before it.
WINDOW = 2 * 1024 * 1024


class Reader:
    """A byte range of the torrent, from `position` to `end` (exclusive)."""

    __slots__ = ("_known", "end", "handle", "position", "start")

    def __init__(self, handle: int, start: int, end: int) -> None:
        self.handle = handle
        self.start = start
        self.end = end
        self.position = start
        self._known = start

    def move(self, position: int) -> None:
        """Read on from `position`, forth or back."""
        position = min(max(position, self.start), self.end)
        if not self.position <= position <= self._known:
            self._known = position
        self.position = position

    def available(self, have: Bitfield, piece_length: int) -> int:
        """Up to where bytes can be read from `position` without a gap."""
        missing = have.first_missing(self._known // piece_length)
        self._known = min(max(self._known, missing * piece_length), self.end)
        return self._known

    def lose(self, start: int) -> None:
        """The piece that begins at `start` cannot be read any more."""
        self._known = min(self._known, max(start, self.start))

    def is_waiting_for(self, index: int, piece_length: int) -> bool:
        """Whether piece `index` adds to what was available when that was last asked."""
        return self._known < self.end and self._known // piece_length == index


class Readers:
    """The open readers of one torrent."""

    def __init__(self, piece_length: int) -> None:
        self._piece_length = piece_length
        self._readers: dict[int, Reader] = {}

    def __iter__(self) -> Iterator[Reader]:
        return iter(self._readers.values())

    def __bool__(self) -> bool:
        return bool(self._readers)

    def __getitem__(self, handle: int) -> Reader:
        return self._readers[handle]

    def __contains__(self, handle: int) -> bool:
        return handle in self._readers

    def add(self, reader: Reader) -> None:
        """Open a reader."""
        self._readers[reader.handle] = reader

    def remove(self, handle: int) -> None:
        """Close a reader."""
        self._readers.pop(handle, None)

    def urgent_pieces(self) -> Iterator[int]:
        """The pieces in the readers' windows, nearest first, one of each reader in turn."""
        windows = [
            iter(
                range(
                    reader.position // self._piece_length,
                    -(-min(reader.position + WINDOW, reader.end) // self._piece_length),
                )
            )
            for reader in self._readers.values()
            if reader.position < reader.end
        ]
        while windows:
            remaining = []
            for window in windows:
                index = next(window, None)
                if index is not None:
                    remaining.append(window)
                    yield index
            windows = remaining

    def lose(self, index: int) -> None:
        """Piece `index` is not verified any more."""
        for reader in self:
            reader.lose(index * self._piece_length)

    def waiting_for(self, index: int) -> list[Reader]:
        """The readers that can read on once they have piece `index`."""
        return [reader for reader in self if reader.is_waiting_for(index, self._piece_length)]
