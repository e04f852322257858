"""Stand-ins for what only Pyodide has, so that its side of the bridge runs on CPython too.

They convert nothing: a Python value plays the JavaScript value that it would become.
"""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest


class JsException(Exception):  # noqa: N818 - the name it has in Pyodide
    """An Error of JavaScript."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Buffer:
    """An ArrayBuffer, as JavaScript hands it over."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def to_bytes(self) -> bytes:
        return self.data


def to_js(value: Any, *, dict_converter: Callable[[Any], Any] = dict) -> Any:
    if isinstance(value, dict):
        return dict_converter([(key, to_js(each, dict_converter=dict_converter)) for key, each in value.items()])
    if isinstance(value, list | tuple):
        return [to_js(each, dict_converter=dict_converter) for each in value]
    return value


@pytest.fixture(autouse=True)
def pyodide(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ffi = ModuleType("pyodide.ffi")
    ffi.__dict__.update(JsException=JsException, create_proxy=lambda function: function, to_js=to_js)
    js = ModuleType("js")
    js.__dict__["Object"] = type("Object", (), {"fromEntries": staticmethod(dict)})
    for name, module in {"js": js, "pyodide": ModuleType("pyodide"), "pyodide.ffi": ffi}.items():
        monkeypatch.setitem(sys.modules, name, module)
    yield
    # They were imported with the stand-ins in place.
    for name in [name for name in sys.modules if name.startswith("webtorrent_py.browser")]:
        del sys.modules[name]
