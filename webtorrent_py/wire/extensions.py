"""What extended messages carry: the extended handshake (BEP 10), metadata (BEP 9), and lost pieces (BEP 54).

Stock peers expect the keys that are written here and no others: they look for the end of a metadata
message's dictionary at its first `ee`, so that dictionary holds integers only, under keys without `ee`.

When reading, keys that we do not know are ignored, and so are known ones with a value of the wrong type or
out of range: they are hints. Only what is not bencoding or not a dictionary breaks the protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Self

from webtorrent_py.codec import bencode
from webtorrent_py.errors import BencodeError, WireError

EXTENDED_HANDSHAKE_ID: Final = 0
UT_METADATA: Final = "ut_metadata"
LT_DONTHAVE: Final = "lt_donthave"
OUR_IDS: Final[Mapping[str, int]] = {UT_METADATA: 1, LT_DONTHAVE: 3}
"""The ids under which we take extended messages."""

UT_PEX: Final = "ut_pex"
UT_PEX_ID: Final = 2
"""The id for peer exchange (BEP 11), which not every torrent takes part in."""

METADATA_SIZE_LIMIT: Final = 10_000_000
"""Largest info dictionary, in bytes: stock peers' limit."""

METADATA_PIECE_LENGTH: Final = 16 * 1024  # BEP 9

_CLIENT_LENGTH_LIMIT: Final = 100
_REQQ_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class ExtendedHandshake:
    """`ids`: extension name → id that the sender takes its messages under; 0 switches it off.

    `metadata_size`: bytes of the info dictionary, if the sender has it. `client`: the sender's name and
    version. `reqq`: how many requests it keeps waiting. `upload_only`: it wants no pieces (BEP 21);
    None: it does not say, so what it said before holds. `port`: the TCP port it listens on.
    """

    ids: Mapping[str, int] = field(default_factory=dict)
    metadata_size: int | None = None
    client: str | None = None
    reqq: int | None = None
    upload_only: bool | None = None
    port: int | None = None

    def ids_after(self, known: Mapping[str, int]) -> dict[str, int]:
        """The extensions that are on, and their ids, after this handshake changed the `known` ones."""
        return {name: id for name, id in {**known, **self.ids}.items() if id != 0}

    def serialize(self, fields: Mapping[bytes, bencode.Encodable] = MappingProxyType({})) -> bytes:
        """The payload of the extended message with id 0; `fields` are those of others, and do not replace ours."""
        dictionary = {**fields, b"m": {name.encode(): id for name, id in self.ids.items()}}
        if self.metadata_size is not None:
            dictionary[b"metadata_size"] = self.metadata_size
        if self.port is not None:
            dictionary[b"p"] = self.port
        if self.reqq is not None:
            dictionary[b"reqq"] = self.reqq
        if self.upload_only is not None:
            dictionary[b"upload_only"] = int(self.upload_only)
        if self.client is not None:
            dictionary[b"v"] = self.client.encode()
        return bencode.encode(dictionary)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Raises `WireError`."""
        dictionary, _ = decode_dictionary(payload, "extended handshake")
        ids = dictionary.get(b"m")
        client = dictionary.get(b"v")
        upload_only = _int_within(dictionary.get(b"upload_only"), 0, 1)
        return cls(
            ids=_parse_ids(ids) if isinstance(ids, dict) else {},
            metadata_size=_int_within(dictionary.get(b"metadata_size"), 1, METADATA_SIZE_LIMIT),
            client=client.decode(errors="replace")[:_CLIENT_LENGTH_LIMIT] if isinstance(client, bytes) else None,
            reqq=_int_within(dictionary.get(b"reqq"), 1, _REQQ_LIMIT),
            upload_only=None if upload_only is None else bool(upload_only),
            port=_int_within(dictionary.get(b"p"), 1, 65535),
        )


class _MetadataType(IntEnum):
    REQUEST = 0
    DATA = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class MetadataRequest:
    """Asks for a 16 KiB piece of the info dictionary."""

    piece: int

    def serialize(self) -> bytes:
        """The extended message's payload."""
        return bencode.encode({b"msg_type": int(_MetadataType.REQUEST), b"piece": self.piece})


@dataclass(frozen=True, slots=True)
class MetadataData:
    """A piece of the info dictionary of `total_size` bytes: 16 KiB, or what is left for the last."""

    piece: int
    total_size: int
    data: bytes

    def serialize(self) -> bytes:
        """The extended message's payload."""
        dictionary = {b"msg_type": int(_MetadataType.DATA), b"piece": self.piece, b"total_size": self.total_size}
        return bencode.encode(dictionary) + self.data


@dataclass(frozen=True, slots=True)
class MetadataReject:
    """The sender does not have, or will not send, the piece."""

    piece: int

    def serialize(self) -> bytes:
        """The extended message's payload."""
        return bencode.encode({b"msg_type": int(_MetadataType.REJECT), b"piece": self.piece})


MetadataMessage = MetadataRequest | MetadataData | MetadataReject


def parse_metadata_message(payload: bytes) -> MetadataMessage | None:
    """The `ut_metadata` message in an extended message's payload; None for a type to be ignored (BEP 9).

    A piece's number is below that of the largest metadata, and the data of a `MetadataData` is as long as
    its `total_size` says. Raises `WireError`.
    """
    dictionary, end = decode_dictionary(payload, "metadata message")
    kind = dictionary.get(b"msg_type")
    if not isinstance(kind, int):
        raise WireError("metadata message without a type")
    if kind not in (_MetadataType.REQUEST, _MetadataType.DATA, _MetadataType.REJECT):
        return None
    piece = _int_within(dictionary.get(b"piece"), 0, (METADATA_SIZE_LIMIT - 1) // METADATA_PIECE_LENGTH)
    if piece is None:
        raise WireError("metadata message without a possible piece")
    if kind == _MetadataType.REQUEST:
        return MetadataRequest(piece)
    if kind == _MetadataType.REJECT:
        return MetadataReject(piece)
    total_size = _int_within(dictionary.get(b"total_size"), 1, METADATA_SIZE_LIMIT)
    if total_size is None:
        raise WireError("metadata without a possible total size")
    expected = min(METADATA_PIECE_LENGTH, total_size - piece * METADATA_PIECE_LENGTH)
    if expected <= 0 or len(payload) - end != expected:
        raise WireError(f"metadata piece {piece} of {total_size} bytes in all has {len(payload) - end} bytes")
    return MetadataData(piece, total_size, payload[end:])


def serialize_dont_have(index: int) -> bytes:
    """The payload that tells that the sender has lost a piece (BEP 54)."""
    return index.to_bytes(4, "big")


def parse_dont_have(payload: bytes) -> int:
    """The piece that a peer has lost. Raises `WireError`."""
    if len(payload) != 4:
        raise WireError(f"a lost piece named with {len(payload)} bytes")
    return int.from_bytes(payload, "big")


def decode_dictionary(payload: bytes, what: str) -> tuple[dict[bytes, bencode.Value], int]:
    """The dictionary that a payload begins with, and the offset of what follows it. Raises `WireError`."""
    try:
        value, end = bencode.decode_prefix(payload)
    except BencodeError as error:
        raise WireError(f"{what}: {error}") from error
    if not isinstance(value, dict):
        raise WireError(f"{what} is not a dictionary")
    return value, end


def _parse_ids(ids: dict[bytes, bencode.Value]) -> dict[str, int]:
    return {
        name.decode(errors="replace"): number
        for name, number in ids.items()
        if _int_within(number, 0, 255) is not None and isinstance(number, int)
    }


def _int_within(value: object, least: int, greatest: int) -> int | None:
    return value if isinstance(value, int) and least <= value <= greatest else None
