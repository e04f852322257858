"""The pieces under way: which of their blocks came, which are asked of whom, and the bytes so far.

A piece goes from *started* (blocks are asked for) over *complete* (all blocks came, the host hashes them)
to *verified* or, with a wrong hash, back to nothing. Only pieces under way cost memory, and how many bytes
of them there may be is bounded.

A piece that failed with blocks of several peers is *suspect*: it is asked of one peer alone the next time,
so that a peer that sends wrong bytes is certain to be found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.piece_set import PieceSet

# What nearly all clients ask for at once (BEP 3's "current implementations").
BLOCK_LENGTH = 16 * 1024
# A swarm of fast peers has some tens of MB on the way; more would only fill the heap.
MAX_BYTES_UNDER_WAY = 48 * 1024 * 1024
# Yet a torrent of very large pieces must be able to go on while some of them wait for slow peers.
MIN_PIECES_UNDER_WAY = 3
# Of the pieces with free blocks, the oldest are offered to a peer first; of more than these, whichever it has.
LOOKED_THROUGH = 16


class PieceInProgress:
    """One piece under way. Blocks are numbered from 0; all but the last are `BLOCK_LENGTH` long."""

    __slots__ = (
        "asked_count",
        "block_count",
        "data",
        "exclusive",
        "free",
        "index",
        "missing",
        "owner",
        "requested",
        "size",
        "sources",
    )

    def __init__(self, index: int, size: int, exclusive: bool, content_size: int | None = None) -> None:
        self.index = index
        self.size = size
        self.block_count = -(-size // BLOCK_LENGTH)
        self.data = bytearray(size)
        self.asked_count = -(-(content_size or size) // BLOCK_LENGTH)
        """Blocks to get: those behind them are nothing but padding, and are zeros already."""
        self.free = list(range(self.asked_count - 1, -1, -1))
        """Blocks that nobody is asked for, the next one last."""
        self.requested: dict[int, list[int]] = {}
        """Block → handles of the peers that it is asked of."""
        self.sources: list[int | None] = [None] * self.block_count
        """Block → handle of the peer that it came from."""
        self.missing = self.asked_count
        self.exclusive = exclusive
        self.owner: int | None = None
        """The one peer that an exclusive piece is asked of."""

    def open_to(self, peer: int) -> bool:
        """Whether blocks of the piece may be asked of this peer."""
        return not self.exclusive or self.owner is None or self.owner == peer

    def blocks_here(self) -> bytes:
        """Which blocks came, as a bitfield."""
        here = Bitfield.from_flags(bytes(source is not None for source in self.sources))
        return here.to_bytes()

    def block(self, number: int) -> tuple[int, int, int]:
        """The block as (piece index, begin, length)."""
        begin = number * BLOCK_LENGTH
        length = self.size - begin
        return self.index, begin, length if length < BLOCK_LENGTH else BLOCK_LENGTH


@dataclass(frozen=True, slots=True)
class BlockStored:
    """A block was taken. `others` are the peers that are asked for it too; `complete` ends the piece."""

    others: list[int]
    complete: bool


class PiecesInProgress:
    """All pieces under way of one torrent, oldest first."""

    def __init__(self, piece_count: int) -> None:
        self._pieces: dict[int, PieceInProgress] = {}
        # Those with free blocks; of them, those that may be asked of several peers are in the set too.
        self._open: dict[int, PieceInProgress] = {}
        self._shared = PieceSet(piece_count)
        self._suspect: set[int] = set()
        self._bytes = 0
        self.generation = 0
        """Changes whenever there may be something to ask for that was not there before."""

    def __contains__(self, index: int) -> bool:
        return index in self._pieces

    def __iter__(self) -> Iterator[PieceInProgress]:
        return iter(self._pieces.values())

    def get(self, index: int) -> PieceInProgress | None:
        """The piece if it is under way."""
        return self._pieces.get(index)

    def with_free_blocks(self) -> Iterator[PieceInProgress]:
        """The pieces that have blocks to ask for, oldest first."""
        return iter(self._open.values())

    def open_for(self, peer: int, among: Bitfield) -> PieceInProgress | None:
        """A piece in `among` that has free blocks which may be asked of `peer`: the oldest, if there are not many."""
        for piece in islice(self._open.values(), LOOKED_THROUGH):
            if among[piece.index] and piece.open_to(peer):
                return piece
        if len(self._open) <= LOOKED_THROUGH:
            return None
        index = self._shared.first(among.words)
        if index is not None:
            return self._open[index]
        exclusive = (self._open[each] for each in self._suspect if each in self._open and among[each])
        return next((piece for piece in exclusive if piece.open_to(peer)), None)

    @property
    def full(self) -> bool:
        """Whether no further piece should be started, to bound memory."""
        return self._bytes >= MAX_BYTES_UNDER_WAY and len(self._pieces) >= MIN_PIECES_UNDER_WAY

    def start(self, index: int, size: int, content_size: int | None = None) -> PieceInProgress:
        """Begin a piece, of which only the blocks with content are got."""
        piece = PieceInProgress(index, size, index in self._suspect, content_size)
        self._pieces[index] = piece
        self._open_up(piece)
        self._bytes += size
        return piece

    def finish(self, index: int) -> None:
        """End a verified piece."""
        if self.full:
            self.generation += 1
        piece = self._pieces.pop(index, None)
        if piece is not None:
            self._close(index)
            self._bytes -= piece.size

    def abandon(self, index: int) -> None:
        """End a piece whose bytes are of no use; it can be started again."""
        self.finish(index)
        self.generation += 1

    def reopen(self, index: int, numbers: list[int]) -> None:
        """Blocks of a complete piece were found to be wrong: get these again, from anybody."""
        piece = self._pieces[index]
        for number in numbers:
            piece.sources[number] = None
        piece.free = numbers[::-1]
        piece.missing = len(numbers)
        self._open_up(piece)
        self.generation += 1

    def suspect(self, index: int) -> None:
        """From here on ask for this piece from one peer at a time."""
        self._suspect.add(index)

    def trust(self, index: int) -> None:
        """The piece was verified: forget that it was suspect."""
        self._suspect.discard(index)

    def owned_by(self, peer: int) -> list[int]:
        """The exclusive pieces that only this peer is asked for, as long as blocks are missing."""
        if not self._suspect:
            return []
        return [piece.index for piece in self if piece.owner == peer and piece.missing]

    @property
    def any_free(self) -> bool:
        """Whether a piece under way has blocks that nobody is asked for."""
        return bool(self._open)

    def take_free(self, piece: PieceInProgress, count: int, peer: int) -> list[tuple[int, int, int]]:
        """Up to `count` free blocks, from here on asked of `peer`."""
        if piece.exclusive:
            piece.owner = peer
        start = max(len(piece.free) - count, 0)
        numbers = piece.free[start:]
        del piece.free[start:]
        numbers.reverse()
        for number in numbers:
            piece.requested[number] = [peer]
        if not piece.free:
            self._close(piece.index)
        return [piece.block(number) for number in numbers]

    def take_duplicate(self, piece: PieceInProgress, number: int, peer: int) -> tuple[int, int, int]:
        """A block that others are asked for already, from here on asked of `peer` too."""
        piece.requested[number].append(peer)
        return piece.block(number)

    def release(self, index: int, begin: int, peer: int) -> None:
        """`peer` will not send the block (choked, rejected, gone, too slow)."""
        piece = self._pieces.get(index)
        number = begin // BLOCK_LENGTH
        peers = piece.requested.get(number) if piece else None
        if piece is None or peers is None or peer not in peers:
            return
        peers.remove(peer)
        self.generation += 1
        if not peers:
            del piece.requested[number]
            piece.free.append(number)
            self._open_up(piece)

    def store(self, index: int, begin: int, data: bytes | memoryview, peer: int) -> BlockStored | None:
        """Take a whole block; None if it is not missing here, or the piece is another peer's."""
        piece = self._pieces.get(index)
        number = begin // BLOCK_LENGTH
        if piece is None or number >= piece.asked_count or piece.sources[number] is not None:
            return None
        if piece.exclusive and piece.owner != peer:
            return None
        piece.data[begin : begin + len(data)] = data
        piece.sources[number] = peer
        piece.missing -= 1
        others = piece.requested.pop(number, None)
        if others is None:
            # A late answer to a request that was given up.
            piece.free.remove(number)
            if not piece.free:
                self._close(index)
            others = []
        elif peer in others:
            others.remove(peer)
        return BlockStored(others, piece.missing == 0)

    def _open_up(self, piece: PieceInProgress) -> None:
        self._open[piece.index] = piece
        if not piece.exclusive:
            self._shared.add(piece.index)

    def _close(self, index: int) -> None:
        self._open.pop(index, None)
        self._shared.discard(index)
