"""A host that lives in memory: clients on one asyncio loop, joined by a tracker and lines that are only calls."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.web import WebServer
from webtorrent_py import actions as a
from webtorrent_py.api import WebTorrent
from webtorrent_py.api.host import StorePlan
from webtorrent_py.codec import merkle
from webtorrent_py.desktop.signalling import Delivery, Signalling
from webtorrent_py.errors import FetchError, StorageError

TRACKER = "ws://tracker.test"
TIMEOUT = 20.0


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run an asynchronous test to its end, which must come in time."""

    async def limited() -> None:
        async with asyncio.timeout(TIMEOUT):
            await test()

    asyncio.run(limited())


async def eventually(condition: Callable[[], bool]) -> None:
    """Let others run until the condition holds; `run` sees to it that this does not take for ever."""
    while not condition():  # noqa: ASYNC110 - no event tells of whatever a test looks at
        await asyncio.sleep(0)


class Network:
    """What joins the hosts: one tracker, the lines between peers, and files on the web."""

    def __init__(self) -> None:
        self.tracker: Signalling[tuple[MemoryHost, int]] = Signalling(30, random.Random(1))
        self.connections: dict[str, tuple[MemoryHost, int]] = {}
        self.files: dict[str, bytes] = {}
        self.web = WebServer()
        self._hosts = 0

    def client(self, **options: Any) -> WebTorrent:
        """A client on a host of its own."""
        self._hosts += 1
        host = MemoryHost(self, self._hosts)
        host.client = WebTorrent(host, **options)
        return host.client


class MemoryHost:
    """A `webtorrent_py.api.Host`. An SDP is the name of the connection's end that made it."""

    dials_addresses = False
    listen_port: int | None = None

    def __init__(self, network: Network, seed: int) -> None:
        self.random = random.Random(seed)
        self.network = network
        self.client: WebTorrent = None  # type: ignore[assignment]  # set as soon as there is one
        self.requested_delays: list[float | None] = []
        self.performed: list[a.Action] = []
        self.plans: dict[int, StorePlan] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._stores: dict[int, dict[int, bytes]] = {}
        self._piece_length: dict[int, int] = {}
        self._held: dict[tuple[int, int], bytes] = {}
        self._contents: dict[int, bytes] = {}
        self._cancelled: set[int] = set()
        self._remote: dict[int, tuple[MemoryHost, int]] = {}

    def connect(self, peer: int, host: "MemoryHost", other: int) -> None:
        """Open a channel that no signalling was needed for; its other end is `other` of `host`."""
        self._remote[peer] = (host, other)
        self._later("channel_opened", peer)

    # --- the protocol ---

    def now(self) -> float:
        return self._loop.time()

    def arm_timer(self, delay: float | None) -> None:
        self.requested_delays.append(delay)
        if self._timer:
            self._timer.cancel()
        self._timer = None if delay is None else self._loop.call_later(delay, self.client.handle_timer)

    async def fetch(self, url: str, limit: int) -> bytes:
        await asyncio.sleep(0)
        if url not in self.network.files:
            raise FetchError(f"{url} is not there")
        return self.network.files[url]

    async def read(self, torrent: int, offset: int, length: int) -> bytes:
        await asyncio.sleep(0)
        return self._stored(torrent, offset, length)

    def content_length(self, content: bytes) -> int:
        return len(content)

    async def hash_pieces(
        self, contents: Sequence[bytes], piece_length: int, *, sha1: bool, leaves: bool, padded: bool
    ) -> tuple[bytes, bytes]:
        await asyncio.sleep(0)
        data = b"".join(contents)
        whole = data + bytes(-len(data) % piece_length) if padded else data
        starts = range(0, len(whole), piece_length) if sha1 else ()
        pieces = b"".join(hashlib.sha1(whole[at : at + piece_length]).digest() for at in starts)
        return pieces, merkle.leaves(data) if leaves else b""

    def attach(self, torrent: int, contents: Sequence[bytes], alignment: int = 1) -> None:
        self._contents[torrent] = b"".join(each + bytes(-len(each) % alignment) for each in contents)

    def plan_store(self, torrent: int, plan: StorePlan) -> None:
        self.plans[torrent] = plan

    def perform(self, actions: Sequence[a.Action]) -> None:
        for action in actions:
            self.performed.append(action)
            self._perform(action)

    # --- actions ---

    def _later(self, name: str, *args: Any) -> None:
        self._loop.call_soon(lambda: self.client.handle(getattr(self.client.core, name), *args))

    def _perform(self, action: a.Action) -> None:
        match action:
            case a.OpenSocket(socket, _):
                self._later("socket_opened", socket)
            case a.SendText(socket, text):
                for output in self.network.tracker.receive_text((self, socket), text):
                    if isinstance(output, Delivery):
                        host, to = output.connection
                        host._later("socket_received", to, output.text)
            case a.CloseSocket(socket):
                self.network.tracker.connection_closed((self, socket))
            case a.CreateOffer(peer):
                self._later("offer_created", peer, self._name(peer))
            case a.AcceptOffer(peer, sdp):
                self._remote[peer] = self.network.connections[sdp]
                self._later("answer_created", peer, self._name(peer))
            case a.AcceptAnswer(peer, sdp):
                host, other = self._remote[peer] = self.network.connections[sdp]
                host._remote[other] = (self, peer)
                self._later("channel_opened", peer)
                host._later("channel_opened", other)
            case a.Send(peer, data):
                self._send(peer, data)
            case a.SendBlock(peer, header, torrent, offset, length):
                self._send(peer, header + self._stored(torrent, offset, length))
                self._later("writable", peer)
            case a.ClosePeer(peer):
                host, other = self._remote.pop(peer, (None, 0))
                if host and host._remote.pop(other, None):
                    host._later("channel_closed", other)
            case a.OpenStore(torrent, _, piece_length):
                self._stores[torrent] = {}
                self._piece_length[torrent] = piece_length
            case a.HashPiece(torrent, index, data, sha1, leaf_bytes):
                self._held[torrent, index] = bytes(data)
                digests = merkle.piece_digests(data, with_sha1=sha1, leaf_bytes=leaf_bytes)
                self._later("piece_hashed", torrent, index, digests)
            case a.CheckPiece(torrent, index, offset, length, sha1, leaf_bytes):
                if torrent in self._contents:
                    data = self._stored(torrent, offset, length)
                else:
                    data = self._stores[torrent].get(index, b"")
                found = merkle.piece_digests(data, with_sha1=sha1, leaf_bytes=leaf_bytes)
                self._later("piece_checked", torrent, index, found if len(data) == length else None)
            case a.StorePiece(torrent, index):
                self._stores[torrent][index] = self._held.pop((torrent, index))
                self._later("piece_stored", torrent, index)
            case a.DropPiece(torrent, index):
                del self._held[torrent, index]
            case a.FetchRange(fetch, torrent, url, start, length):
                self._fetch(fetch, torrent, url, start, length)
            case a.CancelFetch(fetch):
                self._cancelled.add(fetch)
            case a.CloseStore(torrent):
                self._stores.pop(torrent, None)
                self._contents.pop(torrent, None)

    def _fetch(self, fetch: int, torrent: int, url: str, start: int, length: int) -> None:
        def tell(name: str, *args: Any) -> None:
            if fetch not in self._cancelled:
                self.client.handle(getattr(self.client.core.fetches, name), torrent, fetch, *args)

        response = self.network.web.get(url, start, length)
        self._loop.call_soon(tell, "range_started", response.status, response.content_range)
        self._loop.call_soon(tell, "range_received", response.body)
        self._loop.call_soon(tell, "range_ended")

    def _name(self, peer: int) -> str:
        name = f"{id(self)} {peer}"
        self.network.connections[name] = (self, peer)
        return name

    def _send(self, peer: int, data: bytes) -> None:
        if remote := self._remote.get(peer):
            host, other = remote
            host._later("receive_data", other, data)

    def _stored(self, torrent: int, offset: int, length: int) -> bytes:
        if torrent in self._contents:
            return self._contents[torrent][offset : offset + length]
        if torrent not in self._stores:
            raise StorageError("the store is closed")
        piece_length = self._piece_length[torrent]
        first, last = offset // piece_length, -(-(offset + length) // piece_length)
        data = b"".join(self._stores[torrent][index] for index in range(first, last))
        return data[offset - first * piece_length :][:length]
