"""From files to a torrent: how they are called in it.

Names follow npm `create-torrent`, so that the same files give the same info hash here and there: a folder
that all paths begin with is the torrent's name and not part of the paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webtorrent_py.errors import InvalidOptionError

DEFAULT_TRACKERS = (
    "wss://tracker.btorrent.xyz",
    "wss://tracker.openwebtorrent.com",
    "wss://tracker.webtorrent.dev",
)
"""Public WebSocket trackers for what is seeded without naming any: nobody would find it otherwise."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Names for a new torrent."""

    name: str
    paths: tuple[tuple[str, ...], ...]
    """One for each file, without the torrent's name."""


def plan(names: Sequence[str | None], name: str | None = None) -> Plan:
    """Name a torrent of files called `names`, which may hold `/`. None stands for one without a name.

    Raises `InvalidOptionError` when there is no file.
    """
    if not names:
        raise InvalidOptionError("there is nothing to seed")
    if len(names) == 1 and not names[0]:
        names = [name]
    paths = [_split(each) if each else (f"Unknown File {index + 1}",) for index, each in enumerate(names)]
    first_folders = {path[0] if len(path) > 1 else None for path in paths}
    folder = first_folders.pop() if len(paths) > 1 and len(first_folders) == 1 else None
    if folder is not None:
        paths = [path[1:] for path in paths]
    named = (path[-1] for path, each in zip(paths, names, strict=True) if each)
    return Plan(name or folder or next(named, "Unnamed Torrent"), tuple(paths))


def _split(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.split("/") if part) or (name,)
