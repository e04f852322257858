"""A slow and lossy line between two pages: a tracker, and relays that delay and drop UDP datagrams.

Strategy: what one page tells the other of how to reach it passes through the tracker, which puts a relay's address
in the place of each candidate's. So the pages, which are not changed, find no other way to each other. A relay
stands for one candidate: what comes to it goes to that candidate, sent by the relay that stands for the sender.

Runs in a process of its own: python -m tests.bench.line DELAY LOSS. Prints the tracker's address; ends when its
standard input is closed.
"""

import asyncio
import json
import socket
import sys
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from tests.peers.hosts import Background, Host
from webtorrent_py.desktop.signalling import Delivery, Signalling

Address = tuple[str, int]

RECEIVE_BUFFER = 4 << 20
LONGEST_DATAGRAM = 65536
ANNOUNCE_INTERVAL = 60


@dataclass(frozen=True, slots=True)
class Line:
    """`delay` in seconds, one way; `loss` is the share of datagrams that is dropped, each way."""

    delay: float = 0.0
    loss: float = 0.0


class Relays:
    """One socket for each candidate. Used on the event loop's thread only."""

    def __init__(self, line: Line, random: Random) -> None:
        self._line = line
        self._random = random
        self._sockets: dict[Address, socket.socket] = {}
        # The delay is the same for all, so the order is that of coming in: sender, datagram, receiver.
        self._waiting: deque[tuple[float, socket.socket, bytes, Address]] = deque()

    def reroute(self, sdp: str) -> str:
        """The same description with relays for UDP candidates over IPv4, and without others."""
        lines = [self._reroute_line(line) for line in sdp.splitlines()]
        return "".join(f"{line}\r\n" for line in lines if line is not None)

    def _reroute_line(self, line: str) -> str | None:
        if not line.startswith("a=candidate:"):
            return line
        fields = line.split(" ")
        protocol, host, port = fields[2].lower(), fields[4], fields[5]
        if protocol != "udp" or ":" in host:
            return None
        fields[4], fields[5] = map(str, self._stand_in((host, int(port))))
        return " ".join(fields)

    def _stand_in(self, candidate: Address) -> Address:
        relay = self._sockets.get(candidate)
        if relay is None:
            relay = self._sockets[candidate] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            relay.setblocking(False)
            relay.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            relay.bind((candidate[0], 0))
            asyncio.get_running_loop().add_reader(relay, self._receive, relay, candidate)
        address: Address = relay.getsockname()
        return address

    def _receive(self, relay: socket.socket, candidate: Address) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._line.delay
        was_idle = not self._waiting
        while True:
            try:
                datagram, source = relay.recvfrom(LONGEST_DATAGRAM)
            except BlockingIOError:
                break
            sender = self._sockets.get(source)
            # A sender of whom nobody was told yet will try again.
            if sender is not None and self._random.random() >= self._line.loss:
                self._waiting.append((due, sender, datagram, candidate))
        if was_idle and self._waiting:
            loop.call_at(due, self._send_due)

    def _send_due(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, sender, datagram, candidate = self._waiting.popleft()
            try:
                sender.sendto(datagram, candidate)
            except OSError:
                continue  # The page is gone, or its queue full: lost, as on any line.
        if self._waiting:
            loop.call_at(self._waiting[0][0], self._send_due)


class LineTracker(Host):
    """A WebSocket tracker that reroutes offers and answers. GET with `?sdp=` answers with that one rerouted."""

    def __init__(self, background: Background, line: Line) -> None:
        super().__init__(background)
        self._relays = Relays(line, Random(1))
        self._signalling: Signalling[web.WebSocketResponse] = Signalling(ANNOUNCE_INTERVAL, Random(1))

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        if "sdp" in request.query:
            return web.Response(text=self._relays.reroute(request.query["sdp"]))
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        try:
            async for frame in connection:
                if frame.type is WSMsgType.TEXT:
                    await self._receive(connection, json.loads(frame.data))
        finally:
            self._signalling.connection_closed(connection)
        return connection

    async def _receive(self, connection: web.WebSocketResponse, message: dict[str, Any]) -> None:
        for description in [message.get("answer"), *(each["offer"] for each in message.get("offers") or ())]:
            if description:
                description["sdp"] = self._relays.reroute(description["sdp"])
        for result in self._signalling.receive_text(connection, json.dumps(message)):
            if isinstance(result, Delivery):
                await result.connection.send_str(result.text)
            else:
                await result.connection.close()


def main(delay: str, loss: str) -> None:
    """Serve until standard input is closed."""
    with Background() as background, LineTracker(background, Line(float(delay), float(loss))) as tracker:
        print(tracker.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
