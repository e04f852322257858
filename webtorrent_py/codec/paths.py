"""File paths out of a torrent, made safe to show and to save under.

Rules, for one component of a path:

- `..` is refused, also behind a separator: only somebody who wants out of the folder writes it.
- An empty component and `.` mean nothing and are left out, as other clients do.
- Separators, control characters and the colon of a drive letter become `_`; characters that reverse the direction
  of text (and so can disguise an extension) are dropped.
- Blanks and dots at the end go, since Windows drops them silently and two names would become one.
- A device name of Windows (`CON`, `nul.txt`) gets a `_` in front.
- More than 255 bytes of UTF-8 are shortened before the extension.

Paths that differ at most in case are then told apart by a number.

Characters that only Windows refuses (`?`, `*`, `"`, `<`, `>`, `|`, other colons) stay: they harm nobody, they are
common, and pages show them. Browsers replace them when they save.
"""

import re
from collections.abc import Sequence

from webtorrent_py.errors import MetainfoError

MAX_COMPONENT_SIZE = 255
"""Bytes of UTF-8 in one component: what Linux, macOS and (in UTF-16 units) Windows allow."""

MAX_COMPONENTS = 64
"""Names in one path. Real torrents have a dozen at most."""

_SEPARATOR = re.compile(r"[/\\]")
_REPLACED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029/\\]|(?<=\A[A-Za-z]):")
_DIRECTION = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:\.|\Z)", re.IGNORECASE
)
_MAX_EXTENSION_SIZE = 16  # with the dot; what is longer is no extension but a sentence


def safe_path(components: Sequence[str], field: str) -> tuple[str, ...]:
    """The components made safe; empty when nothing is left. `field` names the place in errors (`MetainfoError`)."""
    if len(components) > MAX_COMPONENTS:
        raise MetainfoError(f"{field} has more than {MAX_COMPONENTS} components")
    safe = (_safe_component(component, field) for component in components)
    return tuple(component for component in safe if component)


def unique_paths(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The paths with a number in the last component wherever one is taken already by a file or a folder.

    Upper and lower case count as the same, as on Windows and macOS. Folders keep their names.
    """
    # Folders as numbers, found by the folder above them and their name: long paths cost no more than their length.
    folders: dict[tuple[int, str], int] = {}
    parents = []
    for path in paths:
        folder = 0
        for name in path[:-1]:
            folder = folders.setdefault((folder, name.casefold()), len(folders) + 1)
        parents.append(folder)
    taken = set(folders)
    numbers: dict[tuple[int, str], int] = {}  # the last one given, so that many equal names take linear time
    unique = []
    for path, parent in zip(paths, parents, strict=True):
        key = (parent, path[-1].casefold())
        number, name = numbers.get(key, 0), path[-1]
        while (parent, name.casefold()) in taken:
            number += 1
            name = _shortened(path[-1], f" ({number})")
        numbers[key] = number
        taken.add((parent, name.casefold()))
        unique.append((*path[:-1], name))
    return unique


def _safe_component(component: str, field: str) -> str:
    component = _DIRECTION.sub("", component)
    if ".." in _SEPARATOR.split(component):
        raise MetainfoError(f"{field} leads out of the torrent's folder with '..'")
    if component in ("", "."):
        return ""
    component = _shortened(_REPLACED.sub("_", component))
    if _DEVICE.match(component):
        component = _shortened("_" + component)
    return component or "_"


def _shortened(name: str, mark: str = "") -> str:
    """The name with `mark` before its extension, no longer than it may be and without blanks and dots at the end."""
    stem, dot, extension = name.rpartition(".")
    ending = dot + extension
    if not stem or len(ending.encode()) > _MAX_EXTENSION_SIZE:
        stem, ending = name, ""
    ending = mark + ending
    room = MAX_COMPONENT_SIZE - len(ending.encode())
    return (stem.encode()[:room].decode(errors="ignore") + ending).rstrip(". ")
