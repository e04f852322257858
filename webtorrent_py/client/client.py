"""A BitTorrent client as a state machine: inputs of a host come in, actions and events go out.

Every input is one turn: it is routed to the torrent, tracker or dial that it is about, and what follows
elsewhere (an announce that is due, a connection that ended) is settled before the turn ends. Nothing here
costs more with more torrents: each has its deadline in a heap, and only the one that is touched is looked at.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from random import Random

from webtorrent_py.actions import Action, CloseStore
from webtorrent_py.client.connecting import Connecting, Connections
from webtorrent_py.client.diagnosis import Diagnosis, diagnose
from webtorrent_py.client.dialling import Dialling
from webtorrent_py.client.facts import gather_facts
from webtorrent_py.client.fetches import Fetches
from webtorrent_py.client.limits import Limits
from webtorrent_py.client.peers import Peers
from webtorrent_py.client.signalling import Signalling
from webtorrent_py.client.swarms import Swarms
from webtorrent_py.client.trackers import Trackers
from webtorrent_py.codec.address import Address, parse_address
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import (
    AddressError,
    DuplicateTorrentError,
    InvalidRangeError,
    StorageFullError,
    UnknownTorrentError,
)
from webtorrent_py.events import Event, TorrentWarning
from webtorrent_py.handles import Handles
from webtorrent_py.limits import UNLIMITED
from webtorrent_py.outbox import Outbox
from webtorrent_py.timers import Timers
from webtorrent_py.torrent.candidates import Source
from webtorrent_py.torrent.choker import UPLOAD_SLOTS
from webtorrent_py.torrent.options import NO_PEERS_INTERVAL, TorrentOptions
from webtorrent_py.torrent.readers import Reader
from webtorrent_py.torrent.state import TorrentState, parse_state
from webtorrent_py.torrent.statistics import TorrentStats, torrent_stats
from webtorrent_py.torrent.torrent import Torrent


class Client:
    """All torrents of one user. `now` is always seconds of the same monotonic clock.

    `peer_id` is 20 bytes; `trackers` are announced to for every torrent that is not private, besides its own; None: no
    tracker is used at all, not even a torrent's own. The limits are bytes per second for all torrents together; 0:
    nothing moves, negative: no limit. `dials_addresses`: the host can carry out `OpenConnection`;
    `listen_port`: the TCP port from which it reports `connection_accepted`.
    """

    def __init__(
        self,
        *,
        peer_id: bytes,
        random: Random,
        max_conns: int = 55,
        trackers: Iterable[str] | None = (),
        dials_addresses: bool = False,
        listen_port: int | None = None,
        download_limit: float = UNLIMITED,
        upload_limit: float = UNLIMITED,
    ) -> None:
        self.peer_id = peer_id
        self.max_conns = max_conns
        self.dials_addresses = dials_addresses
        self.listen_port = listen_port
        self.torrents: dict[int, Torrent] = {}
        self._uses_trackers = trackers is not None
        self._trackers_for_all = tuple(trackers or ())
        self._random = random
        self._outbox = Outbox()
        self._handles = Handles()
        self._trackers = Trackers(peer_id, self._outbox, random, self._handles)
        self._signalling = Signalling(self._outbox, random, self._handles)
        self._dialling = Dialling(self._outbox, self._handles)
        self._limits = Limits(download_limit, upload_limit)
        self._by_hash: dict[bytes, Torrent] = {}
        self._connections: Connections = {}
        self._connecting = Connecting(
            peer_id,
            outbox=self._outbox,
            signalling=self._signalling,
            dialling=self._dialling,
            torrents=self._by_hash,
            connections=self._connections,
        )
        self._swarms = Swarms(
            self._by_hash,
            self._connections,
            uses_trackers=self._uses_trackers,
            trackers=self._trackers,
            signalling=self._signalling,
            dialling=self._dialling,
            connecting=self._connecting,
            outbox=self._outbox,
        )
        self.peers = Peers(
            self.torrents,
            self._connections,
            connecting=self._connecting,
            signalling=self._signalling,
            settle=self._settle_all,
        )
        """What can be asked about single peers."""
        self._readers: dict[int, Torrent] = {}
        self._completed: set[int] = set()
        self._timers: Timers[int] = Timers()
        self.fetches = Fetches(self.torrents, self._settle)
        """The inputs that answer `FetchRange`."""

    # --- torrents ------------------------------------------------------------------------------

    def add(
        self,
        source: Metainfo | Magnet,
        now: float,
        *,
        announce: Iterable[str] = (),
        web_seeds: Iterable[str] = (),
        max_web_conns: int = 4,
        state: bytes | None = None,
        check: bool = False,
        have_all: bool = False,
        paused: bool = False,
        deselect: bool = False,
        strategy: str = "rarest",
        private: bool | None = None,
        no_peers_interval: float = NO_PEERS_INTERVAL,
        upload_slots: int = UPLOAD_SLOTS,
        choke_seeders: bool = True,
    ) -> Torrent:
        """Join the swarm of a torrent.

        `announce`, `web_seeds`: further trackers and web seeds. `max_web_conns`: requests to one web seed at the same
        time. `state`: what `export_state` gave; the store must have what it had then. `check`: look through the store
        first. `have_all`: the store holds every byte, verified. `strategy`: "rarest" or "sequential". `private`:
        instead of what the metadata says (BEP 27). `no_peers_interval`: seconds between two `NoPeers`. `upload_slots`:
        peers served at a time. `choke_seeders`: never serve one that has everything.

        Raises `DuplicateTorrentError` if it is there already, `StateError` for a state that is damaged or another's.
        """
        known = next((self._by_hash[each] for each in source.swarm_hashes if each in self._by_hash), None)
        if known is not None:
            raise DuplicateTorrentError(f"torrent {source.info_hash.hex()} is in the client already", known.id)
        kept = TorrentState(source.info_hash) if state is None else parse_state(state, source.info_hash)
        if isinstance(source, Metainfo):
            kept.verified(source)
        if private is None:
            private = isinstance(source, Metainfo) and source.private
        for_all = () if private else self._trackers_for_all
        named = (url for tier in source.announce for url in tier) if isinstance(source, Metainfo) else source.trackers
        own = (*named, *announce, *kept.trackers)
        handle = self._handles.new()
        torrent = Torrent(
            handle,
            info_hash=source.info_hash,
            info_hash_v2=source.info_hash_v2,
            own_id=self.peer_id,
            name=source.name,
            trackers=tuple(dict.fromkeys((*own, *for_all))),
            web_seeds=(*source.web_seeds, *web_seeds, *kept.web_seeds),
            options=TorrentOptions(
                have_all=have_all,
                paused=paused or kept.paused,
                deselect=deselect,
                only_files=source.select_only if isinstance(source, Magnet) else None,
                sequential=strategy == "sequential",
                max_conns=self.max_conns,
                dials_addresses=self.dials_addresses,
                listen_port=self.listen_port,
                max_web_conns=max_web_conns,
                check=check,
                state=kept,
                private=private,
                no_peers_interval=no_peers_interval,
                upload_slots=upload_slots,
                choke_seeders=choke_seeders,
            ),
            handles=self._handles,
            download=self._limits.download.share(handle),
            upload=self._limits.upload.share(handle),
            outbox=self._outbox,
            random=self._random,
            now=now,
        )
        self.torrents[torrent.id] = torrent
        torrent.foreign_trackers = frozenset(for_all) - frozenset(own)
        if isinstance(source, Metainfo):
            torrent.activate(source, now)
            if torrent.complete:
                # It is not downloaded here and now, so there is no `completed` to announce.
                self._completed.add(torrent.id)
        for text in source.peers if isinstance(source, Magnet) else ():
            # Links are mangled on their way; what is no address says nothing.
            with suppress(AddressError):
                self.add_peer(torrent.id, parse_address(text), now)
        self._settle_all(torrent, now)
        return torrent

    def get(self, info_hash: bytes) -> Torrent | None:
        """The torrent with this info hash of 20 bytes; a hybrid is found by either."""
        return self._by_hash.get(info_hash)

    def set_metainfo(self, torrent: int, metainfo: Metainfo, now: float) -> None:
        """The torrent file of a torrent that was added by its hash came from elsewhere (`xs`)."""
        found = self._torrent(torrent)
        if not found.ready and found.failed is None and found.is_named_by(metainfo):
            trackers = (url for tier in metainfo.announce for url in tier)
            found.trackers = tuple(dict.fromkeys((*found.trackers, *trackers)))
            found.web_seed_urls = tuple(dict.fromkeys((*found.web_seed_urls, *metainfo.web_seeds)))
            found.activate(replace(metainfo, announce=tuple((url,) for url in found.trackers)), now)
            self._swarms.join_again(found)
            self._settle_all(found, now)

    def remove(self, torrent: int, now: float) -> None:
        """Leave the swarm, and free all that is kept for the torrent."""
        found = self._torrent(torrent)
        found.close_peers(now, "the torrent was removed")
        self._forget_dropped(found)
        self._swarms.leave(found, now)
        for reader in [each for each, owner in self._readers.items() if owner is found]:
            del self._readers[reader]
        del self.torrents[torrent]
        self._swarms.forget(found)
        self._completed.discard(torrent)
        found.download_share.close()
        found.upload_share.close()
        self._timers.set(torrent, None)
        self._outbox.do(CloseStore(torrent))
        self._swarms.settle(now)

    def close(self, now: float) -> None:
        """Remove all torrents, and give up all connections."""
        for torrent in list(self.torrents):
            self.remove(torrent, now)
        self._signalling.close_all()
        self._dialling.close_all()

    def add_peer(self, torrent: int, address: Address, now: float) -> bool:
        """Somebody knows of a peer of this torrent. False: the host connects to no addresses."""
        found = self._torrent(torrent)
        if self.dials_addresses:
            found.candidates.add(address, Source.NAMED)
            self._dialling.wake(found.info_hash, now)
        return self.dials_addresses

    def select(self, torrent: int, first: int, last: int, priority: int, now: float) -> None:
        """Download the pieces from `first` to `last` (inclusive); a priority of 0 deselects them."""
        found = self._torrent(torrent)
        if found.metainfo is None or not 0 <= first <= last < found.metainfo.piece_count:
            raise InvalidRangeError(f"pieces {first} to {last} are not all in the torrent")
        if priority:
            found.select(first, last, priority, now)
        else:
            found.deselect(first, last, now)
        self._settle(found, now)

    def set_critical(self, torrent: int, first: int, last: int, now: float) -> None:
        """Get the pieces from `first` to `last` (inclusive) before all others, as far as they are wanted."""
        found = self._torrent(torrent)
        if found.metainfo is None or not 0 <= first <= last < found.metainfo.piece_count:
            raise InvalidRangeError(f"pieces {first} to {last} are not all in the torrent")
        found.set_critical(first, last, now)
        self._settle(found, now)

    def select_file(self, torrent: int, file: int, priority: int, now: float) -> None:
        """Download a file; a priority of 0 deselects it."""
        found = self._torrent(torrent)
        if priority:
            found.select_file(file, now, priority)
        else:
            found.deselect_file(file, now)
        self._settle(found, now)

    def pause(self, torrent: int, now: float) -> None:
        """Move no payload of this torrent."""
        self._torrent(torrent).pause(now)
        self._settle(self._torrent(torrent), now)

    def resume(self, torrent: int, now: float) -> None:
        """Go on after `pause`."""
        found = self._torrent(torrent)
        found.resume(now)
        self._dialling.wake(found.info_hash, now)
        self._swarms.announce_now(found, now)
        self._settle(found, now)

    def rescan(self, torrent: int, now: float) -> None:
        """Look through the store: for pieces that are there, and for those that are not right any more."""
        self._torrent(torrent).check(now)
        self._settle(self._torrent(torrent), now)

    def export_state(self, torrent: int, *, partial_pieces: bool = False) -> bytes:
        """What `add` needs to go on with a torrent later, as long as the store keeps its pieces.

        With `partial_pieces` also the bytes of pieces under way, which can be tens of megabytes: for the end of a
        session. Without, what is lost is got again.
        """
        return self._torrent(torrent).export_state(partial_pieces).to_bytes()

    def stats(self, torrent: int, now: float) -> TorrentStats:
        """Figures about a torrent and its peers; costs as much as it has pieces."""
        return torrent_stats(self._torrent(torrent), now)

    def add_web_seed(self, torrent: int, url: str, now: float) -> None:
        """Ask a server for the content too (BEP 19)."""
        self._torrent(torrent).add_web_seed(url, now)
        self._settle(self._torrent(torrent), now)

    def remove_web_seed(self, torrent: int, url: str, now: float) -> None:
        """Ask a server no more."""
        self._torrent(torrent).remove_web_seed(url, now)
        self._settle(self._torrent(torrent), now)

    def diagnose(self, torrent: int, now: float) -> Diagnosis:
        """Why the torrent has no peers, or makes no progress."""
        found = self._torrent(torrent)
        trackers = [each for info_hash in found.swarm_hashes for each in self._trackers.states(info_hash)]
        attempts = [self._signalling.attempts(info_hash) for info_hash in found.swarm_hashes]
        return diagnose(gather_facts(found, trackers if self._uses_trackers else None, attempts, now))

    def scrape(self, torrents: Iterable[int], now: float) -> None:
        """Ask the trackers of these torrents how many have them, once for all (BEP 48): `TrackerScraped`.

        A tracker that is not connected is not asked; when it is, its answer to the announce tells the same.
        """
        hashes = [info_hash for torrent in torrents for info_hash in self._torrent(torrent).swarm_hashes]
        self._trackers.scrape(hashes, now)
        self._swarms.settle(now)

    # --- limits --------------------------------------------------------------------------------

    def throttle_download(self, rate: float, now: float) -> None:
        """Receive no more than `rate` bytes per second for all torrents together; 0: nothing, negative: no limit."""
        self._limits.download.set_rate(rate, now)
        for torrent in self.torrents.values():
            torrent.limit_changed(now)
        self._limits.take_turns(self.torrents, now)

    def throttle_upload(self, rate: float, now: float) -> None:
        """Send no more than `rate` bytes per second for all torrents together; 0: nothing, negative: no limit."""
        self._limits.upload.set_rate(rate, now)
        self._limits.take_turns(self.torrents, now)

    def limit_torrent(
        self, torrent: int, now: float, *, download: float | None = None, upload: float | None = None
    ) -> None:
        """The same for one torrent, besides the limits for all. None: as before."""
        self._torrent(torrent).limit(now, download=download, upload=upload)
        self._limits.take_turns(self.torrents, now)

    # --- readers -------------------------------------------------------------------------------

    def open_reader(self, torrent: int, start: int, end: int, now: float) -> int:
        """Read the torrent's bytes from `start` to `end` (exclusive): they are got before all others."""
        found = self._torrent(torrent)
        if found.metainfo is None or not 0 <= start <= end <= found.metainfo.extent:
            raise InvalidRangeError(f"bytes {start} to {end} are not all in the torrent")
        reader = Reader(self._handles.new(), start, end)
        self._readers[reader.handle] = found
        found.open_reader(reader, now)
        self._settle(found, now)
        return reader.handle

    def reader_available(self, reader: int) -> tuple[int, int]:
        """The reader's position, and the end of the verified bytes that follow it without a gap."""
        return self._reader_owner(reader).reader_available(reader)

    def advance_reader(self, reader: int, position: int, now: float) -> None:
        """The reader consumed up to, or went to, `position`."""
        torrent = self._reader_owner(reader)
        torrent.advance_reader(reader, position, now)
        self._settle(torrent, now)

    def close_reader(self, reader: int, now: float) -> None:
        """The reader is done. What only it wanted is not downloaded further."""
        torrent = self._readers.pop(reader, None)
        if torrent is not None:
            torrent.close_reader(reader, now)
            self._settle(torrent, now)

    # --- inputs: trackers ----------------------------------------------------------------------

    def socket_opened(self, socket: int, now: float) -> None:
        """A tracker's socket can be sent on."""
        self._trackers.socket_opened(socket, now)
        self._swarms.settle(now)

    def socket_received(self, socket: int, text: str, now: float) -> None:
        """A tracker sent a text message."""
        self._trackers.socket_received(socket, text, now)
        self._swarms.settle(now)

    def socket_closed(self, socket: int, reason: str, now: float) -> None:
        """A tracker's socket is gone, or could not be opened."""
        self._trackers.socket_closed(socket, reason, now)
        self._swarms.settle(now)

    # --- inputs: connections -------------------------------------------------------------------

    def offer_created(self, peer: int, sdp: str, now: float) -> None:
        """The offer asked for by `CreateOffer`."""
        self._signalling.offer_created(peer, sdp, now)
        self._swarms.settle(now)

    def answer_created(self, peer: int, sdp: str, now: float) -> None:
        """The answer asked for by `AcceptOffer`."""
        dial = self._signalling.answer_created(peer, now)
        if dial is not None and dial.info_hash is not None and dial.peer_id is not None:
            self._trackers.answer(dial.url, dial.info_hash, dial.peer_id, dial.offer_id, sdp, now)
            self._swarms.settle(now)

    def connection_failed(self, peer: int, reason: str, now: float) -> None:
        """A connection could not be made. Offers fail for many a reason; the next announce makes new ones."""
        self._connecting.failed(peer, now)
        self._swarms.settle(now)

    def channel_opened(self, peer: int, now: float) -> None:
        """A data channel, or a connection that `OpenConnection` asked for, is open."""
        if torrent := self._connecting.opened(peer, now):
            self._settle(torrent, now)

    def connection_accepted(self, host: str, port: int, now: float) -> int | None:
        """Somebody connected from this address: the handle to use for it, or None, and it is to be closed."""
        return self._connecting.accept(host, port, now) if self.dials_addresses else None

    def receive_data(self, peer: int, data: bytes, now: float) -> None:
        """Bytes came on a data channel or connection, cut in any way."""
        found = self._connections.get(peer)
        if found is not None:
            torrent, connection = found
            torrent.receive_data(connection, data, now)
            self._settle(torrent, now)
        elif guest_of := self._connecting.guest_said(peer, data, now):
            self._settle(guest_of, now)

    def writable(self, peer: int, now: float) -> None:
        """A data channel's buffer ran low after `SendBlock`s."""
        found = self._connections.get(peer)
        if found is not None:
            torrent, connection = found
            torrent.writable(connection, now)
            if self._limits.upload.waits:
                self._limits.take_turns(self.torrents, now)

    def channel_closed(self, peer: int, now: float) -> None:
        """A data channel or connection is gone, open or not."""
        self._connecting.failed(peer, now)
        found = self._connections.get(peer)
        if found is not None:
            torrent, connection = found
            torrent.drop(connection, "the connection was closed", now)
            self._settle(torrent, now)
            self._swarms.settle(now)

    # --- inputs: the store ---------------------------------------------------------------------

    def piece_hashed(self, torrent: int, index: int, digest: bytes, now: float) -> None:
        """The SHA-1 asked for by `HashPiece`."""
        if found := self.torrents.get(torrent):
            found.piece_hashed(index, digest, now)
            self._settle(found, now)

    def piece_checked(self, torrent: int, index: int, digests: bytes | None, now: float) -> None:
        """The digests asked for by `CheckPiece`; None if the store does not have the piece."""
        if found := self.torrents.get(torrent):
            found.piece_checked(index, digests, now)
            self._settle(found, now)

    def piece_stored(self, torrent: int, index: int, now: float) -> None:
        """The piece that `StorePiece` named can be read back."""
        if found := self.torrents.get(torrent):
            found.piece_stored(index, now)
            self._settle(found, now)

    def storage_full(self, torrent: int, index: int, reason: str, now: float) -> None:
        """There was no room for the piece that `StorePiece` named. The torrent is paused; `resume` tries again."""
        found = self.torrents.get(torrent)
        if found is None or found.failed is not None:
            return
        if not found.paused:
            self.pause(torrent, now)
            self._outbox.tell(TorrentWarning(torrent, StorageFullError(f"{reason}: the torrent was paused")))
        found.piece_refused(index, now)
        self._settle(found, now)

    def storage_failed(self, torrent: int, reason: str, now: float) -> None:
        """The store cannot keep, or give back, what it should."""
        if found := self.torrents.get(torrent):
            found.storage_failed(reason, now)
            self._settle(found, now)

    # --- time and outputs ----------------------------------------------------------------------

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next; None if nothing waits for time to pass."""
        earliest = self._timers.next()
        others = [self._trackers.get_timer(), self._signalling.get_timer()]
        if self._limits.download.waits or self._limits.upload.waits:
            others.append(self._limits.get_timer())
        if self.dials_addresses:
            others.append(self._dialling.get_timer())
        # Asked after every turn: a generator for `min` would cost more than all the rest of it.
        for due in others:
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    def handle_timer(self, now: float) -> None:
        """`get_timer()` has come."""
        for id in self._timers.take_due(now):
            torrent = self.torrents[id]
            torrent.handle_timer(now)
            self._settle(torrent, now)
            if torrent.candidates.ready and self._connecting.room(torrent):
                self._dialling.wake(torrent.info_hash, now)
        for info_hash in self._dialling.handle_timer(now):
            self._connecting.dial(info_hash, now)
        self._trackers.handle_timer(now)
        self._signalling.handle_timer(now)
        self._limits.take_turns(self.torrents, now)
        self._swarms.settle(now)

    def actions_to_perform(self) -> list[Action]:
        """What the host is to do, in order, since the last call."""
        return self._outbox.take_actions()

    def events_received(self) -> list[Event]:
        """What happened, in order, since the last call."""
        return self._outbox.take_events()

    # --- settling ------------------------------------------------------------------------------

    def _settle_all(self, torrent: Torrent, now: float) -> None:
        self._settle(torrent, now)
        self._swarms.settle(now)

    def _settle(self, torrent: Torrent, now: float) -> None:
        self._swarms.maybe_join(torrent, now)
        lost = self._forget_dropped(torrent)
        if lost and len(torrent.candidates):
            self._dialling.wake(torrent.info_hash, now)
        if torrent.failed is not None:
            self._swarms.leave(torrent, now)
            self._swarms.settle(now)
        elif torrent.complete and torrent.id not in self._completed:
            self._completed.add(torrent.id)
            self._swarms.complete(torrent, now)
        elif lost and not torrent.peers and not torrent.done:
            self._swarms.announce_now(torrent, now)
        self._timers.set(torrent.id, torrent.get_timer())
        if self._limits.download.waits or self._limits.upload.waits:
            self._limits.take_turns(self.torrents, now)

    def _forget_dropped(self, torrent: Torrent) -> bool:
        dropped = torrent.take_dropped()
        for handle in dropped:
            del self._connections[handle]
        return bool(dropped)

    def _torrent(self, id: int) -> Torrent:
        torrent = self.torrents.get(id)
        if torrent is None:
            raise UnknownTorrentError("the torrent is not in the client, or was removed")
        return torrent

    def _reader_owner(self, reader: int) -> Torrent:
        torrent = self._readers.get(reader)
        if torrent is None:
            raise UnknownTorrentError("the reader was closed, or its torrent removed")
        return torrent
