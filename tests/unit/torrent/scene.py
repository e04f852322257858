"""One torrent, with peers that a test plays message by message."""

import hashlib
from collections.abc import Container
from random import Random

from tests.invariants import check_torrent
from tests.web import WebServer
from webtorrent_py import actions as a
from webtorrent_py.codec.creation import create_info
from webtorrent_py.codec.merkle import piece_digests
from webtorrent_py.codec.metainfo import Metainfo, parse_info
from webtorrent_py.events import Event
from webtorrent_py.handles import Handles
from webtorrent_py.limits import Throttle
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.options import TorrentOptions
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import ExtendedHandshake, MetadataData
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.parser import WireParser

BLOCK = 16384
OWN_ID = b"-our own peer's id--"


def make_metainfo(content: bytes, piece_length: int, files: list[int] | None = None) -> Metainfo:
    """A torrent of the content, in one file or cut into files of these lengths."""
    pieces = b"".join(
        hashlib.sha1(content[start : start + piece_length]).digest() for start in range(0, len(content), piece_length)
    )
    entries = [((f"file {number}",), length) for number, length in enumerate(files or [len(content)])]
    return parse_info(create_info("content", entries, piece_length, pieces, single_file=files is None))


def _digests(action: a.HashPiece) -> bytes:
    return piece_digests(action.data, with_sha1=action.sha1, leaf_bytes=action.leaf_bytes)


class Remote:
    """The other end of a connection. `say` sends messages to us; `heard` takes what we sent."""

    def __init__(self, scene: "Scene", connection: PeerConnection, peer_id: bytes, fast: bool) -> None:
        self.scene = scene
        self.connection = connection
        self.handle = connection.handle
        self.peer_id = peer_id
        self.closed = False
        self._parser = WireParser()
        self._heard: list[m.Message | Handshake] = []
        hello = Handshake.ours if fast else Handshake
        self.handshake = hello(scene.torrent.info_hash, peer_id)

    def say(self, *messages: m.Message | Handshake) -> None:
        """Send messages, each alone."""
        for message in messages:
            self.send(message.serialize())

    def send(self, data: bytes) -> None:
        """Send bytes."""
        if not self.closed:
            self.scene.torrent.receive_data(self.connection, data, self.scene.now)
            self.scene.settle()

    def take(self, data: bytes) -> None:
        """Bytes from us."""
        self._heard += self._parser.receive_data(data)

    def heard(self, *kinds: type) -> list[m.Message]:
        """What we said since this was last called; of some kinds only, if they are named."""
        heard, self._heard = self._heard, []
        return [each for each in heard if not isinstance(each, Handshake) and (not kinds or isinstance(each, kinds))]

    def requests(self) -> list[tuple[int, int, int]]:
        """The requests among what we said since this was last called."""
        return [(each.index, each.begin, each.length) for each in self.heard(m.Request)]

    def block(self, index: int, begin: int, length: int = BLOCK) -> m.Piece:
        """The right bytes."""
        start = index * self.scene.metainfo.piece_length + begin
        return m.Piece(index, begin, self.scene.content[start : start + length])

    def serve(self, blocks: list[tuple[int, int, int]]) -> None:
        """Answer requests."""
        for block in blocks:
            self.say(self.block(*block))

    def offer_metadata(self, size: int | None = None) -> None:
        """Say that we have the metadata."""
        size = len(self.scene.metainfo.info) if size is None else size
        self.say(m.Extended(0, ExtendedHandshake(ids={"ut_metadata": 1}, metadata_size=size).serialize()))

    def send_metadata(self) -> None:
        """Send all of it; it must fit in one piece."""
        info = self.scene.metainfo.info
        self.say(m.Extended(1, MetadataData(0, len(info), info).serialize()))


class Scene:
    """A torrent of `pieces` pieces, or of `metainfo` and `content`; with `resolving`, without its metadata at first.

    Hashing and storing happen at once unless `slow_store`, which leaves both to `finish_hashing`.
    """

    def __init__(
        self,
        pieces: int = 4,
        piece_length: int = 2 * BLOCK,
        *,
        length: int | None = None,
        content: bytes | None = None,
        files: list[int] | None = None,
        metainfo: Metainfo | None = None,
        resolving: bool = False,
        info_hash: bytes | None = None,
        slow_store: bool = False,
        seed: int = 0,
        **options: object,
    ) -> None:
        self.now = 0.0
        self.content = content or Random(7).randbytes(pieces * piece_length if length is None else length)
        self.metainfo = metainfo or make_metainfo(self.content, piece_length, files)
        self.slow_store = slow_store
        self.hashing: list[a.HashPiece] = []
        self.held: dict[int, bytes] = {}
        self.stored: dict[int, bytes] = {}
        self.events: list[Event] = []
        self.remotes: dict[int, Remote] = {}
        self.web = WebServer()
        self.checks: list[a.CheckPiece] = []
        self.fetches: dict[int, a.FetchRange] = {}
        self._handles = Handles()
        self._outbox = Outbox()
        self.download, self.upload = Throttle(), Throttle()
        self.torrent = Torrent(
            1,
            info_hash=info_hash or self.metainfo.info_hash,
            info_hash_v2=self.metainfo.info_hash_v2,
            own_id=OWN_ID,
            name=None,
            trackers=(),
            web_seeds=(),
            options=TorrentOptions(**options),  # type: ignore[arg-type]
            handles=self._handles,
            download=self.download.share(1),
            upload=self.upload.share(1),
            outbox=self._outbox,
            random=Random(seed),
            now=0.0,
        )
        if not resolving:
            self.torrent.activate(self.metainfo, self.now)
        self.settle()

    def channel(
        self, peer_id: bytes | None = None, *, fast: bool = True, outgoing: bool = True, offer_id: bytes = b"o" * 20
    ) -> Remote:
        """A channel is open; nothing was said on it."""
        handle = self._handles.new()
        connection = PeerConnection(
            handle,
            info_hash=self.torrent.info_hash,
            names=self.torrent.swarm_hashes,
            v2=self.torrent.v2_name,
            own_id=OWN_ID,
            outgoing=outgoing,
            offer_id=offer_id,
            outbox=self._outbox,
            now=self.now,
        )
        remote = Remote(self, connection, peer_id or f"peer {handle}".encode().ljust(20), fast)
        self.remotes[handle] = remote
        self.torrent.peer_opened(connection, self.now)
        self.settle()
        return remote

    def peer(self, *have: int, fast: bool = True, unchoke: bool = True, **options: object) -> Remote:
        """A peer that said hello, what it has (all, if nothing is named), and that it serves us."""
        remote = self.channel(fast=fast, **options)  # type: ignore[arg-type]
        count = self.metainfo.piece_count
        bits = sum(0x80 << 8 * ((count + 7) // 8 - 1) >> index for index in have or range(count))
        remote.say(remote.handshake, m.BitfieldMessage(bits.to_bytes((count + 7) // 8, "big")))
        if unchoke:
            remote.say(m.Unchoke())
        return remote

    def settle(self) -> None:
        """Be the host, then check that all is as it must be."""
        while actions := self._outbox.take_actions():
            for action in actions:
                self._perform(action)
        self.events += self._outbox.take_events()
        self.torrent.take_dropped()
        check_torrent(self.torrent)

    def do(self, call: object, *arguments: object) -> None:
        """Call a method of the torrent that takes the time last."""
        call(*arguments, self.now)  # type: ignore[operator]
        self.settle()

    def pass_time(self, seconds: float) -> None:
        """Let seconds pass, with the timers that come up."""
        end = self.now + seconds
        while (due := self.torrent.get_timer()) is not None and due <= end:
            self.now = max(due, self.now)
            self.do(self.torrent.handle_timer)
        self.now = end

    def take_turns(self) -> None:
        """Let those move blocks whom the limits let."""
        while (turn := self.download.next_turn(self.now)) is not None:
            self.do(self.torrent.download_turn, turn[1])
        while (turn := self.upload.next_turn(self.now)) is not None:
            self.do(self.torrent.upload_turn, turn[1])

    def finish_hashing(self) -> None:
        """The host hashed all that it was given."""
        hashing, self.hashing = self.hashing, []
        for action in hashing:
            self.do(self.torrent.piece_hashed, action.index, _digests(action))

    def finish_checks(self, bad: Container[int] = ()) -> list[int]:
        """Look at what the torrent wants looked at; pieces in `bad` are wrong. Those that were looked at."""
        looked_at = []
        while self.checks:
            check = self.checks.pop(0)
            looked_at.append(check.index)
            data = self.stored.get(check.index)
            if data is not None and check.index in bad:
                data = bytes(len(data))
                del self.stored[check.index]
            digests = None if data is None else piece_digests(data, with_sha1=check.sha1, leaf_bytes=check.leaf_bytes)
            self.do(self.torrent.piece_checked, check.index, digests)
        return looked_at

    def serve_web(self, part: int = 50_000, fetch: int | None = None) -> None:
        """Let the web answer a fetch, or all there are now; bodies come in parts of this size."""
        seeds = self.torrent.web_seeds
        assert seeds is not None
        for handle in list(self.fetches) if fetch is None else [fetch]:
            if handle not in self.fetches:
                continue
            action = self.fetches[handle]
            response = self.web.get(action.url, action.start, action.length)
            self.do(seeds.range_started, handle, response.status, response.content_range)
            for start in range(0, len(response.body), part):
                if handle in self.fetches:
                    self.do(seeds.range_received, handle, response.body[start : start + part])
            if self.fetches.pop(handle, None):
                self.do(seeds.range_ended, handle)

    def download_from_web(self, seconds: float = 600, part: int = 50_000) -> None:
        """Go on until the torrent is done or nothing more is fetched for so long."""
        end = self.now + seconds
        while not self.torrent.done and self.now < end:
            if self.fetches:
                self.serve_web(part)
            else:
                self.pass_time(1)

    def told(self, *kinds: type) -> list[Event]:
        """All events of some kinds so far."""
        return [event for event in self.events if isinstance(event, kinds)]

    def _perform(self, action: a.Action) -> None:
        match action:
            case a.Send(peer, data):
                assert data
                self.remotes[peer].take(data)
            case a.SendBlock(peer, header, _, offset, length):
                self.remotes[peer].take(header + self.content[offset : offset + length])
            case a.ClosePeer(peer):
                assert not self.remotes[peer].closed
                self.remotes[peer].closed = True
            case a.HashPiece(index=index, data=data):
                assert index not in self.held and index not in self.stored
                self.held[index] = bytes(data)
                self.hashing.append(action)
                if not self.slow_store:
                    self.hashing.pop()
                    self.torrent.piece_hashed(index, _digests(action), self.now)
            case a.CheckPiece():
                self.checks.append(action)
            case a.StorePiece(_, index):
                self.stored[index] = self.held.pop(index)
                self.torrent.piece_stored(index, self.now)
            case a.DropPiece(_, index):
                del self.held[index]
            case a.FetchRange(fetch):
                self.fetches[fetch] = action
            case a.CancelFetch(fetch):
                self.fetches.pop(fetch, None)
            case a.OpenStore():
                pass
            case _:
                raise AssertionError(action)
