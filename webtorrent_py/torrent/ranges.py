"""The HTTP side of web seeds (BEP 19): the URL of a file, ranges out of blocks, and what a server says it sends."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.peer.connection import Block

_CONTENT_RANGE = re.compile(r"bytes[ =](\d{1,19})-(\d{1,19})/(?:(\d{1,19})|\*)", re.ASCII)
_SCHEMES = ("http://", "https://")
# What JavaScript's encodeURIComponent leaves as it is, apart from what quote() always does.
_UNESCAPED = "!~*'()"


def is_web_seed(url: str) -> bool:
    """Whether the URL is one that can be fetched."""
    return url.lower().startswith(_SCHEMES)


def file_url(seed: str, metainfo: Metainfo, file: int) -> str:
    """Where a web seed has a file.

    The seed's URL is that of the file itself, or of the folder that the torrent's name is in: always for a torrent of
    several files, and whenever it ends in a slash.
    """
    if metainfo.is_single_file and not seed.endswith("/"):
        return seed
    path = "/".join(quote(component, safe=_UNESCAPED) for component in metainfo.files[file].web_path)
    return f"{seed}{path}" if seed.endswith("/") else f"{seed}/{path}"


def join_blocks(blocks: Iterable[Block], piece_length: int) -> Iterator[tuple[int, int]]:
    """The torrent's byte ranges (start, end) that the blocks make up: rising, and never adjacent."""
    places = sorted((index * piece_length + begin, length) for index, begin, length in blocks)
    start = end = -1
    for offset, length in places:
        if offset != end:
            if end > start:
                yield start, end
            start = offset
        end = offset + length
    if end > start:
        yield start, end


def parse_content_range(text: str) -> tuple[int, int, int | None] | None:
    """First byte, last byte (inclusive) and length of the file, if told (RFC 9110, 14.4). None if it is malformed."""
    match = _CONTENT_RANGE.fullmatch(text.strip())
    if match is None:
        return None
    first, last, length = match.groups()
    return int(first), int(last), None if length is None else int(length)
