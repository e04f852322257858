"""A host whose clients meet peers by address: asyncio streams carry what in a browser goes through data channels."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.unit.api.memory import MemoryHost, Network
from webtorrent_py import actions as a
from webtorrent_py.api import WebTorrent

READ_SIZE = 64 * 1024
HOST = "127.0.0.1"


class TcpHost(MemoryHost):
    """A `webtorrent_py.api.Host` that keeps its store in memory and has a TCP port of its own.

    `kept` are pieces, by index, that the next store to be opened has already.
    """

    dials_addresses = True

    def __init__(self) -> None:
        super().__init__(Network(), random.getrandbits(64))
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._dials: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.kept: dict[int, bytes] = {}

    async def listen(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._accepted, HOST, 0)
        self.listen_port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _perform(self, action: a.Action) -> None:
        match action:
            case a.OpenConnection(peer, host, port):
                self._dials[peer] = self._start(self._connect(peer, host, port))
            case a.ClosePeer(peer):
                if dial := self._dials.pop(peer, None):
                    dial.cancel()
                if writer := self._writers.pop(peer, None):
                    writer.close()
            case a.OpenStore(torrent):
                super()._perform(action)
                self._stores[torrent].update(self.kept)
            case a.SendBlock(peer, header, torrent, offset, length):
                self._send(peer, header + self._stored(torrent, offset, length))
                self._start(self._drained(peer))
            case _:
                super()._perform(action)

    def _send(self, peer: int, data: bytes) -> None:
        if writer := self._writers.get(peer):
            writer.write(data)

    def _start(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tell(self, name: str, *args: Any) -> Any:
        return self.client.handle(getattr(self.client.core, name), *args)

    async def _connect(self, peer: int, host: str, port: int) -> None:
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            self._dials.pop(peer, None)
            self._tell("connection_failed", peer, str(error))
            return
        self._dials.pop(peer, None)
        self._writers[peer] = writer
        self._tell("channel_opened", peer)
        await self._read(peer, reader)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = self._tell("connection_accepted", *writer.get_extra_info("peername")[:2])
        if peer is None:
            writer.close()
            return
        self._writers[peer] = writer
        # Not in the server's own task, which is not ours to cancel.
        self._start(self._read(peer, reader))

    async def _read(self, peer: int, reader: asyncio.StreamReader) -> None:
        try:
            while peer in self._writers and (data := await reader.read(READ_SIZE)):
                self._tell("receive_data", peer, data)
        except ConnectionError:
            pass  # as good as an end
        finally:
            if writer := self._writers.pop(peer, None):
                writer.close()
                self._tell("channel_closed", peer)

    async def _drained(self, peer: int) -> None:
        if writer := self._writers.get(peer):
            try:
                await writer.drain()
            except ConnectionError:
                return  # whoever reads finds the end
            self._tell("writable", peer)


@asynccontextmanager
async def tcp_client(**options: Any) -> AsyncIterator[WebTorrent]:
    """A client that listens, until the end of the block."""
    host = TcpHost()
    await host.listen()
    host.client = WebTorrent(host, **options)
    try:
        yield host.client
    finally:
        if not host.client.destroyed:
            await host.client.destroy()
        await host.close()


async def until(condition: Callable[[], bool], *emitters: Any, names: tuple[str, ...]) -> None:
    """Wait for a condition that can only change when one of the emitters emits one of the names."""
    changed = asyncio.Event()
    listeners = [(emitter, name, emitter.on(name, lambda *_: changed.set())) for emitter in emitters for name in names]
    try:
        while not condition():
            await changed.wait()
            changed.clear()
    finally:
        for emitter, name, listener in listeners:
            emitter.off(name, listener)
