"""One web seed (BEP 19): an HTTP server that has the files, asked like a peer.

Strategy: requests for blocks are joined into *runs* of adjacent bytes. A run is fetched by HTTP ranges, one file
after the other, and cut into blocks again as its bytes come in; several runs are fetched at the same time. Padding
is made of zeros and never fetched (BEP 47).

A server that ignores ranges sends each file from its beginning. Such a seed is read as a *stream*: one connection
that takes whatever piece it comes to, as long as that is not wasteful.

Rules:
- A seed that fails rests, and longer each time; what was asked of it is given back at once. A server that cannot be
  reached or is in trouble rests as a whole, for one that lacks a file only that file does.
- Nothing is believed of the bytes but their place: they are hashed like anybody's.
- At most a block per run is held here.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import ClassVar

from webtorrent_py.actions import CancelFetch, FetchRange
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.codec.spans import FileSpans, Span
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import Block
from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.peer.requests import MAX_REQUESTS, Place, Requests
from webtorrent_py.torrent.pieces import BLOCK_LENGTH
from webtorrent_py.torrent.ranges import file_url, join_blocks, parse_content_range
from webtorrent_py.torrent.webrun import FetchFailedError, Run, Wants
from webtorrent_py.wire.messages import Piece

# Blocks of one run: enough to be worth a request (256 KiB), few enough to be taken over by others (4 MiB).
MIN_RUN = 16
MAX_RUN = 256
# Seconds without a byte after which a fetch is given up.
FETCH_TIMEOUT = 30.0
# Seconds until the first try after a failure; each further one in a row doubles them.
FIRST_REST = 5.0
# Failures in a row after which a seed, or a file of it, is given up: two and a half minutes of trying.
MAX_FAILURES = 6
# Bytes of no use that may be read from a server that ignores ranges, unless those of use are more.
MAX_WASTE = 8 * 1024 * 1024

_ZEROS = memoryview(bytes(BLOCK_LENGTH))


class WebSeed:
    """One web seed of a torrent; a `torrent.source.Source`."""

    prefers_runs: ClassVar[bool] = True
    suggested: ClassVar[tuple[int, ...]] = ()
    request_limit: ClassVar[int] = MAX_REQUESTS

    def __init__(
        self,
        handle: int,
        url: str,
        *,
        torrent: int,
        metainfo: Metainfo,
        spans: FileSpans,
        wants: Wants,
        max_conns: int,
        handles: Handles,
        outbox: Outbox,
        now: float,
    ) -> None:
        self.handle = handle
        self.url = url
        self.added_at = now
        self.bitfield: Bitfield | None = Bitfield(metainfo.piece_count)
        self.bitfield.fill()
        self.am_interested = False
        self.requests = Requests()
        self.snubbed = False
        self.last_block = now
        self.last_wait = 0.0
        self.download = RateMeter()
        self.hides_ranges = False
        """Whether a `Content-Range` that the server must have sent could not be seen."""

        self._torrent = torrent
        self._metainfo = metainfo
        self._spans = spans
        self._wants = wants
        self._max_conns = max_conns
        self._handles = handles
        self._outbox = outbox
        self._ignores_ranges = False
        self._runs: dict[int, Run] = {}
        self._waiting: deque[Run] = deque()
        self._padding: list[Run] = []
        self._failures: dict[int | None, int] = {}
        self._resting: dict[int | None, float] = {}
        self._wasteful: list[int] = []

    # --- what the downloader asks --------------------------------------------------------------

    def room(self, depth: int) -> int:
        """Blocks for one more run, if there is a connection for it. Each run alone fills the line."""
        busy = len(self._all_runs())
        if (
            (self.snubbed and self.requests)
            or None in self._resting
            or busy >= (1 if self._ignores_ranges else self._max_conns)
        ):
            return 0
        return min(max(depth, MIN_RUN), MAX_RUN, self.request_limit - len(self.requests))

    @property
    def requestable(self) -> Bitfield:
        """The pieces that can be fetched now: those without bytes of a file that rests."""
        assert self.bitfield is not None
        if None in self._resting:
            return Bitfield(len(self.bitfield))
        pieces = self.bitfield
        for file in self._resting:
            span = None if file is None else self._metainfo.file_pieces(file)
            if span is not None:
                pieces = pieces - Bitfield.from_span(*span, len(pieces))
        return pieces

    def may_request(self, index: int) -> bool:
        """Whether the piece can be fetched now."""
        return self.requestable[index]

    def send_requests(self, blocks: list[Block], now: float) -> None:
        """Fetch blocks."""
        if not self.requests:
            self.last_block = now
            self.snubbed = False
        for index, begin, _ in blocks:
            self.requests[index, begin] = now
        ranges = list(join_blocks(blocks, self._metainfo.piece_length))
        if self._ignores_ranges:
            self._waiting.append(Run(self._file_start(ranges[0][0]), self._metainfo.extent, True))
        else:
            self._waiting.extend(Run(start, end, False) for start, end in ranges)
        self._start_waiting(now)

    def send_cancels(self, blocks: Iterable[Block], now: float) -> None:
        """Fetch these no more. What lies between others that are wanted still comes, and is left."""
        for index, begin, _ in blocks:
            self.requests.pop((index, begin), None)
        for run in self._all_runs():
            if not self._places_in(run):
                self._end_run(run)
        self._start_waiting(now)

    def send_interested(self, interested: bool, now: float) -> None:
        """A server need not know."""
        self.am_interested = interested

    def send_dont_have(self, index: int, now: float) -> None:
        """A server need not know."""

    def send_haves(self, haves: bytes, now: float) -> None:
        """A server need not know."""

    # --- what comes of a fetch -----------------------------------------------------------------

    def owns(self, fetch: int) -> bool:
        """Whether this seed waits for the fetch."""
        return fetch in self._runs

    def started(self, fetch: int, status: int, content_range: str | None, now: float) -> list[Place]:
        """The server answers. The blocks that will not come after all; raises `FetchFailedError`."""
        run = self._runs[fetch]
        run.heard_at = now
        assert run.file is not None
        file = self._metainfo.files[run.file]
        first, last = run.fetch_start - file.offset, run.fetch_end - file.offset - 1
        if status == 200:
            run.is_whole = True
            return [] if first == 0 else self._become_stream(run)
        if status != 206:
            # What is true of one file may be otherwise for the next. A server's own trouble is for all.
            raise FetchFailedError(f"HTTP status {status}", None if status >= 500 or status == 429 else run.file)
        self.hides_ranges = content_range is None
        if content_range is None:
            # A page cannot see it where the server does not expose it. The hash will tell.
            return []
        told = parse_content_range(content_range)
        if told is None or told[:2] != (first, last):
            raise FetchFailedError(f"the server sends {content_range!r} for bytes {first} to {last}", run.file)
        if told[2] not in (None, file.length):
            raise FetchFailedError(f"{file.path_string} has {told[2]} bytes there, not {file.length}", run.file)
        return []

    def received(self, fetch: int, data: bytes | memoryview, now: float) -> Iterator[Piece]:
        """Bytes came: the blocks that they complete. Raises `FetchFailedError`."""
        run = self._runs[fetch]
        run.heard_at = now
        yield from self._pad(run, run.fetch_start, now)
        size = run.fetch_end - run.position
        if len(data) > size and not run.is_whole:
            raise FetchFailedError("the server sends more than it was asked for", run.file)
        yield from self._take(run, memoryview(data)[:size], now)
        if run.is_whole and run.position == run.fetch_end and run.fetch == fetch:
            # There may be more of the file, which nobody asked for.
            self._abort(run)
            self._fetched(run, now)

    def ended(self, fetch: int, now: float) -> None:
        """No more bytes come. Raises `FetchFailedError`."""
        run = self._runs[fetch]
        if run.position < run.fetch_end:
            raise FetchFailedError(f"the answer ended {run.fetch_end - run.position} bytes early", run.file)
        del self._runs[fetch]
        self._fetched(run, now)

    # --- time ----------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether it needs `tick`."""
        return bool(self._runs or self._padding or self._wasteful or (self._resting and self.am_interested))

    def check(self, now: float) -> None:
        """Raises `FetchFailedError` if the server fell silent."""
        if any(now - run.heard_at > FETCH_TIMEOUT for run in self._runs.values()):
            raise FetchFailedError(f"no answer within {FETCH_TIMEOUT:.0f} seconds", None)

    def take_padding(self, now: float) -> Iterator[Piece]:
        """The blocks that were asked for and are all padding."""
        runs, self._padding = self._padding, []
        for run in runs:
            yield from self._pad(run, run.end, now)
            if run.is_stream and self.requests:
                run.end = self._metainfo.extent
                self._fetch_next(run, now)

    def take_wasteful(self) -> list[int]:
        """The files that would have to be read whole for a few bytes."""
        files, self._wasteful = self._wasteful, []
        return files

    def rest(self, file: int | None, now: float) -> tuple[int, list[Place]]:
        """Ask for nothing (of a file) for some time: the failures in a row, and the blocks that will not come."""
        failures = self._failures[file] = self._failures.get(file, 0) + 1
        self._resting[file] = now + FIRST_REST * 2 ** (failures - 1)
        places: list[Place] = []
        for run in self._all_runs():
            if file is None or file in self._files_between(run.position, run.end):
                places += self._end_run(run)
        self._start_waiting(now)
        return failures, places

    def wake(self, now: float) -> None:
        """End the rests that are over."""
        for file in [each for each, until in self._resting.items() if now >= until]:
            del self._resting[file]

    def close(self) -> None:
        """Fetch nothing any more."""
        for run in self._all_runs():
            self._end_run(run)
        self.requests.clear()

    def lose_file(self, file: int) -> None:
        """The server does not have the file. The downloader must not know the seed meanwhile."""
        assert self.bitfield is not None
        pieces = self._metainfo.file_pieces(file)
        for index in range(pieces[0], pieces[1] + 1) if pieces else ():
            self.bitfield.clear(index)
        self._failures.pop(file, None)
        self._resting.pop(file, None)

    # --- runs ----------------------------------------------------------------------------------

    def _start_waiting(self, now: float) -> None:
        while self._waiting and len(self._runs) < self._max_conns:
            self._fetch_next(self._waiting.popleft(), now)

    def _fetch_next(self, run: Run, now: float) -> None:
        """Fetch what a run has in the next file. A stream leaves out the files of which nothing is asked for."""
        start = run.position
        for span in self._spans.spans(run.position, run.end):
            if span.file is not None:
                if not run.is_stream or self._is_useful(span.file):
                    self._fetch(run, span, start, now)
                    return
                if run.partial and run.position < start:
                    # The padding before this file completes a block; then it goes on.
                    run.end = start
                    break
                run.position = start + span.length
                run.partial.clear()
            start += span.length
        if self._places_in(run):
            self._padding.append(run)

    def _fetch(self, run: Run, span: Span, start: int, now: float) -> None:
        assert span.file is not None
        run.fetch = self._handles.new()
        run.file = span.file
        run.fetch_start, run.fetch_end = start, start + span.length
        run.is_whole = False
        run.heard_at = now
        self._runs[run.fetch] = run
        url = file_url(self.url, self._metainfo, span.file)
        self._outbox.do(FetchRange(run.fetch, self._torrent, url, span.start, span.length))

    def _fetched(self, run: Run, now: float) -> None:
        """All of one fetch is here: go on with the next one."""
        for key in (run.file, None):
            self._failures.pop(key, None)
        run.fetch = None
        self._fetch_next(run, now)
        self._start_waiting(now)

    def _abort(self, run: Run) -> None:
        assert run.fetch is not None
        del self._runs[run.fetch]
        self._outbox.do(CancelFetch(run.fetch))
        run.fetch = None

    def _all_runs(self) -> list[Run]:
        return [*self._runs.values(), *self._waiting, *self._padding]

    def _end_run(self, run: Run) -> list[Place]:
        """Give up a run. The blocks of it that were still to come."""
        places = self._places_in(run)
        for place in places:
            del self.requests[place]
        if run.fetch is not None:
            self._abort(run)
        elif run in self._waiting:
            self._waiting.remove(run)
        else:
            self._padding.remove(run)
        return places

    def _places_in(self, run: Run) -> list[Place]:
        """The blocks of a run that are asked for and still to come."""
        if run.is_stream:
            return list(self.requests)
        length = self._metainfo.piece_length
        places: list[Place] = []
        index, within = divmod(run.position, length)
        begin = within - within % BLOCK_LENGTH
        while index * length + begin < run.end:
            if (index, begin) in self.requests:
                places.append((index, begin))
            begin += BLOCK_LENGTH
            if begin >= length:
                index, begin = index + 1, 0
        return places

    # --- servers that ignore ranges --------------------------------------------------------------

    def _become_stream(self, run: Run) -> list[Place]:
        """The server sends the file of this run from its beginning, and will do so with every other."""
        assert run.file is not None
        file = self._metainfo.files[run.file]
        self._ignores_ranges = True
        if self._is_wasteful(run.file):
            return []
        length = self._metainfo.piece_length
        asked = list(self.requests)
        # First the other runs: a block that was taken back and asked for again may lie in two of them.
        for other in self._all_runs():
            if other is not run:
                self._end_run(other)
        kept = {place for place in self._places_in(run) if place[0] * length + place[1] >= file.offset}
        lost = [place for place in asked if place not in kept]
        for place in lost:
            self.requests.pop(place, None)
        run.is_stream = True
        run.partial.clear()
        run.position = run.fetch_start = file.offset
        run.fetch_end = file.offset + file.length
        run.end = self._metainfo.extent
        return lost

    def _is_useful(self, file: int) -> bool:
        """Whether a stream should read a file: something of it is asked for, and that is not too little."""
        return self._asked_end(file) > 0 and not self._is_wasteful(file)

    def _asked_end(self, file: int) -> int:
        """How far a file must be read for all that is asked for of it; 0 if nothing is."""
        length = self._metainfo.piece_length
        entry = self._metainfo.files[file]
        ends = (index * length + begin + BLOCK_LENGTH - entry.offset for index, begin in self.requests)
        return max((min(end, entry.length) for end in ends if 0 < end < entry.length + BLOCK_LENGTH), default=0)

    def _is_wasteful(self, file: int) -> bool:
        offset, piece_length = self._metainfo.files[file].offset, self._metainfo.piece_length
        length = self._asked_end(file)
        wanted = self._wants.count_wanted(offset // piece_length, (offset + length - 1) // piece_length)
        useful = min(wanted * piece_length, length)
        if length - useful <= max(MAX_WASTE, useful):
            return False
        self._wasteful.append(file)
        return True

    def _enter(self, run: Run, index: int, now: float) -> None:
        """A stream comes to a piece: take it along, or stop where the rest of the file is of no use."""
        for place in self._wants.claim(self, index):
            self.requests[place[:2]] = now
        assert run.file is not None
        pieces = self._metainfo.file_pieces(run.file)
        assert pieces is not None
        if not self.requests and not self._wants.count_wanted(index, pieces[1]):
            self._abort(run)
            run.position = run.fetch_end
            self._fetched(run, now)

    # --- bytes into blocks -----------------------------------------------------------------------

    def _take(self, run: Run, data: memoryview, now: float) -> Iterator[Piece]:
        """The next bytes of a run are here: the blocks that they complete."""
        fetch, length = run.fetch, self._metainfo.piece_length
        while data:
            index, within = divmod(run.position, length)
            if run.is_stream and within == 0 and run.fetch is not None:
                self._enter(run, index, now)
            if run.fetch != fetch:
                return
            begin = within - within % BLOCK_LENGTH
            size = min(BLOCK_LENGTH, self._metainfo.piece_size(index) - begin)
            # Behind a piece that is shorter there is nothing until the next one (BEP 52).
            is_gap = within >= begin + size
            part = data[: (length if is_gap else begin + size) - within]
            data = data[len(part) :]
            run.position += len(part)
            if is_gap or (index, begin) not in self.requests:
                run.partial.clear()
            elif len(part) == size:
                yield self._block(index, begin, part, now)
            else:
                run.partial += part
                if within + len(part) == begin + size:
                    block, run.partial = run.partial, bytearray()
                    if len(block) == size:  # a stream may begin in the middle of a block
                        yield self._block(index, begin, memoryview(block), now)

    def _pad(self, run: Run, end: int, now: float) -> Iterator[Piece]:
        """What lies between the run's position and `end` is padding."""
        while run.position < end:
            before = run.position
            yield from self._take(run, _ZEROS[: end - run.position], now)
            if run.position == before:
                return

    def _block(self, index: int, begin: int, data: memoryview, now: float) -> Piece:
        sent_at = self.requests.answered((index, begin), len(data))
        assert sent_at is not None
        self.last_wait = now - sent_at
        self.last_block = now
        self.download.add(len(data), now)
        return Piece(index, begin, data)

    def _files_between(self, start: int, end: int) -> Iterator[int | None]:
        return (span.file for span in self._spans.spans(start, end))

    def _file_start(self, offset: int) -> int:
        """Where the file begins that has this byte of the torrent."""
        file = next(self._spans.spans(offset, offset + 1)).file
        return offset if file is None else self._metainfo.files[file].offset
