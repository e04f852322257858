"""What users ask about single peers: to take one that they found, to drop one, to speak an extension with one.

Handles of connections that are gone are refused with `UnknownTorrentError`, or mean that there is nothing left to do.
"""

from collections.abc import Callable, Mapping

from webtorrent_py.client.connecting import Connecting, Connections
from webtorrent_py.client.signalling import Signalling
from webtorrent_py.codec.bencode import Encodable
from webtorrent_py.errors import UnknownTorrentError
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.torrent import Torrent


class Peers:
    """Of one client, which is told through `settle` when a torrent may have lost one."""

    def __init__(
        self,
        torrents: Mapping[int, Torrent],
        connections: Connections,
        *,
        connecting: Connecting,
        signalling: Signalling,
        settle: Callable[[Torrent, float], None],
    ) -> None:
        self._torrents = torrents
        self._connections = connections
        self._connecting = connecting
        self._signalling = signalling
        self._settle = settle

    def introduce(self, torrent: int, initiator: bool, now: float) -> int | None:
        """Expect a data channel to a peer that was found without a tracker; its handle.

        `initiator`: the offer was made on this side. None if no peer is wanted now. What follows is as with any
        other: `channel_opened` or `connection_failed`.
        """
        found = self._torrents.get(torrent)
        if found is None:
            raise UnknownTorrentError("the torrent is not in the client, or was removed")
        if not self._connecting.room(found):
            return None
        return self._signalling.introduced(found.info_hash, initiator, len(self._connections), now)

    def remove(self, peer: int, now: float) -> None:
        """Drop a peer, connected or about to be. It may come back."""
        found = self._connections.get(peer)
        if found is None:
            self._signalling.close(peer)
        else:
            torrent, connection = found
            torrent.drop(connection, "it was removed", now)
            self._settle(torrent, now)

    def use_extension(self, peer: int, name: str, fields: Mapping[str, Encodable], now: float) -> None:
        """Take messages of an extension from a peer (`ExtensionMessage`), and tell it so (BEP 10).

        `fields` go into the extended handshake. Raises `UnknownTorrentError`, `InvalidOptionError`, and
        `UnknownExtensionError` if the peer does not speak the extension protocol.
        """
        self._connection(peer).use_extension(name, fields, now)

    def send_extended(self, peer: int, name: str, payload: bytes, now: float) -> None:
        """Send a message of an extension that the peer named.

        Raises `UnknownTorrentError`, `UnknownExtensionError`, `InvalidOptionError`.
        """
        self._connection(peer).send_extended(name, payload, now)

    def _connection(self, peer: int) -> PeerConnection:
        found = self._connections.get(peer)
        if found is None:
            raise UnknownTorrentError("the peer is gone")
        return found[1]
