"""Getting pieces: from the peers' blocks to verified pieces in the store.

One block's way: `fill` asks for it, `block_received` puts it into its piece, a complete piece goes to the
host to be hashed, `piece_hashed` compares, `piece_stored` counts it and tells the peers.

Every block is at any time either free (the picker may choose it), asked of at least one peer, or here.
What a peer will not send (it choked, rejected, left, or fell silent) becomes free again at once, and then
every idle peer is asked anew; that is what keeps a download from stalling.
"""

from collections import defaultdict
from collections.abc import Iterable
from random import Random

from webtorrent_py.actions import DropPiece, HashPiece, StorePiece
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import WireError
from webtorrent_py.events import Downloaded, FileDone, PieceVerified, ReaderAdvanced, TorrentDone
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import Block, PeerConnection
from webtorrent_py.peer.requests import Place
from webtorrent_py.torrent.availability import Availability
from webtorrent_py.torrent.blame import Blame
from webtorrent_py.torrent.picker import MAX_DUPLICATES, Picker
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PiecesInProgress
from webtorrent_py.torrent.pipeline import Pipeline
from webtorrent_py.torrent.progress import Progress
from webtorrent_py.torrent.readers import Reader, Readers
from webtorrent_py.torrent.selection import Selection
from webtorrent_py.torrent.source import Source
from webtorrent_py.wire.messages import Piece

# Seconds without any block, with requests outstanding, after which others are asked too. BEP 3 says a
# minute for choking back; a viewer will not wait that long.
SNUB_TIMEOUT = 20.0
# Seconds after which a second peer is asked for what a reader waits for. The pipeline's depth is such that an
# answer takes less.
PATIENCE = 2.0


class Downloader:
    """The getting half of one torrent."""

    def __init__(
        self,
        torrent: int,
        *,
        metainfo: Metainfo,
        progress: Progress,
        selection: Selection,
        outbox: Outbox,
        random: Random,
        sequential: bool,
    ) -> None:
        self._torrent = torrent
        self._metainfo = metainfo
        self._progress = progress
        self._have = progress.have
        self._selection = selection
        self._peers: dict[int, Source] = {}
        self._outbox = outbox
        self._availability = Availability(metainfo.piece_count, random)
        self._pieces = PiecesInProgress()
        self.readers = Readers(metainfo.piece_length)
        self._picker = Picker(
            sizes=metainfo,
            have=self._have,
            selection=selection,
            availability=self._availability,
            pieces=self._pieces,
            readers=self.readers,
            random=random,
            sequential=sequential,
        )
        self._blame = Blame()
        self._pipelines: dict[int, Pipeline] = {}
        # Peers for which there was nothing to pick, and the state of the supply that this was true for.
        self._exhausted: dict[int, tuple[int, bool]] = {}
        # Peers that rejected a request since the last tick.
        self._refusers: set[int] = set()
        self._wanted = Bitfield(metainfo.piece_count)
        self._missing = 0
        self._paused = False
        self.received = 0
        self._apply_selection()

    # --- peers ---------------------------------------------------------------------------------

    def add_peer(self, peer: Source, now: float) -> None:
        """A source is there whose bitfield is known (a peer's is empty until it tells)."""
        self._peers[peer.handle] = peer
        self._pipelines[peer.handle] = Pipeline(peer.download.rate)
        self.bitfield_received(peer, now)

    def remove_peer(self, peer: Source, now: float) -> None:
        """A source is gone."""
        if self._pipelines.pop(peer.handle, None) is None:
            return
        del self._peers[peer.handle]
        assert peer.bitfield is not None
        self._exhausted.pop(peer.handle, None)
        self._refusers.discard(peer.handle)
        self._availability.remove_peer(peer.bitfield)
        self._release_all(peer)
        self.fill_all(now)

    def bitfield_received(self, peer: Source, now: float) -> None:
        """The peer told what it has."""
        assert peer.bitfield is not None
        self._availability.add_peer(peer.bitfield)
        self._count_wanted(peer, now)
        self.fill(peer, now)

    def have_received(self, peer: Source, index: int, now: float) -> None:
        """The peer got piece `index`."""
        assert peer.bitfield is not None
        self._availability.add_have(index, peer.bitfield)
        if self._wanted[index]:
            peer.wanted_count += 1
            self._exhausted.pop(peer.handle, None)
            peer.send_interested(not self._paused, now)
            self.fill(peer, now)

    def unchoked(self, peer: Source, now: float) -> None:
        """The peer serves us now, or allows one more piece to be asked for."""
        self._exhausted.pop(peer.handle, None)
        self._refusers.discard(peer.handle)
        self.fill(peer, now)

    def choked(self, peer: PeerConnection, now: float) -> None:
        """The peer serves us no more. With the fast extension it rejects each request besides (BEP 6)."""
        if peer.fast:
            self._restart_owned(peer)
        else:
            self._release_all(peer)
            peer.requests.clear()
        self.fill_all(now)

    def rejected(self, peer: PeerConnection, index: int, begin: int, now: float) -> None:
        """The peer will not answer a request."""
        self._pieces.release(index, begin, peer.handle)
        self._restart_owned(peer)
        if peer.peer_choking:
            peer.allowed_fast.discard(index)
        # Asking the same peer for the same block at once would go on forever.
        self._refusers.add(peer.handle)
        self.fill_all(now)

    def release(self, peer: Source, places: Iterable[Place], now: float) -> None:
        """The source will not send these blocks, though it was asked to."""
        for index, begin in places:
            self._pieces.release(index, begin, peer.handle)
        self._restart_owned(peer)
        self.fill_all(now)

    # --- asking --------------------------------------------------------------------------------

    def fill(self, peer: Source, now: float) -> None:
        """Ask the peer for as much as its pipeline may hold."""
        if not peer.wanted_count or self._paused or peer.handle in self._refusers:
            return
        count = peer.room(self._pipelines[peer.handle].depth)
        if count <= 0:
            return
        exhausted = self._exhausted.get(peer.handle)
        if exhausted is not None and exhausted == self._supply:
            return
        blocks = self._picker.pick(peer, count)
        if not blocks:
            self._exhausted[peer.handle] = self._supply
            return
        peer.send_requests(blocks, now)
        if peer.prefers_runs:
            # It may have a connection left for another run.
            self.fill(peer, now)

    def claim(self, source: Source, index: int) -> list[Block]:
        """The free blocks of a piece that the source is about to send unasked; none if it is not wanted."""
        return [] if self._paused else self._picker.claim(source, index)

    def count_wanted(self, first: int, last: int) -> int:
        """How many of the pieces from `first` to `last` (inclusive) are wanted and not here."""
        return self._wanted.count_between(first, last)

    def fill_all(self, now: float) -> None:
        """Something became free: ask whoever can take more."""
        for handle in self._pipelines:
            self.fill(self._peers[handle], now)

    def tick(self, now: float) -> None:
        """Relieve peers that fell silent of what they were asked for, and try those again that rejected."""
        self._refusers.clear()
        for handle, pipeline in self._pipelines.items():
            peer = self._peers[handle]
            if peer.requests and not peer.snubbed and now - peer.last_block > SNUB_TIMEOUT:
                peer.snubbed = True
                pipeline.stalled()
                self._release_all(peer)
                # One request stays: the answer to it tells that the peer is back.
                peer.send_cancels(self._requested_of(peer)[1:], now)
        self.fill_all(now)
        self._hurry(now)

    def _hurry(self, now: float) -> None:
        """Ask a faster peer too for blocks that readers wait for and that are late."""
        late = [
            (piece, number, self._peers[handles[0]])
            for piece in map(self._pieces.get, dict.fromkeys(self.readers.urgent_pieces()))
            if piece is not None and not piece.exclusive
            for number, handles in piece.requested.items()
            if len(handles) == 1 and now - self._peers[handles[0]].requests[piece.block(number)[:2]] > PATIENCE
        ]
        for piece, number, slow in late[:MAX_DUPLICATES]:
            helper = max(
                (peer for peer in map(self._peers.__getitem__, self._pipelines) if peer.may_request(piece.index)),
                key=lambda peer: 0.0 if peer.snubbed else peer.download.rate(now),
                default=slow,
            )
            if helper is not slow and len(helper.requests) < helper.request_limit:
                helper.send_requests([self._pieces.take_duplicate(piece, number, helper.handle)], now)

    def pause(self, now: float) -> None:
        """Ask for nothing until `resume`, and take back what was asked for."""
        self._paused = True
        for handle in self._pipelines:
            peer = self._peers[handle]
            self._release_all(peer)
            peer.send_cancels(self._requested_of(peer), now)
            peer.send_interested(False, now)

    def resume(self, now: float) -> None:
        """Ask again."""
        self._paused = False
        for handle in self._pipelines:
            peer = self._peers[handle]
            peer.send_interested(peer.wanted_count > 0, now)
        self.fill_all(now)

    # --- taking --------------------------------------------------------------------------------

    def block_received(self, peer: Source, block: Piece, now: float) -> None:
        """A block came, asked for or not. Raises `WireError` if it is none that anybody could have asked for."""
        index, begin = block.index, block.begin
        length = len(block.data)
        if index >= self._metainfo.piece_count or begin % BLOCK_LENGTH or length != self._block_length(index, begin):
            # The connection has taken the request, if there was one, for answered.
            self._pieces.release(index, begin, peer.handle)
            raise WireError(f"the peer sent {length} bytes at {begin} of piece {index}, which is no block of it")
        self.received += length
        self._outbox.tell(Downloaded(self._torrent, length))
        self._pipelines[peer.handle].block_received(peer.last_wait, now)
        peer.snubbed = False
        stored = self._pieces.store(index, begin, block.data, peer.handle)
        if stored is not None:
            for handle in stored.others:
                self._peers[handle].send_cancels([(index, begin, length)], now)
                self.fill(self._peers[handle], now)
            if stored.complete:
                piece = self._pieces.get(index)
                assert piece is not None
                self._outbox.do(HashPiece(self._torrent, index, piece.data))
        self.fill(peer, now)

    def piece_hashed(self, index: int, digest: bytes, now: float) -> set[int]:
        """The digest of a complete piece. The handles of the peers that are known to have lied."""
        piece = self._pieces.get(index)
        if piece is None or piece.missing:
            return set()
        if digest == self._metainfo.piece_hash(index):
            self._outbox.do(StorePiece(self._torrent, index))
            self._pieces.trust(index)
            return self._blame.verified(piece)
        self._outbox.do(DropPiece(self._torrent, index))
        culprit = self._blame.failed(piece)
        if culprit is None:
            self._pieces.suspect(index)
        self._restart(index)
        self.fill_all(now)
        return set() if culprit is None else {culprit}

    def piece_stored(self, index: int, now: float) -> None:
        """A verified piece can be read and served from here on."""
        was_full = self._pieces.full
        self._pieces.finish(index)
        if self._have[index]:
            return
        completed = self._progress.add(index)
        if self._wanted.clear(index):
            for handle in self._pipelines:
                peer = self._peers[handle]
                assert peer.bitfield is not None
                if peer.bitfield[index]:
                    peer.wanted_count -= 1
                    if not peer.wanted_count:
                        peer.send_interested(False, now)
        for handle in self._pipelines:
            self._peers[handle].send_have(index, now)
        self._outbox.tell(PieceVerified(self._torrent, index))
        for file in completed:
            self._outbox.tell(FileDone(self._torrent, file))
        for reader in self.readers.waiting_for(index):
            self._outbox.tell(ReaderAdvanced(self._torrent, reader.handle))
        if self._selection.selected(index):
            self._missing -= 1
            if not self._missing:
                self._outbox.tell(TorrentDone(self._torrent))
        if was_full:
            self.fill_all(now)

    @property
    def done(self) -> bool:
        """Whether all selected pieces are verified and stored."""
        return not self._missing

    # --- what is wanted ------------------------------------------------------------------------

    def select(self, first: int, last: int, priority: int, now: float) -> None:
        """Want the pieces from `first` to `last` with a priority; 0 deselects."""
        self._selection.select(first, last, priority)
        self._selection_changed(now)

    def open_reader(self, reader: Reader, now: float) -> None:
        """Want a reader's range, and its first pieces before all else."""
        self.readers.add(reader)
        length = self._metainfo.piece_length
        if reader.start < reader.end and self._selection.hold(
            reader.handle, reader.start // length, (reader.end - 1) // length
        ):
            self._selection_changed(now)
        else:
            self._exhausted.clear()
            self.fill_all(now)

    def move_reader(self, handle: int, position: int, now: float) -> None:
        """A reader goes on from `position`; the pieces there are urgent now."""
        self.readers[handle].move(position)
        if self._pieces.full:
            # What is urgent is started even now.
            self._exhausted.clear()
        self.fill_all(now)

    def close_reader(self, handle: int, now: float) -> None:
        """What only this reader wanted is not wanted any more."""
        self.readers.remove(handle)
        if self._selection.release(handle):
            self._selection_changed(now)

    def _selection_changed(self, now: float) -> None:
        was_done = self.done
        self._apply_selection()
        self._give_up_unwanted(now)
        self._exhausted.clear()
        for handle in self._pipelines:
            self._count_wanted(self._peers[handle], now)
        self.fill_all(now)
        if self.done and not was_done:
            self._outbox.tell(TorrentDone(self._torrent))

    def _apply_selection(self) -> None:
        wanted = Bitfield(self._metainfo.piece_count)
        for index in self._selection.wanted(self._have):
            wanted.set(index)
        for index in self._wanted.indices():
            if not wanted[index]:
                self._availability.withdraw(index)
        for index in wanted.indices():
            if index not in self._pieces:
                self._availability.offer(index, self._selection.priority(index))
        self._wanted = wanted
        self._missing = self._selection.count_missing(self._have)

    def _give_up_unwanted(self, now: float) -> None:
        blocks_of: defaultdict[int, list[Block]] = defaultdict(list)
        for piece in [each for each in self._pieces if each.missing and not self._wanted[each.index]]:
            for number, handles in piece.requested.items():
                for handle in handles:
                    blocks_of[handle].append(piece.block(number))
            self._pieces.abandon(piece.index)
        for handle, blocks in blocks_of.items():
            self._peers[handle].send_cancels(blocks, now)

    def _count_wanted(self, peer: Source, now: float) -> None:
        assert peer.bitfield is not None
        peer.wanted_count = peer.bitfield.count_common(self._wanted)
        peer.send_interested(peer.wanted_count > 0 and not self._paused, now)

    # --- going back ----------------------------------------------------------------------------

    def _release_all(self, peer: Source) -> None:
        for index, begin in peer.requests:
            self._pieces.release(index, begin, peer.handle)
        self._restart_owned(peer)

    def _restart_owned(self, peer: Source) -> None:
        """Let somebody else have the exclusive pieces of a peer: all of each, or it could not be told who lied."""
        for index in self._pieces.owned_by(peer.handle):
            self._restart(index)

    def _restart(self, index: int) -> None:
        self._pieces.abandon(index)
        if self._wanted[index]:
            self._availability.offer(index, self._selection.priority(index))

    @property
    def _supply(self) -> tuple[int, bool]:
        """Changes whenever there may be something to ask for that was not there before."""
        return self._pieces.generation, self._picker.is_end_game

    def _requested_of(self, peer: Source) -> list[Block]:
        return [(index, begin, self._block_length(index, begin)) for index, begin in peer.requests]

    def _block_length(self, index: int, begin: int) -> int:
        return min(BLOCK_LENGTH, self._metainfo.piece_size(index) - begin)
