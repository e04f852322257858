"""What a block costs between a channel's message and the store, counted: calls that noise cannot change.

The client is whole, on the host of the browser; JavaScript and the peer are played here. Counted are the calls
across the border to JavaScript, both ways, the bytes that are copied over it, and the calls of Python functions. The
limits are a little above what it takes today: what needs more is slower, and what needs much less should lower them.
"""

import asyncio
import json
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

import webtorrent_py
from tests.unit.browser.conftest import Buffer
from webtorrent_py.api import WebTorrent
from webtorrent_py.codec.creation import create_info
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.parser import WireParser

PACKAGE = str(Path(webtorrent_py.__file__).parent)
RECORD = struct.Struct("<IIdII")
BLOCK = 16384
PIECE = 262144
BLOCKS = 1024
CONTENT = Random(5).randbytes(BLOCKS * BLOCK)
PIECES = b"".join(sha1(CONTENT[start : start + PIECE]).digest() for start in range(0, len(CONTENT), PIECE))
INFO = create_info("content", [(("content",), len(CONTENT))], PIECE, PIECES, single_file=True)
# Seconds that a message takes to come: 64 KiB at about 30 MB/s.
MESSAGE_SECONDS = 0.002


@dataclass
class Costs:
    """Of all blocks together; `copied` is in bytes."""

    blocks: int = 0
    crossings: int = 0
    copied: int = 0
    python_calls: int = 0


class World:
    """Plays `web/src/worker/io.js`, a tracker and one peer; the client's calls of JavaScript come here by name."""

    def __init__(self) -> None:
        self.costs = Costs()
        self.now = 0.0
        self.peer = self._socket = 0
        self._answered = asyncio.Event()
        self.requests: list[m.Request] = []
        self.unchoked = False
        self._inbox: deque[tuple[Any, ...]] = deque()
        self._sent: list[bytes] = []
        self._parser = WireParser()
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._info_hash = sha1(INFO).digest()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        action = getattr(type(self), f"on_{name}", None)

        def call(*args: Any) -> Any:
            self.costs.crossings += 1
            return action(self, *args) if action else None

        return call

    def start(self) -> WebTorrent:
        """A client and what belongs to it, as `webtorrent_py.browser.main` makes them."""
        from webtorrent_py.browser.bridge import Bridge
        from webtorrent_py.browser.host import BrowserHost

        host = BrowserHost(self)
        host.now = lambda: self.now  # type: ignore[method-assign]
        client = WebTorrent(host, trackers=("ws://tracker.test",))
        self._bridge = Bridge(client, self)
        host.connect(client, call=self._bridge.call, updated=self._bridge.updated)
        return client

    async def call(self, name: str, arguments: list[Any], *data: Buffer) -> None:
        """A call of the page, to its end."""
        self._answered.clear()
        self._bridge.call(1, name, json.dumps(arguments), *data)
        await self._answered.wait()

    def meet(self) -> None:
        """Have the client connect to the peer, and both say hello."""
        self.deliver()
        names = {"info_hash": self._info_hash.decode("latin-1"), "peer_id": "p" * 20, "offer_id": "o" * 20}
        offer = {"action": "announce", **names, "offer": {"type": "offer", "sdp": "v=0"}}
        self._inbox.append(("socket_received", self._socket, json.dumps(offer)))
        self.deliver()
        self.say(Handshake.ours(self._info_hash, b"p" * 20))

    def say(self, *messages: Any) -> None:
        """Messages of the peer, in one message of the channel."""
        self.send(b"".join(message.serialize() for message in messages))

    def send(self, data: bytes) -> None:
        """A message of the channel."""
        self.now += MESSAGE_SECONDS * len(data) / 65536
        self._inbox.append(("receive_data", self.peer, CountedBuffer(data, self.costs)))
        self.deliver()

    def writable(self) -> None:
        """All that was sent has left."""
        self._inbox.append(("writable", self.peer))
        self.deliver()

    def deliver(self) -> None:
        """Let JavaScript call Python until nothing is left to tell."""

        def count(frame: FrameType, event: str, _: Any) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
                self.costs.python_calls += 1

        while self._inbox:
            name, *args = self._inbox.popleft()
            self.costs.crossings += 1
            sys.setprofile(count)
            try:
                self._handlers[name](*args)
            finally:
                sys.setprofile(None)
            for records in self._sent:
                self._hear(records)
            self._sent.clear()

    # What Python calls.

    def on_connect(self, handlers: dict[str, Callable[..., Any]]) -> None:
        self._handlers = handlers

    def on_settle(self, _number: int, _result: str) -> None:
        self._answered.set()

    def on_openSocket(self, socket: int, _: str) -> None:  # noqa: N802 - the name it has in JavaScript
        self._socket = socket
        self._inbox.append(("socket_opened", socket))

    def on_acceptOffer(self, peer: int, _: str) -> None:  # noqa: N802
        self.peer = peer
        self._inbox += [("answer_created", peer, "v=0"), ("channel_opened", peer)]

    def on_hashPiece(self, torrent: int, index: int, data: bytearray, *_: Any) -> None:  # noqa: N802
        self.costs.copied += len(data)
        self._inbox.append(("piece_hashed", torrent, index, Buffer(sha1(data).digest())))

    def on_storePiece(self, torrent: int, index: int) -> None:  # noqa: N802
        self._inbox.append(("piece_stored", torrent, index))

    def on_transmit(self, records: bytes) -> None:
        self.costs.copied += len(records)
        self._sent.append(records)

    def _hear(self, records: bytes) -> None:
        """Take what was sent, as the peer."""
        at = 0
        while at < len(records):
            _, torrent, _, _, size = RECORD.unpack_from(records, at)
            at += RECORD.size
            if torrent:
                self.costs.blocks += 1
            else:
                for message in self._parser.receive_data(records[at : at + size]):
                    if isinstance(message, m.Request):
                        self.requests.append(message)
                    elif isinstance(message, m.Unchoke):
                        self.unchoked = True
            at += size

    def on_hashSource(self, _parts: Any, _length: int, *_: Any) -> Any:  # noqa: N802
        async def digests() -> Buffer:
            return Buffer(PIECES)

        return digests()


class CountedBuffer(Buffer):
    """An ArrayBuffer that counts what is copied out of it."""

    def __init__(self, data: bytes, costs: Costs) -> None:
        super().__init__(data)
        self._costs = costs

    def to_bytes(self) -> bytes:
        self._costs.crossings += 1
        self._costs.copied += len(self.data)
        return super().to_bytes()


def joined(blocks: list[m.Piece]) -> Iterator[bytes]:
    """As our own pages send them: one stream, in messages of 64 KiB."""
    stream = b"".join(block.serialize() for block in blocks)
    return (stream[start : start + 65536] for start in range(0, len(stream), 65536))


def whole(blocks: list[m.Piece]) -> Iterator[bytes]:
    """As libtorrent does: a message for each."""
    return (block.serialize() for block in blocks)


def split(blocks: list[m.Piece]) -> Iterator[bytes]:
    """As stock does: the header and the payload in messages of their own."""
    for block in blocks:
        yield m.piece_header(block.index, block.begin, len(block.data))
        yield block.data


def download(cut: Callable[[list[m.Piece]], Iterator[bytes]]) -> Costs:
    """What the whole content costs to get."""

    async def run() -> Costs:
        world = World()
        client = world.start()
        await world.call("add", [1, None, {}], Buffer(b"d4:info" + INFO + b"e"))
        [torrent] = client.torrents
        world.meet()
        world.costs = Costs(blocks=BLOCKS)
        world.say(m.HaveAll(), m.Unchoke())
        while not torrent.done:
            requests, world.requests = world.requests, []
            assert requests, "nothing was asked for, yet pieces are missing"
            blocks = [m.Piece(each.index, each.begin, block_of(each)) for each in requests]
            for data in cut(blocks):
                world.send(data)
        costs = world.costs
        await client.destroy()
        return costs

    return asyncio.run(run())


def serve(batch: int) -> Costs:
    """What the whole content costs to give to a peer that asks for so many blocks at a time."""

    async def run() -> Costs:
        world = World()
        client = world.start()
        await world.call("seed", [1, [("content", 1, len(CONTENT))], {"pieceLength": PIECE}])
        world.meet()
        world.say(m.HaveNone(), m.Interested())
        assert world.unchoked
        world.costs = Costs()
        requests = [m.Request(start // PIECE, start % PIECE, BLOCK) for start in range(0, len(CONTENT), BLOCK)]
        for first in range(0, len(requests), batch):
            world.say(*requests[first : first + batch])
            while world.costs.blocks < first + batch:
                world.writable()
            world.writable()
        costs = world.costs
        await client.destroy()
        return costs

    return asyncio.run(run())


def block_of(request: m.Request) -> bytes:
    start = request.index * PIECE + request.begin
    return CONTENT[start : start + request.length]


@pytest.mark.parametrize(
    ("cut", "crossings", "copies", "python_calls"),
    [(joined, 0.9, 2.01, 46), (whole, 2.5, 2.01, 76), (split, 4.5, 2.01, 105)],
)
def test_a_received_block(
    cut: Callable[[list[m.Piece]], Iterator[bytes]], crossings: float, copies: float, python_calls: float
) -> None:
    costs = download(cut)
    assert costs.crossings / costs.blocks <= crossings
    assert costs.copied / (costs.blocks * BLOCK) <= copies
    assert costs.python_calls / costs.blocks <= python_calls


@pytest.mark.parametrize(("batch", "crossings", "python_calls"), [(1, 4.2, 80), (32, 0.21, 21)])
def test_a_served_block(batch: int, crossings: float, python_calls: float) -> None:
    costs = serve(batch)
    assert costs.blocks == BLOCKS
    assert costs.crossings / costs.blocks <= crossings
    # The payload goes from the store to the channel without touching Python.
    assert costs.copied / costs.blocks <= 100
    assert costs.python_calls / costs.blocks <= python_calls
