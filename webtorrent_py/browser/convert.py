"""The one place where values change between JavaScript and Python.

Rules: bytes are copied once in each direction; no proxy of a Python object outlives the call that passed
it, apart from the functions that `lasting` makes; calls and their answers cross as JSON text, which both
sides parse natively and which leaves no proxies.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from js import Object
from pyodide.ffi import JsException, create_proxy, to_js


def from_bytes(data: bytes | bytearray | memoryview) -> Any:
    """A Uint8Array with a copy of the data."""
    return to_js(data)


def to_bytes(data: Any) -> bytes:
    """A copy of an ArrayBuffer or a view of one."""
    copy: bytes = data.to_bytes()
    return copy


def to_plain(value: Any) -> Any:
    """Plain JavaScript objects and arrays of dicts, lists, tuples, numbers, text and bytes."""
    return to_js(value, dict_converter=Object.fromEntries)


def to_json(value: Any) -> str:
    """JSON text."""
    return json.dumps(value)


def from_json(text: str) -> Any:
    """The value of JSON text."""
    return json.loads(text)


def from_tagged(value: Any) -> Any:
    """The value of JSON in which the page has put `{"$bytes": hex}` for each Uint8Array."""
    if isinstance(value, dict):
        if value.keys() == {"$bytes"}:
            return bytes.fromhex(value["$bytes"])
        return {key: from_tagged(each) for key, each in value.items()}
    return [from_tagged(each) for each in value] if isinstance(value, list) else value


def lasting(functions: Mapping[str, Callable[..., Any]]) -> Any:
    """A JavaScript object of functions that stay callable for good."""
    return to_js(
        {name: create_proxy(function) for name, function in functions.items()}, dict_converter=Object.fromEntries
    )


def reason(error: JsException) -> str:
    """What an error of JavaScript says, fit to be shown."""
    return str(getattr(error, "message", None) or error)
