"""One client of a simulated swarm, and what its host does: lines, sockets, store and timer."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.invariants import check_client
from tests.simulation.lines import Line, Uplink
from tests.simulation.watch import Watch, padding_in
from webtorrent_py import actions as a
from webtorrent_py.client import Client
from webtorrent_py.codec.address import Address
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.merkle import piece_digests
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.events import Event, TorrentDone
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.messages import Message

if TYPE_CHECKING:
    from tests.simulation.network import Network

Tamper = Callable[["Node", Message | Handshake], list[Message | Handshake | bytes]]
"""What a node says instead of a message."""


@dataclass
class Socket:
    """A node's connection to a tracker: texts take `latency` seconds and keep their order."""

    url: str
    latency: float


class Node:
    """One client with its store.

    `tamper` changes what it says, `rate` is what it sends per second and peer, `uplink` to all of them together. With
    `tcp` it takes connections at its `address`, and connects to others at theirs. `options` are the client's.
    """

    def __init__(
        self,
        network: "Network",
        name: str,
        *,
        tamper: Tamper | None = None,
        rate: float | None = None,
        tcp: bool = False,
        uplink: float | None = None,
        max_conns: int = 30,
        **options: Any,
    ) -> None:
        self.network = network
        self.name = name
        self.tamper = tamper
        self.rate = rate or network.rate
        uplink = uplink or network.uplink
        self.uplink = Uplink(network, uplink) if uplink else None
        number = len(network.nodes)
        self.address = Address(f"10.0.{number >> 8}.{number & 255}", 6881 if tcp else 0)
        self.client = Client(
            peer_id=network.random.randbytes(20),
            random=Random(network.random.getrandbits(64)),
            max_conns=max_conns,
            dials_addresses=tcp,
            listen_port=6881 if tcp else None,
            **options,
        )
        self.stores: dict[int, dict[int, bytes]] = {}
        self.lines: dict[int, Line] = {}
        self.sockets: dict[int, Socket] = {}
        self.events: list[Event] = []
        self.sent_bytes = 0
        self.is_full = False
        """Whether the store takes nothing more."""
        self.watch = Watch(self)
        self._held: dict[tuple[int, int], bytes] = {}
        self._fetches: set[int] = set()
        self._piece_length: dict[int, int] = {}
        # Blocks on the way to each line's end; when none is, the client may give more.
        self._unsent: dict[int, int] = {}
        self._timer: float | None = None

    # --- what tests do -------------------------------------------------------------------------

    def seed(self, metainfo: Metainfo, content: bytes, **options: Any) -> Torrent:
        """Offer the content."""
        self.network.contents[metainfo.info] = content
        torrent = self.client.add(metainfo, self.network.now, have_all=True, **options)
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

    def held(self, torrent: int, index: int) -> bytes:
        """The piece that was hashed and is neither stored nor dropped."""
        return self._held[torrent, index]

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

    def data_arrived(self, handle: int, data: bytes, payload: int) -> None:
        """Bytes came from a peer, and with them the last of `payload` bytes of blocks."""
        if handle in self.lines:
            self.network.record(self, "data", len(data))
            self.watch.arrived(handle, payload)
            self.do(self.client.receive_data, handle, data)

    def link(self, handle: int, other: "Node", its_handle: int) -> None:
        """The channel to another node is open."""
        self.network.record(self, "link", handle)
        line = Line(self.network, self.rate, self.uplink)
        line.other = (other, its_handle)
        self.lines[handle] = line
        self.do(self.client.channel_opened, handle)

    def close_line(self, handle: int) -> None:
        """Close a connection from this end."""
        line = self.lines.pop(handle, None)
        if line is not None:
            line.close()
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
                self.watch.action(action)
                self._perform(action)
        events = self.client.events_received()
        self.events += events
        self.watch.turn(events)
        if self.network.random.random() < self.network.checked:
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
                self.lines[peer] = Line(network, self.rate, self.uplink)
                self.lines[peer].other = (network.nodes[int(index)], int(handle))
                network.after(0.01, lambda: self.do(client.answer_created, peer, answer))
            case a.AcceptAnswer(peer, sdp):
                _, index, handle = sdp.split()
                other = network.nodes[int(index)]
                if int(handle) in other.lines and network.reachable(self, other):
                    network.after(2 * network.latency, lambda: self.link(peer, other, int(handle)))
                    network.after(2 * network.latency, lambda: other.link(int(handle), self, peer))
            case a.OpenConnection(peer, host, port):
                network.after(2 * network.latency, lambda: network.call(self, peer, Address(host, port)))
            case a.Send(peer, data):
                self.say(peer, data, padding_in(data))
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
            case a.StorePiece(torrent, index) if self.is_full:
                del self._held[torrent, index]
                network.after(0.001, lambda: self.do(client.storage_full, torrent, index, "the disk is full"))
            case a.StorePiece(torrent, index):
                network.record(self, "piece", index)
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

    def say(self, peer: int, data: bytes, payload: int = 0, sent: Callable[[], None] | None = None) -> None:
        """Send whole messages, or what is said in their place; `sent` is called when the last byte is out."""
        line = self.lines.get(peer)
        if line is None:
            return
        if self.tamper is not None:
            said = [each for message in line.parser.receive_data(data) for each in self.tamper(self, message)]
            data = b"".join(each if isinstance(each, bytes) else each.serialize() for each in said)
        line.send(data, payload, sent)

    def _send_block(self, peer: int, header: bytes, torrent: int, offset: int, length: int) -> None:
        index, begin = divmod(offset, self._piece_length[torrent])
        # A piece that is not stored raises here: nothing unverified may ever be served.
        block = self.stores[torrent][index][begin : begin + length]
        assert len(block) == length
        self.sent_bytes += length
        self._unsent[peer] = self._unsent.get(peer, 0) + 1
        self.say(peer, header + block, length, lambda: self._block_sent(peer))

    def _block_sent(self, peer: int) -> None:
        self._unsent[peer] -= 1
        if not self._unsent[peer]:
            self.do(self.client.writable, peer)
