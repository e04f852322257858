"""What to ask a peer for next.

Strategy, in this order:
1. what a reader waits for, in the order of reading; but a slow peer is not asked for it when a fast one has it;
2. the pieces under way, oldest first, so that they get complete and can be passed on;
3. a new piece: the rarest that the peer has (BEP 3), or the first one when downloading in sequence; a source
   that is asked by ranges (a web seed) gets the pieces that follow it along with it.

Never a block that we have, nor one that the peer lacks or would not serve, nor one that somebody else is asked for:
that is left to the end game.
"""

from collections.abc import Collection, Iterator
from typing import Protocol

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.availability import Availability
from webtorrent_py.torrent.pace import Pace
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PieceInProgress, PiecesInProgress
from webtorrent_py.torrent.selection import Selection

Block = tuple[int, int, int]


class Peer(Protocol):
    """What the picker must know of a peer."""

    @property
    def handle(self) -> int:
        """The connection's handle."""

    @property
    def prefers_runs(self) -> bool:
        """Whether pieces that follow each other serve it better than rare ones."""

    @property
    def suggested(self) -> Collection[int]:
        """Pieces that it would like to be asked for (BEP 6): a hint that decides among equals."""

    @property
    def requestable(self) -> Bitfield:
        """The pieces that the peer has and would serve now."""


class Urgency(Protocol):
    """What the picker must know of the readers."""

    def __bool__(self) -> bool:
        """Whether there are any."""

    def urgent_pieces(self) -> Iterator[int]:
        """The pieces that readers wait for, the most urgent first; verified ones may be among them."""


class PieceSizes(Protocol):
    """What the picker must know of the metainfo."""

    def piece_size(self, index: int) -> int:
        """Bytes of the piece."""

    def content_size(self, index: int) -> int:
        """Bytes of the piece before the padding that ends it: what nobody need be asked for (BEP 47)."""


class Picker:
    """Chooses blocks for peers, and marks what it chose as asked for."""

    def __init__(
        self,
        *,
        sizes: PieceSizes,
        have: Bitfield,
        selection: Selection,
        availability: Availability,
        pieces: PiecesInProgress,
        readers: Urgency,
        pace: Pace,
        sequential: bool,
    ) -> None:
        self._sizes = sizes
        self._have = have
        self._selection = selection
        self._availability = availability
        self._pieces = pieces
        self._readers = readers
        self._pace = pace
        self._sequential = sequential

    def pick(self, peer: Peer, count: int) -> list[Block]:
        """Up to `count` blocks to ask `peer` for, most important first."""
        among = peer.requestable
        if self._readers:
            left = self._pace.left_to_faster(peer.handle, self._readers.urgent_pieces(), len(self._have))
            if left is not None:
                among -= left
        blocks: list[Block] = []
        for piece in self._candidates(peer, among):
            blocks += self._pieces.take_free(piece, count - len(blocks), peer.handle)
            if len(blocks) >= count:
                return blocks
        return blocks

    def claim(self, peer: Peer, index: int) -> list[Block]:
        """The free blocks of one piece, which `peer` sends anyway; none of a piece that is not wanted."""
        piece = self._pieces.get(index)
        if piece is None:
            if self._pieces.full or not self._availability.is_offered(index):
                return []
            piece = self.start(index)
        return self._pieces.take_free(piece, piece.block_count, peer.handle) if piece.open_to(peer.handle) else []

    @property
    def is_end_game(self) -> bool:
        """Whether all that is missing is asked for."""
        return not self._availability.waiting and not self._pieces.any_free

    @property
    def has_free(self) -> bool:
        """Whether there is anything that nobody is asked for, and that may be asked for now."""
        return self._pieces.any_free or (self._availability.waiting > 0 and not self._pieces.full)

    def block(self, index: int, begin: int) -> Block:
        """The block that begins there, with its length."""
        return index, begin, min(BLOCK_LENGTH, self._sizes.piece_size(index) - begin)

    def restart(self, index: int) -> None:
        """Give up what came of a piece under way, and let it be started again if it is wanted."""
        self._pieces.abandon(index)
        priority = self._selection.priority(index)
        if priority:
            self._availability.offer(index, priority)

    def _candidates(self, peer: Peer, among: Bitfield) -> Iterator[PieceInProgress]:
        for index in self._readers.urgent_pieces():
            if not self._have[index] and among[index]:
                urgent = self._pieces.get(index)
                if urgent is None and self._availability.is_offered(index):
                    urgent = self.start(index)
                if urgent is not None and urgent.free and urgent.open_to(peer.handle):
                    yield urgent
        while piece := self._pieces.open_for(peer.handle, among):
            yield piece
        new: int | None = None
        while not self._pieces.full and (new := self._next_new(peer, among, new)) is not None:
            yield self.start(new)

    def _next_new(self, peer: Peer, among: Bitfield, previous: int | None) -> int | None:
        if previous is not None and peer.prefers_runs:
            following = previous + 1
            if self._availability.is_offered(following) and among[following]:
                return following
        if self._sequential:
            return self._availability.first(among)
        rarest = self._availability.rarest(among)
        if rarest is not None:
            for hint in peer.suggested:
                if among[hint] and self._availability.are_equal(hint, rarest):
                    return hint
        return rarest

    def start(self, index: int) -> PieceInProgress:
        """Begin a piece that may be started."""
        self._availability.withdraw(index)
        return self._pieces.start(index, self._sizes.piece_size(index), self._sizes.content_size(index))
