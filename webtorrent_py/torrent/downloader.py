"""Getting pieces: from the peers' blocks to verified pieces in the store.

One block's way: the requester asks for it, `block_received` puts it into its piece, a complete piece goes to the
host to be hashed, `piece_hashed` compares, `piece_stored` counts it and tells the peers.

Every block is at any time either free (the picker may choose it), asked of at least one peer, or here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from random import Random

from webtorrent_py.actions import DropPiece, StorePiece
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import WireError
from webtorrent_py.events import FileDone, PieceLost, PieceVerified, ReaderAdvanced, TorrentDone
from webtorrent_py.limits import Share
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import Block, PeerConnection
from webtorrent_py.peer.requests import Place
from webtorrent_py.torrent.availability import Availability
from webtorrent_py.torrent.blame import Blame
from webtorrent_py.torrent.hash_exchange import HashExchange
from webtorrent_py.torrent.haves import Haves
from webtorrent_py.torrent.interest import Interest
from webtorrent_py.torrent.pace import Pace
from webtorrent_py.torrent.picker import Picker
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PieceInProgress, PiecesInProgress
from webtorrent_py.torrent.progress import Progress
from webtorrent_py.torrent.readers import Reader, Readers
from webtorrent_py.torrent.requester import Requester
from webtorrent_py.torrent.selection import Selection
from webtorrent_py.torrent.source import Source
from webtorrent_py.torrent.verification import Verdict, Verification
from webtorrent_py.wire.messages import Piece

# Names whoever sent the blocks that were kept from an earlier session. No peer has this handle.
RESTORED = 0


class Downloader:
    """The getting half of one torrent."""

    def __init__(
        self,
        torrent: int,
        *,
        metainfo: Metainfo,
        verification: Verification,
        exchange: HashExchange | None,
        progress: Progress,
        selection: Selection,
        share: Share,
        outbox: Outbox,
        random: Random,
        sequential: bool,
    ) -> None:
        self._torrent = torrent
        self._metainfo = metainfo
        self._verification = verification
        self._exchange = exchange
        self._progress = progress
        self._have = progress.have
        self._selection = selection
        self._outbox = outbox
        self._availability = Availability(metainfo.piece_count, random)
        self._pieces = PiecesInProgress(metainfo.piece_count)
        self._interest = Interest(random)
        self.readers = Readers(metainfo.piece_length)
        pace = Pace()
        self._picker = Picker(
            sizes=metainfo,
            have=self._have,
            selection=selection,
            availability=self._availability,
            pieces=self._pieces,
            readers=self.readers,
            pace=pace,
            sequential=sequential,
        )
        self._requester = Requester(
            pieces=self._pieces,
            picker=self._picker,
            readers=self.readers,
            interest=self._interest,
            pace=pace,
            share=share,
        )
        self._blame = Blame()
        self._haves = Haves()
        self.received = 0
        self.wasted = 0
        """Received bytes that were of no use: twice the same, or of a piece that was wrong."""
        self._apply_selection()

    # --- peers ---------------------------------------------------------------------------------

    def add_peer(self, peer: Source, now: float) -> None:
        """A source is there whose bitfield is known (a peer's is empty until it tells)."""
        self._requester.add_peer(peer)
        self.bitfield_received(peer, now)

    def remove_peer(self, peer: Source, now: float) -> None:
        """A source is gone."""
        if peer.handle not in self._requester:
            return
        assert peer.bitfield is not None
        self._interest.forget(peer.handle)
        self._availability.remove_peer(peer.bitfield)
        self._requester.remove_peer(peer)
        self._requester.fill_hungry(now)

    def bitfield_received(self, peer: Source, now: float) -> None:
        """The peer told what it has."""
        assert peer.bitfield is not None
        self._availability.add_peer(peer.bitfield)
        self._examine(peer, now)
        self._requester.fill_anew(peer, now)

    def have_received(self, peer: Source, index: int, now: float) -> None:
        """The peer got piece `index`."""
        assert peer.bitfield is not None
        self._availability.add_have(index, peer.bitfield)
        if self._wanted[index]:
            self._interest.gained(peer.handle, index)
            peer.send_interested(not self._requester.paused, now)
            self._requester.gained(peer, now)

    def have_lost(self, peer: Source, index: int, now: float) -> None:
        """The peer has piece `index` no more (BEP 54): it would be asked for its blocks in vain."""
        assert peer.bitfield is not None
        self._availability.remove_have(index, peer.bitfield)
        blocks = [self._picker.block(*place) for place in peer.requests if place[0] == index]
        peer.send_cancels(blocks, now)
        self._examine(peer, now)
        self._requester.released(peer, [block[:2] for block in blocks], now)

    def unchoked(self, peer: Source, now: float) -> None:
        """The peer serves us now, or allows one more piece to be asked for."""
        self._requester.unchoked(peer, now)

    def choked(self, peer: PeerConnection, now: float) -> None:
        """The peer serves us no more."""
        self._requester.choked(peer, now)

    def rejected(self, peer: PeerConnection, index: int, begin: int, now: float) -> None:
        """The peer will not answer a request."""
        self._requester.rejected(peer, index, begin, now)

    def release(self, peer: Source, places: Collection[Place], now: float) -> None:
        """The source will not send these blocks, though it was asked to."""
        self._requester.released(peer, places, now)

    def claim(self, source: Source, index: int) -> list[Block]:
        """The free blocks of a piece that the source is about to send unasked; none if it is not wanted."""
        return [] if self._requester.paused else self._picker.claim(source, index)

    def count_wanted(self, first: int, last: int) -> int:
        """How many of the pieces from `first` to `last` (inclusive) are wanted and not here."""
        return self._wanted.count_between(first, last)

    def pause(self, now: float) -> None:
        """Ask for nothing until `resume`, and take back what was asked for."""
        self._requester.pause(now)

    def resume(self, now: float) -> None:
        """Ask again."""
        self._requester.resume(now)

    def turn(self, handle: int, now: float) -> None:
        """The limits of speed let this source be asked for one more block."""
        self._requester.turn(handle, now)

    def limit_changed(self, now: float) -> None:
        """Another limit of speed holds from here on."""
        self._requester.limit_changed(now)

    # --- time ----------------------------------------------------------------------------------

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next, besides the tick of every second."""
        return self._haves.due()

    def handle_timer(self, now: float) -> None:
        """`get_timer()` may have come."""
        self._haves.maybe_tell(self._requester.peers(), now)

    def tick(self, now: float) -> None:
        """About a second has passed."""
        self._requester.tick(now)

    # --- taking --------------------------------------------------------------------------------

    def block_received(self, peer: Source, block: Piece, now: float) -> None:
        """A block came, asked for or not. Raises `WireError` if it is none that anybody could have asked for."""
        index, begin = block.index, block.begin
        length = len(block.data)
        if index >= self._metainfo.piece_count or begin % BLOCK_LENGTH or length != self._picker.block(index, begin)[2]:
            # The connection has taken the request, if there was one, for answered.
            self._pieces.release(index, begin, peer.handle)
            raise WireError(f"the peer sent {length} bytes at {begin} of piece {index}, which is no block of it")
        self.received += length
        self._outbox.tell_downloaded(self._torrent, length)
        self._requester.block_received(peer, now)
        stored = self._pieces.store(index, begin, block.data, peer.handle)
        if stored is None:
            self.wasted += length
        else:
            for handle in stored.others:
                self._requester[handle].send_cancels([(index, begin, length)], now)
                self._requester.fill(self._requester[handle], now)
            if stored.complete:
                piece = self._pieces.get(index)
                assert piece is not None
                self._outbox.do(self._verification.hash_piece(index, piece.data))
        self._requester.fill(peer, now)

    def piece_hashed(self, index: int, digests: bytes, now: float) -> set[int]:
        """The digests of a complete piece. The handles of the peers that are known to have lied.

        Raises `MetainfoError` when the torrent contradicts itself.
        """
        piece = self._pieces.get(index)
        if piece is None or piece.missing:
            return set()
        verdict = self._verification.judge(index, digests)
        if verdict is Verdict.UNKNOWN:
            assert self._exchange is not None, "the hashes of v1 are always known"
            self._exchange.wait(index, digests, now)
            return set()
        if verdict is Verdict.RIGHT:
            self._outbox.do(StorePiece(self._torrent, index))
            self._pieces.trust(index)
            return self._blame.verified(piece)
        self._outbox.do(DropPiece(self._torrent, index))
        culprit = self._blame.failed(piece)
        if culprit is None:
            leaves = self._verification.leaves(digests)
            if self._exchange is not None and self._exchange.question(index, leaves, now):
                return set()
            self._pieces.suspect(index)
        self.wasted += piece.size
        self._picker.restart(index)
        self._requester.fill_hungry(now)
        return set() if culprit is None else {culprit}

    def blocks_judged(self, index: int, wrong: list[int] | None, now: float) -> set[int]:
        """Which blocks of a wrong piece are wrong; None: nobody told. The handles of the peers that sent them."""
        piece = self._pieces.get(index)
        if piece is None or piece.missing:
            return set()
        liars = {source for number in wrong or () if (source := piece.sources[number]) is not None}
        self.wasted += sum(piece.block(number)[2] for number in wrong) if wrong else piece.size
        if not wrong:
            self._pieces.suspect(index)
            self._picker.restart(index)
        elif self._wanted[index]:
            self._pieces.reopen(index, wrong)
        else:
            self._picker.restart(index)
        self._requester.fill_hungry(now)
        return liars

    def piece_stored(self, index: int, now: float) -> None:
        """A verified piece can be read and served from here on."""
        was_full = self._pieces.full
        self._pieces.finish(index)
        if self._have[index]:
            return
        completed = self._progress.add(index)
        if self._wanted.clear(index):
            for handle in self._interest.depending_on(index):
                self._examine(self._requester[handle], now)
        self._haves.add(index)
        self._haves.maybe_tell(self._requester.peers(), now)
        self._outbox.tell(PieceVerified(self._torrent, index))
        for file in completed:
            self._outbox.tell(FileDone(self._torrent, file))
        self.readers.piece_added(self._have)
        for reader in self.readers.waiting_for(index):
            self._outbox.tell(ReaderAdvanced(self._torrent, reader.handle))
        if self._selection.selected(index):
            self._missing -= 1
            if not self._missing:
                self._outbox.tell(TorrentDone(self._torrent))
        if was_full:
            self._requester.fill_hungry(now)

    def piece_found(self, index: int, now: float) -> None:
        """A piece that was missing is in the store, verified."""
        self._availability.withdraw(index)
        self.piece_stored(index, now)

    def piece_lost(self, index: int, now: float) -> None:
        """A piece that was verified is wrong, or gone. It is got again if it is wanted."""
        self._progress.remove(index)
        self._haves.discard(index)
        self.readers.lose(index)
        priority = self._selection.priority(index)
        if priority:
            self._wanted.set(index)
            self._availability.offer(index, priority)
        self._missing += self._selection.selected(index)
        for peer in self._requester.peers():
            peer.send_dont_have(index, now)
            assert peer.bitfield is not None
            if priority and peer.bitfield[index]:
                self._interest.gained(peer.handle, index)
                peer.send_interested(not self._requester.paused, now)
        self._outbox.tell(PieceLost(self._torrent, index))
        self._requester.fill_all(now)

    def copies(self) -> list[int]:
        """How many have each piece: the sources that are known, and we."""
        return [self._availability[index] + self._have[index] for index in range(len(self._have))]

    def under_way(self) -> Iterator[PieceInProgress]:
        """The pieces under way: they are not in the store, whatever is there in their place."""
        return iter(self._pieces)

    def restore(self, index: int, blocks: bytes, data: bytes) -> None:
        """Take back blocks of a piece that was under way. What does not fit, or is not wanted now, is left out."""
        if not self._wanted[index] or index in self._pieces or self._pieces.full:
            return
        piece = self._picker.start(index)
        if len(data) == piece.size and len(blocks) == (piece.block_count + 7) // 8:
            for number in range(piece.asked_count):
                if blocks[number >> 3] & (0x80 >> (number & 7)):
                    _, begin, length = piece.block(number)
                    self._pieces.store(index, begin, data[begin : begin + length], RESTORED)
        if not piece.missing:
            self._outbox.do(self._verification.hash_piece(index, piece.data))

    def piece_refused(self, index: int, now: float) -> None:
        """There was no room for a verified piece: it has to be got again."""
        if index in self._pieces and not self._have[index]:
            self._picker.restart(index)
            self._requester.fill_hungry(now)

    @property
    def wants_nothing(self) -> bool:
        """Whether no piece is lacking that is selected or read."""
        return self._wanted.none

    @property
    def done(self) -> bool:
        """Whether all selected pieces are verified and stored."""
        return not self._missing

    @property
    def wanted(self) -> Bitfield:
        """The pieces that are selected or read, and are not there."""
        return self._wanted

    def is_interested_in(self, peer: int) -> bool:
        """Whether the peer has any of these."""
        return peer in self._interest

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
            self._requester.fill_all(now)

    def move_reader(self, handle: int, position: int, now: float) -> None:
        """A reader goes on from `position`; the pieces there are urgent now."""
        self.readers[handle].move(position, now)
        if self._pieces.full:
            # What is urgent is started even now.
            self._requester.fill_all(now)

    def set_critical(self, first: int, last: int, now: float) -> None:
        """Get the wanted pieces from `first` to `last` before all others."""
        self.readers.add_critical(first, last)
        self.readers.piece_added(self._have)
        self._requester.fill_all(now)

    def close_reader(self, handle: int, now: float) -> None:
        """What only this reader wanted is not wanted any more."""
        self.readers.remove(handle)
        if self._selection.release(handle):
            self._selection_changed(now)

    def _selection_changed(self, now: float) -> None:
        was_done = self.done
        self._apply_selection()
        self._give_up_unwanted(now)
        for peer in self._requester.peers():
            self._examine(peer, now)
        self._requester.fill_all(now)
        if self.done and not was_done:
            self._outbox.tell(TorrentDone(self._torrent))

    def _apply_selection(self) -> None:
        self._wanted = self._selection.wanted() - self._have
        self._missing = self._selection.count_missing(self._have)
        startable = self._wanted.copy()
        for piece in self._pieces:
            startable.clear(piece.index)
        self._availability.offer_only(self._selection.by_priority(startable))

    def _give_up_unwanted(self, now: float) -> None:
        blocks_of: defaultdict[int, list[Block]] = defaultdict(list)
        for piece in [each for each in self._pieces if each.missing and not self._wanted[each.index]]:
            for number, handles in piece.requested.items():
                for handle in handles:
                    blocks_of[handle].append(piece.block(number))
            self._pieces.abandon(piece.index)
        for handle, blocks in blocks_of.items():
            self._requester[handle].send_cancels(blocks, now)

    def _examine(self, peer: Source, now: float) -> None:
        """Be interested in the peer if it has anything that we want."""
        assert peer.bitfield is not None
        wants = self._interest.examine(peer.handle, peer.bitfield, self._wanted)
        peer.send_interested(wants and not self._requester.paused, now)
