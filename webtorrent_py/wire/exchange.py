"""What `ut_pex` messages carry (BEP 11): addresses of peers that the sender is connected to, or no longer is."""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from webtorrent_py.codec import bencode
from webtorrent_py.codec.address import COMPACT_LENGTH, COMPACT_LENGTH_6, Address, compact, parse_compact
from webtorrent_py.wire.extensions import decode_dictionary

MAX_ADDRESSES: Final = 50
"""Addresses added, and as many dropped, in one message (BEP 11). What goes beyond is not read."""

# The end of a key's name → bytes of an address under it.
_FAMILIES: Final = ((b"", COMPACT_LENGTH), (b"6", COMPACT_LENGTH_6))


class PeerFlags(IntFlag):
    """What the sender knows of a peer (BEP 11)."""

    ENCRYPTS = 0x01
    SEED = 0x02
    UTP = 0x04
    HOLEPUNCH = 0x08
    REACHABLE = 0x10


@dataclass(frozen=True, slots=True)
class PeerExchange:
    """`added` are new peers of the sender with their flags, `dropped` are those it lost."""

    added: tuple[tuple[Address, PeerFlags], ...] = ()
    dropped: tuple[Address, ...] = ()

    def serialize(self) -> bytes:
        """The extended message's payload. Addresses that are names have no form here and are left out."""
        dictionary: dict[bytes, bencode.Encodable] = {}
        for suffix, length in _FAMILIES:
            added = [(compact(address), flags) for address, flags in self.added]
            dropped = [compact(address) for address in self.dropped]
            dictionary[b"added" + suffix] = b"".join(form for form, _ in added if len(form) == length)
            dictionary[b"added" + suffix + b".f"] = bytes(flags for form, flags in added if len(form) == length)
            dictionary[b"dropped" + suffix] = b"".join(form for form in dropped if len(form) == length)
        return bencode.encode(dictionary)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Raises `WireError` for what is no dictionary; what in it is of the wrong type is left out."""
        dictionary, _ = decode_dictionary(payload, "peer exchange")
        added: list[tuple[Address, PeerFlags]] = []
        dropped: list[Address] = []
        for suffix, length in _FAMILIES:
            flags = _string(dictionary, b"added" + suffix + b".f")
            new = parse_compact(_string(dictionary, b"added" + suffix)[: MAX_ADDRESSES * length], length)
            added += [
                (address, PeerFlags(flags[number] if number < len(flags) else 0)) for number, address in enumerate(new)
            ]
            dropped += parse_compact(_string(dictionary, b"dropped" + suffix)[: MAX_ADDRESSES * length], length)
        return cls(tuple(added[:MAX_ADDRESSES]), tuple(dropped[:MAX_ADDRESSES]))


def _string(dictionary: dict[bytes, bencode.Value], key: bytes) -> bytes:
    value = dictionary.get(key)
    return value if isinstance(value, bytes) else b""
