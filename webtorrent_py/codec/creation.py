"""New info dictionaries of v1, v2 and hybrid torrents.

Those of v1 are byte for byte what npm `create-torrent` makes, and those of v2 and hybrids what libtorrent makes. So
the same files get the same info hash from either, and those who seed them find each other.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from webtorrent_py.codec import bencode, merkle
from webtorrent_py.codec.bencode import Encodable
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.codec.text import well_formed
from webtorrent_py.errors import MetainfoError

MIN_PIECE_LENGTH = 16 * 1024
"""Least piece length chosen: one block."""

MAX_CHOSEN_PIECE_LENGTH = 4 * 1024 * 1024
"""Greatest piece length chosen: a page holds whole pieces."""

Path = tuple[str, ...]
"""Of a file, without the torrent's name."""


class Version(StrEnum):
    """Of a torrent. A hybrid is both in one, for peers that know only one of them."""

    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"


_COMPUTED = frozenset({"piece length", "pieces", "length", "files", "file tree", "meta version"})


def choose_piece_length(total: int) -> int:
    """The piece length in bytes for `total` bytes: the power of two next to a 1024th of them, within bounds."""
    exponent = math.floor(math.log2(max(total / 1024, 1)) + 0.5)
    return min(max(1 << exponent, MIN_PIECE_LENGTH), MAX_CHOSEN_PIECE_LENGTH)


def tree_order(paths: Sequence[Path]) -> list[int]:
    """The indices of the paths in the order that files have in v2 and hybrid torrents: that of their bytes."""
    return sorted(range(len(paths)), key=lambda index: [part.encode("utf-8", "replace") for part in paths[index]])


def piece_layer(block_hashes: bytes, piece_length: int, length: int) -> bytes:
    """The SHA-256 hashes of all pieces of a file of `length` bytes, from those of its blocks (`merkle.leaves`)."""
    size = piece_length // merkle.BLOCK_LENGTH * merkle.HASH_SIZE
    pieces = (block_hashes[at : at + size] for at in range(0, len(block_hashes), size))
    return b"".join(merkle.piece_root(piece, piece_length, length) for piece in pieces)


def piece_layers(layers: Iterable[bytes], piece_length: int) -> dict[bytes, bytes]:
    """What stands in a torrent file as `piece layers`: pieces root → layer, of files of more than one piece."""
    layer = merkle.layer_of(piece_length)
    return {merkle.root(each, layer): each for each in layers if len(each) > merkle.HASH_SIZE}


def create_info(
    name: str,
    files: Iterable[tuple[Path, int]],
    piece_length: int,
    pieces: bytes | None,
    *,
    layers: Sequence[bytes] | None = None,
    private: bool | None = None,
    single_file: bool | None = None,
    source: str | None = None,
    extra: Mapping[str, Encodable] = MappingProxyType({}),
) -> bytes:
    """Make an info dictionary.

    `files` are paths and lengths in bytes, in the order in which they were hashed. `pieces` are the 20-byte v1 hashes,
    None for v2 only. `layers` are the `piece_layer`s of all files, None for v1 only. With both the files must be in
    `tree_order`, and if there are several, zeros were hashed behind each up to the end of its last piece.

    `private` None leaves the key out; False and True write it. `source` keeps apart the same files on two trackers.
    `single_file` defaults to whether there is one file: its path is then not used, `name` is. `extra` are further
    entries; they replace a name, and nothing that is computed.

    Raises `MetainfoError` when `parse_info` could not read the outcome.
    """
    entries = [(tuple(map(well_formed, path)), length) for path, length in files]
    single_file = len(entries) == 1 if single_file is None else single_file
    info: dict[str, Encodable] = {"name": well_formed(name), "piece length": piece_length}
    if private is not None:
        info["private"] = private
    if source is not None:
        info["source"] = well_formed(source)
    info |= {key: value for key, value in extra.items() if key not in _COMPUTED}
    if pieces is not None:
        info["pieces"] = pieces
        if single_file:
            info["length"] = sum(length for _, length in entries)
        else:
            info["files"] = _file_list(entries, None if layers is None or len(entries) == 1 else piece_length)
    if layers is not None:
        paths = [((well_formed(name),), length) for _, length in entries] if single_file else entries
        info["file tree"] = _file_tree(paths, layers, piece_length)
        info["meta version"] = 2
    encoded = bencode.encode(info)
    parse_info(encoded)
    return encoded


def _file_list(entries: Sequence[tuple[Path, int]], alignment: int | None) -> list[dict[str, Encodable]]:
    """`files` of BEP 3, with padding files (BEP 47) behind those that do not end with a piece of this length."""
    listed: list[dict[str, Encodable]] = []
    for path, length in entries:
        listed.append({"length": length, "path": path})
        if alignment and (gap := -length % alignment):
            listed.append({"attr": "p", "length": gap, "path": [".pad", str(gap)]})
    return listed


def _file_tree(entries: Sequence[tuple[Path, int]], layers: Sequence[bytes], piece_length: int) -> dict[str, Encodable]:
    """`file tree` of BEP 52."""
    tree: dict[str, Encodable] = {}
    for (path, length), layer in zip(entries, layers, strict=True):
        node = tree
        for part in path:
            below = node.setdefault(part, {})
            assert isinstance(below, dict)
            node = below
            if "" in node:
                raise MetainfoError(f"file {'/'.join(path)!r} has the path of another")
        if node:
            raise MetainfoError(f"file {'/'.join(path)!r} has the path of a folder")
        properties: dict[str, Encodable] = {"length": length}
        if length:
            properties["pieces root"] = merkle.root(layer, merkle.layer_of(piece_length))
        node[""] = properties
    return tree
