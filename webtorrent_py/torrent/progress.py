"""What is verified: pieces, bytes, and bytes of each file; every question answered without counting again."""

from bisect import bisect_right
from collections.abc import Iterable

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo


class Progress:
    """The verified part of one torrent."""

    def __init__(self, metainfo: Metainfo, have_all: bool, have: Iterable[int] = ()) -> None:
        """`have` are pieces that were verified before."""
        self._metainfo = metainfo
        self._offsets = [file.offset for file in metainfo.files]
        self.have = Bitfield(metainfo.piece_count)
        self.bytes = 0
        self.file_bytes = [0] * len(metainfo.files)
        if have_all:
            self.have.fill()
            self.bytes = metainfo.length
            self.file_bytes = [file.length for file in metainfo.files]
        else:
            for index in have:
                self.add(index)

    def add(self, index: int) -> list[int]:
        """Piece `index` is verified now. The files that are complete by it."""
        self.have.set(index)
        start, end = self._span(index)
        self.bytes += end - start
        completed = []
        for number in self.files_in(index):
            file = self._metainfo.files[number]
            self.file_bytes[number] += min(end, file.offset + file.length) - max(start, file.offset)
            if self.file_bytes[number] == file.length:
                completed.append(number)
        return completed

    def remove(self, index: int) -> None:
        """Piece `index` is not verified any more."""
        self.have.clear(index)
        start, end = self._span(index)
        self.bytes -= end - start
        for number in self.files_in(index):
            file = self._metainfo.files[number]
            self.file_bytes[number] -= min(end, file.offset + file.length) - max(start, file.offset)

    def files_in(self, index: int) -> list[int]:
        """The files that have bytes in piece `index`."""
        start, end = self._span(index)
        numbers = []
        for number in range(max(bisect_right(self._offsets, start) - 1, 0), len(self._offsets)):
            file = self._metainfo.files[number]
            if file.offset >= end:
                break
            if file.offset + file.length > start and file.length:
                numbers.append(number)
        return numbers

    def _span(self, index: int) -> tuple[int, int]:
        start = index * self._metainfo.piece_length
        return start, start + self._metainfo.piece_size(index)
