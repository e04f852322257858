"""One connection to one peer, as users see it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from webtorrent_py.api.emitter import Emitter
from webtorrent_py.codec import bencode
from webtorrent_py.codec.bencode import Encodable, Value
from webtorrent_py.errors import DestroyedError
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.source import Source
from webtorrent_py.torrent.webseed import WebSeed

if TYPE_CHECKING:
    from webtorrent_py.api.torrent import Torrent


class Wire(Emitter):
    """A peer that finished its handshake, or a web seed.

    Emits `extended_handshake` (names → ids, and all that the peer said, a dictionary of bencoded values), `extended`
    (name, payload) for messages of the extensions given to `use`, and `close` (reason).
    """

    def __init__(
        self, torrent: "Torrent", peer_id: bytes, kind: str, source: Source, connection: PeerConnection | None
    ) -> None:
        """`connection` is None for a web seed: it sends blocks, and there is nothing else to be said to it."""
        super().__init__()
        self.torrent = torrent
        self.peer_id = peer_id.hex()
        """20 bytes as 40 hexadecimal digits."""
        self.kind = kind
        """"webrtc" or "webSeed"."""
        self.destroyed = False
        self._source = source
        self._connection = connection

    @property
    def id(self) -> int:
        """A number that no other connection of the client has or had."""
        return self._source.handle

    @property
    def features(self) -> Mapping[str, bool]:
        """What the peer's handshake said it can do: `dht` (BEP 5), `fast` (BEP 6), `extended` (BEP 10)."""
        peer = self._connection
        if peer is None:
            return {"dht": False, "fast": False, "extended": False}
        return {"dht": peer.dht, "fast": peer.fast, "extended": peer.extended}

    @property
    def extensions(self) -> Mapping[str, int]:
        """The extensions whose messages the peer takes, and under which ids."""
        return self._connection.extensions.names if self._connection else {}

    @property
    def handshake(self) -> Mapping[bytes, Value] | None:
        """The peer's extended handshake as it came last. None before it came."""
        extensions = self._connection.extensions if self._connection else None
        return extensions.fields() if extensions and extensions.handshake else None

    @property
    def am_choking(self) -> bool:
        """Whether we serve it nothing now."""
        return self._connection is None or self._connection.am_choking

    @property
    def am_interested(self) -> bool:
        """Whether it has something that we want."""
        return self._connection is None or self._connection.am_interested

    @property
    def peer_choking(self) -> bool:
        """Whether it serves us nothing now."""
        return self._connection is not None and self._connection.peer_choking

    @property
    def peer_interested(self) -> bool:
        """Whether we have something that it wants."""
        return self._connection is not None and self._connection.peer_interested

    @property
    def pieces(self) -> bytes:
        """A bit for each piece that it has, first piece first; empty before the metadata is known."""
        return self._source.bitfield.to_bytes() if self._source.bitfield else b""

    @property
    def downloaded(self) -> int:
        """Payload bytes that came from it."""
        return self._source.download.total

    @property
    def uploaded(self) -> int:
        """Payload bytes that went to it."""
        return self._connection.upload.total if self._connection else 0

    @property
    def download_speed(self) -> float:
        """Bytes a second."""
        return self._source.download.rate(self.torrent.client.host.now())

    @property
    def upload_speed(self) -> float:
        """Bytes a second."""
        return self._connection.upload.rate(self.torrent.client.host.now()) if self._connection else 0.0

    def use(self, name: str, fields: Mapping[str, Encodable] | None = None) -> None:
        """Take messages of an extension (BEP 10); `fields` go into our extended handshake.

        Raises `DestroyedError`, `UnknownExtensionError` if the peer speaks no extensions, `InvalidOptionError`.
        """
        self._run(self.torrent.core.peers.use_extension, name, fields or {})

    def extended(self, name: str, payload: Encodable) -> None:
        """Send a message of an extension that the peer has; what is not bytes is bencoded.

        Raises `DestroyedError`, `UnknownExtensionError`, `BencodeError`, `InvalidOptionError`.
        """
        data = payload if isinstance(payload, bytes) else bencode.encode(payload)
        self._run(self.torrent.core.peers.send_extended, name, data)

    def destroy(self) -> None:
        """Drop the peer, which may come back, or the web seed."""
        if self.destroyed:
            return
        if isinstance(self._source, WebSeed):
            self.torrent.remove_web_seed(self._source.url)
        else:
            self._run(self.torrent.core.peers.remove)

    def handle_closed(self, reason: str) -> None:
        """The connection is gone."""
        self.destroyed = True
        self.emit("close", reason)

    def _run(self, method: Callable[..., Any], *args: Any) -> None:
        if self.destroyed:
            raise DestroyedError("the connection is closed")
        self.torrent.run(method, self.id, *args)
