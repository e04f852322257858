"""Media for the tests of rendering: the demo's sample and what follows from it, and a few small files."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.peers.content import Content, encode, info_hash_of, make_info

HERE = Path(__file__).parent
FILES = HERE / "media_files"
SAMPLE = HERE.parent.parent / "web" / "demo" / "sample"

VIDEO = (SAMPLE / "video.mp4").read_bytes()
"""24 seconds of H.264 and AAC, its index before the data."""
VIDEO_SECONDS = 24
PICTURE = (SAMPLE / "picture.jpg").read_bytes()

PIECE_LENGTH = 16 * 1024


def make_torrent(root: Path, name: str, files: Mapping[str, bytes]) -> Content:
    """Write these files, by path below `name`, under `root`, and make their torrent."""
    for path, data in files.items():
        target = root / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    info = make_info(name, files, PIECE_LENGTH)
    paths = {f"{name}/{path}": data for path, data in files.items()}
    return Content(root, name, paths, encode({b"info": info}), info_hash_of(info))


def with_index_last(mp4: bytes) -> bytes:
    """The same MP4 with its index (`moov`) behind the data (`mdat`), as cameras and many encoders write it."""
    boxes = dict(_boxes(mp4))
    order = list(boxes)
    assert order.index(b"moov") < order.index(b"mdat")
    index = boxes.pop(b"moov")
    return b"".join(boxes.values()) + _moved(index, -len(index))


def with_unknown_codec(mp4: bytes) -> bytes:
    """The same MP4 with its video in a codec that nobody has heard of."""
    return mp4.replace(b"avc1", b"none", 2)


def wave(seconds: float = 1.0) -> bytes:
    """A tone in a WAVE file: PCM, which no MediaSource takes."""
    rate = 8000
    samples = b"".join(struct.pack("<h", 8000 if i % 20 < 10 else -8000) for i in range(int(rate * seconds)))
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes (ISO/IEC 14496-12, 4.2) in `data`, whole, by type."""
    position = 0
    while position < len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        assert size >= 8
        yield kind, data[position : position + size]
        position += size


def _moved(moov: bytes, distance: int) -> bytes:
    """The index, with all offsets into the data (`stco`, 8.7.5) moved by `distance` bytes."""
    moved = bytearray(moov)
    position = moov.find(b"stco")
    while position != -1:
        (count,) = struct.unpack_from(">I", moov, position + 8)
        for i in range(count):
            (offset,) = struct.unpack_from(">I", moov, position + 12 + 4 * i)
            struct.pack_into(">I", moved, position + 12 + 4 * i, offset + distance)
        position = moov.find(b"stco", position + 12 + 4 * count)
    return bytes(moved)
