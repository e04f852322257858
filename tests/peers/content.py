"""Deterministic test content: files whose bytes follow from a seed, and torrents of them."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import bencodepy
import libtorrent

PIECE_LENGTH = 64 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """Files below `root` and the v1 torrent of them.

    `files` maps each file's path as a torrent client shows it (it starts with `name`) to its bytes, in the
    torrent's order.
    """

    root: Path
    name: str
    files: Mapping[str, bytes]
    torrent: bytes
    info_hash: str

    @property
    def length(self) -> int:
        """Bytes of all files together."""
        return sum(map(len, self.files.values()))

    @property
    def sha256(self) -> dict[str, str]:
        """Hex SHA-256 of every file, by path."""
        return {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}

    def magnet(self, *trackers: str) -> str:
        """A magnet link that tells nothing but the info hash and the trackers."""
        return f"magnet:?xt=urn:btih:{self.info_hash}" + "".join(f"&tr={quote(url, safe='')}" for url in trackers)


def make_content(
    root: Path, name: str, sizes: Mapping[str, int], *, seed: int = 1, piece_length: int = PIECE_LENGTH
) -> Content:
    """Write pseudo-random files of these sizes below `root` and make their torrent.

    `sizes` maps paths below `name` to lengths; the single path `""` makes a single-file torrent.
    """
    rng = random.Random(seed)
    files: dict[str, bytes] = {}
    for path, size in sizes.items():
        files[f"{name}/{path}" if path else name] = rng.randbytes(size)
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    info = make_info(name, {path.removeprefix(name).strip("/"): data for path, data in files.items()}, piece_length)
    return Content(root, name, files, encode({b"info": info}), info_hash_of(info))


def make_v2_content(
    root: Path, name: str, sizes: Mapping[str, int], version: str, *, seed: int = 1, piece_length: int = 32 * 1024
) -> Content:
    """Write pseudo-random files of these sizes below `root`, and let libtorrent make their "v2" or "hybrid" torrent.

    `sizes` are as for `make_content`. The info hash is that of v1, or the first 20 bytes of that of v2.
    """
    plain = make_content(root, name, sizes, seed=seed)
    entries = [libtorrent.create_file_entry(path, len(data)) for path, data in plain.files.items()]
    flags = libtorrent.create_torrent.v2_only if version == "v2" else 0
    creator = libtorrent.create_torrent(entries, piece_length, flags)
    libtorrent.set_piece_hashes(creator, str(root))
    torrent = libtorrent.bencode(creator.generate())
    hashes = libtorrent.load_torrent_buffer(torrent).ti.info_hashes()
    return replace(plain, torrent=torrent, info_hash=str(hashes.v1 if hashes.has_v1() else hashes.v2)[:40])


def make_info(name: str, files: Mapping[str, bytes], piece_length: int) -> dict[bytes, object]:
    """The info dictionary (BEP 3) of these files, whose paths are relative to `name`."""
    whole = b"".join(files.values())
    pieces = (whole[start : start + piece_length] for start in range(0, len(whole), piece_length))
    info: dict[bytes, object] = {
        b"name": name.encode(),
        b"piece length": piece_length,
        b"pieces": b"".join(hashlib.sha1(piece).digest() for piece in pieces),
    }
    if list(files) == [""]:
        info[b"length"] = len(whole)
    else:
        info[b"files"] = [
            {b"length": len(data), b"path": [part.encode() for part in path.split("/")]} for path, data in files.items()
        ]
    return info


def encode(value: object) -> bytes:
    """Bencode."""
    encoded: bytes = bencodepy.encode(value)
    return encoded


def info_hash_of(info: Mapping[bytes, object]) -> str:
    """The hex info hash of an info dictionary."""
    return hashlib.sha1(encode(info)).hexdigest()
