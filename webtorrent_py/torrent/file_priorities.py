"""How much each file is wanted, and what that means for pieces.

A piece that several files share is wanted as much as the file that is wanted most. Padding (BEP 47) is never wanted for
itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator

from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.torrent.selection import NORMAL, UNWANTED


class FilePriorities:
    """The priority of each file; `files_in` tells the files with bytes in a piece."""

    def __init__(self, metainfo: Metainfo, priority: int, files_in: Callable[[int], list[int]]) -> None:
        self._metainfo = metainfo
        self._files_in = files_in
        self._offsets = [file.offset for file in metainfo.files]
        self._priority = bytearray([priority]) * len(metainfo.files)

    @property
    def unselected(self) -> tuple[int, ...]:
        """The files that are not wanted."""
        return tuple(file for file, priority in enumerate(self._priority) if priority == UNWANTED)

    def restore(self, unselected: Iterable[int]) -> None:
        """Take back what `unselected` gave. How much the others were wanted is known of their pieces only."""
        self._priority[:] = bytearray([NORMAL]) * len(self._priority)
        for file in unselected:
            if 0 <= file < len(self._priority):
                self._priority[file] = UNWANTED

    def set_file(self, file: int, priority: int) -> Iterator[tuple[int, int, int]]:
        """Want a file this much. Yields first piece, last piece and priority of what changes by it."""
        self._priority[file] = priority
        span = self._metainfo.file_pieces(file)
        if span is None:
            return
        first, last = span
        for end in sorted({first, last}):
            yield end, end, self._greatest(end)
        if last - first > 1:
            yield first + 1, last - 1, priority

    def set_pieces(self, first: int, last: int, priority: int) -> None:
        """Pieces were given a priority: the files that lie within them are wanted as much."""
        length = self._metainfo.piece_length
        start = bisect_left(self._offsets, first * length)
        end = bisect_right(self._offsets, (last + 1) * length - 1)
        if end > start:
            # Files do not overlap, so only the last may go beyond.
            entry = self._metainfo.files[end - 1]
            if entry.offset + entry.length > min((last + 1) * length, self._metainfo.length):
                end -= 1
            self._priority[start:end] = bytearray([priority]) * (end - start)

    def _greatest(self, index: int) -> int:
        files = self._metainfo.files
        return max((self._priority[file] for file in self._files_in(index) if not files[file].is_padding), default=0)
