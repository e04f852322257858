"""One torrent of a client: what it is, how far it is, what to do with it."""

import asyncio
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from webtorrent_py import events
from webtorrent_py.api.emitter import Emitter
from webtorrent_py.api.file import File
from webtorrent_py.api.reader import CoreReader
from webtorrent_py.api.wire import Wire
from webtorrent_py.client.diagnosis import Diagnosis
from webtorrent_py.codec.address import parse_address
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import DestroyedError, InvalidOptionError, InvalidRangeError, WebTorrentError
from webtorrent_py.torrent.statistics import TorrentStats
from webtorrent_py.tracker.protocol import checked_extras

if TYPE_CHECKING:
    from webtorrent_py.api.client import WebTorrent
    from webtorrent_py.client import Client
    from webtorrent_py.torrent.torrent import Torrent as CoreTorrent

_NAMES: dict[type[events.Event], tuple[str, tuple[str, ...]]] = {
    events.MetadataReceived: ("metadata", ()),
    events.TorrentReady: ("ready", ()),
    events.Downloaded: ("download", ("count",)),
    events.Uploaded: ("upload", ("count",)),
    events.PieceVerified: ("verified", ("index",)),
    events.PieceLost: ("lost", ("index",)),
    events.CheckProgress: ("checking", ("checked", "total")),
    events.CheckDone: ("checked", ()),
    events.FileDone: ("file_done", ("file",)),
    events.TorrentDone: ("done", ()),
    events.TrackerAnnounced: ("announced", ("url", "complete", "incomplete")),
    events.TrackerScraped: ("scraped", ("url", "complete", "downloaded", "incomplete")),
    events.NoPeers: ("no_peers", ()),
    events.TorrentWarning: ("warning", ("error",)),
    events.TorrentFailed: ("error", ("error",)),
}
"""Events of the core → the name under which the torrent emits them, and the fields that listeners get."""

WireEvent = events.PeerConnected | events.PeerDisconnected | events.ExtendedHandshakeReceived | events.ExtensionMessage


class Torrent(Emitter):
    """One torrent. Emits the names of `_NAMES`: `metadata`, `ready`, `verified`, `done`, `error` and so on.

    Beside them `wire` (a `Wire`) when a peer is connected, `idle` after `done`, and `close`.
    """

    def __init__(self, client: "WebTorrent", core_torrent: "CoreTorrent", source: Metainfo | Magnet) -> None:
        super().__init__()
        self.client = client
        self.core_torrent = core_torrent
        self.files: tuple[File, ...] = ()
        """Empty until the metadata is known."""
        self.error: WebTorrentError | None = None
        """Why it was stopped."""
        self.destroyed = False
        self._source = source
        self._magnet_uri: str | None = None
        self._torrent_file: bytes | None = None
        self._has_all_hashes = False
        self._readers: dict[int, CoreReader] = {}
        self._wires: dict[int, Wire] = {}
        self._set_files()

    # What it is.

    @property
    def core(self) -> "Client":
        """The sans-I/O client that this torrent is part of."""
        return self.client.core

    @property
    def info_hash(self) -> str:
        """40 hexadecimal digits."""
        return self.core_torrent.info_hash.hex()

    @property
    def name(self) -> str | None:
        """From the metadata, before that from the magnet link."""
        return self.core_torrent.name

    @property
    def announce(self) -> tuple[str, ...]:
        """URLs of its trackers."""
        return self.core_torrent.trackers

    @property
    def web_seeds(self) -> tuple[str, ...]:
        """URLs of its web seeds."""
        return self.core_torrent.web_seed_urls

    @property
    def magnet_uri(self) -> str:
        """A magnet link of it, with its trackers."""
        if self._magnet_uri is None:
            metainfo = self.core_torrent.metainfo
            magnet = metainfo.magnet() if metainfo else self._source
            assert isinstance(magnet, Magnet), "a torrent without metadata came from a magnet link"
            self._magnet_uri = replace(magnet, trackers=self.announce, web_seeds=self.web_seeds).to_uri()
        return self._magnet_uri

    @property
    def torrent_file(self) -> bytes | None:
        """A torrent file of it, with its trackers. None before the metadata is known."""
        has_all_hashes = self.core_torrent.knows_all_hashes
        if self._torrent_file is None or self._has_all_hashes != has_all_hashes:
            metainfo = self.core_torrent.full_metainfo
            known = metainfo and metainfo.with_trackers(self.announce).with_web_seeds(self.web_seeds)
            self._torrent_file = known.torrent_file() if known else None
            self._has_all_hashes = has_all_hashes
        return self._torrent_file

    @property
    def length(self) -> int:
        """In bytes; 0 before the metadata is known."""
        metainfo = self.core_torrent.metainfo
        return metainfo.length if metainfo else 0

    @property
    def piece_length(self) -> int:
        """In bytes; 0 before the metadata is known."""
        metainfo = self.core_torrent.metainfo
        return metainfo.piece_length if metainfo else 0

    @property
    def piece_count(self) -> int:
        """0 before the metadata is known."""
        metainfo = self.core_torrent.metainfo
        return metainfo.piece_count if metainfo else 0

    @property
    def private(self) -> bool:
        """Whether peers come from its own trackers only (BEP 27)."""
        return self.core_torrent.options.private

    @property
    def comment(self) -> str | None:
        """What its maker said of it."""
        return self.core_torrent.metainfo.comment if self.core_torrent.metainfo else None

    @property
    def created_by(self) -> str | None:
        """The program that made it."""
        return self.core_torrent.metainfo.created_by if self.core_torrent.metainfo else None

    @property
    def creation_date(self) -> int | None:
        """When it was made, in seconds since 1970."""
        return self.core_torrent.metainfo.creation_date if self.core_torrent.metainfo else None

    # How far it is.

    @property
    def ready(self) -> bool:
        """Whether it can be read and downloaded."""
        return self.core_torrent.ready

    @property
    def done(self) -> bool:
        """Whether all that is selected is verified."""
        return self.core_torrent.done

    @property
    def paused(self) -> bool:
        """Whether it neither asks nor serves."""
        return self.core_torrent.paused

    @property
    def progress(self) -> float:
        """Verified part, from 0 to 1."""
        return self.core_torrent.progress

    @property
    def downloaded(self) -> int:
        """Verified bytes."""
        return self.core_torrent.downloaded

    @property
    def received(self) -> int:
        """Payload bytes that came from peers, verified or not."""
        return self.core_torrent.received

    @property
    def uploaded(self) -> int:
        """Payload bytes that went to peers."""
        return self.core_torrent.uploaded

    @property
    def ratio(self) -> float:
        """Uploaded bytes for each that was received, or for each there is when all came from here."""
        base = self.received or self.length
        return self.uploaded / base if base else 0.0

    @property
    def download_speed(self) -> float:
        """Bytes a second."""
        return self.core_torrent.download_rate(self.client.host.now())

    @property
    def upload_speed(self) -> float:
        """Bytes a second."""
        return self.core_torrent.upload_rate(self.client.host.now())

    @property
    def time_remaining(self) -> float:
        """Seconds at the present speed; infinite when there is none."""
        if self.done:
            return 0.0
        speed = self.download_speed
        return (self.length - self.downloaded) / speed if speed else math.inf

    @property
    def num_peers(self) -> int:
        """Peers that finished their handshake."""
        return self.core_torrent.num_peers

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The connections to peers that finished their handshake."""
        return tuple(self._wires.values())

    def files_of_piece(self, index: int) -> range:
        """Indices of the files with bytes of this piece."""
        start = index * self.piece_length
        metainfo = self.core_torrent.metainfo
        end = start + metainfo.piece_size(index) if metainfo else start
        return range(bisect_right(self._offsets, start) - 1, bisect_right(self._offsets, end - 1))

    # What to do with it.

    def pause(self) -> None:
        """Neither ask nor serve until `resume`."""
        self.run(self.core.pause, self.core_torrent.id)

    def resume(self) -> None:
        """Go on after `pause`."""
        self.run(self.core.resume, self.core_torrent.id)

    def add_peer(self, address: str) -> bool:
        """Connect to a peer at `host:port`. False where the host can connect to no addresses. Raises `AddressError`."""
        added: bool = self.run(self.core.add_peer, self.core_torrent.id, parse_address(address))
        return added

    def select(self, first: int, last: int, priority: int = 1) -> None:
        """Download pieces `first` to `last`, both inclusive; higher priorities (1 to 255) first.

        Raises `InvalidRangeError`.
        """
        self.run(self.core.select, self.core_torrent.id, first, last, max(1, priority))

    def deselect(self, first: int, last: int) -> None:
        """Do not download pieces `first` to `last`, both inclusive, unless a reader needs them."""
        self.run(self.core.select, self.core_torrent.id, first, last, 0)

    def add_web_seed(self, url: str) -> None:
        """Download from a web server too (BEP 19). A URL of another kind leads to a warning."""
        self.run(self.core.add_web_seed, self.core_torrent.id, url)
        self._magnet_uri = self._torrent_file = None

    def remove_web_seed(self, url: str) -> None:
        """Ask a web server no more."""
        self.run(self.core.remove_web_seed, self.core_torrent.id, url)
        self._magnet_uri = self._torrent_file = None

    def stats(self) -> TorrentStats:
        """Figures about it and each of its peers, as they are now."""
        stats: TorrentStats = self.run(self.core.stats, self.core_torrent.id)
        return stats

    def rescan(self) -> None:
        """Look through the store for what is right in it. Emits `checking` with the progress, then `checked`."""
        self.run(self.core.rescan, self.core_torrent.id)

    def export_state(self, *, partial_pieces: bool = False) -> bytes:
        """What `WebTorrent.add` needs as `state` to go on later; see `client.Client.export_state`."""
        if self.destroyed:
            raise self.error or DestroyedError("the torrent was removed")
        return self.core.export_state(self.core_torrent.id, partial_pieces=partial_pieces)

    def introduce_peer(self, initiator: bool) -> int | None:
        """Expect a data channel that the host will open under the handle that is returned. None: no peer is wanted.

        `initiator`: the offer was made on this side.
        """
        handle: int | None = self.run(self.core.peers.introduce, self.core_torrent.id, initiator)
        return handle

    def remove_peer(self, peer: int | str) -> None:
        """Drop a peer, named by its id or by what `introduce_peer` gave. Nothing happens if it is not there."""
        for handle in [peer] if isinstance(peer, int) else [wire.id for wire in self.wires if wire.peer_id == peer]:
            self.run(self.core.peers.remove, handle)

    def set_announce_extras(self, extras: Mapping[str, object]) -> None:
        """Tell the trackers this too, from the next announce on. Raises `InvalidOptionError`."""
        self.core_torrent.announce_extras = checked_extras(extras)

    def wire(self, id: int) -> Wire:
        """The connection with this id. Raises `DestroyedError` if it is closed."""
        try:
            return self._wires[id]
        except KeyError:
            raise DestroyedError("the connection is closed") from None

    def diagnose(self) -> Diagnosis:
        """Why it has no peers, or makes no progress."""
        diagnosis: Diagnosis = self.run(self.core.diagnose, self.core_torrent.id)
        return diagnosis

    def critical(self, first: int, last: int) -> None:
        """Download pieces `first` to `last`, both inclusive, before all others, as far as they are selected.

        Raises `InvalidRangeError`.
        """
        self.run(self.core.set_critical, self.core_torrent.id, first, last)

    def scrape(self) -> None:
        """Ask its trackers how many have it (BEP 48). Emits `scraped` for each that answers."""
        self.run(self.core.scrape, [self.core_torrent.id])

    def throttle_download(self, rate: float) -> None:
        """Receive no more than `rate` bytes a second of this torrent; 0: nothing, negative: no limit of its own.

        Raises `InvalidOptionError`.
        """
        self.run(lambda now: self.core.limit_torrent(self.core_torrent.id, now, download=check_rate(rate)))

    def throttle_upload(self, rate: float) -> None:
        """Send no more than `rate` bytes a second of this torrent; 0: nothing, negative: no limit of its own.

        Raises `InvalidOptionError`.
        """
        self.run(lambda now: self.core.limit_torrent(self.core_torrent.id, now, upload=check_rate(rate)))

    async def wait_ready(self) -> None:
        """Wait until `ready`. Raises the torrent's error, or `DestroyedError`."""
        await self._wait("ready", lambda: self.ready)

    async def wait_done(self) -> None:
        """Wait until `done`. Raises the torrent's error, or `DestroyedError`."""
        await self._wait("done", lambda: self.done)

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes that are stored already. Raises `InvalidRangeError` for others, `StorageError`."""
        bitfield, metainfo = self.core_torrent.bitfield, self.core_torrent.metainfo
        last = (offset + length - 1) // self.piece_length if length else 0
        if bitfield is None or metainfo is None or offset < 0 or not 0 <= offset + length <= metainfo.extent:
            raise InvalidRangeError(f"bytes {offset} to {offset + length} are not in the torrent")
        if length and not all(bitfield[index] for index in range(offset // self.piece_length, last + 1)):
            raise InvalidRangeError(f"bytes {offset} to {offset + length} are not all there yet")
        return await self.client.host.read(self.core_torrent.id, offset, length)

    async def check(self) -> None:
        """`rescan`, and wait for its end. Raises the torrent's error, or `DestroyedError`."""
        checked: list[bool] = []
        listener = self.on("checked", lambda: checked.append(True))
        try:
            self.rescan()
            await self._wait("checked", lambda: bool(checked))
        finally:
            self.off("checked", listener)

    # Between the client and its torrents.

    def run(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the core with the time, and let the host do what comes of it."""
        if self.destroyed:
            raise self.error or DestroyedError("the torrent was removed")
        return self.client.handle(method, *args)

    def open_reader(self, reader: CoreReader, start: int, end: int) -> int:
        """Open a reader of the core for `reader`. Returns its handle."""
        handle: int = self.run(self.core.open_reader, self.core_torrent.id, start, end)
        self._readers[handle] = reader
        return handle

    def move_reader(self, reader: CoreReader, position: int) -> None:
        """Move an open reader."""
        self.run(self.core.advance_reader, reader.handle, position)

    def close_reader(self, reader: CoreReader) -> None:
        """Close a reader of the core."""
        if self._readers.pop(reader.handle, None) and not self.destroyed:
            self.run(self.core.close_reader, reader.handle)

    def handle_event(self, event: events.Event) -> None:
        """Take an event of the core: bring this object up to date, then tell the listeners."""
        if isinstance(event, events.ReaderAdvanced):
            if event.reader in self._readers:
                self._readers[event.reader].wake()
            return
        if isinstance(event, WireEvent):
            self._handle_wire_event(event)
            return
        if isinstance(event, events.MetadataReceived):
            self._set_files()
        name, fields = _NAMES[type(event)]
        self.emit(name, *[getattr(event, field) for field in fields])
        if name == "done":
            self.emit("idle")

    def _handle_wire_event(self, event: WireEvent) -> None:
        if isinstance(event, events.PeerConnected):
            connection = self.core_torrent.peers.get(event.peer)
            web_seed = next((each for each in self.core_torrent.web_seeds or () if each.handle == event.peer), None)
            source = connection or web_seed
            if source is not None:  # else it is gone already, in the same turn
                wire = self._wires[event.peer] = Wire(self, event.peer_id, event.kind, source, connection)
                self.emit("wire", wire)
            return
        found = self._wires.get(event.peer)
        if found is None:
            return
        if isinstance(event, events.PeerDisconnected):
            del self._wires[event.peer]
            found.handle_closed(event.reason)
        elif isinstance(event, events.ExtensionMessage):
            found.emit("extended", event.name, event.payload)
        elif found.handshake is not None:
            found.emit("extended_handshake", found.extensions, found.handshake)

    def handle_removed(self, error: WebTorrentError | None) -> None:
        """It is no longer part of the client: whoever waits for it is told."""
        self.error = error
        self.destroyed = True
        for reader in tuple(self._readers.values()):
            reader.close()
        self._readers.clear()
        for wire in self.wires:
            wire.handle_closed("the torrent was removed")
        self._wires.clear()
        self.emit("close")

    def _set_files(self) -> None:
        metainfo = self.core_torrent.metainfo
        entries = metainfo.files if metainfo else ()
        self.files = tuple(File(self, index, entry) for index, entry in enumerate(entries))
        self._offsets = [entry.offset for entry in entries]
        self._magnet_uri = self._torrent_file = None

    async def _wait(self, name: str, is_reached: Callable[[], bool]) -> None:
        happened = asyncio.get_running_loop().create_future()
        names = (name, "close")

        def tell() -> None:
            if not happened.done():
                happened.set_result(None)

        listeners = [self.on(each, tell) for each in names]
        try:
            if not self.destroyed and not is_reached():
                await happened
        finally:
            for each, listener in zip(names, listeners, strict=True):
                self.off(each, listener)
        if self.destroyed:
            raise self.error or DestroyedError("the torrent was removed")


def check_rate(rate: object) -> float:
    """A limit in bytes a second, as it was given. Raises `InvalidOptionError`."""
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate):
        raise InvalidOptionError(f"a limit is a number of bytes a second, not {rate!r}")
    return float(rate)
