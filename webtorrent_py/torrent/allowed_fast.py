"""Which pieces a peer may ask for although it is choked (BEP 6), so that it soon has something to trade."""

import hashlib

from webtorrent_py.codec.address import COMPACT_LENGTH, Address, compact

ALLOWED_FAST_PIECES = 5
"""How many pieces are allowed to a peer; one that has as many does not need them. libtorrent's number."""


def network_of(address: Address | None) -> bytes | None:
    """The peer's IPv4 address with its last byte zero; None if it is not known or not of IPv4."""
    data = compact(address) if address is not None else b""
    return data[:3] + b"\0" if len(data) == COMPACT_LENGTH else None


def allowed_fast_set(who: bytes, info_hash: bytes, piece_count: int, size: int = ALLOWED_FAST_PIECES) -> list[int]:
    """`size` different pieces (fewer if there are no more), always the same for the same `who` (BEP 6).

    BEP 6 wants `who` to be the peer's network (`network_of`): nobody shall get further pieces by coming again under
    another name. A browser does not tell the address; there `who` is the peer id, and what is served is bounded for
    each connection instead.
    """
    chosen: dict[int, None] = {}
    digest = who + info_hash
    while len(chosen) < min(size, piece_count):
        digest = hashlib.sha1(digest).digest()
        for start in range(0, len(digest), 4):
            if len(chosen) < size:
                chosen[int.from_bytes(digest[start : start + 4], "big") % piece_count] = None
    return list(chosen)
