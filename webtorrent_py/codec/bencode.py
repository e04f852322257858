"""Bencoding (BEP 3), made strict.

bencode.py (`bencodepy`) builds and writes the values. It also takes what no other client takes
(`i+5e`, `i1_0e`, repeated keys, strings cut short), so a scanner of ours runs over the bytes first
and lets nothing through that has a second spelling. The one liberty granted is unsorted dictionary
keys, which real torrents have.

The scanner is a loop with a stack of its own: no input can exhaust Python's. It also knows where each
value lies, which is how an info hash comes to be of the bytes as received.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias, cast

import bencodepy  # type: ignore[import-untyped]

from webtorrent_py.errors import BencodeError


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Bytes that are bencoded already and are to stand in the output as they are."""

    data: bytes


Value: TypeAlias = int | bytes | list["Value"] | dict[bytes, "Value"]
"""What decoding gives: strings stay bytes, keys too."""

Encodable: TypeAlias = (
    int
    | bytes
    | bytearray
    | memoryview
    | str
    | Verbatim
    | Sequence["Encodable"]
    | Mapping[bytes, "Encodable"]
    | Mapping[str, "Encodable"]
    | Mapping[bytes | str, "Encodable"]
)
"""What can be encoded: text becomes UTF-8, booleans become 0 and 1."""

MAX_SIZE = 16 * 1024 * 1024
"""Bytes of one value. Peers hand over at most 10 MB of info (BEP 9 as implemented); a file has some more around it."""

MAX_DEPTH = 64
"""Lists and dictionaries inside each other. v1 needs 5; the file tree of a hybrid torrent one for each folder.

No caller can raise it: bencode.py recurses, so this is also what keeps Python's stack safe.
"""

MAX_VALUES = 2_000_000
"""Values in one value, keys counted. 100,000 files need about a million; each costs some 60 bytes of memory."""

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1  # what libtorrent and every C client can hold

_INTEGER = re.compile(rb"i(0|-?[1-9][0-9]{0,18})e")
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,9}):")
_END, _LIST, _DICTIONARY, _NUMBER = b"eldi"

_decoder = bencodepy.BencodeDecoder(max_depth=MAX_DEPTH)
_encoder = bencodepy.BencodeEncoder()


def decode(data: bytes, *, max_size: int = MAX_SIZE, max_depth: int = MAX_DEPTH) -> Value:
    """Decode `data`, all of which must be one value. Raises `BencodeError`, naming the offset."""
    if len(data) > max_size:
        raise BencodeError(f"bencoding is {len(data)} bytes long, over the limit of {max_size}")
    value, end = decode_prefix(data, max_size=max_size, max_depth=max_depth)
    if end != len(data):
        raise BencodeError(f"bytes after the end of the bencoded value, at offset {end}")
    return value


def decode_prefix(
    data: bytes, start: int = 0, *, max_size: int = MAX_SIZE, max_depth: int = MAX_DEPTH
) -> tuple[Value, int]:
    """Decode the value at `start`; also return the offset of its end, after which anything may follow.

    `max_size` limits the value, not `data`. Raises `BencodeError`.
    """
    end, _ = _scan(data, start, max_size, max_depth)
    try:
        return cast(Value, _decoder.decode(data[start:end])), end
    except bencodepy.BencodeDecodeError as error:  # only when the caller's stack is nearly used up
        raise BencodeError(f"cannot decode the value at offset {start}: {error}") from error


def value_span(data: bytes, key: bytes, *, max_size: int = MAX_SIZE, max_depth: int = MAX_DEPTH) -> tuple[int, int]:
    """Start and end offset of the value of `key` in the dictionary that `data` begins with.

    The whole dictionary is checked. Raises `BencodeError`, also when the key is not there.
    """
    if data[:1] != b"d":
        raise BencodeError("not a bencoded dictionary, at offset 0")
    _, spans = _scan(data, 0, max_size, max_depth)
    if key not in spans:
        raise BencodeError(f"no key {key!r} in the bencoded dictionary at offset 0")
    return spans[key]


def encode(value: Encodable) -> bytes:
    """Encode a value, with sorted keys. Raises `BencodeError` for what cannot be encoded."""
    return cast(bytes, _encoder.encode(_prepared(value, 0)))


def _prepared(value: object, depth: int) -> object:
    """The value in the few exact types that bencode.py writes, checked so that `decode` takes it back."""
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise BencodeError(f"cannot bencode text that has no UTF-8 form: {value!r}") from error
    if isinstance(value, int):
        if not _MIN_INTEGER <= value <= _MAX_INTEGER:
            raise BencodeError("cannot bencode an integer of more than 64 bits")
        return int(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Verbatim):
        return bencodepy.Bencached(value.data)
    if depth >= MAX_DEPTH:
        raise BencodeError(f"cannot bencode values more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        dictionary: dict[bytes, object] = {}
        for key, item in value.items():
            if not isinstance(key, (bytes, str)):
                raise BencodeError(f"cannot bencode a key of type {type(key).__name__}")
            name = cast(bytes, _prepared(key, depth))
            if name in dictionary:
                raise BencodeError(f"cannot bencode the key {name!r} twice")
            dictionary[name] = _prepared(item, depth + 1)
        return dictionary
    if isinstance(value, Sequence):
        return [_prepared(item, depth + 1) for item in value]
    raise BencodeError(f"cannot bencode a value of type {type(value).__name__}")


def _scan(data: bytes, start: int, max_size: int, max_depth: int) -> tuple[int, dict[bytes, tuple[int, int]]]:
    """Check the value at `start`: its end and, when it is a dictionary, the spans of its values by key."""
    max_depth = min(max_depth, MAX_DEPTH)
    limit = min(len(data), start + max_size)
    spans: dict[bytes, tuple[int, int]] = {}
    outer_key, outer_start = b"", start
    # One entry for each open container: the keys of a dictionary so far, None for a list.
    containers: list[set[bytes] | None] = []
    key_pending = False  # a key was read whose value comes next
    position = start
    for _ in range(MAX_VALUES):
        if position >= limit:
            _fail_at_end(data, start, limit)
        byte = data[position]
        keys = containers[-1] if containers else None
        if byte == _END and containers and not key_pending:
            containers.pop()
            position += 1
        elif keys is not None and not key_pending:
            content = _string_start(data, position, limit, "key")
            key, position = data[content[0] : content[1]], content[1]
            if key in keys:
                raise BencodeError(f"key {key[:40]!r} stands twice in one dictionary, at offset {position}")
            keys.add(key)
            key_pending = True
            if len(containers) == 1:
                outer_key, outer_start = key, position
            continue
        elif byte in (_LIST, _DICTIONARY):
            if len(containers) >= max_depth:
                raise BencodeError(f"bencoding is more than {max_depth} deep, at offset {position}")
            containers.append(set() if byte == _DICTIONARY else None)
            key_pending = False
            position += 1
            continue
        elif byte == _NUMBER:
            position = _integer_end(data, position, limit)
        else:
            position = _string_start(data, position, limit, "value")[1]
        # A value ends here.
        if not containers:
            return position, spans
        if len(containers) == 1 and containers[0] is not None:
            spans[outer_key] = (outer_start, position)
        key_pending = False
    raise BencodeError(f"bencoding holds more than {MAX_VALUES} values, at offset {position}")


def _string_start(data: bytes, position: int, limit: int, what: str) -> tuple[int, int]:
    """Where the content of the string at `position` starts and ends."""
    length = _LENGTH.match(data, position, limit)
    if length is None:
        raise BencodeError(f"not a bencoded {what}, at offset {position}")
    start = length.end()
    end = start + int(length[1])
    if end > limit:
        raise BencodeError(f"bencoded string goes beyond the end or the size limit, at offset {position}")
    return start, end


def _integer_end(data: bytes, position: int, limit: int) -> int:
    integer = _INTEGER.match(data, position, limit)
    if integer is None:
        raise BencodeError(f"not a canonical integer of at most 64 bits, at offset {position}")
    if not _MIN_INTEGER <= int(integer[1]) <= _MAX_INTEGER:
        raise BencodeError(f"integer of more than 64 bits, at offset {position}")
    return integer.end()


def _fail_at_end(data: bytes, start: int, limit: int) -> NoReturn:
    if limit < len(data):
        raise BencodeError(f"bencoded value is over the limit of {limit - start} bytes, at offset {limit}")
    raise BencodeError(f"bencoding ends in the middle of a value, at offset {limit}")
