"""Hypothesis strategies that more than one test module draws from."""

from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from hypothesis import strategies as st

from webtorrent_py.codec.bencode import Value
from webtorrent_py.codec.creation import create_info

hashes = st.binary(min_size=20, max_size=20)
"""SHA-1 hashes, info hashes, peer ids."""

integers = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=4) | st.dictionaries(st.binary(max_size=6), children, max_size=4)


bencode_values: st.SearchStrategy[Value] = st.recursive(integers | st.binary(max_size=20), _containers, max_leaves=12)
"""Values in the form that decoding gives."""

bencode_dictionaries = st.dictionaries(st.binary(max_size=6), bencode_values, max_size=5)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""Text that has a UTF-8 form."""

urls = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["http", "https", "udp", "ws", "wss"]),
    st.from_regex(r"[a-z0-9-]{1,10}(\.[a-z]{2,3})?(:[0-9]{2,4})?", fullmatch=True),
    st.text(st.characters(min_codepoint=0x21, exclude_categories=["Cs", "Z", "C"]), max_size=10),
)

file_names = st.text(st.sampled_from("abcxyzABC019-_ .äß日🎬"), min_size=1, max_size=8).filter(
    lambda name: name.strip(". ") == name
)
"""Names that are safe on every system, so that they come out as they went in."""


# Folders have a plus sign, which no file has, so that no path is both.
_paths = st.builds(
    lambda folders, name: (*folders, name), st.lists(file_names.map("+{}".format), max_size=2), file_names
)


def _folded(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in path)


@dataclass(frozen=True, slots=True)
class TorrentContent:
    """A torrent's bytes, files (paths without the torrent's name) and info dictionary."""

    name: str
    files: tuple[tuple[tuple[str, ...], int], ...]
    piece_length: int
    content: bytes
    pieces: bytes
    single_file: bool
    info: bytes


@st.composite
def torrents(draw: st.DrawFn, min_length: int = 0, max_file: int = 5000, max_files: int = 5) -> TorrentContent:
    """Small torrents with real content and right hashes. Paths differ also without regard to case."""
    name = draw(file_names)
    single_file = draw(st.booleans())
    paths = [(name,)] if single_file else draw(st.lists(_paths, min_size=1, max_size=max_files, unique_by=_folded))
    lengths = [draw(st.integers(0, max_file)) for _ in paths]
    if sum(lengths) < min_length:
        lengths[0] += min_length - sum(lengths)
    total = sum(lengths)
    content = bytes((index * 7 + (index >> 8)) & 255 for index in range(total))
    piece_length = draw(st.sampled_from([512, 1000, 1024, 4096, 16384]))
    pieces = b"".join(sha1(content[at : at + piece_length]).digest() for at in range(0, total, piece_length))
    files = tuple(zip(paths, lengths, strict=True))
    info = create_info(name, files, piece_length, pieces, single_file=single_file)
    return TorrentContent(name, files, piece_length, content, pieces, single_file, info)
