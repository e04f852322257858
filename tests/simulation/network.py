"""Whole swarms in one process and in virtual time: real clients over a network that is only computed.

Everything that happens is an entry in one heap of (time, order, call). All randomness comes from one seed, so
a run that failed is replayed by its seed. After each turn of a client it is checked that what it did was right
(see `watch`); everything that must hold of it, which takes longer than the turn, after a part of the turns.

A node may tamper with what it says: everybody else then meets a peer that does not follow the rules.
"""

import hashlib
import heapq
import zlib
from collections.abc import Callable
from itertools import count
from random import Random

from tests.simulation.lines import Line
from tests.simulation.node import Node
from tests.simulation.web import Web
from webtorrent_py.codec.address import Address
from webtorrent_py.codec.creation import Version, create_info, piece_layer, piece_layers
from webtorrent_py.codec.merkle import leaves
from webtorrent_py.codec.metainfo import Metainfo, parse_info, with_piece_layers
from webtorrent_py.desktop.signalling import Delivery, Eviction, Signalling

TRACKER = "ws://tracker.test"
OTHER_TRACKER = "ws://other.test"
# The share of turns after which everything is checked.
CHECKED = 0.05


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
        self,
        seed: int = 1,
        *,
        latency: float = 0.02,
        rate: float = 2e6,
        interval: int = 30,
        jitter: float = 0.0,
        uplink: float | None = None,
        checked: float = CHECKED,
    ) -> None:
        """`rate`: bytes per second of each line; `uplink`: of all lines of a node together (None: no such limit)."""
        self.now = 0.0
        self.random = Random(seed)
        self.seed = seed
        self.latency = latency
        self.rate = rate
        self.jitter = jitter
        self.uplink = uplink
        self.checked = checked
        self.trace = 0
        """Of all that happened so far: the same in every run of the seed."""
        self.contents: dict[bytes, bytes] = {}
        """What the pieces must be, by info dictionary."""
        self._sides: dict[Node, int] = {}
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
            self._step()

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self._step()
        self.now = end

    def _step(self) -> None:
        self.now, _, call = heapq.heappop(self._heap)
        try:
            call()
        except Exception as error:
            error.add_note(f"replay with seed {self.seed}: it happened at {self.now!r} s")
            raise

    def record(self, node: "Node", what: str, size: int) -> None:
        """Let the trace tell of something that happened to a node."""
        self.trace = zlib.crc32(f"{self.now!r} {node.name} {what} {size}".encode(), self.trace)

    def part(self, *groups: "list[Node]") -> None:
        """Let only nodes of one group reach each other; all others are one more group. Trackers reach everybody."""
        self._sides = {node: number for number, group in enumerate(groups) for node in group}
        for node in self.nodes:
            for handle, line in list(node.lines.items()):
                if line.other is not None and handle in node.lines and not self.reachable(node, line.other[0]):
                    node.lose_line(handle)

    def heal(self) -> None:
        """Let everybody reach everybody again."""
        self._sides = {}

    def reachable(self, one: "Node", other: "Node") -> bool:
        """Whether a connection can be made."""
        return self._sides.get(one) == self._sides.get(other)

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
        if node is not None and not self.reachable(caller, node):
            node = None
        guest = node and node.do(node.client.connection_accepted, caller.address.host, 50_000 + handle)
        if node is None or not isinstance(guest, int):
            caller.do(caller.client.connection_failed, handle, "nobody answers")
            return
        node.lines[guest] = Line(self, node.rate, node.uplink)
        node.lines[guest].other = (caller, handle)
        caller.link(handle, node, guest)

    def tracker_lost(self, node: "Node", socket: int) -> None:
        """A node has closed a socket."""
        for tracker in self.trackers.values():
            tracker.connection_closed((node, socket))
