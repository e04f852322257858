"""What can be asked about a torrent at any time, whatever its phase; nothing here changes anything."""

from collections.abc import Mapping
from dataclasses import replace

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.active import Active
from webtorrent_py.torrent.webseeds import WebSeeds


class Overview:
    """The answers. `webtorrent_py.torrent.torrent.Torrent` keeps what they are made of."""

    info_hash: bytes
    info_hash_v2: bytes | None
    metainfo: Metainfo | None
    peers: Mapping[int, PeerConnection]
    _name: str | None
    _active: Active | None

    @property
    def name(self) -> str | None:
        """The name in the metadata; before that, what the magnet link calls it."""
        return self.metainfo.name if self.metainfo else self._name

    def is_named_by(self, metainfo: Metainfo) -> bool:
        """Whether the metainfo has every info hash that is known of the torrent."""
        return self.info_hash in metainfo.swarm_hashes and self.info_hash_v2 in (None, metainfo.info_hash_v2)

    @property
    def v2_name(self) -> bytes | None:
        """The one of the `swarm_hashes` that is of v2."""
        return self.info_hash_v2[:20] if self.info_hash_v2 is not None else None

    @property
    def full_metainfo(self) -> Metainfo | None:
        """The metainfo with all hashes of pieces that are known by now, of which peers may have told some (BEP 52)."""
        hashes = self._active.hashes if self._active is not None else None
        if self.metainfo is None or hashes is None:
            return self.metainfo
        return replace(self.metainfo, piece_layers=hashes.piece_layers)

    @property
    def knows_all_hashes(self) -> bool:
        """Whether `full_metainfo` is all that it will ever be."""
        return self._active is not None and (self._active.hashes is None or self._active.hashes.complete)

    @property
    def ready(self) -> bool:
        """Whether the metadata is known and the torrent can be read."""
        return self._active is not None

    @property
    def done(self) -> bool:
        """Whether everything that is selected is verified and stored."""
        return self._active is not None and self._active.downloader.done

    @property
    def complete(self) -> bool:
        """Whether every piece is verified and stored."""
        return self._active is not None and self._active.progress.have.all

    @property
    def bitfield(self) -> Bitfield | None:
        """The verified pieces, once the metadata is known."""
        return self._active.progress.have if self._active else None

    @property
    def downloaded(self) -> int:
        """Verified bytes."""
        return self._active.progress.bytes if self._active else 0

    @property
    def received(self) -> int:
        """Payload bytes that came from peers, right or wrong."""
        return self._active.downloader.received if self._active else 0

    @property
    def uploaded(self) -> int:
        """Payload bytes handed to peers."""
        return self._active.uploader.total if self._active else 0

    @property
    def progress(self) -> float:
        """The verified share, from 0 to 1."""
        if self.metainfo is None:
            return 0.0
        return self.downloaded / self.metainfo.length if self.metainfo.length else 1.0

    @property
    def left(self) -> int | None:
        """Bytes still to get, for trackers; None if nobody knows yet."""
        return self.metainfo.length - self.downloaded if self.metainfo else None

    @property
    def num_peers(self) -> int:
        """Peers that finished their handshake, and web seeds."""
        return sum(1 for peer in self.peers.values() if peer.handshaken) + len(self.web_seeds or ())

    @property
    def web_seeds(self) -> WebSeeds | None:
        """Those that are asked, once the metadata is known."""
        return self._active.web_seeds if self._active else None

    @property
    def active(self) -> Active | None:
        """What moves the payload, once the metadata is known."""
        return self._active

    def file_downloaded(self, file: int) -> int:
        """Verified bytes of the file with this index."""
        return self._active.progress.file_bytes[file] if self._active else 0

    def download_rate(self, now: float) -> float:
        """Payload bytes per second from all peers."""
        from_web = sum(seed.download.rate(now) for seed in self.web_seeds or ())
        return sum(peer.download.rate(now) for peer in self.peers.values()) + from_web

    def upload_rate(self, now: float) -> float:
        """Payload bytes per second to all peers."""
        return sum(peer.upload.rate(now) for peer in self.peers.values())
