"""A small WebSocket tracker for development and tests, on aiohttp.

It keeps everything in memory, trusts its users to be few, and is no tracker for the open internet.
"""

import asyncio
from random import Random
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from webtorrent_py.desktop.signalling import Delivery, Eviction, Signalling
from webtorrent_py.errors import LocalError
from webtorrent_py.tracker.fields import TEXT_LENGTH_LIMIT

ANNOUNCE_INTERVAL: Final = 60
"""Seconds. Stock has 120; a shorter one lets peers meet sooner that came while no offers were left."""

_PING_INTERVAL: Final = 30.0
_QUEUE_LIMIT: Final = 256  # texts that wait for a slow client
_SHUTDOWN_TIMEOUT: Final = 1.0


class _Socket:
    """One client: what it shall be sent waits in a queue, so that a slow one holds back nobody else."""

    def __init__(self, response: web.WebSocketResponse) -> None:
        self._response = response
        self._texts: asyncio.Queue[str] = asyncio.Queue(_QUEUE_LIMIT)

    def send(self, text: str) -> bool:
        """False if the client is too slow for what it is sent."""
        try:
            self._texts.put_nowait(text)
        except asyncio.QueueFull:
            return False
        return True

    async def write(self) -> None:
        """Send what is queued until the socket closes."""
        while True:
            text = await self._texts.get()
            try:
                await self._response.send_str(text)
            except ConnectionError:  # the reading side ends with the socket, too, and cleans up
                return

    async def close(self, code: WSCloseCode, reason: bytes) -> None:
        await self._response.close(code=code, message=reason)


class DevelopmentTracker:
    """Serves by itself (`start`, `stop`), or as the `handler` of a route in another aiohttp application."""

    def __init__(self, *, interval: int = ANNOUNCE_INTERVAL, random: Random | None = None) -> None:
        self._signalling: Signalling[_Socket] = Signalling(interval, random or Random())
        self._sockets: set[_Socket] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._address: tuple[str, int] | None = None

    @property
    def url(self) -> str:
        """Where to announce. Raises `LocalError` before `start`."""
        if self._address is None:
            raise LocalError("the tracker has not been started")
        host, port = self._address
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; port 0 takes any that is free. Returns the port."""
        if self._runner is not None:
            raise LocalError("the tracker has been started already")
        application = web.Application()
        application.router.add_get("/{path:.*}", self.handler)
        self._runner = web.AppRunner(application, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._address = host, self._runner.addresses[0][1]
        return self._address[1]

    async def stop(self) -> None:
        """Close all sockets, and stop listening if `start` was called."""
        sockets = [socket.close(WSCloseCode.GOING_AWAY, b"the tracker stops") for socket in self._sockets]
        await asyncio.gather(*sockets, *self._closing)
        runner, self._runner, self._address = self._runner, None, None
        if runner is not None:
            await runner.cleanup()

    async def handler(self, request: web.Request) -> web.StreamResponse:
        """One client, from the upgrade of its request to the end of its socket."""
        # In a text message a character takes up to four bytes.
        response = web.WebSocketResponse(max_msg_size=4 * TEXT_LENGTH_LIMIT, heartbeat=_PING_INTERVAL)
        if not response.can_prepare(request):
            return web.Response(status=426, text="This is a WebSocket tracker.\n", headers={"Upgrade": "websocket"})
        await response.prepare(request)
        socket = _Socket(response)
        self._sockets.add(socket)
        writing = asyncio.create_task(socket.write())
        try:
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    self._receive(socket, message.data)
                elif message.type is WSMsgType.BINARY:
                    self._receive(socket, message.data.decode(errors="replace"))
        finally:
            self._forget(socket)
            writing.cancel()
        return response

    def _receive(self, socket: _Socket, text: str) -> None:
        if socket not in self._sockets:  # it is being closed
            return
        for result in self._signalling.receive_text(socket, text):
            match result:
                case Delivery(receiver, delivered):
                    if not receiver.send(delivered):
                        self._close(receiver, b"too slow")
                case Eviction(evicted):
                    self._close(evicted, b"the peer has come back on another connection")

    def _close(self, socket: _Socket, reason: bytes) -> None:
        self._forget(socket)
        # Closing waits for the other side; that must not hold up whoever caused it.
        closing = asyncio.create_task(socket.close(WSCloseCode.POLICY_VIOLATION, reason))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _forget(self, socket: _Socket) -> None:
        self._sockets.discard(socket)
        self._signalling.connection_closed(socket)
