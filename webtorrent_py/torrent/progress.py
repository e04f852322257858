"""What is verified: pieces, bytes, and bytes of each file; every question answered without counting again."""

from bisect import bisect_right

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo


class Progress:
    """The verified part of one torrent."""

    def __init__(self, metainfo: Metainfo, have_all: bool) -> None:
        self._metainfo = metainfo
        self._offsets = [file.offset for file in metainfo.files]
        self.have = Bitfield(metainfo.piece_count)
        self.bytes = 0
        self.file_bytes = [0] * len(metainfo.files)
        if have_all:
            self.have.fill()
            self.bytes = metainfo.length
            self.file_bytes = [file.length for file in metainfo.files]

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
