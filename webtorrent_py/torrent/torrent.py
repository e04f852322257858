"""One torrent of the client: its peers, and the phase that it is in.

A torrent begins in `Resolving` when only its info hash is known, and is `Active` from when its metadata is
there. What a message means depends on the phase, so the phase takes it; what is true in every phase (the
handshake, duplicate peers, bans, timeouts, counting) is here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from webtorrent_py.codec.magnet import swarm_hashes
from webtorrent_py.codec.metainfo import Metainfo, parse_info
from webtorrent_py.errors import (
    FormatError,
    MetainfoError,
    StateError,
    StorageError,
    WebTorrentError,
    WireError,
)
from webtorrent_py.events import (
    ExtendedHandshakeReceived,
    ExtensionMessage,
    MetadataReceived,
    NoPeers,
    PeerConnected,
    PeerDisconnected,
    TorrentFailed,
    TorrentWarning,
)
from webtorrent_py.handles import Handles
from webtorrent_py.limits import Share
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent import upkeep
from webtorrent_py.torrent.active import Active
from webtorrent_py.torrent.bans import Bans
from webtorrent_py.torrent.candidates import Candidates
from webtorrent_py.torrent.choker import Choker
from webtorrent_py.torrent.exchange import Exchange
from webtorrent_py.torrent.options import TorrentOptions
from webtorrent_py.torrent.overview import Overview
from webtorrent_py.torrent.places import least_useful
from webtorrent_py.torrent.readers import Reader
from webtorrent_py.torrent.resolving import Resolving
from webtorrent_py.torrent.selection import HIGHEST, NORMAL, UNWANTED
from webtorrent_py.torrent.state import TorrentState
from webtorrent_py.wire.extensions import OUR_IDS
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.messages import Extended, Message

TICK = 1.0


class Phase(Protocol):
    """What every phase of a torrent can be told."""

    def peer_added(self, peer: PeerConnection, now: float) -> None:
        """A peer finished its handshake."""

    def peer_removed(self, peer: PeerConnection, now: float) -> None:
        """A peer that had finished its handshake is gone."""

    def message_received(self, peer: PeerConnection, message: Message, now: float) -> None:
        """A checked message came. Raises `WireError`."""

    def tick(self, now: float) -> None:
        """About a second has passed."""


class Torrent(Overview):
    """One torrent. All times are seconds of one monotonic clock; all offsets and lengths are bytes."""

    def __init__(
        self,
        id: int,
        *,
        info_hash: bytes,
        info_hash_v2: bytes | None = None,
        own_id: bytes,
        name: str | None,
        trackers: Sequence[str],
        web_seeds: Sequence[str],
        options: TorrentOptions,
        handles: Handles,
        download: Share,
        upload: Share,
        outbox: Outbox,
        random: Random,
        now: float,
    ) -> None:
        self.id = id
        self.info_hash = info_hash
        self.info_hash_v2 = info_hash_v2
        self.swarm_hashes = swarm_hashes(info_hash, info_hash_v2)
        """The 20 bytes under which its peers are found: two for a hybrid, once both are known (BEP 52)."""
        self.trackers = tuple(trackers)
        self.foreign_trackers: frozenset[str] = frozenset()
        """Those of its trackers that it has only because all torrents of the client have them."""
        self.web_seed_urls = tuple(dict.fromkeys(web_seeds))
        self.options = options
        self.paused = options.paused
        self.failed: WebTorrentError | None = None
        self.peers: dict[int, PeerConnection] = {}
        self.metainfo: Metainfo | None = None
        self.announce_extras: Mapping[str, object] = {}
        """What trackers are told besides."""

        self.download_share = download
        self.upload_share = upload
        self._own_id = own_id
        self._name = name
        self._handles = handles
        self._outbox = outbox
        self._random = random
        self.bans = Bans()
        self.candidates = Candidates(self.bans, random)
        self._exchange = Exchange(self.peers, self.candidates, enabled=options.dials_addresses)
        self._dropped: list[int] = []
        self.added_at = now
        self._next_tick = now + TICK
        self._no_peers_at = now + options.no_peers_interval
        self._active: Active | None = None
        self._phase: Phase = Resolving(info_hash, self.peers, info_hash_v2)

    # --- phases --------------------------------------------------------------------------------

    def activate(self, metainfo: Metainfo, now: float) -> None:
        """The metadata is known: go on to `Active`. Peers that had come before are taken along."""
        self.metainfo = metainfo
        if metainfo.private:
            self._exchange.stop()
        self.info_hash_v2 = metainfo.info_hash_v2
        self.swarm_hashes = metainfo.swarm_hashes
        state, check = self.options.state, self.options.check
        if state is not None:
            try:
                state.verified(metainfo)
            except StateError as error:
                # The store has something; how much of it is right will be seen.
                self._outbox.tell(TorrentWarning(self.id, error))
                state, check = None, True
        active = Active(
            self.id,
            metainfo,
            have_all=self.options.have_all,
            state=state,
            priority=UNWANTED if self.options.deselect or self.options.only_files else NORMAL,
            sequential=self.options.sequential,
            max_web_conns=self.options.max_web_conns,
            choker=Choker(self._random, self.options.upload_slots, choke_seeders=self.options.choke_seeders),
            download=self.download_share,
            upload=self.upload_share,
            peers=self.peers,
            handles=self._handles,
            outbox=self._outbox,
            random=self._random,
            now=now,
        )
        self._outbox.tell(MetadataReceived(self.id))
        self._active = active
        self._phase = active
        for first, last in self.options.only_files or ():
            for file in range(first, min(last + 1, len(metainfo.files))):
                active.select_file(file, NORMAL, now)
        if self.paused:
            active.pause(now)
        for peer in list(self.peers.values()):
            try:
                peer.set_names(self.swarm_hashes, self.v2_name)
                peer.set_piece_count(metainfo.piece_count)
            except WireError as error:
                self.punish(peer, error, now)
                continue
            if peer.handshaken:
                self._send_extended_handshake(peer, now)
                active.peer_added(peer, now)
        active.announce_ready()
        if check:
            active.check(now)
        for url in self.web_seed_urls:
            active.web_seeds.add(url, now)

    def _metadata_received(self, info: bytes, now: float) -> None:
        try:
            metainfo = parse_info(info, announce=tuple((url,) for url in self.trackers), web_seeds=self.web_seed_urls)
        except FormatError as error:
            # The info hash is right, so no other peer can have better metadata.
            self.fail(error, now)
            return
        self.activate(metainfo, now)

    def fail(self, error: WebTorrentError, now: float) -> None:
        """Stop for good, and say why."""
        if self.failed is None:
            self.failed = error
            self.close_peers(now, "the torrent failed")
            self._outbox.tell(TorrentFailed(self.id, error))

    # --- peers ---------------------------------------------------------------------------------

    def wants_peer(self, peer_id: bytes | None, now: float | None = None) -> bool:
        """Whether to connect to this peer, or to let it connect, if there is a place for it.

        With `now`, a connection to it that was silent for too long does not count: its end may have gone unnoticed.
        """
        if self.failed is not None or self.paused:
            return False
        if peer_id is None:
            return True
        if peer_id == self._own_id or self.bans.has_id(peer_id):
            return False
        return not any(
            peer.peer_id == peer_id and not (now is not None and upkeep.is_silent(peer, now))
            for peer in self._connected()
        )

    def has_useless_peer(self, now: float) -> bool:
        """Whether there is a peer whose place somebody else may have."""
        return self._least_useful(now) is not None

    def make_room(self, now: float) -> bool:
        """Let a peer go that is of no use, since somebody else asks for a place. False if there is none."""
        peer = self._least_useful(now)
        if peer is not None:
            self.drop(peer, "of no use to each other, and others are waiting", now)
        return peer is not None

    def _least_useful(self, now: float) -> PeerConnection | None:
        return least_useful(self.peers.values(), wants_nothing=self._wants_nothing, now=now)

    def peer_opened(self, peer: PeerConnection, now: float) -> None:
        """A channel to a peer is open: say hello."""
        self.peers[peer.handle] = peer
        self._exchange.opened(peer)
        if self.metainfo is not None:
            peer.set_piece_count(self.metainfo.piece_count)
        peer.send_handshake(now)

    def receive_data(self, peer: PeerConnection, data: bytes, now: float) -> None:
        """Bytes came from a peer. If it breaks the protocol, it alone is dropped."""
        try:
            for message in peer.receive_data(data, now):
                if peer.closed:
                    return
                if isinstance(message, Handshake):
                    self._handshake_received(peer, now)
                else:
                    if isinstance(message, Extended):
                        self._exchange.message_received(peer, message, now)
                    self._phase.message_received(peer, message, now)
                    if isinstance(message, Extended):
                        self._extended_received(peer, message)
                    if self._active is not None and self._active.liars:
                        self._punish_liars(now)
            if isinstance(self._phase, Resolving) and (info := self._phase.take_metadata()) is not None:
                self._metadata_received(info, now)
        except WireError as error:
            self.punish(peer, error, now)

    def writable(self, peer: PeerConnection, now: float) -> None:
        """The peer's channel can take more."""
        peer.writable = True
        if self._active is not None:
            self._active.uploader.serve(peer, now)

    def drop(self, peer: PeerConnection, reason: str, now: float) -> None:
        """End a connection. Nothing is held against the peer."""
        if self.peers.pop(peer.handle, None) is None:
            return
        self._dropped.append(peer.handle)
        peer.close()
        self._exchange.removed(peer, now)
        if peer.handshaken:
            self.bans.left(peer)
            self._phase.peer_removed(peer, now)
            self._outbox.tell(PeerDisconnected(self.id, peer.handle, reason))

    def punish(self, peer: PeerConnection, error: WebTorrentError, now: float) -> None:
        """Drop a peer that broke the rules, keep it away, and tell why."""
        self.bans.ban(peer)
        self.drop(peer, str(error), now)
        self._outbox.tell(TorrentWarning(self.id, error))

    def close_peers(self, now: float, reason: str) -> None:
        """End all connections."""
        for peer in list(self.peers.values()):
            self.drop(peer, reason, now)
        if self.web_seeds is not None:
            self.web_seeds.close(reason, now)

    def take_dropped(self) -> list[int]:
        """The handles of the connections that ended since the last call."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _handshake_received(self, peer: PeerConnection, now: float) -> None:
        assert peer.peer_id is not None
        if peer.peer_id == self._own_id or self.bans.has_id(peer.peer_id):
            peer.handshaken = False
            if peer.address is not None and peer.outgoing:
                self.candidates.avoid(peer.address)
            self.drop(peer, "a connection to ourselves, or to a banned peer", now)
            return
        twin = next((other for other in self._connected() if other is not peer and other.peer_id == peer.peer_id), None)
        if twin is not None:
            # The older one where they are alike (no tracker told them apart): its other end may be gone unnoticed.
            worse = twin if upkeep.is_silent(twin, now) else min(twin, peer, key=self._rank)
            if worse is peer:
                peer.handshaken = False
            self.drop(worse, "a second connection to the same peer", now)
            if worse is peer:
                return
        have = self._active.progress.have if self._active else None
        peer.send_pieces(have, now)
        self._send_extended_handshake(peer, now)
        self._phase.peer_added(peer, now)
        self._outbox.tell(PeerConnected(self.id, peer.handle, peer.peer_id))

    def _send_extended_handshake(self, peer: PeerConnection, now: float) -> None:
        size = len(self.metainfo.info) if self.metainfo else None
        ids = {**OUR_IDS, **self._exchange.ids}
        port = self.options.listen_port
        peer.send_extended_handshake(size, now, ids=ids, port=port, upload_only=self._wants_nothing)

    @property
    def _wants_nothing(self) -> bool:
        """As a seed, or one of a part (BEP 21). Who has nothing either may want it yet: libtorrent would hang up."""
        active = self._active
        return active is not None and not active.progress.have.none and active.downloader.wants_nothing

    def _tell_upload_only(self, now: float) -> None:
        """Tell peers whether we want anything (BEP 21), no more than once a second: readers come and go."""
        for peer in self._connected():
            if peer.am_upload_only != self._wants_nothing:
                self._send_extended_handshake(peer, now)

    def _extended_received(self, peer: PeerConnection, message: Extended) -> None:
        if message.id == 0:
            self._outbox.tell(ExtendedHandshakeReceived(self.id, peer.handle))
        elif (name := peer.extensions.name_of(message.id)) is not None:
            self._outbox.tell(ExtensionMessage(self.id, peer.handle, name, message.payload))

    def _rank(self, peer: PeerConnection) -> tuple[bytes, bytes]:
        """Orders two connections to the same peer; both ends compute the same and keep the greater."""
        assert peer.peer_id is not None
        return (self._own_id if peer.outgoing else peer.peer_id), peer.offer_id

    def _connected(self) -> Iterator[PeerConnection]:
        return (peer for peer in self.peers.values() if peer.handshaken)

    # --- the store -----------------------------------------------------------------------------

    def piece_hashed(self, index: int, digest: bytes, now: float) -> None:
        """The host hashed a complete piece."""
        if self._active is None or self.failed is not None:
            return
        try:
            self._active.piece_hashed(index, digest, now)
        except MetainfoError as error:
            self.fail(error, now)
        self._punish_liars(now)

    def piece_checked(self, index: int, digests: bytes | None, now: float) -> None:
        """The host looked at a piece in the store; None: it is not there."""
        if self._active is None or self.failed is not None:
            return
        try:
            self._active.piece_checked(index, digests, now)
        except MetainfoError as error:
            self.fail(error, now)

    def check(self, now: float) -> None:
        """Look through the store again, once the metadata is known."""
        if self._active is not None and self.failed is None:
            self._active.check(now)

    @property
    def is_checking(self) -> bool:
        """Whether the store is being looked through."""
        return self._active is not None and self._active.is_checking

    def export_state(self, partial_pieces: bool) -> TorrentState:
        """What is needed to go on later."""
        state = replace(
            self.options.state or TorrentState(self.info_hash),
            paused=self.paused,
            trackers=self.trackers,
            web_seeds=self.web_seed_urls,
        )
        return state if self._active is None else self._active.export(state, partial_pieces)

    def _punish_liars(self, now: float) -> None:
        if self._active is None:
            return
        liars, self._active.liars = self._active.liars, []
        for index, handle in liars:
            error = WireError(f"the peer sent wrong bytes in piece {index}")
            if handle in self.peers:
                self.punish(self.peers[handle], error, now)
            elif handle in self._active.web_seeds:
                self._active.web_seeds.punish(handle, f"it sent wrong bytes in piece {index}", now)
            else:
                self.bans.ban_who_left(handle)

    def piece_stored(self, index: int, now: float) -> None:
        """The host stored a verified piece."""
        if self._active is not None and self.failed is None:
            self._active.downloader.piece_stored(index, now)

    def piece_refused(self, index: int, now: float) -> None:
        """The host had no room for a verified piece."""
        if self._active is not None:
            self._active.downloader.piece_refused(index, now)

    def storage_failed(self, reason: str, now: float) -> None:
        """The store is of no use any more."""
        self.fail(StorageError(reason), now)

    # --- what the user wants -------------------------------------------------------------------

    def select(self, first: int, last: int, priority: int, now: float) -> None:
        """Download the pieces from `first` to `last` (inclusive). Higher priorities (1 to 255) come first."""
        if self._active is not None:
            self._active.select_pieces(first, last, min(max(priority, NORMAL), HIGHEST), now)

    def deselect(self, first: int, last: int, now: float) -> None:
        """Do not download the pieces from `first` to `last` (inclusive), unless a reader comes to them."""
        if self._active is not None:
            self._active.select_pieces(first, last, UNWANTED, now)

    def set_critical(self, first: int, last: int, now: float) -> None:
        """Get the pieces from `first` to `last` (inclusive) before all others, as far as they are wanted."""
        if self._active is not None:
            self._active.downloader.set_critical(first, last, now)

    def select_file(self, file: int, now: float, priority: int = NORMAL) -> None:
        """Download the pieces of one file."""
        if self._active is not None:
            self._active.select_file(file, priority, now)

    def deselect_file(self, file: int, now: float) -> None:
        """Do not download the pieces of one file, but for those that it shares with a neighbour."""
        if self._active is not None:
            self._active.select_file(file, UNWANTED, now)

    def add_web_seed(self, url: str, now: float) -> None:
        """Ask a server for the content too (BEP 19)."""
        self.web_seed_urls = tuple(dict.fromkeys((*self.web_seed_urls, url)))
        if self.web_seeds is not None and self.failed is None:
            self.web_seeds.add(url, now)

    def remove_web_seed(self, url: str, now: float) -> None:
        """Ask a server no more."""
        self.web_seed_urls = tuple(each for each in self.web_seed_urls if each != url)
        if self.web_seeds is not None:
            self.web_seeds.remove(url, now)

    def pause(self, now: float) -> None:
        """Move no payload, neither way, and take no new peers."""
        self.paused = True
        for peer in [peer for peer in self.peers.values() if not peer.handshaken]:
            self.drop(peer, "the torrent was paused", now)
        if self._active is not None:
            self._active.pause(now)

    def resume(self, now: float) -> None:
        """Go on after `pause`."""
        self.paused = False
        if self._active is not None:
            self._active.resume(now)

    def limit(self, now: float, *, download: float | None = None, upload: float | None = None) -> None:
        """Move no more bytes per second than this; 0: none, negative: no limit of its own, None: as before."""
        if download is not None:
            self.download_share.set_rate(download, now)
            self.limit_changed(now)
        if upload is not None:
            self.upload_share.set_rate(upload, now)

    def limit_changed(self, now: float) -> None:
        """A limit for downloading is another now."""
        if self._active is not None:
            self._active.downloader.limit_changed(now)

    def download_turn(self, peer: int, now: float) -> None:
        """The limits let this peer be asked for a block."""
        if self._active is not None:
            self._active.downloader.turn(peer, now)

    def upload_turn(self, peer: int, now: float) -> None:
        """The limits let this peer have a block."""
        if self._active is not None and peer in self.peers:
            self._active.uploader.turn(self.peers[peer], now)

    def open_reader(self, reader: Reader, now: float) -> None:
        """Get what the reader needs before all else. The torrent must be ready."""
        assert self._active is not None
        self._active.downloader.open_reader(reader, now)

    def reader_available(self, handle: int) -> tuple[int, int]:
        """Where the reader is, and up to where it can read on without waiting."""
        assert self._active is not None and self.metainfo is not None
        reader = self._active.downloader.readers[handle]
        return reader.position, reader.available(self._active.progress.have, self.metainfo.piece_length)

    def advance_reader(self, handle: int, position: int, now: float) -> None:
        """The reader consumed up to, or went to, `position`."""
        assert self._active is not None
        self._active.downloader.move_reader(handle, position, now)

    def close_reader(self, handle: int, now: float) -> None:
        """The reader is done."""
        assert self._active is not None
        self._active.downloader.close_reader(handle, now)

    # --- time ----------------------------------------------------------------------------------

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next; a torrent without peers costs nothing but a note every 30 s."""
        if self.failed is not None:
            return None
        if not self.peers and not self._fetches:
            return self._no_peers_at
        due = self._active.downloader.get_timer() if self._active else None
        return self._next_tick if due is None else min(due, self._next_tick)

    @property
    def _fetches(self) -> bool:
        return self.web_seeds is not None and self.web_seeds.is_busy

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self.peers or self._fetches:
            if self._active is not None:
                self._active.downloader.handle_timer(now)
            if now >= self._next_tick:
                self._next_tick = now + TICK
                self._no_peers_at = now + self.options.no_peers_interval
                self._check_peers(now)
                self._phase.tick(now)
                self._tell_upload_only(now)
                self._exchange.tick(now)
                self._punish_liars(now)
        elif now >= self._no_peers_at:
            self._no_peers_at = now + self.options.no_peers_interval
            if not self.web_seeds:
                self._outbox.tell(NoPeers(self.id))

    def _check_peers(self, now: float) -> None:
        for peer in list(self.peers.values()):
            if reason := upkeep.reason_to_drop(peer, now):
                self.drop(peer, reason, now)
            else:
                upkeep.maybe_keep_alive(peer, now)
