"""Torrent files and info dictionaries of BitTorrent v1 (BEP 3), single and multi-file, read and written.

The info dictionary is kept as the bytes that were received: their SHA-1 is the torrent's name in the swarm, and
encoding them anew would change it for real torrents. What stands in it is checked before anything is sized by it, and
what a torrent cannot work without is refused when it is wrong. What it can work without (comment, trackers, dates) is
left out when it is wrong.

A hybrid torrent (BEP 52) is read as its v1 part. Its padding files (BEP 47) stay in the list, marked, so that file
indices mean the same as in other clients.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha1
from typing import TypeVar

from webtorrent_py.codec import bencode
from webtorrent_py.codec.bencode import Encodable, Value
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.paths import safe_path, unique_paths
from webtorrent_py.errors import MetainfoError

HASH_SIZE = 20
"""Bytes of a SHA-1 hash."""

MAX_PIECE_LENGTH = 64 * 1024 * 1024
"""A piece is held in memory until it is verified, and several are under way at once. Creators stop at 16 or 32 MiB."""

MAX_FILES = 100_000
"""Files of one torrent. Each costs about a kilobyte here and again in the page."""

MAX_LENGTH = 2**53 - 1
"""Bytes of one torrent: the largest integer that is exact in JavaScript."""

_T = TypeVar("_T", int, bytes, list[Value], dict[bytes, Value])
_KINDS: dict[type, str] = {int: "an integer", bytes: "a string", list: "a list", dict: "a dictionary"}


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a torrent."""

    path: tuple[str, ...]
    """Safe components (see `codec.paths`), unique in the torrent. In a multi-file torrent the first is its name."""
    length: int
    """In bytes."""
    offset: int
    """In bytes from the start of the torrent."""
    is_padding: bool = False
    """Zeros that align the next file to a piece (BEP 47): nothing to show or save."""

    @property
    def name(self) -> str:
        """The last component."""
        return self.path[-1]

    @property
    def path_string(self) -> str:
        """The components joined with `/`."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Metainfo:
    """All that a torrent file says, or that is known once the info dictionary came from a peer."""

    info_hash: bytes
    """20 bytes: SHA-1 of `info`."""
    info: bytes = field(repr=False)
    """The bencoded info dictionary, as received."""
    name: str
    """Safe as a file name."""
    piece_length: int
    """In bytes; the last piece may be shorter."""
    pieces: bytes = field(repr=False)
    """The SHA-1 hashes of all pieces, 20 bytes each."""
    length: int
    """In bytes, of all files."""
    files: tuple[FileEntry, ...] = field(repr=False)
    """In the order of their bytes."""
    is_single_file: bool
    private: bool = False
    """Peers from its own trackers only (BEP 27)."""
    announce: tuple[tuple[str, ...], ...] = ()
    """Tiers of tracker URLs (BEP 12)."""
    web_seeds: tuple[str, ...] = ()
    """URLs of the content (BEP 19)."""
    comment: str | None = None
    created_by: str | None = None
    creation_date: int | None = None
    """Seconds since 1970."""

    @property
    def piece_count(self) -> int:
        """Number of pieces; 0 when all files are empty."""
        return len(self.pieces) // HASH_SIZE

    def piece_hash(self, index: int) -> bytes:
        """The 20 bytes of SHA-1 that piece `index` must have."""
        self._check_piece(index)
        return self.pieces[index * HASH_SIZE : (index + 1) * HASH_SIZE]

    def piece_size(self, index: int) -> int:
        """Bytes of piece `index`: `piece_length`, or what is left for the last one."""
        self._check_piece(index)
        return min(self.piece_length, self.length - index * self.piece_length)

    def file_pieces(self, index: int) -> tuple[int, int] | None:
        """First and last piece with bytes of file `index`; None for an empty file."""
        file = self.files[index]
        if file.length == 0:
            return None
        return file.offset // self.piece_length, (file.offset + file.length - 1) // self.piece_length

    def torrent_file(self) -> bytes:
        """The torrent file, with the info dictionary as it was received."""
        outer: dict[str, Encodable] = {"info": bencode.Verbatim(self.info), "encoding": "UTF-8"}
        if self.announce:
            outer["announce"] = self.announce[0][0]
            outer["announce-list"] = self.announce
        if self.web_seeds:
            outer["url-list"] = self.web_seeds
        if self.comment is not None:
            outer["comment"] = self.comment
        if self.created_by is not None:
            outer["created by"] = self.created_by
        if self.creation_date is not None:
            outer["creation date"] = self.creation_date
        return bencode.encode(outer)

    def magnet(self) -> Magnet:
        """The magnet link of this torrent, with its trackers and web seeds."""
        trackers = tuple(url for tier in self.announce for url in tier)
        return Magnet(self.info_hash, self.name, trackers, self.web_seeds)

    def with_trackers(self, urls: Iterable[str]) -> "Metainfo":
        """The same torrent with more trackers, each in a tier of its own after the present ones."""
        return replace(self, announce=_tiers((*self.announce, *((url,) for url in urls))))

    def with_web_seeds(self, urls: Iterable[str]) -> "Metainfo":
        """The same torrent with more web seeds."""
        return replace(self, web_seeds=_urls((*self.web_seeds, *urls)))

    def _check_piece(self, index: int) -> None:
        if not 0 <= index < self.piece_count:
            raise IndexError(f"piece {index} of {self.piece_count}")


def parse_torrent(data: bytes) -> Metainfo:
    """Read a torrent file. Raises `BencodeError` or `MetainfoError`, which names the field."""
    torrent = bencode.decode(data)
    if not isinstance(torrent, dict):
        raise MetainfoError("torrent file is not a dictionary")
    if b"info" not in torrent:
        raise MetainfoError("torrent file has no info")
    start, end = bencode.value_span(data, b"info")
    date = torrent.get(b"creation date")
    return _metainfo(
        data[start:end],
        torrent[b"info"],
        announce=_announce_list(torrent),
        web_seeds=_texts(torrent.get(b"url-list")),
        comment=_optional_text(torrent, b"comment"),
        created_by=_optional_text(torrent, b"created by"),
        creation_date=date if isinstance(date, int) else None,
    )


def parse_info(
    info: bytes,
    *,
    announce: Iterable[Iterable[str]] = (),
    web_seeds: Iterable[str] = (),
    comment: str | None = None,
    created_by: str | None = None,
    creation_date: int | None = None,
) -> Metainfo:
    """Read an info dictionary, as peers send it (BEP 9). Raises `BencodeError` or `MetainfoError`.

    `announce` are tiers of tracker URLs. Repeated URLs are dropped.
    """
    return _metainfo(info, bencode.decode(info), announce, web_seeds, comment, created_by, creation_date)


def _metainfo(
    info: bytes,
    fields: Value,
    announce: Iterable[Iterable[str]],
    web_seeds: Iterable[str],
    comment: str | None,
    created_by: str | None,
    creation_date: int | None,
) -> Metainfo:
    """`fields` is `info` decoded."""
    if not isinstance(fields, dict):
        raise MetainfoError("info is not a dictionary")
    if b"pieces" not in fields and (fields.get(b"meta version") == 2 or b"file tree" in fields):
        raise MetainfoError("torrent is BitTorrent v2 only, which is not supported yet")
    piece_length = _required(fields, b"piece length", int, "info")
    if not 0 < piece_length <= MAX_PIECE_LENGTH:
        raise MetainfoError(f"info.piece length is {piece_length}, not from 1 to {MAX_PIECE_LENGTH}")
    info_hash = sha1(info).digest()
    # Without a name that means anything the torrent is called by its hash, as other clients do.
    name = "".join(safe_path([_text(fields, b"name", "info")], "info.name")) or info_hash.hex()
    files = _files(fields, name)
    length = files[-1].offset + files[-1].length
    pieces = _required(fields, b"pieces", bytes, "info")
    count = -(-length // piece_length)
    if len(pieces) != count * HASH_SIZE:
        raise MetainfoError(f"info.pieces is {len(pieces)} bytes long where {count} pieces need {count * HASH_SIZE}")
    return Metainfo(
        info_hash=info_hash,
        info=info,
        name=name,
        piece_length=piece_length,
        pieces=pieces,
        length=length,
        files=files,
        is_single_file=b"files" not in fields,
        private=b"private" in fields and _required(fields, b"private", int, "info") != 0,
        announce=_tiers(announce),
        web_seeds=_urls(web_seeds),
        comment=comment,
        created_by=created_by,
        creation_date=creation_date,
    )


def _files(info: dict[bytes, Value], name: str) -> tuple[FileEntry, ...]:
    """The files with their offsets: one at least, at most `MAX_FILES` and `MAX_LENGTH` bytes."""
    if b"files" not in info:
        return (FileEntry((name,), _length(info, "info"), 0),)
    entries = _required(info, b"files", list, "info")
    if not 0 < len(entries) <= MAX_FILES:
        raise MetainfoError(f"info.files has {len(entries)} files, not from 1 to {MAX_FILES}")
    paths, lengths, paddings = [], [], []
    for index, entry in enumerate(entries):
        where = f"info.files[{index}]"
        if not isinstance(entry, dict):
            raise MetainfoError(f"{where} is not a dictionary")
        attributes = entry.get(b"attr", b"")
        flags = attributes if isinstance(attributes, bytes) else b""
        paths.append(_path(entry, where))
        # A symbolic link has no bytes and need not say so (BEP 47). It is shown as an empty file.
        lengths.append(0 if b"l" in flags and b"length" not in entry else _length(entry, where))
        paddings.append(b"p" in flags)
    files = []
    offset = 0
    for path, length, is_padding in zip(unique_paths(paths), lengths, paddings, strict=True):
        files.append(FileEntry((name, *path), length, offset, is_padding))
        offset += length
    if offset > MAX_LENGTH:
        raise MetainfoError(f"files have {offset} bytes in all, over the limit of {MAX_LENGTH}")
    return tuple(files)


def _length(fields: dict[bytes, Value], where: str) -> int:
    length = _required(fields, b"length", int, where)
    if not 0 <= length <= MAX_LENGTH:
        raise MetainfoError(f"{where}.length is {length}, not from 0 to {MAX_LENGTH}")
    return length


def _path(entry: dict[bytes, Value], where: str) -> tuple[str, ...]:
    key = b"path.utf-8" if b"path.utf-8" in entry else b"path"
    where_path = f"{where}.{key.decode()}"
    components = []
    for component in _required(entry, key, list, where):
        if not isinstance(component, bytes):
            raise MetainfoError(f"{where_path} has a component that is not a string")
        components.append(component.decode(errors="replace"))
    path = safe_path(components, where_path)
    if not path:
        raise MetainfoError(f"{where_path} is empty")
    return path


def _text(fields: dict[bytes, Value], key: bytes, where: str) -> str:
    """Text in UTF-8; the older `….utf-8` key goes first, since it stands beside text in an unknown encoding."""
    utf8 = key + b".utf-8"
    return _required(fields, utf8 if utf8 in fields else key, bytes, where).decode(errors="replace")


def _required(fields: dict[bytes, Value], key: bytes, kind: type[_T], where: str) -> _T:
    if key not in fields:
        raise MetainfoError(f"{where}.{key.decode()} is missing")
    value = fields[key]
    if not isinstance(value, kind):
        raise MetainfoError(f"{where}.{key.decode()} is not {_KINDS[kind]}")
    return value


def _optional_text(fields: dict[bytes, Value], key: bytes) -> str | None:
    value = fields.get(key + b".utf-8", fields.get(key))
    return value.decode(errors="replace") if isinstance(value, bytes) else None


def _announce_list(torrent: dict[bytes, Value]) -> Iterable[Iterable[str]]:
    """Tiers of URLs. A list takes precedence over the single tracker (BEP 12), unless it is empty."""
    tiers = torrent.get(b"announce-list")
    read = [_texts(tier) for tier in tiers] if isinstance(tiers, list) else []
    return read if any(read) else [_texts(torrent.get(b"announce"))]


def _texts(value: Value | None) -> list[str]:
    """The strings of a list, or the one string that some creators write in its place."""
    items = value if isinstance(value, list) else [value]
    return [item.decode(errors="replace") for item in items if isinstance(item, bytes)]


def _urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Without blanks around, empty ones and repetitions."""
    return tuple(dict.fromkeys(url for url in map(str.strip, urls) if url))


def _tiers(tiers: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Like `_urls`, over all tiers; without empty tiers."""
    seen: set[str] = set()
    cleaned = []
    for tier in tiers:
        urls = tuple(url for url in _urls(tier) if url not in seen)
        seen.update(urls)
        if urls:
            cleaned.append(urls)
    return tuple(cleaned)
