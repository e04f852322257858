"""Serving blocks: whom, and how much at a time.

The choker says whom. Requests wait in the peer's queue until its channel has room: a batch is handed to the
host, and the next one only after the host said that the channel ran low. So a cancel or a choke still
reaches what waits, and the channel's own buffer stays small.
"""

from collections.abc import Mapping
from random import Random

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.errors import WireError
from webtorrent_py.events import Uploaded
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import MAX_QUEUED_REQUESTS, PeerConnection
from webtorrent_py.torrent.choker import ROUND, Candidate, Choker
from webtorrent_py.torrent.picker import PieceSizes
from webtorrent_py.wire.messages import Cancel, Request

# Enough to keep a fast channel busy for the time until the next batch, little enough to be taken back.
BATCH_BYTES = 512 * 1024


class Uploader:
    """The serving half of one torrent."""

    def __init__(
        self,
        torrent: int,
        *,
        sizes: PieceSizes,
        piece_length: int,
        has_gaps: bool,
        have: Bitfield,
        peers: Mapping[int, PeerConnection],
        outbox: Outbox,
        random: Random,
        now: float,
    ) -> None:
        self._torrent = torrent
        self._sizes = sizes
        self._piece_length = piece_length
        self._has_gaps = has_gaps
        self._have = have
        self._peers = peers
        self._outbox = outbox
        self._choker = Choker(random)
        self._next_round = now + ROUND
        self._paused = False
        self.total = 0

    def interest_changed(self, peer: PeerConnection, now: float) -> None:
        """The peer wants something, or nothing any more."""
        if not peer.peer_interested:
            if not peer.am_choking:
                peer.send_choke(True, now)
                self._fill_slots(now)
        elif peer.am_choking:
            self._fill_slots(now)

    def request_received(self, peer: PeerConnection, request: Request, now: float) -> None:
        """Queue a request, or refuse it. Raises `WireError` for one that no piece could answer."""
        block = (request.index, request.begin, request.length)
        end = request.begin + request.length
        if end > self._sizes.piece_size(request.index) and not self._is_in_gap(request):
            raise WireError(f"the peer asked for bytes beyond the end of piece {request.index}")
        if peer.am_choking or not self._have[request.index] or len(peer.upload_queue) >= MAX_QUEUED_REQUESTS:
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
        room = BATCH_BYTES
        sent = 0
        while peer.upload_queue and room > sent:
            index, begin, length = block = peer.upload_queue.popleft()
            stored = min(length, self._sizes.piece_size(index) - begin)
            peer.send_block(block, self._torrent, index * self._piece_length + begin, now, stored)
            sent += length
        peer.writable = False
        self.total += sent
        self._outbox.tell(Uploaded(self._torrent, sent))

    def peer_removed(self, now: float) -> None:
        """A peer is gone; its slot may be another's."""
        self._fill_slots(now)

    def pause(self, now: float) -> None:
        """Serve nobody until `resume`."""
        self._paused = True
        for peer in self._peers.values():
            peer.send_choke(True, now)

    def resume(self, now: float) -> None:
        """Serve again."""
        self._paused = False
        self._fill_slots(now)

    def tick(self, now: float) -> None:
        """Begin a new round when it is time."""
        if now < self._next_round or self._paused:
            return
        self._next_round = now + ROUND
        chosen = self._choker.choose(self._peers.values(), lambda peer: self._rating(peer, now))
        for peer in self._peers.values():
            if peer.handshaken:
                peer.send_choke(peer.handle not in chosen, now)

    def _rating(self, peer: Candidate, now: float) -> float:
        connection = self._peers[peer.handle]
        # Once we have everything nobody can give us anything: those that take fastest spread it best.
        meter = connection.upload if self._have.all else connection.download
        return meter.rate(now)

    def _fill_slots(self, now: float) -> None:
        if self._paused:
            return
        served = sum(1 for peer in self._peers.values() if not peer.am_choking)
        for peer in self._peers.values():
            if not self._choker.has_free_slot(served):
                return
            if peer.peer_interested and peer.am_choking:
                peer.send_choke(False, now)
                served += 1
