"""The messages with which peers hand each other the hashes of a file's merkle tree (BEP 52)."""

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from webtorrent_py.codec.merkle import HASH_SIZE
from webtorrent_py.errors import WireError
from webtorrent_py.wire.ids import MessageId

MAX_HASHES: Final = 512
"""Hashes of the lowest layer that are asked for or given at once (BEP 52: should not be more)."""

MAX_LAYERS: Final = 64
"""More layers than any tree has: lengths of files have 63 bits."""

_QUERY: Final = Struct(">32sIIII")
_HEAD: Final = Struct(">IB")

QUERY_LENGTH: Final = 1 + _QUERY.size
"""Bytes of a message without hashes, with its id."""


@dataclass(frozen=True, slots=True)
class HashQuery:
    """Part of a tree: `length` hashes of the layer `base_layer` (0: the leaves) from `index` on.

    `proof_layers` is how many of the layers above are to be proven with the hashes that are missing in them to
    compute the next: one for each layer, from that on which has a single node above the part.
    """

    pieces_root: bytes
    base_layer: int
    index: int
    length: int
    proof_layers: int

    @property
    def is_possible(self) -> bool:
        """Whether BEP 52 allows it, and it is no more than `MAX_HASHES`. The tree may be smaller all the same."""
        return (
            2 <= self.length <= MAX_HASHES
            and self.length & (self.length - 1) == 0
            and self.index % self.length == 0
            and max(self.base_layer, self.proof_layers) <= MAX_LAYERS
        )

    @property
    def proof_count(self) -> int:
        """How many hashes prove it: the part itself proves the layers that it determines."""
        return max(0, self.proof_layers - (self.length.bit_length() - 2))

    def pack(self) -> bytes:
        """As in all three messages."""
        return _QUERY.pack(self.pieces_root, self.base_layer, self.index, self.length, self.proof_layers)


@dataclass(frozen=True, slots=True)
class _OfQuery:
    id: ClassVar[MessageId]
    query: HashQuery

    def serialize(self) -> bytes:
        """The message's 53 bytes."""
        return _HEAD.pack(QUERY_LENGTH, self.id) + self.query.pack()


@dataclass(frozen=True, slots=True)
class HashRequest(_OfQuery):
    """The sender asks for hashes."""

    id = MessageId.HASH_REQUEST


@dataclass(frozen=True, slots=True)
class HashReject(_OfQuery):
    """The sender will not give the hashes that were asked for."""

    id = MessageId.HASH_REJECT


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes that were asked for, joined: those of the lowest layer, then their proof upwards."""

    id: ClassVar[MessageId] = MessageId.HASHES
    query: HashQuery
    hashes: bytes

    def serialize(self) -> bytes:
        """The message's 53 + len(hashes) bytes."""
        return _HEAD.pack(QUERY_LENGTH + len(self.hashes), self.id) + self.query.pack() + self.hashes

    @property
    def part(self) -> bytes:
        """The hashes of the lowest layer."""
        return self.hashes[: self.query.length * HASH_SIZE]

    @property
    def proof(self) -> list[bytes]:
        """The others, lowest first."""
        start = self.query.length * HASH_SIZE
        return [self.hashes[at : at + HASH_SIZE] for at in range(start, len(self.hashes), HASH_SIZE)]


HASHES_LENGTH_RANGE: Final = (QUERY_LENGTH, QUERY_LENGTH + (MAX_HASHES + MAX_LAYERS) * HASH_SIZE)


def parse_query(data: bytes, start: int) -> HashQuery:
    """The query whose first byte is at `start`."""
    return HashQuery(*_QUERY.unpack_from(data, start))


def parse_hashes(data: bytes, start: int, end: int) -> Hashes:
    """The body of a `Hashes`, as long as its query says. Raises `WireError`."""
    query = parse_query(data, start)
    hashes = data[start + _QUERY.size : end]
    if not query.is_possible or len(hashes) != (query.length + query.proof_count) * HASH_SIZE:
        raise WireError(f"hashes message with {len(hashes)} bytes for {query.length} hashes")
    return Hashes(query, hashes)
