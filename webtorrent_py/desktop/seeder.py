"""A hybrid seeder: libtorrent serves files to browsers over WebRTC.

libtorrent speaks WebTorrent itself (`ws://` and `wss://` trackers, data channels), on threads of its own.
This module only makes the torrent, starts a session with settings that suit a seeder near its leechers,
and stops it again. Discovery other than by tracker (DHT, LSD, port mapping) is off: what is seeded here
is found through the given trackers and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import libtorrent as lt

from webtorrent_py.errors import InvalidOptionError, LocalError, MetainfoError

# What is offered has to last until the next announce. bittorrent-tracker and aquatic pass on no more than this anyway.
MAX_OFFERS: Final = 10

# Seconds between announces, each with fresh offers; libtorrent's own default is 60.
ANNOUNCE_INTERVAL: Final = 15

# Seconds that leaving waits for trackers to take the `stopped` announce.
STOP_TIMEOUT: Final = 1


@dataclass(frozen=True, slots=True)
class SeederStatus:
    """What a seeder is doing. `uploaded` counts payload bytes; `upload_rate` is in bytes a second."""

    peers: int
    uploaded: int
    upload_rate: int
    seeding: bool


def create_torrent(path: Path, trackers: Sequence[str] = (), *, piece_length: int = 0) -> bytes:
    """Make the torrent file (BEP 3, version 1) of a file or folder, each tracker in a tier of its own.

    `piece_length` is in bytes; 0 lets libtorrent choose. Raises `InvalidOptionError` when there is nothing to share.
    """
    files = lt.list_files(str(path.resolve()))
    if not sum(entry.size for entry in files):
        raise InvalidOptionError(f"nothing to share at {path}")
    creator = lt.create_torrent(files, piece_length, lt.create_torrent.v1_only)
    for tier, url in enumerate(trackers):
        creator.add_tracker(url, tier)
    lt.set_piece_hashes(creator, str(path.resolve().parent))
    return lt.bencode(creator.generate())


class LibtorrentSeeder:
    """Seeds one file or folder until it is stopped; also a context manager.

    `torrent` is the torrent file's bytes where one exists (its data are taken to be whole); without it one is made
    from `path`. `stun_server` is `host:port`, or empty to offer the addresses of this machine only. `upload_limit` is
    in bytes a second, 0 for none.
    Raises `MetainfoError` for a malformed torrent file.
    """

    def __init__(
        self,
        path: Path,
        trackers: Sequence[str],
        *,
        torrent: bytes | None = None,
        piece_length: int = 0,
        stun_server: str = "",
        upload_limit: int = 0,
    ) -> None:
        self.torrent_file: Final = torrent or create_torrent(path, trackers, piece_length=piece_length)
        try:
            self._params = lt.load_torrent_buffer(self.torrent_file)
        except RuntimeError as error:  # libtorrent's only kind
            raise MetainfoError(str(error)) from error
        assert self._params.ti is not None
        # For the magnet link.
        self._params.name = self._params.ti.name()
        self._params.save_path = str(path.resolve().parent)
        self._params.trackers = list(trackers)
        self._params.tracker_tiers = list(range(len(trackers)))
        self._params.flags |= lt.torrent_flags.seed_mode
        self._params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        self._settings: lt.settings_pack = {
            # Browser pages on one machine share its address.
            "allow_multiple_connections_per_ip": True,
            # A page that has everything stays connected, so that its user sees from whom it came.
            "close_redundant_connections": False,
            "enable_dht": False,
            "enable_lsd": False,
            "enable_natpmp": False,
            "enable_upnp": False,
            "max_webtorrent_offers": MAX_OFFERS,
            "min_websocket_announce_interval": ANNOUNCE_INTERVAL,
            "stop_tracker_timeout": STOP_TIMEOUT,
            # A port of the system's choosing: several seeders may run beside each other.
            "listen_interfaces": "0.0.0.0:0",
            "upload_rate_limit": upload_limit,
            "webtorrent_stun_server": stun_server,
        }
        self._session: lt.session | None = None
        self._handle: lt.torrent_handle | None = None

    @property
    def info_hash(self) -> str:
        """The version 1 info hash, as 40 hexadecimal digits."""
        return str(self._params.info_hashes.v1)

    @property
    def magnet(self) -> str:
        """A magnet link with the torrent's name and trackers (BEP 9)."""
        return lt.make_magnet_uri(self._params)

    def start(self) -> None:
        """Announce to the trackers and serve whoever comes. Raises `LocalError` when already started."""
        if self._session is not None:
            raise LocalError("this seeder is already started")
        self._session = lt.session(self._settings)
        self._handle = self._session.add_torrent(self._params)

    def stop(self) -> None:
        """Leave the trackers and close every connection; blocks until that is done. May be repeated.

        A tracker in this same process has to be stopped before: libtorrent holds Python's global lock while it waits
        for its trackers to hang up, so that this one never could.
        """
        # The session ends, and waits for its threads, when the last reference to it goes.
        self._handle = None
        self._session = None

    def status(self) -> SeederStatus:
        """What the seeder is doing now. Raises `LocalError` when it is not started."""
        if self._handle is None:
            raise LocalError("this seeder is not started")
        status = self._handle.status()
        return SeederStatus(
            peers=status.num_peers,
            uploaded=status.total_payload_upload,
            upload_rate=status.upload_payload_rate,
            seeding=status.state == lt.torrent_status.seeding,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
