"""What is needed to go on with a torrent later: which pieces the store has, what is wanted, and what was counted.

The bytes are bencoded, with a version, and name the torrent that they are of. They say nothing of the bytes of
verified pieces, which the store keeps; they may hold the blocks of pieces under way, which it does not have yet.
Those are hashed like all others once the piece is complete.

Who restores a state vouches for its store. Where that is not sure, it is to be looked through (`check`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from webtorrent_py.codec import bencode
from webtorrent_py.codec.bencode import Value
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.errors import FormatError, StateError

VERSION = 1
_FORMAT = b"webtorrent-py torrent state"
# Three pieces of the greatest length can be under way, and there is little beside them.
MAX_STATE_SIZE = 256 * 1024 * 1024

_T = TypeVar("_T", int, bytes, list[Value], dict[bytes, Value])


@dataclass(frozen=True, slots=True)
class TorrentState:
    """All that is kept of a torrent. Lengths and counts are bytes."""

    info_hash: bytes
    """20 bytes."""
    have: bytes | None = None
    """The verified pieces, as a bitfield of the wire (BEP 3). None: the metadata was not known."""
    priorities: bytes = b""
    """One byte for each piece; 0: not selected."""
    unselected_files: tuple[int, ...] = ()
    partial: Mapping[int, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)
    """Piece under way → which of its blocks came, as a bitfield, and the bytes of the piece."""
    uploaded: int = 0
    received: int = 0
    paused: bool = False
    trackers: tuple[str, ...] = ()
    web_seeds: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The form to be stored. `parse_state` gives an equal value back."""
        fields: dict[bytes, bencode.Encodable] = {
            b"format": _FORMAT,
            b"version": VERSION,
            b"info hash": self.info_hash,
            b"priorities": [[priority, len(list(run))] for priority, run in groupby(self.priorities)],
            b"unselected files": list(self.unselected_files),
            b"partial": [[index, blocks, data] for index, (blocks, data) in sorted(self.partial.items())],
            b"uploaded": self.uploaded,
            b"received": self.received,
            b"paused": int(self.paused),
            b"trackers": list(self.trackers),
            b"web seeds": list(self.web_seeds),
        }
        if self.have is not None:
            fields[b"have"] = self.have
        return bencode.encode(fields)

    def verified(self, metainfo: Metainfo) -> Bitfield:
        """The verified pieces. Raises `StateError` if it is the state of something else."""
        count = metainfo.piece_count
        if self.have is None:
            return Bitfield(count)
        if len(self.priorities) != count or any(index >= count for index in self.partial):
            raise StateError(f"the state is of a torrent with other pieces than these {count}")
        try:
            return Bitfield.from_bytes(self.have, count)
        except FormatError as error:
            raise StateError(f"the state is damaged: {error}") from error


def parse_state(data: bytes, info_hash: bytes) -> TorrentState:
    """Read what `to_bytes` wrote of this torrent. Raises `StateError`."""
    try:
        fields = bencode.decode(data, max_size=MAX_STATE_SIZE)
    except FormatError as error:
        raise StateError(f"the state is damaged: {error}") from error
    if not isinstance(fields, dict) or fields.get(b"format") != _FORMAT:
        raise StateError("this is no state of a torrent")
    if fields.get(b"version") != VERSION:
        raise StateError(f"the state is of version {fields.get(b'version')!r}; {VERSION} is known")
    if fields.get(b"info hash") != info_hash:
        raise StateError("the state is of another torrent")
    return TorrentState(
        info_hash,
        have=_get(fields, b"have", bytes) if b"have" in fields else None,
        priorities=_priorities(_get(fields, b"priorities", list)),
        unselected_files=tuple(_all(_get(fields, b"unselected files", list), int)),
        partial=dict(_partial(each) for each in _get(fields, b"partial", list)),
        uploaded=_count(fields, b"uploaded"),
        received=_count(fields, b"received"),
        paused=_count(fields, b"paused") != 0,
        trackers=_texts(_get(fields, b"trackers", list)),
        web_seeds=_texts(_get(fields, b"web seeds", list)),
    )


def _get(fields: Mapping[bytes, Value], key: bytes, kind: type[_T]) -> _T:
    value = fields.get(key)
    if not isinstance(value, kind):
        raise StateError(f"the state is damaged: its {key.decode()} is missing or of the wrong kind")
    return value


def _count(fields: Mapping[bytes, Value], key: bytes) -> int:
    value = _get(fields, key, int)
    if value < 0:
        raise StateError(f"the state is damaged: its {key.decode()} is negative")
    return value


def _all(values: Iterable[Value], kind: type[_T]) -> Iterable[_T]:
    for value in values:
        if not isinstance(value, kind):
            raise StateError("the state is damaged: a value is of the wrong kind")
        yield value


def _priorities(runs: list[Value]) -> bytes:
    priorities = bytearray()
    for run in _all(runs, list):
        match run:
            # What a torrent's metadata can hold bounds the number of pieces, and so of bytes here.
            case [int(priority), int(count)] if 0 <= priority <= 255 and 0 < count <= bencode.MAX_SIZE:
                priorities += bytes([priority]) * count
            case _:
                raise StateError("the state is damaged: its priorities")
        if len(priorities) > bencode.MAX_SIZE:
            raise StateError("the state is damaged: it has more priorities than a torrent can have pieces")
    return bytes(priorities)


def _partial(entry: Value) -> tuple[int, tuple[bytes, bytes]]:
    match entry:
        case [int(index), bytes(blocks), bytes(data)] if index >= 0:
            return index, (blocks, data)
    raise StateError("the state is damaged: a piece under way")


def _texts(values: list[Value]) -> tuple[str, ...]:
    return tuple(value.decode(errors="replace") for value in _all(values, bytes))
