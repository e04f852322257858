"""Which bytes of which files the bytes of a torrent are."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webtorrent_py.codec.files import FileEntry


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of one file that follow each other. All numbers are bytes but `file`."""

    file: int | None
    """Index of the file; None: zeros that are in no file (padding, BEP 47)."""
    start: int
    """From the start of the file."""
    length: int


class FileSpans:
    """The files of one torrent, which lie end to end, with nothing but padding between them."""

    def __init__(self, files: Sequence[FileEntry]) -> None:
        self._files = files
        self._offsets = [file.offset for file in files]

    def spans(self, start: int, end: int) -> Iterator[Span]:
        """The torrent's bytes from `start` to `end` (exclusive) in their order; empty files give none."""
        for number in range(max(bisect_right(self._offsets, start) - 1, 0), len(self._files)):
            file = self._files[number]
            if start >= end or file.offset >= end:
                break
            if start < file.offset:
                yield Span(None, 0, file.offset - start)
                start = file.offset
            stop = min(end, file.offset + file.length)
            if start < stop:
                yield Span(None if file.is_padding else number, start - file.offset, stop - start)
                start = stop
        if start < end:
            yield Span(None, 0, end - start)
