"""Reading bytes of a torrent that may still have to come.

Both readers only say *where* verified bytes are; whoever asked takes them out of the store. So a
browser moves them from its store to the page without passing them through Python.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from webtorrent_py.errors import DestroyedError, InvalidRangeError

if TYPE_CHECKING:
    from webtorrent_py.api.torrent import Torrent

MAX_READ = 1024 * 1024
"""Bytes handed out at once: enough to make calls rare, few enough to be passed around."""


class CoreReader:
    """One reader of the core on `[start, end)` of the torrent, waited on."""

    def __init__(self, torrent: "Torrent", start: int, end: int) -> None:
        self._torrent = torrent
        self._wakers: set[asyncio.Future[None]] = set()
        self.is_open = True
        self.handle = torrent.open_reader(self, start, end)

    async def wait_until(self, is_enough: Callable[[int, int], bool]) -> int:
        """Wait for verified bytes from the position on. Returns where they end.

        `is_enough` is asked with the position and that end. Raises `DestroyedError` when closed meanwhile.
        """
        while True:
            if not self.is_open:
                raise DestroyedError("the reader was closed")
            position, end = self._torrent.core.reader_available(self.handle)
            if is_enough(position, end):
                return end
            waker = asyncio.get_running_loop().create_future()
            self._wakers.add(waker)
            try:
                await waker
            finally:
                self._wakers.discard(waker)

    def move(self, position: int) -> None:
        """Read on from `position`."""
        if self.is_open:
            self._torrent.move_reader(self, position)

    def wake(self) -> None:
        """Bytes were added, or the reader was closed."""
        for waker in self._wakers:
            if not waker.done():
                waker.set_result(None)

    def close(self) -> None:
        """Ask for nothing more. Whoever waits gets `DestroyedError`."""
        if self.is_open:
            self.is_open = False
            self._torrent.close_reader(self)
            self.wake()


class Reader:
    """Reads `[start, end)` of a torrent from front to back; pieces ahead of it come first."""

    def __init__(self, torrent: "Torrent", start: int, end: int) -> None:
        self._reader = CoreReader(torrent, start, end)
        self.torrent = torrent
        self._position = start
        self._end = end

    async def locate(self) -> tuple[int, int] | None:
        """The next verified bytes as (offset in the torrent, length up to `MAX_READ`). None at the end."""
        if self._position >= self._end:
            self.close()
            return None
        available = await self._reader.wait_until(lambda position, end: end > position)
        start = self._position
        self._position = min(available, start + MAX_READ, self._end)
        self._reader.move(self._position)
        return start, self._position - start

    async def read(self) -> bytes | None:
        """The next bytes. None at the end."""
        location = await self.locate()
        return None if location is None else await self.torrent.read(*location)

    def close(self) -> None:
        """Stop asking for these bytes first. A pending `locate` raises `DestroyedError`."""
        self._reader.close()


class RandomReader:
    """Reads anywhere in `[start, end)` of a torrent, as a player does.

    Each request has a core reader of its own, so that just its bytes are urgent. One more stands where
    the newest request began and asks ahead: whoever reads on finds the bytes there, and after a seek
    nothing is asked ahead for the old place.
    """

    def __init__(self, torrent: "Torrent", start: int, end: int) -> None:
        self.torrent = torrent
        self._start = start
        self._end = end
        self._ahead = CoreReader(torrent, start, end)
        self._requests: set[CoreReader] = set()

    async def locate(self, start: int, end: int) -> tuple[int, int]:
        """Wait until `[start, end)`, counted from the reader's start, is verified.

        Returns (offset in the torrent, length). Raises `InvalidRangeError`, `DestroyedError`.
        """
        if not 0 <= start <= end <= self._end - self._start:
            raise InvalidRangeError(f"bytes {start} to {end} are not in a file of {self._end - self._start} bytes")
        if not self._ahead.is_open:
            raise DestroyedError("the reader was closed")
        first, last = self._start + start, self._start + end
        if first == last:
            return first, 0
        self._ahead.move(first)
        request = CoreReader(self.torrent, first, last)
        self._requests.add(request)
        try:
            await request.wait_until(lambda _, available: available >= last)
        finally:
            self._requests.discard(request)
            request.close()
        return first, last - first

    def close(self) -> None:
        """End all requests."""
        self._ahead.close()
        for request in tuple(self._requests):
            request.close()
