"""Serving blocks: whom, and how much at a time.

The choker says whom. Requests wait in the peer's queue until its channel has room: a batch is handed to the
host, and the next one only after the host said that the channel ran low. So a cancel or a choke still
reaches what waits, and the channel's own buffer stays small. Under a limit of speed a batch is one block, and
comes when the peer's turn has come (`limits`).

A peer that has next to nothing may ask for some pieces while it is choked (BEP 6), each of them twice at most.
"""

from collections.abc import Callable, Mapping

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.errors import WireError
from webtorrent_py.events import Uploaded
from webtorrent_py.limits import Share
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import MAX_QUEUED_REQUESTS, PeerConnection
from webtorrent_py.torrent.allowed_fast import ALLOWED_FAST_PIECES, allowed_fast_set, network_of
from webtorrent_py.torrent.choker import ROUND, Choker
from webtorrent_py.torrent.picker import PieceSizes
from webtorrent_py.wire.messages import Cancel, Request

# Enough to keep a fast channel busy for the time until the next batch, little enough to be taken back.
BATCH_BYTES = 512 * 1024
# How often each byte of an allowed piece is served while choking: somebody may lose a block, but not ask forever.
ALLOWED_FAST_COPIES = 2


class Uploader:
    """The serving half of one torrent. `seeding()` tells whether peers have nothing to give us."""

    def __init__(
        self,
        torrent: int,
        *,
        info_hash: bytes,
        sizes: PieceSizes,
        piece_length: int,
        has_gaps: bool,
        have: Bitfield,
        peers: Mapping[int, PeerConnection],
        choker: Choker,
        seeding: Callable[[], bool],
        share: Share,
        outbox: Outbox,
        now: float,
    ) -> None:
        self._torrent = torrent
        self._info_hash = info_hash
        self._sizes = sizes
        self._piece_length = piece_length
        self._has_gaps = has_gaps
        self._have = have
        self._peers = peers
        self._choker = choker
        self._seeding = seeding
        self._share = share
        self._outbox = outbox
        self._next_round = now + ROUND
        self._paused = False
        self.total = 0

    # --- whom ----------------------------------------------------------------------------------

    def interest_changed(self, peer: PeerConnection, now: float) -> None:
        """The peer wants something, or nothing any more."""
        if peer.am_choking:
            if self._choker.may_serve(peer):
                self._fill_slots(now)
                self._outbid(peer, now)
                self._help_to_start(peer, now)
        elif not self._choker.may_serve(peer):
            peer.send_choke(True, now)
            self._fill_slots(now)

    def peer_removed(self, peer: PeerConnection, now: float) -> None:
        """A peer is gone; its slot may be another's."""
        self._share.leave(peer.handle)
        self._fill_slots(now)

    def tick(self, now: float) -> None:
        """Begin a new round when it is time."""
        if now < self._next_round or self._paused:
            return
        self._next_round = now + ROUND
        peers = [peer for peer in self._peers.values() if peer.handshaken]
        chosen = self._choker.choose(peers, seeding=self._seeding(), now=now)
        for peer in peers:
            peer.send_choke(peer.handle not in chosen, now)
            if self._choker.may_serve(peer):
                self._help_to_start(peer, now)

    def pause(self, now: float) -> None:
        """Serve nobody until `resume`."""
        self._paused = True
        self._share.clear()
        for peer in self._peers.values():
            peer.send_choke(True, now)
            for block in list(peer.upload_queue):
                peer.refuse_queued(block)

    def resume(self, now: float) -> None:
        """Serve again."""
        self._paused = False
        self._fill_slots(now)

    def _fill_slots(self, now: float) -> None:
        if not self._paused:
            for handle in self._choker.fill(self._peers.values(), now):
                self._peers[handle].send_choke(False, now)

    def _help_to_start(self, peer: PeerConnection, now: float) -> None:
        """Allow some pieces to a peer that has next to nothing, and waits for a slot (BEP 6)."""
        if not (peer.am_choking and peer.fast and self._is_starting(peer)) or self._paused or peer.allowed_to_peer:
            return
        assert peer.peer_id is not None and peer.bitfield is not None
        who = network_of(peer.address) or peer.peer_id
        for index in allowed_fast_set(who, self._info_hash, len(self._have)):
            if self._have[index] and not peer.bitfield[index]:
                peer.send_allowed_fast(index, ALLOWED_FAST_COPIES * self._sizes.piece_size(index), now)

    def _outbid(self, peer: PeerConnection, now: float) -> None:
        if peer.am_choking and not self._paused and not self._seeding() and not peer.is_snubbing(now):
            loser = self._choker.outbid(peer, self._peers.values())
            if loser is not None:
                self._peers[loser].send_choke(True, now)
                peer.send_choke(False, now)

    @staticmethod
    def _is_starting(peer: PeerConnection) -> bool:
        return peer.has_told_pieces and peer.bitfield is not None and peer.bitfield.count < ALLOWED_FAST_PIECES

    # --- what ----------------------------------------------------------------------------------

    def request_received(self, peer: PeerConnection, request: Request, now: float) -> None:
        """Queue a request, or refuse it. Raises `WireError` for one that no piece could answer."""
        block = (request.index, request.begin, request.length)
        end = request.begin + request.length
        if end > self._sizes.piece_size(request.index) and not self._is_in_gap(request):
            raise WireError(f"the peer asked for bytes beyond the end of piece {request.index}")
        if (
            not self._have[request.index]
            or len(peer.upload_queue) >= MAX_QUEUED_REQUESTS
            or (peer.am_choking and not self._allows(peer, request))
        ):
            peer.refuse(block)
            return
        peer.upload_queue.append(block)
        self.serve(peer, now)

    def _is_in_gap(self, request: Request) -> bool:
        """Whether a request reaches from a file into what follows it up to the next piece, where files have gaps.

        libtorrent took that for zeros until version 2.1, and asked for whole blocks.
        """
        end = request.begin + request.length
        return self._has_gaps and request.begin < self._sizes.piece_size(request.index) and end <= self._piece_length

    def cancel_received(self, peer: PeerConnection, cancel: Cancel) -> None:
        """The peer takes a queued request back; BEP 6 wants that answered."""
        peer.refuse_queued((cancel.index, cancel.begin, cancel.length))

    def serve(self, peer: PeerConnection, now: float) -> None:
        """Hand the next batch of blocks to the host, if the peer's channel has room."""
        if not peer.writable or not peer.upload_queue:
            return
        if self._share.limited:
            self._share.wait(peer.handle, now)
        else:
            self._send(peer, BATCH_BYTES, now)

    def turn(self, peer: PeerConnection, now: float) -> None:
        """A limit lets the peer have one more block."""
        if peer.writable and peer.upload_queue:
            self._share.spend(self._send(peer, 1, now))

    def _send(self, peer: PeerConnection, room: int, now: float) -> int:
        """Hand blocks to the host until `room` bytes are used up; the bytes that they have."""
        sent = 0
        while peer.upload_queue and room > sent:
            index, begin, length = block = peer.upload_queue.popleft()
            stored = min(length, self._sizes.piece_size(index) - begin)
            peer.send_block(block, self._torrent, index * self._piece_length + begin, now, stored)
            sent += length
        peer.writable = False
        self.total += sent
        self._outbox.tell(Uploaded(self._torrent, sent))
        return sent

    def _allows(self, peer: PeerConnection, request: Request) -> bool:
        left = peer.allowed_to_peer.get(request.index, 0) - request.length
        if left < 0 or self._paused or not self._is_starting(peer):
            return False
        peer.allowed_to_peer[request.index] = left
        return True
