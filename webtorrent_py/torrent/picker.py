"""What to ask a peer for next.

Strategy, in this order:
1. what a reader waits for, in the order of reading;
2. the pieces under way, oldest first, so that they get complete and can be passed on;
3. a new piece: the rarest that the peer has (BEP 3), or the first one when downloading in sequence; a source
   that is asked by ranges (a web seed) gets the pieces that follow it along with it;
4. end game: when all that is missing is asked for, ask a second peer for the same blocks, so that one slow
   peer does not hold up the end.

Never a block that we have, nor one that the peer lacks or would not serve. At most `MAX_REQUESTERS` peers
are asked for the same block.
"""

from collections.abc import Iterator
from random import Random
from typing import Protocol

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.availability import Availability
from webtorrent_py.torrent.pieces import PieceInProgress, PiecesInProgress
from webtorrent_py.torrent.selection import Selection

MAX_REQUESTERS = 2
# A peer takes over this many blocks at a time in the end game: it would be wasteful to double everything.
MAX_DUPLICATES = 16

Block = tuple[int, int, int]


class Peer(Protocol):
    """What the picker must know of a peer."""

    @property
    def handle(self) -> int:
        """The connection's handle."""

    @property
    def prefers_runs(self) -> bool:
        """Whether pieces that follow each other serve it better than rare ones."""

    def may_request(self, index: int) -> bool:
        """Whether the peer has the piece and would serve it now."""


class Urgency(Protocol):
    """What the picker must know of the readers."""

    def urgent_pieces(self) -> Iterator[int]:
        """The pieces that readers wait for, the most urgent first; verified ones may be among them."""


class PieceSizes(Protocol):
    """What the picker must know of the metainfo."""

    def piece_size(self, index: int) -> int:
        """Bytes of the piece."""


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
        random: Random,
        sequential: bool,
    ) -> None:
        self._sizes = sizes
        self._have = have
        self._selection = selection
        self._availability = availability
        self._pieces = pieces
        self._readers = readers
        self._random = random
        self._sequential = sequential

    def pick(self, peer: Peer, count: int) -> list[Block]:
        """Up to `count` blocks to ask `peer` for, most important first."""
        blocks: list[Block] = []
        for piece in self._candidates(peer):
            blocks += self._pieces.take_free(piece, count - len(blocks), peer.handle)
            if len(blocks) >= count:
                return blocks
        if not blocks and self.is_end_game:
            blocks = self._pick_duplicates(peer, min(count, MAX_DUPLICATES))
        return blocks

    def claim(self, peer: Peer, index: int) -> list[Block]:
        """The free blocks of one piece, which `peer` sends anyway; none of a piece that is not wanted."""
        piece = self._pieces.get(index)
        if piece is None:
            if self._pieces.full or not self._availability.is_offered(index):
                return []
            piece = self._start(index)
        return self._pieces.take_free(piece, piece.block_count, peer.handle) if piece.open_to(peer.handle) else []

    @property
    def is_end_game(self) -> bool:
        """Whether all that is missing is asked for."""
        return not self._availability.waiting and not self._pieces.any_free

    def _candidates(self, peer: Peer) -> Iterator[PieceInProgress]:
        for index in self._readers.urgent_pieces():
            if not self._have[index] and peer.may_request(index):
                urgent = self._pieces.get(index) or self._start(index)
                if urgent.free and urgent.open_to(peer.handle):
                    yield urgent
        while piece := self._next_open(peer):
            yield piece
        new: int | None = None
        while not self._pieces.full and (new := self._next_new(peer, new)) is not None:
            yield self._start(new)

    def _next_open(self, peer: Peer) -> PieceInProgress | None:
        for piece in self._pieces.with_free_blocks():
            if peer.may_request(piece.index) and piece.open_to(peer.handle):
                return piece
        return None

    def _next_new(self, peer: Peer, previous: int | None) -> int | None:
        if previous is not None and peer.prefers_runs:
            following = previous + 1
            if self._availability.is_offered(following) and peer.may_request(following):
                return following
        order = self._in_sequence() if self._sequential else self._availability.rarest()
        return next((index for index in order if peer.may_request(index)), None)

    def _in_sequence(self) -> Iterator[int]:
        for index in range(self._have.first_missing() or 0, len(self._have)):
            if not self._have[index] and index not in self._pieces and self._selection.priority(index):
                yield index

    def _start(self, index: int) -> PieceInProgress:
        self._availability.withdraw(index)
        return self._pieces.start(index, self._sizes.piece_size(index))

    def _pick_duplicates(self, peer: Peer, count: int) -> list[Block]:
        blocks: list[Block] = []
        pieces = [
            piece for piece in self._pieces if piece.requested and not piece.exclusive and peer.may_request(piece.index)
        ]
        self._random.shuffle(pieces)
        for piece in pieces:
            for number, peers in piece.requested.items():
                if len(blocks) >= count:
                    return blocks
                if len(peers) < MAX_REQUESTERS and peer.handle not in peers:
                    blocks.append(self._pieces.take_duplicate(piece, number, peer.handle))
        return blocks
