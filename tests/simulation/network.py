"""Whole swarms in one process and in virtual time: real clients over a network that is only computed.

Everything that happens is an entry in one heap of (time, order, call). All randomness comes from one seed, so
a run that failed is replayed by its seed. What must always hold of a client is checked after a part of its turns,
chosen at random too.

A node may tamper with what it says: everybody else then meets a peer that does not follow the rules.
"""

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from tests.invariants import check_client
from tests.simulation.web import Web
from webtorrent_py import actions as a
from webtorrent_py.client import Client
from webtorrent_py.codec.address import Address
from webtorrent_py.codec.creation import Version, create_info, piece_layer, piece_layers
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.merkle import leaves, piece_digests
from webtorrent_py.codec.metainfo import Metainfo, parse_info, with_piece_layers
from webtorrent_py.desktop.signalling import Delivery, Eviction, Signalling
from webtorrent_py.events import Event, TorrentDone
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.messages import Message
from webtorrent_py.wire.parser import WireParser

TRACKER = "ws://tracker.test"
OTHER_TRACKER = "ws://other.test"
# The share of turns after which everything is checked: that takes longer than the turns themselves.
CHECKED = 0.1

Tamper = Callable[["Node", Message | Handshake], list[Message | Handshake | bytes]]
"""What a node says instead of a message."""


def make_content(size: int, seed: int = 0) -> bytes:
    """Bytes that are the same in every run."""
    return Random(seed).randbytes(size)


def make_metainfo(
    content: bytes, piece_length: int = 32768, name: str = "content", trackers: tuple[str, ...] = (TRACKER,)
) -> Metainfo:
    """A single-file torrent of the content."""
    pieces = b"".join(
        hashlib.sha1(content[start : start + piece_length]).digest() for start in range(0, len(content), piece_length)
    )
    info = create_info(name, [((name,), len(content))], piece_length, pieces, single_file=True)
    return parse_info(info, announce=(trackers,))


def make_v2_metainfo(
    files: list[bytes], version: Version, piece_length: int = 32768, trackers: tuple[str, ...] = (TRACKER,)
) -> tuple[Metainfo, bytes]:
    """A torrent of several files, and its bytes where the pieces have them: gaps are zeros."""
    layers = [piece_layer(leaves(each), piece_length, len(each)) for each in files]
    content = b"".join(each + bytes(-len(each) % piece_length) for each in files)
    pieces = b"".join(
        hashlib.sha1(content[start : start + piece_length]).digest() for start in range(0, len(content), piece_length)
    )
    entries = [((f"file {number:03}",), len(each)) for number, each in enumerate(files)]
    has_v1, has_v2 = version is not Version.V2, version is not Version.V1
    info = create_info(
        "content",
        entries,
        piece_length,
        pieces if has_v1 else None,
        layers=layers if has_v2 else None,
        single_file=False,
    )
    metainfo = parse_info(info, announce=(trackers,))
    return with_piece_layers(metainfo, piece_layers(layers, piece_length)) if has_v2 else metainfo, content


class Network:
    """Time, the tracker, and the lines between nodes."""

    def __init__(
        self, seed: int = 1, *, latency: float = 0.02, rate: float = 2e6, interval: int = 30, jitter: float = 0.0
    ) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self.seed = seed
        self.latency = latency
        self.rate = rate
        self.jitter = jitter
        self.tracker_up = True
        self.trackers: dict[str, Signalling[tuple[Node, int]]] = {
            url: Signalling(interval, self.random) for url in (TRACKER, OTHER_TRACKER)
        }
        self.nodes: list[Node] = []
        self.web = Web(self)
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._heap, (when, next(self._order), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        """Let something happen later."""
        self.at(self.now + delay, call)

    def run(self, until: Callable[[], bool], limit: float = 600.0) -> None:
        """Go on until the condition holds; fail if it does not within `limit` virtual seconds."""
        end = self.now + limit
        while not until():
            if not self._heap or self._heap[0][0] > end:
                raise AssertionError(f"seed {self.seed}: nothing more to come at {self.now:.1f} s: {self.describe()}")
            self.now, _, call = heapq.heappop(self._heap)
            call()

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, call = heapq.heappop(self._heap)
            call()
        self.now = end

    def describe(self) -> str:
        """Where everybody is, for a failure's message."""
        return "; ".join(
            f"{node.name} {torrent.progress:.0%} of {torrent.num_peers} peers"
            for node in self.nodes
            for torrent in node.client.torrents.values()
        )

    def add(self, name: str, **options: object) -> "Node":
        """A new node."""
        node = Node(self, name, **options)  # type: ignore[arg-type]
        self.nodes.append(node)
        return node

    def tracker_received(self, node: "Node", socket: int, text: str) -> None:
        """A node's text has reached the tracker."""
        if not self.tracker_up or socket not in node.sockets:
            return
        for output in self.trackers[node.sockets[socket].url].receive_text((node, socket), text):
            to, its_socket = output.connection
            if isinstance(output, Delivery):
                to.after_socket(its_socket, lambda to=to, s=its_socket, t=output.text: to.socket_text(s, t))
            elif isinstance(output, Eviction):
                to.after_socket(its_socket, lambda to=to, s=its_socket: to.socket_lost(s))

    def call(self, caller: "Node", handle: int, address: Address) -> None:
        """A node connects to another by address; both must be there, and the other have a place for it."""
        node = next((node for node in self.nodes if node.address == address), None)
        guest = node and node.do(node.client.connection_accepted, caller.address.host, 50_000 + handle)
        if node is None or not isinstance(guest, int):
            caller.do(caller.client.connection_failed, handle, "nobody answers")
            return
        node.lines[guest] = Line(self, node.rate)
        node.lines[guest].other = (caller, handle)
        caller.link(handle, node, guest)

    def tracker_lost(self, node: "Node", socket: int) -> None:
        """A node has closed a socket."""
        for tracker in self.trackers.values():
            tracker.connection_closed((node, socket))


@dataclass
class Socket:
    """A node's connection to a tracker: texts take `latency` seconds and keep their order."""

    url: str
    latency: float


class Line:
    """One open channel, seen from one end."""

    def __init__(self, network: Network, rate: float) -> None:
        self.network = network
        self.rate = rate
        self.free_at = 0.0
        self.other: tuple[Node, int] | None = None
        self.parser = WireParser()

    def send(self, data: bytes) -> float:
        """Put bytes on the line, cut at random; the time when the last one is out."""
        network = self.network
        start = max(network.now, self.free_at)
        self.free_at = start + len(data) / self.rate
        if self.other is not None:
            node, handle = self.other
            cut = network.random.randrange(len(data) + 1) if network.random.random() < 0.1 else 0
            for part in (data[:cut], data[cut:]):
                if part:
                    network.at(self.free_at + network.latency, lambda p=part: node.data_arrived(handle, p))
        return self.free_at


class Node:
    """One client with its store.

    `tamper` changes what it says, `rate` is what it sends per second and peer. With `tcp` it takes connections at its
    `address`, and connects to others at theirs.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        *,
        tamper: Tamper | None = None,
        rate: float | None = None,
        tcp: bool = False,
    ) -> None:
        self.network = network
        self.name = name
        self.tamper = tamper
        self.rate = rate or network.rate
        number = len(network.nodes)
        self.address = Address(f"10.0.{number >> 8}.{number & 255}", 6881 if tcp else 0)
        self.client = Client(
            peer_id=network.random.randbytes(20),
            random=Random(network.random.getrandbits(64)),
            max_conns=30,
            dials_addresses=tcp,
            listen_port=6881 if tcp else None,
        )
        self.stores: dict[int, dict[int, bytes]] = {}
        self.lines: dict[int, Line] = {}
        self.sockets: dict[int, Socket] = {}
        self.events: list[Event] = []
        self.sent_bytes = 0
        self._held: dict[tuple[int, int], bytes] = {}
        self._fetches: set[int] = set()
        self._piece_length: dict[int, int] = {}
        self._timer: float | None = None

    # --- what tests do -------------------------------------------------------------------------

    def seed(self, metainfo: Metainfo, content: bytes) -> Torrent:
        """Offer the content."""
        torrent = self.client.add(metainfo, self.network.now, have_all=True)
        length = metainfo.piece_length
        self.stores[torrent.id] = {
            index: content[index * length :][: metainfo.piece_size(index)] for index in range(metainfo.piece_count)
        }
        self.turn()
        return torrent

    def add(self, source: Metainfo | Magnet, **options: Any) -> Torrent:
        """Download."""
        torrent = self.client.add(source, self.network.now, **options)
        self.turn()
        return torrent

    def do(self, call: Callable[..., object], *args: object) -> object:
        """Call a method of the client that takes the time last, as one turn."""
        result = call(*args, self.network.now)
        self.turn()
        return result

    def content(self, torrent: int) -> bytes:
        """All stored pieces, joined."""
        return b"".join(data for _, data in sorted(self.stores[torrent].items()))

    def done(self, torrent: int) -> bool:
        """Whether the client said that the torrent is done."""
        return any(isinstance(event, TorrentDone) and event.torrent == torrent for event in self.events)

    def disappear(self) -> None:
        """Lose all connections without a word."""
        for handle in list(self.lines):
            self.close_line(handle)
        for socket in self.sockets:
            self.network.tracker_lost(self, socket)
        self.sockets.clear()
        self.address = Address(self.address.host, 0)
        self.client.close(self.network.now)
        self.client.actions_to_perform()

    def tell_fetch(self, name: str, action: a.FetchRange, *args: Any, at: float = 0.0) -> None:
        """Hand over what comes of a fetch, `at` seconds from now, unless it was cancelled by then."""

        def tell() -> None:
            if action.fetch in self._fetches:
                if name in ("range_ended", "range_failed"):
                    self._fetches.discard(action.fetch)
                self.do(getattr(self.client.fetches, name), action.torrent, action.fetch, *args)

        self.network.after(at, tell)

    def lose_line(self, handle: int) -> None:
        """Lose one connection; both ends notice."""
        self.close_line(handle)
        self.do(self.client.channel_closed, handle)

    # --- what the network does -----------------------------------------------------------------

    def socket_text(self, socket: int, text: str) -> None:
        """A text came from the tracker."""
        if socket in self.sockets:
            self.do(self.client.socket_received, socket, text)

    def socket_lost(self, socket: int) -> None:
        """The tracker closed the socket, or could not be reached."""
        if self.sockets.pop(socket, None) is not None:
            self.do(self.client.socket_closed, socket, "closed")

    def after_socket(self, socket: int, call: Callable[[], None]) -> None:
        """Let something happen when a text has made its way."""
        if socket in self.sockets:
            self.network.after(self.sockets[socket].latency, call)

    def data_arrived(self, handle: int, data: bytes) -> None:
        """Bytes came from a peer."""
        if handle in self.lines:
            self.do(self.client.receive_data, handle, data)

    def link(self, handle: int, other: "Node", its_handle: int) -> None:
        """The channel to another node is open."""
        line = Line(self.network, self.rate)
        line.other = (other, its_handle)
        self.lines[handle] = line
        self.do(self.client.channel_opened, handle)

    def close_line(self, handle: int) -> None:
        """Close a connection from this end."""
        line = self.lines.pop(handle, None)
        if line is not None and line.other is not None:
            node, its_handle = line.other
            self.network.after(self.network.latency, lambda: node.line_closed(its_handle))

    def line_closed(self, handle: int) -> None:
        """The other end is gone."""
        if self.lines.pop(handle, None) is not None:
            self.do(self.client.channel_closed, handle)

    # --- the host ------------------------------------------------------------------------------

    def turn(self) -> None:
        """Carry out what the client wants done, and set its timer."""
        while actions := self.client.actions_to_perform():
            for action in actions:
                self._perform(action)
        self.events += self.client.events_received()
        if self.network.random.random() < CHECKED:
            check_client(self.client)
        self._arm()

    def _arm(self) -> None:
        due = self.client.get_timer()
        if due is not None and (self._timer is None or due < self._timer):
            self._timer = due
            self.network.at(max(due, self.network.now), lambda: self._ring(due))

    def _ring(self, due: float) -> None:
        if self._timer == due:
            self._timer = None
            self.do(self.client.handle_timer)

    def _perform(self, action: a.Action) -> None:
        network, client = self.network, self.client
        match action:
            case a.OpenSocket(socket, url):
                latency = network.latency + network.random.uniform(0, network.jitter)
                self.sockets[socket] = Socket(url, latency)
                if network.tracker_up and url in network.trackers:
                    network.after(latency, lambda: self.do(client.socket_opened, socket))
                else:
                    network.after(1.0, lambda: self.socket_lost(socket))
            case a.SendText(socket, text):
                self.after_socket(socket, lambda: network.tracker_received(self, socket, text))
            case a.CloseSocket(socket):
                # What was sent before is still delivered.
                self.after_socket(socket, lambda: self.sockets.pop(socket, None))
                self.after_socket(socket, lambda: network.tracker_lost(self, socket))
            case a.CreateOffer(peer):
                sdp = f"offer {network.nodes.index(self)} {peer}"
                network.after(0.01, lambda: self.do(client.offer_created, peer, sdp))
            case a.AcceptOffer(peer, sdp):
                _, index, handle = sdp.split()
                answer = f"answer {network.nodes.index(self)} {peer}"
                self.lines[peer] = Line(network, self.rate)
                self.lines[peer].other = (network.nodes[int(index)], int(handle))
                network.after(0.01, lambda: self.do(client.answer_created, peer, answer))
            case a.AcceptAnswer(peer, sdp):
                _, index, handle = sdp.split()
                other = network.nodes[int(index)]
                if int(handle) in other.lines:
                    network.after(2 * network.latency, lambda: self.link(peer, other, int(handle)))
                    network.after(2 * network.latency, lambda: other.link(int(handle), self, peer))
            case a.OpenConnection(peer, host, port):
                network.after(2 * network.latency, lambda: network.call(self, peer, Address(host, port)))
            case a.Send(peer, data):
                self.say(peer, data)
            case a.SendBlock(peer, header, torrent, offset, length):
                self._send_block(peer, header, torrent, offset, length)
            case a.ClosePeer(peer):
                self.close_line(peer)
            case a.OpenStore(torrent, _, piece_length):
                self.stores.setdefault(torrent, {})
                self._piece_length[torrent] = piece_length
            case a.HashPiece(torrent, index, data, sha1, leaf_bytes):
                self._held[torrent, index] = bytes(data)
                digests = piece_digests(data, with_sha1=sha1, leaf_bytes=leaf_bytes)
                network.after(0.002, lambda: self.do(client.piece_hashed, torrent, index, digests))
            case a.CheckPiece(torrent, index, _, length, sha1, leaf_bytes):
                data = self.stores[torrent].get(index, b"")
                found = piece_digests(data, with_sha1=sha1, leaf_bytes=leaf_bytes) if len(data) == length else None
                network.after(0.002, lambda: self.do(client.piece_checked, torrent, index, found))
            case a.StorePiece(torrent, index):
                self.stores[torrent][index] = self._held.pop((torrent, index))
                network.after(0.001, lambda: self.do(client.piece_stored, torrent, index))
            case a.DropPiece(torrent, index):
                del self._held[torrent, index]
            case a.CloseStore(torrent):
                self.stores.pop(torrent, None)
            case a.FetchRange(fetch):
                self._fetches.add(fetch)
                network.web.fetch(self, action)
            case a.CancelFetch(fetch):
                self._fetches.discard(fetch)

    def say(self, peer: int, data: bytes) -> float:
        """Send whole messages, or what is said in their place; the time when the last byte is out."""
        line = self.lines.get(peer)
        if line is None:
            return self.network.now
        if self.tamper is not None:
            said = [each for message in line.parser.receive_data(data) for each in self.tamper(self, message)]
            data = b"".join(each if isinstance(each, bytes) else each.serialize() for each in said)
        return line.send(data)

    def _send_block(self, peer: int, header: bytes, torrent: int, offset: int, length: int) -> None:
        index, begin = divmod(offset, self._piece_length[torrent])
        # A piece that is not stored raises here: nothing unverified may ever be served.
        block = self.stores[torrent][index][begin : begin + length]
        assert len(block) == length
        self.sent_bytes += length
        out_at = self.say(peer, header + block)
        self.network.at(out_at, lambda: self.do(self.client.writable, peer))
