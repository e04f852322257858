"""A torrent of any number of pieces among any number of peers, all in memory: to see what one event costs.

The content is zeros, so that every piece has the same hash and nothing has to be kept. `Crowd` plays the peers and the
host, and `Meter` measures only what happens inside the torrent.
"""

import hashlib
import sys
from collections import deque
from collections.abc import Callable
from random import Random
from time import thread_time
from types import FrameType
from typing import Any

from webtorrent_py import actions as a
from webtorrent_py.codec.creation import create_info
from webtorrent_py.codec.merkle import piece_digests
from webtorrent_py.codec.metainfo import Metainfo, parse_info
from webtorrent_py.handles import Handles
from webtorrent_py.limits import Throttle
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.options import TorrentOptions
from webtorrent_py.torrent.pieces import BLOCK_LENGTH
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.handshake import Handshake

PIECE_LENGTH = 16 * BLOCK_LENGTH
RATE = 0.5e6
"""Bytes per second that come from each peer."""


def make_metainfo(pieces: int) -> Metainfo:
    """A torrent of this many pieces of zeros."""
    digest = hashlib.sha1(bytes(PIECE_LENGTH)).digest()
    return parse_info(
        create_info("zeros", [(("zeros",), pieces * PIECE_LENGTH)], PIECE_LENGTH, digest * pieces, single_file=True)
    )


class Meter:
    """Sums up what happens in `with` blocks: calls of functions, which are always the same, or seconds."""

    def __init__(self, *, seconds: bool = False) -> None:
        self.total = 0.0
        self._seconds = seconds
        self._begun = 0.0

    def __enter__(self) -> None:
        if self._seconds:
            self._begun = thread_time()
        else:
            sys.setprofile(self._count)

    def __exit__(self, *_: object) -> None:
        if self._seconds:
            self.total += thread_time() - self._begun
        else:
            sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.total += 1


class Crowd:
    """One torrent that downloads from `peers` peers, of which each has half of the pieces, chosen at random."""

    def __init__(self, pieces: int, peers: int, meter: Meter) -> None:
        self.metainfo = make_metainfo(pieces)
        self.random = Random(1)
        self.now = 0.0
        self.meter = meter
        self.peers: dict[int, PeerConnection] = {}
        self.has: dict[int, bytearray] = {}
        self._digests = piece_digests(bytes(PIECE_LENGTH), with_sha1=True, leaf_bytes=0)
        self._requests: dict[int, deque[m.Request]] = {}
        self._outbox = Outbox()
        self.torrent = Torrent(
            1,
            info_hash=self.metainfo.info_hash,
            own_id=bytes(20),
            name=None,
            trackers=(),
            web_seeds=(),
            options=TorrentOptions(max_conns=1000),
            download=Throttle().share(1),
            upload=Throttle().share(1),
            outbox=self._outbox,
            handles=Handles(),
            random=Random(2),
            now=0.0,
        )
        self.torrent.activate(self.metainfo, 0.0)
        self._perform()
        for handle in range(1, peers + 1):
            self.add_peer(handle)
        meter.total = 0.0

    def add_peer(self, handle: int) -> None:
        """A peer comes, and serves us."""
        count = self.metainfo.piece_count
        connection = PeerConnection(
            handle,
            info_hash=self.metainfo.info_hash,
            own_id=bytes(20),
            outgoing=True,
            offer_id=bytes(20),
            outbox=self._outbox,
            now=self.now,
        )
        self.peers[handle] = connection
        self._requests[handle] = deque()
        bits = self.has[handle] = bytearray(self.random.randbytes((count + 7) // 8))
        if count % 8:
            bits[-1] &= 0xFF << 8 - count % 8 & 0xFF
        self.torrent.peer_opened(connection, self.now)
        self.say(handle, Handshake.ours(self.metainfo.info_hash, b"%020d" % handle), m.BitfieldMessage(bytes(bits)))
        self.say(handle, m.Unchoke())

    def say(self, handle: int, *messages: m.Message | Handshake) -> None:
        """A peer says something."""
        data = b"".join([message.serialize() for message in messages])
        self._input(self.torrent.receive_data, self.peers[handle], data)

    def serve(self, blocks: int) -> None:
        """The peers answer this many requests, in turn, and time passes as it would at `RATE`."""
        while blocks:
            asked = [handle for handle, requests in self._requests.items() if requests]
            assert asked, "nobody is asked for anything"
            for handle in asked[:blocks]:
                request = self._requests[handle].popleft()
                self.now += BLOCK_LENGTH / RATE / len(self.peers)
                if (due := self.torrent.get_timer()) is not None and due <= self.now:
                    self._input(self.torrent.handle_timer)
                self.say(handle, m.Piece(request.index, request.begin, bytes(request.length)))
                blocks -= 1

    def tell_haves(self, count: int) -> None:
        """Peers get pieces that they lacked, in turn."""
        told = 0
        while told < count:
            for handle, has in self.has.items():
                index = self.random.randrange(self.metainfo.piece_count)
                if not has[index >> 3] & 0x80 >> (index & 7) and told < count:
                    has[index >> 3] |= 0x80 >> (index & 7)
                    told += 1
                    self.say(handle, m.Have(index))

    def _input(self, method: Callable[..., None], *arguments: object) -> None:
        with self.meter:
            method(*arguments, self.now)
        self._perform()

    def _perform(self) -> None:
        while actions := self._outbox.take_actions():
            for action in actions:
                match action:
                    case a.Send(peer, data):
                        self._take(peer, data)
                    case a.HashPiece(_, index):
                        self._input(self.torrent.piece_hashed, index, self._digests)
                    case a.StorePiece(_, index):
                        self._input(self.torrent.piece_stored, index)
        self._outbox.take_events()

    def _take(self, handle: int, data: bytes) -> None:
        """Read the requests and cancels, all of 17 bytes, among what a peer is told."""
        position = 0
        if data[:1] == b"\x13":
            position = 68
        while position < len(data):
            length = int.from_bytes(data[position : position + 4], "big")
            kind = data[position + 4] if length else None
            if kind in (m.MessageId.REQUEST, m.MessageId.CANCEL):
                fields = (int.from_bytes(data[position + at : position + at + 4], "big") for at in (5, 9, 13))
                request = m.Request(*fields)
                if kind == m.MessageId.REQUEST:
                    self._requests[handle].append(request)
                elif request in self._requests[handle]:
                    self._requests[handle].remove(request)
            position += 4 + length
