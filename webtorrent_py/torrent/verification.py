"""Whether a piece is what the torrent says: by SHA-1 in v1, by its merkle tree in v2, by both in a hybrid.

The host hashes, since it has the browser's code for it; here the digests are asked for and judged.
"""

from enum import Enum, auto

from webtorrent_py.actions import CheckPiece, HashPiece
from webtorrent_py.codec.metainfo import HASH_SIZE, Metainfo
from webtorrent_py.errors import MetainfoError
from webtorrent_py.torrent.hashes import PieceHashes


class Verdict(Enum):
    """What became of a piece's digests."""

    RIGHT = auto()
    WRONG = auto()
    UNKNOWN = auto()
    """The hash of this piece is not known yet (v2)."""


class Verification:
    """Judges the pieces of one torrent. `hashes` is None for v1."""

    def __init__(self, torrent: int, metainfo: Metainfo, hashes: PieceHashes | None) -> None:
        self._torrent = torrent
        self._metainfo = metainfo
        self._hashes = hashes

    def hash_piece(self, index: int, data: bytearray) -> HashPiece:
        """The action that gets the digests of a piece that `judge` needs."""
        leaf_bytes = self._hashes.piece_bytes(index) if self._hashes is not None else 0
        return HashPiece(self._torrent, index, data, self._metainfo.has_v1, leaf_bytes)

    def check_piece(self, index: int) -> CheckPiece:
        """The action that gets the same digests of a piece in the store."""
        leaf_bytes = self._hashes.piece_bytes(index) if self._hashes is not None else 0
        offset, size = index * self._metainfo.piece_length, self._metainfo.piece_size(index)
        return CheckPiece(self._torrent, index, offset, size, self._metainfo.has_v1, leaf_bytes)

    def judge(self, index: int, digests: bytes) -> Verdict:
        """Compare. Raises `MetainfoError` when the v1 and v2 hashes of a hybrid mean different bytes."""
        by_v1 = by_v2 = None
        if self._metainfo.has_v1:
            by_v1 = digests[:HASH_SIZE] == self._metainfo.piece_hash(index)
        leaves = self.leaves(digests)
        if self._hashes is not None and leaves:
            right, root = self._hashes.piece_root(index), self._hashes.root_of_leaves(index, leaves)
            if right is not None:
                by_v2 = root == right
            elif by_v1:
                # As good as its SHA-1 until the v2 hash is known.
                self._hashes.learn(index, root)
            if by_v1 or by_v2:
                self._hashes.keep_leaves(index, leaves)
        if by_v1 is not None and by_v2 is not None and by_v1 != by_v2:
            raise MetainfoError(f"hybrid torrent whose v1 and v2 hashes of piece {index} are of different bytes")
        verdict = by_v1 if by_v2 is None else by_v2
        if verdict is None:
            return Verdict.UNKNOWN
        return Verdict.RIGHT if verdict else Verdict.WRONG

    def leaves(self, digests: bytes) -> bytes:
        """The hashes of the piece's blocks among its digests, if there are any."""
        return digests[HASH_SIZE:] if self._metainfo.has_v1 else digests
