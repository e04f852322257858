"""When which peer is asked for more.

Every peer is *busy* (its pipeline is full enough), *hungry* (there was not enough to ask it for), or cannot be asked
(it chokes us, has nothing that we want, or refused just now). A busy peer is filled up when a block comes from it.
So when something becomes free, because a peer will not send it (it choked, rejected, left, or fell silent), only the
hungry ones are asked, at once: that keeps a download from stalling, and costs nothing while all are busy.

Under a limit of speed a peer is asked for one block when its turn has come (`limits`). The request counts, not the
block that follows: so nothing is received that was not allowed, and nothing is thrown away.
"""

from collections.abc import Collection

from webtorrent_py.limits import Share
from webtorrent_py.peer.connection import Block, PeerConnection
from webtorrent_py.peer.requests import Place
from webtorrent_py.torrent.end_game import MAX_DUPLICATES, take_over
from webtorrent_py.torrent.interest import Interest
from webtorrent_py.torrent.pace import Pace
from webtorrent_py.torrent.picker import Picker
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PiecesInProgress
from webtorrent_py.torrent.pipeline import Pipeline
from webtorrent_py.torrent.readers import Readers
from webtorrent_py.torrent.source import Source

# Seconds without any block, with requests outstanding, after which others are asked too. BEP 3 says a
# minute for choking back; a viewer will not wait that long.
SNUB_TIMEOUT = 20.0
# Seconds after which a second peer is asked for what a reader waits for. The pipeline's depth is such that an
# answer takes less.
PATIENCE = 2.0
# Seconds between two looks at what a peer could take over in the end game: each compares all peers.
HELP_INTERVAL = 0.25


class Requester:
    """Keeps the peers, and other sources, of one torrent busy."""

    def __init__(
        self,
        *,
        pieces: PiecesInProgress,
        picker: Picker,
        readers: Readers,
        interest: Interest,
        pace: Pace,
        share: Share,
    ) -> None:
        self._peers: dict[int, Source] = {}
        self._pieces = pieces
        self._picker = picker
        self._readers = readers
        self._interest = interest
        self._pace = pace
        self._share = share
        self._pipelines: dict[int, Pipeline] = {}
        # Hungry peers, and the state of the supply when there was nothing at all for them.
        self._hungry: dict[int, tuple[int, bool] | None] = {}
        # Peers that rejected a request since the last tick.
        self._refusers: set[int] = set()
        # When a peer was last looked at for what it could take over in the end game.
        self._helped_at: dict[int, float] = {}
        self.paused = False

    # --- peers ---------------------------------------------------------------------------------

    def add_peer(self, peer: Source) -> None:
        """A peer may be asked from here on."""
        self._peers[peer.handle] = peer
        self._pipelines[peer.handle] = Pipeline(peer.download.rate)

    def remove_peer(self, peer: Source) -> None:
        """A peer is gone. What it was asked for is free."""
        del self._peers[peer.handle], self._pipelines[peer.handle]
        self._hungry.pop(peer.handle, None)
        self._refusers.discard(peer.handle)
        self._helped_at.pop(peer.handle, None)
        self._pace.forget(peer.handle)
        self._share.leave(peer.handle)
        self.release_all(peer)

    def __contains__(self, peer: int) -> bool:
        return peer in self._pipelines

    def __getitem__(self, peer: int) -> Source:
        return self._peers[peer]

    def peers(self) -> list[Source]:
        """All that were added and not removed."""
        return list(self._peers.values())

    # --- asking --------------------------------------------------------------------------------

    def fill(self, peer: Source, now: float) -> None:
        """Ask the peer for as much as its pipeline may hold, or, under a limit of speed, when its turn comes."""
        handle = peer.handle
        can_take = handle in self._interest and not self.paused and handle not in self._refusers
        room = peer.room(self._pipelines[handle].depth) if can_take else 0
        if room <= 0:
            # It is asked again once a block comes from it, or what stands in the way is gone.
            self._hungry.pop(handle, None)
            return
        nothing_at = self._hungry.get(handle)
        if nothing_at is not None and nothing_at == self._supply:
            return
        if self._share.limited:
            self._share.wait(handle, now)
        elif self._ask(peer, room, now) and peer.prefers_runs:
            # It may have a connection left for another run.
            self.fill(peer, now)

    def turn(self, handle: int, now: float) -> None:
        """A limit of speed lets the peer with this handle be asked for one more block."""
        peer = self._peers.get(handle)
        if peer is None or handle not in self._interest or self.paused or handle in self._refusers:
            return
        room = peer.room(self._pipelines[handle].depth)
        if room > 0:
            # A run is worth a second's debt: each costs a round trip.
            count = int(self._share.rate / BLOCK_LENGTH) if peer.prefers_runs else 1
            blocks = self._ask(peer, min(max(count, 1), room), now)
            if blocks:
                self._share.spend(sum(length for _, _, length in blocks))
                self.fill(peer, now)

    def limit_changed(self, now: float) -> None:
        """Take back what was asked for without, or under another, limit; then go by the new one."""
        for peer in self.peers():
            self._take_back(peer, now)
        self.fill_all(now)

    def _ask(self, peer: Source, room: int, now: float) -> list[Block]:
        """Ask the peer for up to `room` blocks."""
        handle = peer.handle
        blocks = self._picker.pick(peer, room)
        end_game = not blocks and self._picker.is_end_game
        if end_game and now - self._helped_at.get(handle, -HELP_INTERVAL) >= HELP_INTERVAL:
            self._helped_at[handle] = now
            blocks = take_over(peer, self._peers.values(), self._pieces, room, now)
        if len(blocks) < room:
            self._hungry[handle] = None if blocks or end_game else self._supply
        else:
            self._hungry.pop(handle, None)
        if blocks:
            peer.send_requests(blocks, now)
        return blocks

    def fill_anew(self, peer: Source, now: float) -> None:
        """Something changed for this peer: ask it, even if there was nothing for it before."""
        self._hungry.pop(peer.handle, None)
        self.fill(peer, now)

    def gained(self, peer: Source, now: float) -> None:
        """The peer has one more piece that we want."""
        if self._picker.has_free or self._picker.is_end_game or self._readers:
            self.fill_anew(peer, now)
        else:
            self._hungry[peer.handle] = None

    def fill_hungry(self, now: float) -> None:
        """Something became free: ask whoever waits for it."""
        for handle in list(self._hungry):
            if not self._picker.has_free and not self._picker.is_end_game:
                return
            self.fill(self._peers[handle], now)

    def fill_all(self, now: float) -> None:
        """Anything may have changed: ask everybody."""
        self._hungry.clear()
        for peer in self.peers():
            self.fill(peer, now)

    def unchoked(self, peer: Source, now: float) -> None:
        """The peer serves us now, or allows one more piece to be asked for."""
        self._refusers.discard(peer.handle)
        self.fill_anew(peer, now)

    def choked(self, peer: PeerConnection, now: float) -> None:
        """The peer serves us no more. With the fast extension it rejects each request besides (BEP 6)."""
        if peer.fast:
            self.restart_owned(peer)
        else:
            self.release_all(peer)
            peer.requests.clear()
        self.fill_hungry(now)

    def rejected(self, peer: PeerConnection, index: int, begin: int, now: float) -> None:
        """The peer will not answer a request."""
        self._share.give_back(BLOCK_LENGTH)
        self._pieces.release(index, begin, peer.handle)
        self.restart_owned(peer)
        if peer.peer_choking:
            peer.allowed_fast.discard(index)
        # Asking the same peer for the same block at once would go on forever.
        self._refusers.add(peer.handle)
        self.fill_hungry(now)

    def released(self, peer: Source, places: Collection[Place], now: float) -> None:
        """The source will not send these blocks, though it was asked to."""
        self._share.give_back(BLOCK_LENGTH * len(places))
        for index, begin in places:
            self._pieces.release(index, begin, peer.handle)
        self.restart_owned(peer)
        self.fill_hungry(now)

    def block_received(self, peer: Source, now: float) -> None:
        """A block came from the peer, asked for or not."""
        self._pipelines[peer.handle].block_received(peer.last_wait, now)
        peer.snubbed = False

    # --- time ----------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Relieve peers that fell silent of what they were asked for, and try those again that rejected."""
        self._refusers.clear()
        for handle, pipeline in self._pipelines.items():
            peer = self._peers[handle]
            if peer.requests and not peer.snubbed and now - peer.last_block > SNUB_TIMEOUT:
                peer.snubbed = True
                pipeline.stalled()
                self.release_all(peer)
                # One request stays: the answer to it tells that the peer is back.
                peer.send_cancels(self._requested_of(peer)[1:], now)
        if self._readers:
            self._pace.compare(self._peers.values(), now)
            # Who was too slow for what is urgent may not be any more.
            self._hungry.clear()
        for peer in self.peers():
            self.fill(peer, now)
        self._hurry(now)

    def _hurry(self, now: float) -> None:
        """Ask a faster peer too for blocks that readers wait for and that are late."""
        late = [
            (piece, number, self._peers[handles[0]])
            for piece in map(self._pieces.get, dict.fromkeys(self._readers.urgent_pieces()))
            if piece is not None and not piece.exclusive
            for number, handles in piece.requested.items()
            if len(handles) == 1 and now - self._peers[handles[0]].requests[piece.block(number)[:2]] > PATIENCE
        ]
        for piece, number, slow in late[: 0 if self._share.stopped else MAX_DUPLICATES]:
            helper = max(
                (peer for peer in self.peers() if peer.may_request(piece.index)),
                key=lambda peer: 0.0 if peer.snubbed else peer.download.rate(now),
                default=slow,
            )
            if helper is not slow and len(helper.requests) < helper.request_limit:
                block = self._pieces.take_duplicate(piece, number, helper.handle)
                helper.send_requests([block], now)
                self._share.spend(block[2])

    def pause(self, now: float) -> None:
        """Ask for nothing until `resume`, and take back what was asked for."""
        self.paused = True
        for peer in self.peers():
            self._take_back(peer, now)
            peer.send_interested(False, now)

    def resume(self, now: float) -> None:
        """Ask again."""
        self.paused = False
        for peer in self.peers():
            peer.send_interested(peer.handle in self._interest, now)
        self.fill_all(now)

    # --- going back ----------------------------------------------------------------------------

    def _take_back(self, peer: Source, now: float) -> None:
        """Ask the peer for nothing any more. What comes nevertheless is welcome."""
        self._share.leave(peer.handle)
        self.release_all(peer)
        peer.send_cancels(self._requested_of(peer), now)

    def release_all(self, peer: Source) -> None:
        """Let others be asked for what the peer was asked for."""
        self._share.give_back(BLOCK_LENGTH * len(peer.requests))
        for index, begin in peer.requests:
            self._pieces.release(index, begin, peer.handle)
        self.restart_owned(peer)

    def restart_owned(self, peer: Source) -> None:
        """Let somebody else have the exclusive pieces of a peer: all of each, or it could not be told who lied."""
        for index in self._pieces.owned_by(peer.handle):
            self._picker.restart(index)

    @property
    def _supply(self) -> tuple[int, bool]:
        """Changes whenever there may be something to ask for that was not there before."""
        return self._pieces.generation, self._picker.is_end_game

    def _requested_of(self, peer: Source) -> list[Block]:
        return [self._picker.block(index, begin) for index, begin in peer.requests]
