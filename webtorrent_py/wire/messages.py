"""The messages that follow the handshake, as values, both ways.

On the wire a message is a 4-byte length, a 1-byte id and a body (BEP 3); a length of 0 is a keep-alive.
Everything is checked here that can be checked without knowing the torrent: the length of each message.
Whether an index exists, or the sender may send this now, is for `peer`.

Lengths in this module count as on the wire: the id and the body, not the 4 bytes of the length itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final

from webtorrent_py.errors import WireError
from webtorrent_py.wire.hashes import (
    HASHES_LENGTH_RANGE,
    QUERY_LENGTH,
    Hashes,
    HashReject,
    HashRequest,
    parse_hashes,
    parse_query,
)
from webtorrent_py.wire.ids import MessageId

BLOCK_LENGTH_LIMIT: Final = 128 * 1024
"""Largest block that anyone asks for or serves; stock peers may use more than the usual 16 KiB."""

EXTENDED_LENGTH_LIMIT: Final = 128 * 1024
"""Largest extended message: the ones we know hold at most one 16 KiB piece of metadata."""

BITFIELD_LENGTH_LIMIT: Final = 10_000_000 // 20 // 8
"""Largest bitfield while the piece count is unknown: that of 10 MB of metadata, all piece hashes."""

UNKNOWN_LENGTH_LIMIT: Final = 128 * 1024
"""Largest message with an id that we do not know; it is skipped."""

PIECE_HEADER_LENGTH: Final = 13

_EMPTY: Final = Struct(">IB")
_INDEX: Final = Struct(">IBI")
_BLOCK: Final = Struct(">IBIII")
_PORT: Final = Struct(">IBH")
_EXTENDED: Final = Struct(">IBB")
_PIECE: Final = Struct(">IBII")
_ONE_INT: Final = Struct(">I")
_TWO_INTS: Final = Struct(">II")
_THREE_INTS: Final = Struct(">III")
_SHORT: Final = Struct(">H")


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Nothing, sent so that the connection is not taken for dead."""

    def serialize(self) -> bytes:
        """The four zero bytes."""
        return bytes(4)


@dataclass(frozen=True, slots=True)
class _Plain:
    """A message without a body."""

    id: ClassVar[MessageId]

    def serialize(self) -> bytes:
        """The message's 5 bytes."""
        return _EMPTY.pack(1, self.id)


@dataclass(frozen=True, slots=True)
class _OfPiece:
    """A message about the piece `index`."""

    id: ClassVar[MessageId]
    index: int

    def serialize(self) -> bytes:
        """The message's 9 bytes."""
        return _INDEX.pack(5, self.id, self.index)


@dataclass(frozen=True, slots=True)
class _OfBlock:
    """A message about the `length` bytes at `begin` in the piece `index`."""

    id: ClassVar[MessageId]
    index: int
    begin: int
    length: int

    def serialize(self) -> bytes:
        """The message's 17 bytes."""
        return _BLOCK.pack(13, self.id, self.index, self.begin, self.length)


@dataclass(frozen=True, slots=True)
class Choke(_Plain):
    """The sender will not answer requests."""

    id = MessageId.CHOKE


@dataclass(frozen=True, slots=True)
class Unchoke(_Plain):
    """The sender will answer requests."""

    id = MessageId.UNCHOKE


@dataclass(frozen=True, slots=True)
class Interested(_Plain):
    """The sender would make requests if it were unchoked."""

    id = MessageId.INTERESTED


@dataclass(frozen=True, slots=True)
class NotInterested(_Plain):
    """The sender wants nothing that the receiver has."""

    id = MessageId.NOT_INTERESTED


@dataclass(frozen=True, slots=True)
class Have(_OfPiece):
    """The sender now has the piece."""

    id = MessageId.HAVE


@dataclass(frozen=True, slots=True)
class BitfieldMessage:
    """Which pieces the sender has: one bit each, the high bit of the first byte is piece 0."""

    id: ClassVar[MessageId] = MessageId.BITFIELD
    data: bytes

    def serialize(self) -> bytes:
        """The message's 5 + len(data) bytes."""
        return _EMPTY.pack(1 + len(self.data), self.id) + self.data


@dataclass(frozen=True, slots=True)
class Request(_OfBlock):
    """The sender asks for the block."""

    id = MessageId.REQUEST


@dataclass(frozen=True, slots=True)
class Piece:
    """A block: the bytes `data` at `begin` in the piece `index`.

    A received `data` is a read-only view into the received channel message, so that the payload is
    copied only by the receiver. Keeping the view keeps that whole message in memory.
    """

    id: ClassVar[MessageId] = MessageId.PIECE
    index: int
    begin: int
    data: bytes | memoryview

    def serialize(self) -> bytes:
        """The message's 13 + len(data) bytes."""
        return b"".join((piece_header(self.index, self.begin, len(self.data)), self.data))


@dataclass(frozen=True, slots=True)
class Cancel(_OfBlock):
    """The sender no longer wants the block that it asked for."""

    id = MessageId.CANCEL


@dataclass(frozen=True, slots=True)
class Port:
    """The sender's DHT node listens on this UDP port (BEP 5)."""

    id: ClassVar[MessageId] = MessageId.PORT
    port: int

    def serialize(self) -> bytes:
        """The message's 7 bytes."""
        return _PORT.pack(3, self.id, self.port)


@dataclass(frozen=True, slots=True)
class Suggest(_OfPiece):
    """The sender would like to be asked for the piece (BEP 6)."""

    id = MessageId.SUGGEST


@dataclass(frozen=True, slots=True)
class HaveAll(_Plain):
    """Stands for a bitfield with every bit set (BEP 6)."""

    id = MessageId.HAVE_ALL


@dataclass(frozen=True, slots=True)
class HaveNone(_Plain):
    """Stands for a bitfield with no bit set (BEP 6)."""

    id = MessageId.HAVE_NONE


@dataclass(frozen=True, slots=True)
class Reject(_OfBlock):
    """The sender will not serve the block that was asked for (BEP 6)."""

    id = MessageId.REJECT


@dataclass(frozen=True, slots=True)
class AllowedFast(_OfPiece):
    """The sender serves the piece even while it chokes (BEP 6)."""

    id = MessageId.ALLOWED_FAST


@dataclass(frozen=True, slots=True)
class Extended:
    """A message of an extension (BEP 10). `id` 0 is the extended handshake, others were agreed on in it."""

    id: int
    payload: bytes

    def serialize(self) -> bytes:
        """The message's 6 + len(payload) bytes."""
        return _EXTENDED.pack(2 + len(self.payload), MessageId.EXTENDED, self.id) + self.payload


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message with an id that we do not know. It is tolerated; peers ignore it."""

    id: int
    payload: bytes

    def serialize(self) -> bytes:
        """The message's 5 + len(payload) bytes."""
        return _EMPTY.pack(1 + len(self.payload), self.id) + self.payload


Message = (
    KeepAlive
    | Choke
    | Unchoke
    | Interested
    | NotInterested
    | Have
    | BitfieldMessage
    | Request
    | Piece
    | Cancel
    | Port
    | Suggest
    | HaveAll
    | HaveNone
    | Reject
    | AllowedFast
    | Extended
    | HashRequest
    | Hashes
    | HashReject
    | Unknown
)


def piece_header(index: int, begin: int, length: int) -> bytes:
    """The 13 bytes that go before a block of `length` bytes in a piece message."""
    return _PIECE.pack(9 + length, MessageId.PIECE, index, begin)


def serialize_requests(blocks: Iterable[tuple[int, int, int]]) -> bytes:
    """The requests for all (index, begin, length), joined."""
    pack = _BLOCK.pack
    return b"".join([pack(13, MessageId.REQUEST, index, begin, length) for index, begin, length in blocks])


LENGTH_RANGES: Final[dict[int, tuple[int, int]]] = {
    MessageId.CHOKE: (1, 1),
    MessageId.UNCHOKE: (1, 1),
    MessageId.INTERESTED: (1, 1),
    MessageId.NOT_INTERESTED: (1, 1),
    MessageId.HAVE: (5, 5),
    MessageId.BITFIELD: (1, 1 + BITFIELD_LENGTH_LIMIT),
    MessageId.REQUEST: (13, 13),
    MessageId.PIECE: (9, 9 + BLOCK_LENGTH_LIMIT),
    MessageId.CANCEL: (13, 13),
    MessageId.PORT: (3, 3),
    MessageId.SUGGEST: (5, 5),
    MessageId.HAVE_ALL: (1, 1),
    MessageId.HAVE_NONE: (1, 1),
    MessageId.REJECT: (13, 13),
    MessageId.ALLOWED_FAST: (5, 5),
    MessageId.EXTENDED: (2, 2 + EXTENDED_LENGTH_LIMIT),
    MessageId.HASH_REQUEST: (QUERY_LENGTH, QUERY_LENGTH),
    MessageId.HASHES: HASHES_LENGTH_RANGE,
    MessageId.HASH_REJECT: (QUERY_LENGTH, QUERY_LENGTH),
}
"""Message id → least and greatest length allowed."""

UNKNOWN_LENGTH_RANGE: Final = (1, 1 + UNKNOWN_LENGTH_LIMIT)


def length_error(message_id: int, length: int, least: int, greatest: int) -> WireError:
    """The error for a message whose length is not from `least` to `greatest`; it names the message."""
    known = message_id in LENGTH_RANGES
    name = MessageId(message_id).name.lower().replace("_", "-") if known else f"message {message_id}"
    expected = f"{least}" if least == greatest else f"{least} to {greatest}"
    return WireError(f"{name} of length {length}, not {expected}")


def parse_message(data: bytes, start: int, end: int) -> Message:
    """The message whose id is at `start` and whose body ends at `end`.

    The length must be within that of `LENGTH_RANGES`, or else `UNKNOWN_LENGTH_RANGE`. Raises `WireError` for hashes of
    another number than the message says.
    """
    parse = _PARSERS.get(data[start])
    if parse is None:
        return Unknown(data[start], data[start + 1 : end])
    return parse(data, start + 1, end)


def _parse_piece(data: bytes, start: int, end: int) -> Message:
    index, begin = _TWO_INTS.unpack_from(data, start)
    return Piece(index, begin, memoryview(data)[start + 8 : end])


def _parse_port(data: bytes, start: int, _end: int) -> Message:
    return Port(_SHORT.unpack_from(data, start)[0])


def _parse_bitfield(data: bytes, start: int, end: int) -> Message:
    return BitfieldMessage(data[start:end])


def _parse_extended(data: bytes, start: int, end: int) -> Message:
    return Extended(data[start], data[start + 1 : end])


_Parser = Callable[[bytes, int, int], Message]


def _plain(message: Message) -> _Parser:
    return lambda _data, _start, _end: message


def _of_piece(kind: type[Have | Suggest | AllowedFast]) -> _Parser:
    return lambda data, start, _end: kind(*_ONE_INT.unpack_from(data, start))


def _of_block(kind: type[Request | Cancel | Reject]) -> _Parser:
    return lambda data, start, _end: kind(*_THREE_INTS.unpack_from(data, start))


def _of_query(kind: type[HashRequest | HashReject]) -> _Parser:
    return lambda data, start, _end: kind(parse_query(data, start))


_PARSERS: Final[dict[int, _Parser]] = {
    MessageId.CHOKE: _plain(Choke()),
    MessageId.UNCHOKE: _plain(Unchoke()),
    MessageId.INTERESTED: _plain(Interested()),
    MessageId.NOT_INTERESTED: _plain(NotInterested()),
    MessageId.HAVE: _of_piece(Have),
    MessageId.BITFIELD: _parse_bitfield,
    MessageId.REQUEST: _of_block(Request),
    MessageId.PIECE: _parse_piece,
    MessageId.CANCEL: _of_block(Cancel),
    MessageId.PORT: _parse_port,
    MessageId.SUGGEST: _of_piece(Suggest),
    MessageId.HAVE_ALL: _plain(HaveAll()),
    MessageId.HAVE_NONE: _plain(HaveNone()),
    MessageId.REJECT: _of_block(Reject),
    MessageId.ALLOWED_FAST: _of_piece(AllowedFast),
    MessageId.EXTENDED: _parse_extended,
    MessageId.HASH_REQUEST: _of_query(HashRequest),
    MessageId.HASHES: parse_hashes,
    MessageId.HASH_REJECT: _of_query(HashReject),
}
