"""Keeps the layers of docs/architecture.md: its table is read, and every import is held against it.

What an import is for does not matter, one under `TYPE_CHECKING` counts as well; only in the search for cycles it does
not, since it is not there at run time.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "webtorrent_py"
JAVASCRIPT = ROOT / "web" / "src"
HOSTS = 7
API = 6

# What the core may have of the standard library: nothing that reads a clock, a socket, a file or the environment.
PURE = {
    *("abc", "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "enum", "functools"),
    *(
        "hashlib",
        "heapq",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "mimetypes",
        "operator",
        "re",
        "struct",
        "types",
        "typing",
    ),
    "urllib.parse",
}


@dataclass(frozen=True)
class Import:
    """`module` imports `target`, a dotted name that may end in something other than a module."""

    module: str
    target: str
    line: int
    for_types_only: bool

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}: {self.target}"


def read_rows() -> dict[str, int]:
    """The row of each part of the package, by its name."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d) \| ([^|]*) \|", text, re.MULTILINE)
    return {part.rstrip("/"): int(row) for row, parts in rows for part in re.findall(r"`([^`]+)`", parts)}


def name_of(path: Path) -> str:
    """A module's dotted name below the package; "" is the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


ROWS = read_rows()
MODULES = {name_of(path): ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str) -> Iterator[Import]:
    def visit(node: ast.AST, for_types_only: bool) -> Iterator[Import]:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(module, alias.name, node.lineno, for_types_only)
            case ast.ImportFrom(module=source, names=names, level=0):
                for alias in names:
                    yield Import(module, f"{source}.{alias.name}", node.lineno, for_types_only)
            case ast.ImportFrom():
                raise AssertionError(f"{module}, line {node.lineno}: a relative import")
            case ast.If(test=ast.Name("TYPE_CHECKING"), body=body, orelse=other):
                for child in body:
                    yield from visit(child, True)
                for child in other:
                    yield from visit(child, for_types_only)
            case _:
                for child in ast.iter_child_nodes(node):
                    yield from visit(child, for_types_only)

    return visit(MODULES[module], False)


IMPORTS = [found for module in MODULES for found in imports_of(module)]
OURS = [found for found in IMPORTS if found.target.split(".")[0] == PACKAGE.name]
FOREIGN = [found for found in IMPORTS if found.target.split(".")[0] != PACKAGE.name]


def part_of(module: str) -> str:
    return module.split(".")[0]


def module_named(target: str) -> str:
    """The module of ours that an import's target lies in, or is."""
    name = target.removeprefix(PACKAGE.name).lstrip(".")
    return name if name in MODULES else name.rpartition(".")[0]


def test_the_table_and_the_package_name_the_same_parts() -> None:
    assert {part_of(module) for module in MODULES} - {""} == ROWS.keys()


@pytest.mark.parametrize("part", ROWS)
def test_imports_are_of_earlier_rows(part: str) -> None:
    imports = [(found, part_of(module_named(found.target))) for found in OURS if part_of(found.module) == part]
    # What the package itself holds is its version.
    wrong = [str(found) for found, other in imports if other not in ("", part) and ROWS[other] >= ROWS[part] > 0]
    assert not wrong


def test_the_package_itself_imports_nothing() -> None:
    assert not [str(found) for found in IMPORTS if found.module == ""]


def test_there_are_no_import_cycles() -> None:
    graph: dict[str, set[str]] = {}
    for found in OURS:
        if not found.for_types_only and module_named(found.target) != found.module:
            graph.setdefault(found.module, set()).add(module_named(found.target))
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) >= graph.keys()


def is_pure(target: str) -> bool:
    # Randomness is passed in, as a Random that somebody else has seeded.
    return target == "random.Random" or target in PURE or target.rpartition(".")[0] in {*PURE, "collections.abc"}


def test_the_core_imports_nothing_that_does_io() -> None:
    core = [found for found in FOREIGN if ROWS[part_of(found.module)] < API]
    allowed = {("codec.bencode", "bencodepy")}
    assert not [
        str(found) for found in core if not is_pure(found.target) and (found.module, found.target) not in allowed
    ]


def test_the_core_makes_no_randomness_of_its_own() -> None:
    core = [module for module in MODULES if module and ROWS[part_of(module)] < API]
    assert not [
        f"{module}, line {node.lineno}"
        for module in core
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Random"
    ]


def test_the_api_imports_of_a_host_only_the_event_loop() -> None:
    api = [found for found in FOREIGN if ROWS[part_of(found.module)] == API]
    assert not [
        str(found)
        for found in api
        if not is_pure(found.target) and found.target.split(".")[0] not in {"asyncio", "random"}
    ]


def test_only_hosts_import_what_is_not_in_the_standard_library() -> None:
    outside = {part_of(found.module) for found in FOREIGN if found.target.split(".")[0] not in sys.stdlib_module_names}
    assert {part for part in outside if ROWS[part] < HOSTS} == {"codec"}


def javascript_imports() -> Iterator[tuple[Path, str]]:
    for path in sorted(JAVASCRIPT.rglob("*.js")):
        text = path.read_text("utf-8")
        for target in re.findall(r"""(?:\bfrom|^import|\bimport\()\s*['"]([^'"]+)['"]""", text, re.MULTILINE):
            yield path, target


def test_page_worker_and_media_do_not_import_each_other() -> None:
    imports = [(path, target) for path, target in javascript_imports() if target.startswith(".")]
    assert imports
    for path, target in imports:
        folder = path.relative_to(JAVASCRIPT).parts[0]
        reached = Path(os.path.normpath(path.parent / target)).relative_to(JAVASCRIPT).parts[0]
        assert reached in (folder, "shared"), f"{path.relative_to(JAVASCRIPT)} imports {target}"


def test_javascript_imports_only_the_declared_packages() -> None:
    declared = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))["dependencies"]
    imported = {target for _, target in javascript_imports() if not target.startswith(".")}
    assert imported <= declared.keys()
