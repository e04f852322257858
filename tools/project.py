"""Where things are, and what pyproject.toml says."""

import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "webtorrent_py"
WEB: Final = ROOT / "web"
NODE_MODULES: Final = WEB / "node_modules"
DIST: Final = ROOT / "dist"
# Everything that a build keeps for the next one.
CACHE: Final = ROOT / "build"
VENV: Final = ROOT / ".venv"
PYPROJECT: Final = ROOT / "pyproject.toml"
CONSTRAINTS: Final = ROOT / "constraints.txt"


def requirements(*groups: str) -> list[str]:
    """The pinned requirements of these dependency groups of pyproject.toml."""
    declared: dict[str, list[str]] = tomllib.loads(PYPROJECT.read_text("utf-8"))["dependency-groups"]
    return [requirement for group in groups for requirement in declared[group]]
