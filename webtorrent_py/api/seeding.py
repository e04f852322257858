"""From files to a torrent: how they are called in it, and its hashes.

Names follow npm `create-torrent`, so that the same files give the same info hash here and there: a folder
that all paths begin with is the torrent's name and not part of the paths.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webtorrent_py import __version__
from webtorrent_py.api.host import Content, Host
from webtorrent_py.codec.bencode import Encodable
from webtorrent_py.codec.creation import (
    MAX_CHOSEN_PIECE_LENGTH,
    MIN_PIECE_LENGTH,
    Version,
    choose_piece_length,
    create_info,
    piece_layer,
    piece_layers,
    tree_order,
)
from webtorrent_py.codec.metainfo import Metainfo, parse_info, with_piece_layers
from webtorrent_py.errors import InvalidOptionError

DEFAULT_TRACKERS = (
    "wss://tracker.btorrent.xyz",
    "wss://tracker.openwebtorrent.com",
    "wss://tracker.webtorrent.dev",
)
"""Public WebSocket trackers for what is seeded without naming any: nobody would find it otherwise."""


CREATED_BY = f"webtorrent-py {__version__}"

Files = Mapping[str, Content] | Sequence[tuple[str | None, Content]]
"""Names, which may hold `/` or be missing, and contents."""


@dataclass(frozen=True, slots=True)
class NewTorrent:
    """A torrent of contents, which lie in it in this order, each at a multiple of `alignment` bytes."""

    metainfo: Metainfo
    contents: tuple[Content, ...]
    alignment: int


# Hidden files of file managers and editors.
_JUNK = re.compile(r"\.(?:DS_Store|AppleDouble|LSOverride|Spotlight-V100|Trashes|_.*|.*\.swp|.*~)")


@dataclass(frozen=True, slots=True)
class Plan:
    """Names for a new torrent."""

    name: str
    paths: tuple[tuple[str, ...], ...]
    """One for each file, without the torrent's name."""


def plan(names: Sequence[str | None], name: str | None = None) -> Plan:
    """Name a torrent of files called `names`, which may hold `/`. None stands for one without a name.

    Raises `InvalidOptionError` when there is no file.
    """
    if not names:
        raise InvalidOptionError("there is nothing to seed")
    if len(names) == 1 and not names[0]:
        names = [name]
    paths = [_split(each) if each else (f"Unknown File {index + 1}",) for index, each in enumerate(names)]
    first_folders = {path[0] if len(path) > 1 else None for path in paths}
    folder = first_folders.pop() if len(paths) > 1 and len(first_folders) == 1 else None
    if folder is not None:
        paths = [path[1:] for path in paths]
    named = (path[-1] for path, each in zip(paths, names, strict=True) if each)
    return Plan(name or folder or next(named, "Unnamed Torrent"), tuple(paths))


def is_junk(name: str | None) -> bool:
    """Whether this is the name of a file that nobody put there, and that is not to be shared."""
    return name is not None and _JUNK.fullmatch(name.rpartition("/")[2]) is not None


def _split(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.split("/") if part) or (name,)


async def create(
    host: Host,
    files: Files,
    *,
    name: str | None = None,
    version: str = Version.V1,
    piece_length: int | None = None,
    private: bool | None = None,
    source: str | None = None,
    announce: Sequence[str | Sequence[str]] = (),
    web_seeds: Sequence[str] = (),
    comment: str | None = None,
    created_by: str | None = CREATED_BY,
    creation_date: int | None = None,
    max_piece_length: int = MAX_CHOSEN_PIECE_LENGTH,
    extra_info: Mapping[str, Encodable] | None = None,
    filter_junk: bool = True,
) -> NewTorrent:
    """Make a torrent: "v1", "v2", or a "hybrid" of both. `announce` are trackers, or tiers of them.

    `creation_date`: seconds since 1970. `max_piece_length` bounds what is chosen when there is no `piece_length`.
    `extra_info` goes into the info dictionary. `filter_junk` leaves out files such as `.DS_Store`.

    Raises `InvalidOptionError`, `MetainfoError` for names or a piece length that no torrent can have, `StorageError`.
    """
    if version not in tuple(Version):
        raise InvalidOptionError(f"version is one of {', '.join(Version)}, not {version!r}")
    pairs = list(files.items()) if isinstance(files, Mapping) else list(files)
    if filter_junk:
        pairs = [(each, content) for each, content in pairs if not is_junk(each)]
    names = plan([each for each, _ in pairs], name)
    contents = [content for _, content in pairs]
    lengths = [host.content_length(content) for content in contents]
    piece_length = piece_length or min(choose_piece_length(sum(lengths)), max_piece_length)
    if version != Version.V1 and (piece_length < MIN_PIECE_LENGTH or piece_length & (piece_length - 1)):
        raise InvalidOptionError(f"piece length of a v2 torrent is a power of two from {MIN_PIECE_LENGTH} on")
    order = range(len(pairs)) if version == Version.V1 else tree_order(names.paths)
    contents = [contents[index] for index in order]
    entries = [(names.paths[index], lengths[index]) for index in order]
    pieces, layers = await _hash(host, Version(version), contents, [length for _, length in entries], piece_length)
    info = create_info(
        names.name,
        entries,
        piece_length,
        pieces,
        layers=layers,
        private=private,
        source=source,
        extra=extra_info or {},
    )
    metainfo = parse_info(
        info,
        announce=[(each,) if isinstance(each, str) else each for each in announce],
        web_seeds=web_seeds,
        comment=comment,
        created_by=created_by,
        creation_date=creation_date,
    )
    if layers is None:
        return NewTorrent(metainfo, tuple(contents), 1)
    return NewTorrent(with_piece_layers(metainfo, piece_layers(layers, piece_length)), tuple(contents), piece_length)


CREATION_OPTIONS = frozenset(create.__kwdefaults__ or ()) - {"announce"}
"""What of a call's options is about the torrent that is made."""


async def _hash(
    host: Host, version: Version, contents: Sequence[Content], lengths: Sequence[int], piece_length: int
) -> tuple[bytes | None, list[bytes] | None]:
    """What `create_info` takes: v1 hashes, and the piece layers of all files."""
    if version is Version.V1:
        pieces, _ = await host.hash_pieces(contents, piece_length, sha1=True, leaves=False, padded=False)
        return pieces, None
    has_v1 = version is Version.HYBRID
    parts, layers = [], []
    for content, length in zip(contents, lengths, strict=True):
        hashes, leaves = await host.hash_pieces(
            [content], piece_length, sha1=has_v1, leaves=True, padded=len(contents) > 1
        )
        parts.append(hashes)
        layers.append(piece_layer(leaves, piece_length, length))
    return b"".join(parts) if has_v1 else None, layers
