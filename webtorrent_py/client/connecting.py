"""From a channel or stream that is open to a peer of a torrent, whichever way it came about.

Rules: a torrent's connections are counted together, those under way included, in both directions and of both kinds.
"""

from collections.abc import Mapping
from typing import Any

from webtorrent_py.actions import ClosePeer
from webtorrent_py.client.dialling import Dialling
from webtorrent_py.client.signalling import Signalling
from webtorrent_py.codec.address import Address
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.torrent import Torrent

Connections = dict[int, tuple[Torrent, PeerConnection]]
"""What is open: handle → whose it is, and the wire."""


class Connecting:
    """Of one client. New connections are put into `connections`; the client takes them out when they end."""

    def __init__(
        self,
        own_id: bytes,
        *,
        outbox: Outbox,
        signalling: Signalling,
        dialling: Dialling,
        torrents: Mapping[bytes, Torrent],
        connections: Connections,
    ) -> None:
        self._own_id = own_id
        self._outbox = outbox
        self._signalling = signalling
        self._dialling = dialling
        self._torrents = torrents
        self._connections = connections

    def room(self, torrent: Torrent) -> int:
        """How many more connections the torrent may begin."""
        if not torrent.wants_peer(None):
            return 0
        under_way = sum(
            self._signalling.connecting(each) + self._dialling.connecting(each) for each in torrent.swarm_hashes
        )
        return max(torrent.options.max_conns - len(torrent.peers) - under_way, 0)

    def offers(self, torrent: Torrent, now: float) -> int:
        """How many connections to offer: as many as there is room for, or one in the place of a useless peer."""
        may_replace = torrent.wants_peer(None) and torrent.has_useless_peer(now)
        return max(self.room(torrent), int(may_replace))

    def wants(self, torrent: Torrent, peer_id: bytes, now: float) -> bool:
        """Whether to begin one with this peer. If there is no room, a peer that is of no use makes some."""
        if not torrent.wants_peer(peer_id, now):
            return False
        if not self.room(torrent) and torrent.make_room(now):
            for handle in torrent.take_dropped():
                del self._connections[handle]
        return self.room(torrent) > 0

    def dial(self, info_hash: bytes, now: float) -> None:
        """Connect to candidates of the torrent, as many as it has room for."""
        torrent = self._torrents[info_hash]
        self._dialling.dial(info_hash, torrent.candidates, self.room(torrent), now)

    def opened(self, handle: int, now: float) -> Torrent | None:
        """A channel or stream is open that we asked for; the torrent whose peer it is now."""
        if dial := self._signalling.opened(handle):
            assert dial.info_hash is not None
            known = {"outgoing": dial.outgoing, "offer_id": dial.offer_id, "peer_id": dial.peer_id}
            return self._begin(handle, dial.info_hash, now, **known)
        if call := self._dialling.opened(handle):
            return self._begin(handle, call.info_hash, now, outgoing=True, address=call.address)
        return None

    def guest_said(self, handle: int, data: bytes, now: float) -> Torrent | None:
        """Bytes of somebody who came to us; the torrent that it wants, once it has said which."""
        said = self._dialling.receive_data(handle, data)
        if said is None:
            return None
        info_hash, address, beginning = said
        torrent = self._torrents.get(info_hash)
        if torrent is None or not self.room(torrent) or torrent.bans.has_host(address.host):
            self._outbox.do(ClosePeer(handle))
            return None
        self._begin(handle, info_hash, now, outgoing=False, address=address)
        torrent.receive_data(self._connections[handle][1], beginning, now)
        return torrent

    def accept(self, host: str, port: int, now: float) -> int | None:
        """Somebody came from this address: its handle, or None, and it is to be sent away."""
        return self._dialling.accept(Address.of(host, port), now)

    def failed(self, handle: int, now: float) -> None:
        """Nothing comes of what was under way."""
        self._signalling.failed(handle)
        self._dialling.failed(handle, now)

    def _begin(self, handle: int, info_hash: bytes, now: float, **known: Any) -> Torrent | None:
        torrent = self._torrents.get(info_hash)
        if torrent is not None and torrent.paused:
            # It was under way when the torrent was paused.
            self._outbox.do(ClosePeer(handle))
            if known["outgoing"] and (address := known.get("address")) is not None:
                torrent.candidates.ended(address, now)
            return None
        if torrent is not None:
            connection = PeerConnection(
                handle,
                info_hash=info_hash,
                names=torrent.swarm_hashes,
                v2=torrent.v2_name,
                own_id=self._own_id,
                outbox=self._outbox,
                now=now,
                **known,
            )
            self._connections[handle] = torrent, connection
            torrent.peer_opened(connection, now)
        return torrent
