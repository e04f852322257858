"""Merkle trees of BitTorrent v2 (BEP 52): SHA-256 over the 16 KiB blocks of one file.

Layers are counted from the leaves: layer 0 holds a hash for each block, every node above is the hash of the two
below it, and the root stands alone in the highest layer. A tree has a power of two of leaves; those behind the end
of the file are zeros, and a node above nothing but such leaves is the same in every tree (`padding`).

A layer is kept without what pads it, as one string of 32 bytes for each node.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha1, sha256
from typing import Final

BLOCK_LENGTH: Final = 16 * 1024
"""Bytes of a leaf; the last one of a file may be shorter."""

HASH_SIZE: Final = 32
"""Bytes of a SHA-256 hash."""


def leaves(data: bytes | bytearray | memoryview) -> bytes:
    """The hashes of all blocks of the data."""
    view = memoryview(data)
    return b"".join(sha256(view[at : at + BLOCK_LENGTH]).digest() for at in range(0, len(view), BLOCK_LENGTH))


def piece_digests(data: bytes | bytearray | memoryview, *, with_sha1: bool, leaf_bytes: int) -> bytes:
    """What a host answers to `actions.HashPiece`: SHA-1 of the piece, then the leaves of its first bytes."""
    return (sha1(data).digest() if with_sha1 else b"") + leaves(memoryview(data)[:leaf_bytes])


@cache
def padding(layer: int) -> bytes:
    """The node of this layer that has only leaves behind the end of the file below it."""
    return sha256(padding(layer - 1) * 2).digest() if layer else bytes(HASH_SIZE)


def tree_width(count: int) -> int:
    """How many nodes a layer has whose first `count` are above bytes of the file: a power of two."""
    return 1 << (count - 1).bit_length() if count > 1 else 1


def parents(nodes: bytes, layer: int) -> bytes:
    """The layer above these nodes of `layer`."""
    if len(nodes) // HASH_SIZE % 2:
        nodes += padding(layer)
    return b"".join(sha256(nodes[at : at + 2 * HASH_SIZE]).digest() for at in range(0, len(nodes), 2 * HASH_SIZE))


def root(nodes: bytes, layer: int = 0, width: int | None = None) -> bytes:
    """The node above all these nodes of `layer`, padded to `width` (a power of two; least, if None)."""
    if not nodes:
        raise ValueError("a tree without nodes")
    steps = ((width or tree_width(len(nodes) // HASH_SIZE)) - 1).bit_length()
    for above in range(layer, layer + steps):
        nodes = parents(nodes, above)
    return nodes


def piece_root(block_hashes: bytes, piece_length: int, file_length: int) -> bytes:
    """The root of one piece of a file of `file_length` bytes, from the hashes of the piece's blocks.

    A file that fits into a piece has a tree no larger than it needs, so that this is the file's root.
    """
    return root(block_hashes, 0, None if file_length <= piece_length else piece_length // BLOCK_LENGTH)


def layer_of(piece_length: int) -> int:
    """The layer with one node for each piece; `piece_length` is a power of two."""
    return (piece_length // BLOCK_LENGTH).bit_length() - 1


class LayerTree:
    """All layers from one layer of a tree up to its root, to take parts and proofs from.

    `nodes` are those of `layer` that are above bytes of the file; `width` is a power of two, None the least one.
    """

    def __init__(self, nodes: bytes, layer: int, width: int | None = None) -> None:
        self._layer = layer
        self._layers = [nodes]
        for above in range(layer, layer + (width or tree_width(len(nodes) // HASH_SIZE)).bit_length() - 1):
            self._layers.append(parents(self._layers[-1], above))

    @property
    def width(self) -> int:
        """Nodes of the lowest layer, padding included."""
        return 1 << (len(self._layers) - 1)

    @property
    def root(self) -> bytes:
        """The highest node."""
        return self._layers[-1]

    def part(self, index: int, count: int) -> bytes:
        """`count` nodes of the lowest layer from `index` on."""
        return b"".join(self._node(0, each) for each in range(index, index + count))

    def proof(self, index: int, count: int) -> list[bytes]:
        """The siblings on the way from the node above such a part up to the root, lowest first.

        `count` is a power of two and `index` a multiple of it, so that the part has one node above it.
        """
        start = count.bit_length() - 1
        return [self._node(at, (index >> at) ^ 1) for at in range(start, len(self._layers) - 1)]

    def _node(self, height: int, index: int) -> bytes:
        found = self._layers[height][index * HASH_SIZE : (index + 1) * HASH_SIZE]
        return found or padding(self._layer + height)


def root_of_proof(part: bytes, layer: int, index: int, proof: Iterable[bytes]) -> bytes:
    """The root that follows from a part of a layer, of a power of two of nodes from `index` on, and its proof."""
    count = len(part) // HASH_SIZE
    node = root(part, layer, count)
    position = index // count
    for sibling in proof:
        node = sha256(sibling + node if position & 1 else node + sibling).digest()
        position >>= 1
    return node


def split(nodes: bytes) -> Iterator[bytes]:
    """The hashes one by one."""
    return (nodes[at : at + HASH_SIZE] for at in range(0, len(nodes), HASH_SIZE))
