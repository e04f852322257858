"""Who sent the wrong bytes of a piece whose hash did not match.

If all blocks came from one peer, it was that one. Else the digests of the blocks are kept; once the piece
is right (it is then asked of one peer alone), those whose block was different are found.
"""

import hashlib

from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PieceInProgress

# A swarm of liars could fail piece after piece: older ones are forgotten.
MAX_FAILED_PIECES = 64


class Blame:
    """Remembers failed pieces until they are verified. Peers are named by their handles."""

    def __init__(self) -> None:
        self._failed: dict[int, list[tuple[int, int, bytes]]] = {}

    def failed(self, piece: PieceInProgress) -> int | None:
        """The piece's hash was wrong. The culprit, if it is certain already."""
        sources = {source for source in piece.sources if source is not None}
        if len(sources) == 1:
            return sources.pop()
        if piece.index not in self._failed and len(self._failed) >= MAX_FAILED_PIECES:
            self._failed.pop(next(iter(self._failed)))
        self._failed.setdefault(piece.index, []).extend(
            (number, source, _digest(piece, number))
            for number, source in enumerate(piece.sources)
            if source is not None
        )
        return None

    def verified(self, piece: PieceInProgress) -> set[int]:
        """The piece is right now. The peers that had sent wrong blocks of it."""
        suspects = self._failed.pop(piece.index, ())
        return {source for number, source, digest in suspects if digest != _digest(piece, number)}


def _digest(piece: PieceInProgress, number: int) -> bytes:
    begin = number * BLOCK_LENGTH
    return hashlib.sha1(memoryview(piece.data)[begin : begin + BLOCK_LENGTH]).digest()
