"""New info dictionaries, the same byte for byte as npm `create-torrent` makes them.

So the same files get the same info hash from either, and those who seed them find each other.
"""

import math
from collections.abc import Iterable

from webtorrent_py.codec import bencode
from webtorrent_py.codec.bencode import Encodable
from webtorrent_py.codec.metainfo import parse_info

MIN_PIECE_LENGTH = 16 * 1024
"""Least piece length chosen: one block."""

MAX_CHOSEN_PIECE_LENGTH = 4 * 1024 * 1024
"""Greatest piece length chosen: a page holds whole pieces."""


def choose_piece_length(total: int) -> int:
    """The piece length in bytes for `total` bytes: the power of two next to a 1024th of them, within bounds."""
    exponent = math.floor(math.log2(max(total / 1024, 1)) + 0.5)
    return min(max(1 << exponent, MIN_PIECE_LENGTH), MAX_CHOSEN_PIECE_LENGTH)


def create_info(
    name: str,
    files: Iterable[tuple[tuple[str, ...], int]],
    piece_length: int,
    pieces: bytes,
    *,
    private: bool | None = None,
    single_file: bool | None = None,
) -> bytes:
    """Make an info dictionary.

    `files` are paths (without the torrent's name) and lengths in bytes, in the order in which they were hashed;
    `pieces` are the 20-byte hashes. `private` None leaves the key out; False and True write it. `single_file` defaults
    to whether there is one file: its path is then not used, `name` is.

    Raises `MetainfoError` when `parse_info` could not read the outcome.
    """
    entries = list(files)
    info: dict[str, Encodable] = {"name": _well_formed(name), "piece length": piece_length, "pieces": pieces}
    if private is not None:
        info["private"] = private
    if len(entries) == 1 if single_file is None else single_file:
        info["length"] = sum(length for _, length in entries)
    else:
        info["files"] = [{"length": length, "path": [_well_formed(part) for part in path]} for path, length in entries]
    encoded = bencode.encode(info)
    parse_info(encoded)
    return encoded


def _well_formed(text: str) -> str:
    """The text with U+FFFD in place of each lone surrogate, which is how JavaScript encodes them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
