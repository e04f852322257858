"""Fields of decoded dictionaries, checked: what is missing or of the wrong kind is refused by its name."""

from typing import TypeVar

from webtorrent_py.codec.bencode import Value
from webtorrent_py.errors import MetainfoError

_T = TypeVar("_T", int, bytes, list[Value], dict[bytes, Value])
_KINDS: dict[type, str] = {int: "an integer", bytes: "a string", list: "a list", dict: "a dictionary"}


def required(fields: dict[bytes, Value], key: bytes, kind: type[_T], where: str) -> _T:
    """The value of a key. `where` names the dictionary in errors (`MetainfoError`)."""
    if key not in fields:
        raise MetainfoError(f"{where}.{key.decode()} is missing")
    value = fields[key]
    if not isinstance(value, kind):
        raise MetainfoError(f"{where}.{key.decode()} is not {_KINDS[kind]}")
    return value


def required_text(fields: dict[bytes, Value], key: bytes, where: str) -> bytes:
    """Text in UTF-8; the older `….utf-8` key goes first, since it stands beside text in an unknown encoding."""
    utf8 = key + b".utf-8"
    return required(fields, utf8 if utf8 in fields else key, bytes, where)


def optional_text(fields: dict[bytes, Value], key: bytes) -> str | None:
    """Text, if it is there and is text."""
    value = fields.get(key + b".utf-8", fields.get(key))
    return value.decode(errors="replace") if isinstance(value, bytes) else None


def texts(value: Value | None) -> list[str]:
    """The strings of a list, or the one string that some creators write in its place."""
    items = value if isinstance(value, list) else [value]
    return [item.decode(errors="replace") for item in items if isinstance(item, bytes)]
