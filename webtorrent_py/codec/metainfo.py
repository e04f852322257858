"""Torrent files and info dictionaries of BitTorrent v1 (BEP 3), v2 (BEP 52) and both (hybrids), read and written.

The info dictionary is kept as the bytes that were received: their hash is the torrent's name in the swarm, and
encoding them anew would change it for real torrents. What stands in it is checked before anything is sized by it, and
what a torrent cannot work without is refused when it is wrong. What it can work without (comment, trackers, dates) is
left out when it is wrong.

Offsets in a torrent are those of its pieces: piece `i` begins at `i * piece_length`. In v1 the files follow each other
without gaps, and pieces span them. In v2 each file begins at a piece, and the last piece of each may be shorter: what
lies between them has an offset, but no bytes. A hybrid is laid out by its v1 list, whose padding files (BEP 47) fill
the gaps and stay in the list, marked, so that file indices mean the same as in other clients.

The hashes of v2 pieces (`piece layers`) stand outside of the info dictionary. Those that a torrent file has are
checked against the roots of the files; those that it lacks may be asked of peers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha1, sha256

from webtorrent_py.codec import bencode, merkle
from webtorrent_py.codec.bencode import Encodable, Value
from webtorrent_py.codec.fields import optional_text, required, required_text, texts
from webtorrent_py.codec.file_tree import tree_files, with_roots
from webtorrent_py.codec.files import FileEntry, list_files
from webtorrent_py.codec.magnet import Magnet, swarm_hashes
from webtorrent_py.codec.paths import safe_path
from webtorrent_py.errors import MetainfoError

HASH_SIZE = 20
"""Bytes of a SHA-1 hash."""

MAX_PIECE_LENGTH = 64 * 1024 * 1024
"""A piece is held in memory until it is verified, and several are under way at once. Creators stop at 16 or 32 MiB."""

MAX_PIECES = 500_000
"""Pieces of a v2 torrent, which does not grow with them as a v1 torrent does with its hashes."""


@dataclass(frozen=True, slots=True)
class Metainfo:
    """All that a torrent file says, or that is known once the info dictionary came from a peer."""

    info_hash: bytes
    """20 bytes: SHA-1 of `info`; for a torrent that is v2 only, the first 20 bytes of `info_hash_v2`."""
    info: bytes = field(repr=False)
    """The bencoded info dictionary, as received."""
    name: str
    """Safe as a file name."""
    piece_length: int
    """In bytes; the last piece, and in v2 the last one of each file, may be shorter."""
    piece_count: int
    """0 when all files are empty."""
    pieces: bytes = field(repr=False)
    """The SHA-1 hashes of all pieces, 20 bytes each. Empty if it is v2 only."""
    length: int
    """In bytes, of all files."""
    files: tuple[FileEntry, ...] = field(repr=False)
    """In the order of their bytes."""
    is_single_file: bool
    short_pieces: Mapping[int, int] = field(repr=False)
    """Piece → bytes, of those that are shorter than `piece_length`."""
    padded_pieces: Mapping[int, int] = field(default_factory=dict, repr=False)
    """Piece → bytes before its padding, of those that end with some (BEP 47)."""
    info_hash_v2: bytes | None = None
    """32 bytes: SHA-256 of `info`. None if it is v1 only."""
    piece_layers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    """Pieces root → SHA-256 hashes of all pieces of the file, verified, for files of more than a piece (BEP 52)."""
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
    def has_v1(self) -> bool:
        """Whether its pieces have SHA-1 hashes: all torrents but those that are v2 only."""
        return self.info_hash_v2 is None or not self.info_hash_v2.startswith(self.info_hash)

    @property
    def swarm_hashes(self) -> tuple[bytes, ...]:
        """The 20 bytes under which its peers are found: two for a hybrid."""
        return swarm_hashes(self.info_hash, self.info_hash_v2)

    @property
    def extent(self) -> int:
        """The offset of the end of the last file."""
        return self.files[-1].offset + self.files[-1].length

    def piece_hash(self, index: int) -> bytes:
        """The 20 bytes of SHA-1 that piece `index` must have, if the torrent `has_v1`."""
        self._check_piece(index)
        return self.pieces[index * HASH_SIZE : (index + 1) * HASH_SIZE]

    def piece_size(self, index: int) -> int:
        """Bytes of piece `index`."""
        self._check_piece(index)
        return self.short_pieces.get(index, self.piece_length)

    def content_size(self, index: int) -> int:
        """Bytes of piece `index` before the padding that ends it, which is zeros."""
        return self.padded_pieces.get(index) or self.piece_size(index)

    def file_pieces(self, index: int) -> tuple[int, int] | None:
        """First and last piece with bytes of file `index`; None for an empty file."""
        file = self.files[index]
        if file.length == 0:
            return None
        return file.offset // self.piece_length, (file.offset + file.length - 1) // self.piece_length

    def torrent_file(self) -> bytes:
        """The torrent file, with the info dictionary as it was received."""
        outer: dict[str, Encodable] = {"info": bencode.Verbatim(self.info), "encoding": "UTF-8"}
        if self.info_hash_v2 is not None:
            outer["piece layers"] = dict(self.piece_layers)
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
        return Magnet(self.info_hash, self.name, trackers, self.web_seeds, info_hash_v2=self.info_hash_v2)

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
    metainfo = _metainfo(
        data[start:end],
        torrent[b"info"],
        announce=_announce_list(torrent),
        web_seeds=texts(torrent.get(b"url-list")),
        comment=optional_text(torrent, b"comment"),
        created_by=optional_text(torrent, b"created by"),
        creation_date=date if isinstance(date, int) else None,
    )
    if metainfo.info_hash_v2 is None or b"piece layers" not in torrent:
        return metainfo
    return with_piece_layers(metainfo, required(torrent, b"piece layers", dict, "torrent file"))


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


def with_piece_layers(metainfo: Metainfo, layers: Mapping[bytes, object]) -> Metainfo:
    """The torrent with those of the layers that belong to its files, each checked against the file's root.

    Raises `MetainfoError` for a layer that is wrong.
    """
    checked: dict[bytes, bytes] = {}
    for entry in metainfo.files:
        root = entry.pieces_root
        if root is None or entry.length <= metainfo.piece_length or root in checked or root not in layers:
            continue
        layer = layers[root]
        count = -(-entry.length // metainfo.piece_length)
        if not isinstance(layer, bytes) or len(layer) != count * merkle.HASH_SIZE:
            raise MetainfoError(f"piece layers has no {count} hashes for {entry.path_string!r}")
        if merkle.root(layer, merkle.layer_of(metainfo.piece_length)) != root:
            raise MetainfoError(f"piece layers has hashes for {entry.path_string!r} that do not match its pieces root")
        checked[root] = layer
    return replace(metainfo, piece_layers={**metainfo.piece_layers, **checked})


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
    version = fields.get(b"meta version")
    if isinstance(version, int) and version > 2:
        raise MetainfoError(f"torrent is of version {version} of BitTorrent; 1 and 2 are known")
    has_v2 = version == 2
    has_v1 = b"pieces" in fields or not has_v2
    if not has_v2 and b"file tree" in fields and b"pieces" not in fields:
        raise MetainfoError("info.meta version is missing")
    piece_length = required(fields, b"piece length", int, "info")
    if not 0 < piece_length <= MAX_PIECE_LENGTH:
        raise MetainfoError(f"info.piece length is {piece_length}, not from 1 to {MAX_PIECE_LENGTH}")
    if has_v2 and (piece_length < merkle.BLOCK_LENGTH or piece_length & (piece_length - 1)):
        raise MetainfoError(f"info.piece length is {piece_length}, no power of two from {merkle.BLOCK_LENGTH} on")
    info_hash_v2 = sha256(info).digest() if has_v2 else None
    info_hash = sha1(info).digest() if has_v1 or info_hash_v2 is None else info_hash_v2[:HASH_SIZE]
    # Without a name that means anything the torrent is called by its hash, as other clients do.
    raw_name = required_text(fields, b"name", "info").decode(errors="replace")
    name = "".join(safe_path([raw_name], "info.name")) or info_hash.hex()
    is_single_file = b"files" not in fields
    files = list_files(fields, name) if has_v1 else ()
    if has_v2:
        tree, is_single_file = tree_files(fields, name, piece_length, is_single_file if has_v1 else None)
        files = with_roots(files, tree, piece_length) if has_v1 else tree
    pieces, piece_count, short_pieces = _pieces(fields, files, piece_length, has_v1)
    return Metainfo(
        info_hash=info_hash,
        info=info,
        name=name,
        piece_length=piece_length,
        piece_count=piece_count,
        pieces=pieces,
        length=sum(entry.length for entry in files),
        files=files,
        is_single_file=is_single_file,
        short_pieces=short_pieces,
        padded_pieces=_padded(files, piece_length),
        info_hash_v2=info_hash_v2,
        private=b"private" in fields and required(fields, b"private", int, "info") != 0,
        announce=_tiers(announce),
        web_seeds=_urls(web_seeds),
        comment=comment,
        created_by=created_by,
        creation_date=creation_date,
    )


def _padded(files: tuple[FileEntry, ...], piece_length: int) -> dict[int, int]:
    extent = files[-1].offset + files[-1].length
    padded = {}
    for entry in files:
        if entry.is_padding and entry.length:
            index, start = divmod(entry.offset, piece_length)
            if start and entry.offset + entry.length >= min((index + 1) * piece_length, extent):
                padded[index] = start
    return padded


def _pieces(
    info: dict[bytes, Value], files: tuple[FileEntry, ...], piece_length: int, has_v1: bool
) -> tuple[bytes, int, dict[int, int]]:
    """The v1 hashes, the number of pieces, and the size of those that are shorter than the others."""
    extent = files[-1].offset + files[-1].length
    count = -(-extent // piece_length)
    # In v1 nothing ends but the torrent. In v2 each file does.
    ends = [extent] if has_v1 else [entry.offset + entry.length for entry in files if entry.length]
    short = {end // piece_length: end % piece_length for end in ends if end % piece_length}
    if not has_v1:
        if count > MAX_PIECES:
            raise MetainfoError(f"torrent has {count} pieces, over the limit of {MAX_PIECES}")
        return b"", count, short
    pieces = required(info, b"pieces", bytes, "info")
    if len(pieces) != count * HASH_SIZE:
        raise MetainfoError(f"info.pieces is {len(pieces)} bytes long where {count} pieces need {count * HASH_SIZE}")
    return pieces, count, short


def _announce_list(torrent: dict[bytes, Value]) -> Iterable[Iterable[str]]:
    """Tiers of URLs. A list takes precedence over the single tracker (BEP 12), unless it is empty."""
    tiers = torrent.get(b"announce-list")
    read = [texts(tier) for tier in tiers] if isinstance(tiers, list) else []
    return read if any(read) else [texts(torrent.get(b"announce"))]


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
