"""The handshake that opens a peer connection (BEP 3): 68 bytes, sent by both ends at once."""

from dataclasses import dataclass
from typing import Final, Self

from webtorrent_py.errors import WireError

PROTOCOL_PREFIX: Final = b"\x13BitTorrent protocol"
RESERVED_LENGTH: Final = 8
ID_LENGTH: Final = 20
ROUTE_LENGTH: Final = len(PROTOCOL_PREFIX) + RESERVED_LENGTH + ID_LENGTH
"""Bytes after which it is known for which torrent a handshake is."""

HANDSHAKE_LENGTH: Final = len(PROTOCOL_PREFIX) + RESERVED_LENGTH + 2 * ID_LENGTH

_EXTENSIONS_BIT: Final = 1 << 20  # BEP 10: the 20th bit from the right
_FAST_BIT: Final = 1 << 2  # BEP 6
_DHT_BIT: Final = 1 << 0  # BEP 5
_V2_BIT: Final = 1 << 4  # BEP 52: the fourth most significant bit of the last byte


@dataclass(frozen=True, slots=True)
class Handshake:
    """`info_hash` and `peer_id` are 20 bytes each, `reserved` 8 bytes of feature bits."""

    info_hash: bytes
    peer_id: bytes
    reserved: bytes = bytes(RESERVED_LENGTH)

    @classmethod
    def ours(cls, info_hash: bytes, peer_id: bytes, *, v2: bool = False) -> Self:
        """The handshake that we send: it offers BEP 6 and BEP 10, and with `v2` to speak of the torrent as v2."""
        bits = _EXTENSIONS_BIT | _FAST_BIT | (_V2_BIT if v2 else 0)
        return cls(info_hash, peer_id, bits.to_bytes(RESERVED_LENGTH, "big"))

    @property
    def fast(self) -> bool:
        """Whether the sender speaks the fast extension (BEP 6)."""
        return self._has(_FAST_BIT)

    @property
    def extensions(self) -> bool:
        """Whether the sender speaks the extension protocol (BEP 10)."""
        return self._has(_EXTENSIONS_BIT)

    @property
    def dht(self) -> bool:
        """Whether the sender has a DHT node (BEP 5)."""
        return self._has(_DHT_BIT)

    @property
    def v2(self) -> bool:
        """Whether the sender knows that the torrent is a v2 one too, though it used the v1 info hash (BEP 52)."""
        return self._has(_V2_BIT)

    def _has(self, bit: int) -> bool:
        return bool(int.from_bytes(self.reserved, "big") & bit)

    def serialize(self) -> bytes:
        """The 68 bytes."""
        return b"".join((PROTOCOL_PREFIX, self.reserved, self.info_hash, self.peer_id))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The handshake in exactly 68 bytes. Raises `WireError`."""
        check_prefix(data)
        if len(data) != HANDSHAKE_LENGTH:
            raise WireError(f"handshake of {len(data)} bytes, not {HANDSHAKE_LENGTH}")
        reserved_end = len(PROTOCOL_PREFIX) + RESERVED_LENGTH
        info_hash_end = reserved_end + ID_LENGTH
        return cls(
            info_hash=data[reserved_end:info_hash_end],
            peer_id=data[info_hash_end:],
            reserved=data[len(PROTOCOL_PREFIX) : reserved_end],
        )


def check_prefix(data: bytes) -> None:
    """Raise `WireError` as soon as `data`, however short, cannot begin a handshake."""
    if not PROTOCOL_PREFIX.startswith(data[: len(PROTOCOL_PREFIX)]):
        raise WireError("the peer does not speak the BitTorrent protocol")


def routed_info_hash(data: bytes) -> bytes:
    """The info hash in a handshake of which `ROUTE_LENGTH` bytes at least are there."""
    return data[ROUTE_LENGTH - ID_LENGTH : ROUTE_LENGTH]
