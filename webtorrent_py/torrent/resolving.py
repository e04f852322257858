"""A torrent of which only the info hash is known: get the info dictionary from whoever has it (BEP 9)."""

from collections.abc import Mapping

from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.metadata import MetadataDownload
from webtorrent_py.wire.extensions import (
    OUR_IDS,
    UT_METADATA,
    MetadataData,
    MetadataReject,
    MetadataRequest,
    parse_metadata_message,
)
from webtorrent_py.wire.messages import Extended, Message


class Resolving:
    """The phase before the metadata. Nothing can be served, and no piece be asked for."""

    def __init__(
        self, info_hash: bytes, peers: Mapping[int, PeerConnection], info_hash_v2: bytes | None = None
    ) -> None:
        self._peers = peers
        self._download = MetadataDownload(info_hash, self._send, info_hash_v2)
        self._offering: set[int] = set()
        self._now = 0.0
        self._info: bytes | None = None

    def take_metadata(self) -> bytes | None:
        """The info dictionary, once, as soon as it is there and has the right hash."""
        info, self._info = self._info, None
        return info

    def peer_added(self, peer: PeerConnection, now: float) -> None:
        """Wait for its extended handshake, which says whether it has the metadata."""

    def peer_removed(self, peer: PeerConnection, now: float) -> None:
        """Ask others for what it was asked for."""
        self._now = now
        self._offering.discard(peer.handle)
        self._download.remove_peer(peer.handle, now)

    def message_received(self, peer: PeerConnection, message: Message, now: float) -> None:
        """Take what concerns the metadata. Raises `WireError`."""
        if not isinstance(message, Extended):
            return
        self._now = now
        if message.id == 0:
            handshake = peer.extensions.handshake
            size = handshake.metadata_size if handshake else None
            if size and peer.extensions.metadata_id and peer.handle not in self._offering:
                self._offering.add(peer.handle)
                self._download.add_peer(peer.handle, size, now)
        elif message.id == OUR_IDS[UT_METADATA]:
            match parse_metadata_message(message.payload):
                case MetadataData() as data if self._info is None:
                    self._info = self._download.received(peer.handle, data, now)
                case MetadataReject() as reject:
                    self._download.rejected(peer.handle, reject, now)
                case MetadataRequest(piece):
                    peer.send_metadata(MetadataReject(piece).serialize(), now)

    def tick(self, now: float) -> None:
        """Give up on answers that are late."""
        self._now = now
        due = self._download.get_timer()
        if due is not None and now >= due:
            self._download.handle_timer(now)

    def _send(self, handle: int, payload: bytes) -> None:
        self._peers[handle].send_metadata(payload, self._now)
