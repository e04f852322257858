"""Remembers which steps need not be done again.

A step is done for a key, a hash over everything that its result depends on. Its stamp says for which key that was,
and which files it made; the step is fresh while the key is the same and the files are there.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final


def key_of(*values: str, files: Iterable[Path] = ()) -> str:
    """A hash over values and over the paths and contents of files; a folder stands for all files below it."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(f"{len(value)}:{value}".encode())
    for file in files:
        below = sorted(path for path in file.rglob("*") if path.is_file()) if file.is_dir() else [file]
        for path in below:
            if "__pycache__" not in path.parts:
                content = path.read_bytes()
                digest.update(f"{path}:{len(content)}:".encode() + content)
    return digest.hexdigest()


class Stamp:
    """The mark that a step leaves at `path`."""

    def __init__(self, path: Path, key: str) -> None:
        self._path: Final = path
        self._key: Final = key

    def is_fresh(self) -> bool:
        """Whether the step was done for this key and what it made is still there."""
        try:
            mark = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):  # never done, or broken off while the mark was written
            return False
        return mark["key"] == self._key and all(Path(made).exists() for made in mark["made"])

    def leave(self, made: Sequence[Path] = ()) -> None:
        """Say that the step is done, and what it made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        mark = {"key": self._key, "made": [str(path) for path in made]}
        self._path.write_text(json.dumps(mark), "utf-8")
