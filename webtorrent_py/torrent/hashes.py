"""The SHA-256 hashes of a v2 torrent's pieces, as far as they are known: kept, proven, and given to peers (BEP 52).

A file of one piece is known by its root, which stands in the info dictionary. Of a larger file the layer with one hash
for each piece comes with the torrent file, or bit by bit from peers: every part is proven against the root before
it is kept. Of pieces that were verified lately the leaves are kept too, so that others can find out which block of
theirs is wrong.
"""

from bisect import bisect_right
from collections import OrderedDict

from webtorrent_py.codec import merkle
from webtorrent_py.codec.merkle import BLOCK_LENGTH, HASH_SIZE
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import MetainfoError, WireError
from webtorrent_py.wire.hashes import MAX_HASHES, Hashes, HashQuery

# Bytes of leaves that are kept: those of the last gigabyte.
MAX_LEAF_BYTES = 2 * 1024 * 1024
# Trees that are kept ready to give parts of: each takes twice as much as the file's layer.
MAX_TREES = 8


class _Layer:
    """The hashes of all pieces of one file, as far as they are known."""

    def __init__(self, root: bytes, count: int, nodes: bytes | None) -> None:
        self.root = root
        self.count = count
        self.nodes = bytearray(nodes or count * HASH_SIZE)
        self.missing = set() if nodes else set(range(0, count, MAX_HASHES))
        """First pieces of the parts that are not known."""
        self.computed: dict[int, bytes] = {}
        """Hashes of pieces that were verified otherwise: they prove each other once all are there."""

    def hash(self, piece: int) -> bytes | None:
        if piece - piece % MAX_HASHES in self.missing:
            return None
        return bytes(self.nodes[piece * HASH_SIZE : (piece + 1) * HASH_SIZE])


class PieceHashes:
    """What is known of one torrent. Pieces are named by their index in the torrent."""

    def __init__(self, metainfo: Metainfo) -> None:
        self._piece_length = metainfo.piece_length
        self._layer = merkle.layer_of(metainfo.piece_length)
        self._files = [entry for entry in metainfo.files if entry.pieces_root is not None]
        self._firsts = [entry.offset // metainfo.piece_length for entry in self._files]
        pieces = sum(-(-entry.length // metainfo.piece_length) for entry in self._files)
        blocks = sum(-(-entry.length // BLOCK_LENGTH) for entry in self._files)
        self.size = (pieces + blocks) * HASH_SIZE
        """Bytes of all hashes that peers may ask for: of pieces, and of their blocks."""
        self._layers: dict[bytes, _Layer] = {}
        self._lengths: dict[bytes, int] = {}
        for entry in self._files:
            root = entry.pieces_root
            assert root is not None
            self._lengths.setdefault(root, entry.length)
            if entry.length > metainfo.piece_length and root not in self._layers:
                count = -(-entry.length // metainfo.piece_length)
                self._layers[root] = _Layer(root, count, metainfo.piece_layers.get(root))
        self._incomplete = sum(bool(layer.missing) for layer in self._layers.values())
        self._trees: OrderedDict[bytes, merkle.LayerTree] = OrderedDict()
        self._leaves: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self._leaf_bytes = 0

    # --- what is known -------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Whether every piece's hash is known."""
        return not self._incomplete

    @property
    def piece_layers(self) -> dict[bytes, bytes]:
        """Pieces root → hashes of all pieces of the file, of the files of which all are known."""
        return {root: bytes(layer.nodes) for root, layer in self._layers.items() if not layer.missing}

    def piece_bytes(self, index: int) -> int:
        """How many bytes of the piece are in the tree: all but the padding behind a hybrid's file."""
        found = self._locate(index)
        if found is None:
            return 0
        _, piece, length = found
        return min(self._piece_length, length - piece * self._piece_length)

    def piece_root(self, index: int) -> bytes | None:
        """What the tree says of the piece, if that is known."""
        found = self._locate(index)
        if found is None:
            return None
        root, piece, length = found
        return root if length <= self._piece_length else self._layers[root].hash(piece)

    def root_of_leaves(self, index: int, leaves: bytes) -> bytes:
        """What the piece's blocks with these hashes have as their root."""
        found = self._locate(index)
        assert found is not None
        return merkle.piece_root(leaves, self._piece_length, found[2])

    def _locate(self, index: int) -> tuple[bytes, int, int] | None:
        """Root and length of the file of a piece, and the piece's number in it. None for a piece of padding only."""
        at = bisect_right(self._firsts, index) - 1
        if at < 0:
            return None
        entry = self._files[at]
        piece = index - self._firsts[at]
        if piece * self._piece_length >= entry.length or entry.pieces_root is None:
            return None
        return entry.pieces_root, piece, entry.length

    # --- what is missing -----------------------------------------------------------------------

    def missing(self) -> list[HashQuery]:
        """What to ask for, in the order of the pieces."""
        return [self._layer_query(layer, start) for layer in self._layers.values() for start in sorted(layer.missing)]

    def query_for(self, index: int) -> HashQuery | None:
        """What to ask for so that the piece's hash becomes known. None if it is."""
        found = self._locate(index)
        if found is None or self.piece_root(index) is not None:
            return None
        root, piece, _ = found
        return self._layer_query(self._layers[root], piece - piece % MAX_HASHES)

    def leaf_queries(self, index: int) -> list[HashQuery]:
        """What to ask for to learn the hashes of the piece's blocks. Nothing if it has one block."""
        found = self._locate(index)
        assert found is not None
        root, piece, length = found
        blocks = self._piece_length // BLOCK_LENGTH
        width = blocks if length > self._piece_length else merkle.tree_width(-(-length // BLOCK_LENGTH))
        if width == 1:
            return []
        count = min(width, MAX_HASHES)
        used = -(-self.piece_bytes(index) // BLOCK_LENGTH)
        proof_layers = max(width.bit_length() - 2, 0)
        return [HashQuery(root, 0, piece * blocks + at, count, proof_layers) for at in range(0, used, count)]

    def _layer_query(self, layer: _Layer, start: int) -> HashQuery:
        count = max(min(MAX_HASHES, merkle.tree_width(layer.count - start)), 2)  # BEP 52: not one alone
        height = merkle.tree_width(layer.count).bit_length() - 1
        return HashQuery(layer.root, self._layer, start, count, height - 1)

    # --- what peers say ------------------------------------------------------------------------

    def add(self, message: Hashes) -> None:
        """Keep a part of a layer of pieces that was asked for. Raises `WireError` if it is not of the tree."""
        query = message.query
        layer = self._layers[query.pieces_root]
        if query.index not in layer.missing:
            return
        if merkle.root_of_proof(message.part, self._layer, query.index, message.proof) != query.pieces_root:
            raise WireError("the peer sent hashes that do not match the file's root")
        end = min(query.index + MAX_HASHES, layer.count)
        layer.nodes[query.index * HASH_SIZE : end * HASH_SIZE] = message.part[: (end - query.index) * HASH_SIZE]
        layer.missing.remove(query.index)
        if not layer.missing:
            layer.computed.clear()
            self._incomplete -= 1

    def first_block(self, query: HashQuery) -> int:
        """Which block of its piece is the first that a `leaf_queries` query is about."""
        return query.index % (self._piece_length // BLOCK_LENGTH)

    def learn(self, index: int, root: bytes) -> None:
        """The piece, which was verified by v1, has this root.

        So a hybrid's hashes become known without anybody who tells them. Raises `MetainfoError` when they are not those
        of the torrent.
        """
        found = self._locate(index)
        assert found is not None
        layer = self._layers[found[0]]
        layer.computed[found[1]] = root
        if not layer.missing or len(layer.computed) < layer.count:
            return
        nodes = b"".join(layer.computed[piece] for piece in range(layer.count))
        if merkle.root(nodes, self._layer) != layer.root:
            raise MetainfoError("hybrid torrent whose v1 and v2 hashes of a file are of different bytes")
        layer.nodes[:] = nodes
        layer.missing.clear()
        layer.computed.clear()
        self._incomplete -= 1

    def check_leaves(self, index: int, message: Hashes) -> bytes:
        """The leaves in the message, if they are of the piece, whose root is known. Raises `WireError`."""
        root = merkle.root_of_proof(message.part, 0, self.first_block(message.query), message.proof)
        if root != self.piece_root(index):
            raise WireError("the peer sent hashes of blocks that do not match the piece's")
        return message.part

    # --- what we give --------------------------------------------------------------------------

    def keep_leaves(self, index: int, leaves: bytes) -> None:
        """The piece with these leaves was verified."""
        found = self._locate(index)
        assert found is not None
        key = found[:2]
        self._leaf_bytes += len(leaves) - len(self._leaves.pop(key, b""))
        self._leaves[key] = leaves
        while self._leaf_bytes > MAX_LEAF_BYTES:
            self._leaf_bytes -= len(self._leaves.popitem(last=False)[1])

    def answer(self, query: HashQuery) -> Hashes | None:
        """The hashes that a peer asks for; None if we do not have them or they do not exist."""
        if not query.is_possible or query.pieces_root not in self._lengths:
            return None
        if query.base_layer == self._layer and query.pieces_root in self._layers:
            tree = self._tree(query.pieces_root)
            return None if tree is None else _part_of(tree, query, query.index)
        return self._leaf_answer(query) if query.base_layer == 0 else None

    def _leaf_answer(self, query: HashQuery) -> Hashes | None:
        blocks = self._piece_length // BLOCK_LENGTH
        piece, at = divmod(query.index, blocks)
        leaves = self._leaves.get((query.pieces_root, piece))
        if leaves is None or query.length > blocks:
            return None
        is_small = query.pieces_root not in self._layers
        tree = merkle.LayerTree(leaves, 0, None if is_small else blocks)
        upper = None if is_small else self._tree(query.pieces_root)
        return _part_of(tree, query, at, upper, piece)

    def _tree(self, root: bytes) -> merkle.LayerTree | None:
        layer = self._layers[root]
        if layer.missing:
            return None
        if root not in self._trees:
            self._trees[root] = merkle.LayerTree(bytes(layer.nodes), self._layer)
            if len(self._trees) > MAX_TREES:
                self._trees.popitem(last=False)
        self._trees.move_to_end(root)
        return self._trees[root]


def _part_of(
    tree: merkle.LayerTree, query: HashQuery, index: int, upper: merkle.LayerTree | None = None, piece: int = 0
) -> Hashes | None:
    """A part of the tree with its proof, which goes on in the tree above where there is one."""
    if index + query.length > tree.width:
        return None
    proof = tree.proof(index, query.length)
    if upper is not None:
        proof += upper.proof(piece, 1)
    if query.proof_count > len(proof):
        return None
    return Hashes(query, tree.part(index, query.length) + b"".join(proof[: query.proof_count]))
