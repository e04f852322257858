"""Who reads the torrent's bytes, and what must come first for it.

A reader stands at a position of a byte range. The pieces in a window from there on are urgent; moving the position
moves the window at once. It is as long as what the reader consumes in `LEAD` seconds, so that a fast reader keeps a
fast line busy, and a seek of a slow one does not wait for what was asked for before it. Only verified and stored bytes
can be read. Pieces can be made urgent without a reader too: they are until they are here.
"""

from collections.abc import Iterator

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.peer.rate import RateMeter

# Bytes ahead of a reader that are asked for before all else: at first, and at most.
WINDOW = 2 * 1024 * 1024
MAX_WINDOW = 16 * 1024 * 1024
# Seconds of reading that should be under way: what a peer that fell silent, and its replacement, may take.
LEAD = 10.0
# Ranges that can be urgent without a reader at the same time; older ones are forgotten.
MAX_CRITICAL = 16


class Reader:
    """A byte range of the torrent, from `position` to `end` (exclusive)."""

    __slots__ = ("_known", "_pace", "end", "handle", "position", "start", "window")

    def __init__(self, handle: int, start: int, end: int) -> None:
        self.handle = handle
        self.start = start
        self.end = end
        self.position = start
        self._known = start
        self._pace = RateMeter()
        self.window = WINDOW

    def move(self, position: int, now: float) -> None:
        """Read on from `position`, forth or back."""
        position = min(max(position, self.start), self.end)
        if self.position < position <= self._known:
            self._pace.add(position - self.position, now)
            self.window = min(max(WINDOW, int(LEAD * self._pace.rate(now))), MAX_WINDOW)
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
        self._critical: dict[tuple[int, int], Reader] = {}

    def __iter__(self) -> Iterator[Reader]:
        return iter(self._readers.values())

    def __bool__(self) -> bool:
        return bool(self._readers or self._critical)

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

    def add_critical(self, first: int, last: int) -> None:
        """Make the pieces from `first` to `last` (inclusive) urgent until they are here."""
        self._critical.pop((first, last), None)
        length = self._piece_length
        self._critical[first, last] = Reader(0, first * length, (last + 1) * length)
        if len(self._critical) > MAX_CRITICAL:
            del self._critical[next(iter(self._critical))]

    def piece_added(self, have: Bitfield) -> None:
        """There is one more piece: what is critical goes on from the first that is missing."""
        for span, reader in list(self._critical.items()):
            reader.position = have.first_missing(reader.position // self._piece_length) * self._piece_length
            if reader.position >= reader.end:
                del self._critical[span]

    def urgent_pieces(self) -> Iterator[int]:
        """The pieces in the readers' windows, nearest first, one of each reader in turn."""
        windows = [
            iter(
                range(
                    reader.position // self._piece_length,
                    -(-min(reader.position + reader.window, reader.end) // self._piece_length),
                )
            )
            for reader in (*self._readers.values(), *self._critical.values())
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
