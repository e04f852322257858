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

BYTES_PER_SECOND = 12_500_000
# Browsers give their sockets a small buffer, from which a longer burst would overflow; no real line makes such.
BURST = 8
BURST_SECONDS = 0.0005
# What a line holds back when more comes than it carries; the rest is lost.
QUEUE_SECONDS = 0.1
RECEIVE_BUFFER = 4 << 20
LONGEST_DATAGRAM = 65536
ANNOUNCE_INTERVAL = 60


@dataclass(frozen=True, slots=True)
class Line:
    """`delay` in seconds, one way; `loss` is the share of datagrams that is dropped, each way."""

    delay: float = 0.0
    loss: float = 0.0


class Relay:
    """Stands for the page's end at `candidate`: delivers there what others send to `socket`."""

    def __init__(self, line: Line, random: Random, candidate: Address, relays: "dict[Address, Relay]") -> None:
        self._line = line
        self._random = random
        self._candidate = candidate
        self._relays = relays
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, socket.socket, bytes]] = deque()
        self._free_at = 0.0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.bind((candidate[0], 0))
        self._loop.add_reader(self.socket, self._receive)

    def close(self) -> None:
        """Carry no more."""
        self._loop.remove_reader(self.socket)
        self._waiting.clear()
        self.socket.close()

    def _receive(self) -> None:
        now = self._loop.time()
        was_idle = not self._waiting
        while True:
            try:
                datagram, source = self.socket.recvfrom(LONGEST_DATAGRAM)
            except BlockingIOError:
                break
            sender = self._relays.get(source)
            # A sender of whom nobody was told yet will try again.
            if sender is None or self._random.random() < self._line.loss or self._free_at > now + QUEUE_SECONDS:
                continue
            self._free_at = max(self._free_at, now) + len(datagram) / BYTES_PER_SECOND
            self._waiting.append((self._free_at + self._line.delay, sender.socket, datagram))
        if was_idle and self._waiting:
            self._loop.call_at(self._waiting[0][0], self._deliver)

    def _deliver(self) -> None:
        now = self._loop.time()
        for _ in range(BURST):
            if not self._waiting or self._waiting[0][0] > now:
                break
            _, sender, datagram = self._waiting.popleft()
            try:
                sender.sendto(datagram, self._candidate)
            except OSError:
                continue  # The page is gone, or its queue full: lost, as on any line.
        if self._waiting:
            self._loop.call_at(max(self._waiting[0][0], now + BURST_SECONDS), self._deliver)


class Relays:
    """One relay for each candidate. Used on the event loop's thread only."""

    def __init__(self, line: Line, random: Random) -> None:
        self._line = line
        self._random = random
        self._relays: dict[Address, Relay] = {}

    def reroute(self, sdp: str) -> str:
        """The same description with relays for UDP candidates over IPv4, and without others."""
        lines = [self._reroute_line(line) for line in sdp.splitlines()]
        return "".join(f"{line}\r\n" for line in lines if line is not None)

    def close(self) -> None:
        """Close all sockets."""
        for relay in self._relays.values():
            relay.close()

    def _reroute_line(self, line: str) -> str | None:
        if not line.startswith("a=candidate:"):
            return line
        fields = line.split(" ")
        protocol, host, port = fields[2].lower(), fields[4], fields[5]
        if protocol != "udp" or ":" in host:
            return None
        candidate = host, int(port)
        if candidate not in self._relays:
            self._relays[candidate] = Relay(self._line, self._random, candidate, self._relays)
        fields[4], fields[5] = map(str, self._relays[candidate].socket.getsockname())
        return " ".join(fields)


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
