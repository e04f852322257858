"""What must be true of everything that a client does, checked as it does it, at a cost that does not grow.

`tests.invariants` looks at all of a client's state; here only what one turn touched is looked at:

- nothing is asked for that the node has, that the peer lacks, or that the peer would not serve; and never too much;
- few peers are served at a time;
- what is stored is what the content is; what a reader may read, and what is sent to a peer, is stored;
- bytes counted are bytes moved: the network counts what it carried, and the client says the same;
- nothing is kept for a connection that was closed.
"""

from typing import TYPE_CHECKING

from webtorrent_py import actions as a
from webtorrent_py.events import Event, PieceVerified, ReaderAdvanced
from webtorrent_py.torrent.pieces import BLOCK_LENGTH
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.messages import KeepAlive

if TYPE_CHECKING:
    from tests.simulation.network import Node

REQUEST_LENGTH = 17


class Watch:
    """Looks at one node."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._arrived: dict[int, int] = {}
        self._carried: dict[int, int] = {}
        self._begun: dict[int, tuple[int, int]] = {}
        self._served: set[int] = set()
        self._more_served = False
        self._closed: list[int] = []
        self.trusts_senders = True
        """Whether all that send to this node send the blocks that the network believes them to send."""

    def arrived(self, peer: int, payload: int) -> None:
        """Blocks of `payload` bytes come now from a peer."""
        found = self._node.client._connections.get(peer)
        if found is not None and payload:
            self._arrived[found[0].id] = self._arrived.get(found[0].id, 0) + payload

    def action(self, action: a.Action) -> None:
        """The client wants something done."""
        match action:
            case a.Send(peer, data):
                found = self._node.client._connections.get(peer)
                if found is not None and padding_in(data):
                    self._carried[found[0].id] = self._carried.get(found[0].id, 0) + len(data)
                elif len(data) > 4:
                    self._said(peer, data)
            case a.SendBlock(peer, _, torrent, offset, length):
                self._carried[torrent] = self._carried.get(torrent, 0) + length
                assert peer in self._served or self._is_allowed(peer, offset)
            case a.StorePiece(torrent, index):
                metainfo = self._node.client.torrents[torrent].metainfo
                assert metainfo is not None
                start = index * metainfo.piece_length
                # Of what no node seeds (but a web server), the tests know the content.
                content = self._node.network.contents.get(metainfo.info)
                held = self._node.held(torrent, index)
                if content is not None:
                    assert held == content[start : start + metainfo.piece_size(index)], f"piece {index} is wrong"
            case a.ClosePeer(peer):
                self._served.discard(peer)
                self._closed.append(peer)

    def turn(self, events: list[Event]) -> None:
        """The client has had its turn."""
        client = self._node.client
        for peer in self._closed:
            assert peer not in client._connections
            for torrent in client.torrents.values():
                check_forgotten(torrent, peer)
        self._closed.clear()
        if self._more_served:
            self._more_served = False
            for torrent in client.torrents.values():
                assert len(self._served & set(torrent.peers)) <= torrent.options.upload_slots
        for event in events:
            if isinstance(event, PieceVerified):
                assert event.index in self._node.stores[event.torrent]
            elif isinstance(event, ReaderAdvanced) and event.reader in client._readers:
                self._check_reader(event.reader)
        for torrent in client.torrents.values():
            if torrent.ready:
                # What a torrent's state told is counted already.
                uploaded, received = self._begun.setdefault(torrent.id, (torrent.uploaded, torrent.received))
                assert torrent.uploaded - uploaded == self._carried.get(torrent.id, 0)
                # What web seeds send does not come over lines.
                if self.trusts_senders and not self._node.network.web.servers:
                    # Of a padded block, the zeros come after the rest.
                    slack = BLOCK_LENGTH * len(torrent.peers) if len(torrent.metainfo.files) > 1 else 0
                    assert 0 <= self._arrived.get(torrent.id, 0) - (torrent.received - received) <= slack
                assert torrent.downloaded <= torrent.metainfo.length

    def _said(self, peer: int, data: bytes) -> None:
        kind = data[4]
        if kind == m.MessageId.REQUEST:
            found = self._node.client._connections.get(peer)
            if found is None:
                return  # it was closed in the same turn
            torrent, connection = found
            active = torrent._active
            assert active is not None and not torrent.paused
            assert len(connection.requests) <= connection.request_limit
            have, pieces = active.progress.have, active.downloader._pieces
            for position in range(0, len(data), REQUEST_LENGTH):
                index = int.from_bytes(data[position + 5 : position + 9], "big")
                begin = int.from_bytes(data[position + 9 : position + 13], "big")
                assert connection.bitfield is not None and connection.bitfield[index]
                assert not have[index] and index in pieces
                assert begin < torrent.metainfo.piece_size(index)
        elif kind == m.MessageId.UNCHOKE:
            self._served.add(peer)
            self._more_served = True
        elif kind == m.MessageId.CHOKE:
            self._served.discard(peer)

    def _is_allowed(self, peer: int, offset: int) -> bool:
        """Whether the peer may have the piece though it is choked (BEP 6)."""
        found = self._node.client._connections.get(peer)
        if found is None:
            return True  # it was closed in the same turn
        torrent, connection = found
        assert torrent.metainfo is not None
        return offset // torrent.metainfo.piece_length in connection.allowed_to_peer

    def _check_reader(self, reader: int) -> None:
        client = self._node.client
        position, end = client.reader_available(reader)
        torrent = client._readers[reader]
        length = torrent.metainfo.piece_length
        stored = self._node.stores[torrent.id]
        assert all(index in stored for index in range(position // length, -(-end // length))) or position == end


def padding_in(data: bytes) -> int:
    """How many of the bytes are the zeros that end a block in a padded piece: these are sent by themselves."""
    return len(data) if len(data) > len(KeepAlive().serialize()) and not any(data) else 0


def check_forgotten(torrent: Torrent, peer: int) -> None:
    """Nothing of a torrent's state names the peer."""
    assert peer not in torrent.peers
    if torrent._active is not None:
        downloader = torrent._active.downloader
        requester = downloader._requester
        assert peer not in requester and peer not in requester._hungry and peer not in requester._refusers
        assert peer not in downloader._interest
        assert peer not in torrent._active._metadata_given
        assert peer not in torrent.download_share.members and peer not in torrent.upload_share.members
        for piece in downloader._pieces:
            assert not any(peer in peers for peers in piece.requested.values())
            assert piece.owner != peer or not piece.missing


def held_bytes(torrent: Torrent) -> int:
    """Bytes that a torrent keeps in memory for its peers and for what is under way, metadata and store aside."""
    total = 0
    for peer in torrent.peers.values():
        total += len(peer._parser._kept) + 64 * (len(peer.requests) + len(peer.upload_queue) + len(peer.allowed_fast))
    if torrent._active is not None:
        downloader = torrent._active.downloader
        total += sum(len(piece.data) for piece in downloader._pieces)
        total += 64 * sum(len(each) for each in downloader._blame._failed.values())
    return total
