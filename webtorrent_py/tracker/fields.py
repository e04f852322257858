"""JSON objects and the kinds of value in them that both ends of the tracker protocol read and write.

Info hashes, peer ids and offer ids are 20 bytes, written as strings of 20 characters, one for each byte
(Latin-1). Offers and answers are objects as `RTCSessionDescription` has them. What is read comes from
strangers, so sizes are bounded before anything is parsed.
"""

import json
from collections.abc import Mapping
from typing import Final, Literal

from webtorrent_py.errors import TrackerError

ID_LENGTH: Final = 20
SDP_SIZE_LIMIT: Final = 64 * 1024
"""Bytes of an offer or answer in UTF-8; libtorrent's limit. Browsers' have one to five kilobytes."""

TEXT_LENGTH_LIMIT: Final = 1024 * 1024
"""Characters of a message: two SDPs with every character escaped fit, and so do 20 offers as browsers make them."""

_BRACKET_LIMIT: Final = 1000  # a message is nested four deep; the JSON reader recurses

Fields = Mapping[str, object]


def read_object(text: str) -> Fields:
    """The JSON object that the text holds. Raises `TrackerError`."""
    if len(text) > TEXT_LENGTH_LIMIT:
        raise TrackerError(f"a message of {len(text)} characters")
    if text.count("[") + text.count("{") > _BRACKET_LIMIT:
        raise TrackerError("a message with too many objects in it")
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TrackerError("a message that is not JSON") from error
    if not isinstance(message, dict):
        raise TrackerError("a message that is not a JSON object")
    return message


def read_id(message: Fields, key: str) -> bytes:
    """The 20 bytes under `key`. Raises `TrackerError`."""
    value = message.get(key)
    if isinstance(value, str) and len(value) == ID_LENGTH and all(ord(character) < 256 for character in value):
        return value.encode("latin-1")
    raise TrackerError(f"a message with a malformed {key}")


def read_sdp(message: Fields, kind: Literal["offer", "answer"]) -> str:
    """The SDP of the session description under the key `kind`. Raises `TrackerError`."""
    description = message.get(kind)
    sdp = description.get("sdp") if isinstance(description, dict) and description.get("type") == kind else None
    if not isinstance(sdp, str):
        raise TrackerError(f"a message with a malformed {kind}")
    try:
        size = len(sdp.encode())
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise TrackerError(f"a message with a malformed {kind}") from error
    if size > SDP_SIZE_LIMIT:
        raise TrackerError(f"a message with an {kind} of {size} bytes")
    return sdp


def write_object(message: Fields) -> str:
    """The object as text. Nothing but what JSON requires is escaped: some trackers bound the size."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def write_id(value: bytes) -> str:
    """The string that stands for the 20 bytes."""
    return value.decode("latin-1")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
