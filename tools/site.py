"""Makes `dist/`: a static site that works from any path on any host.

webtorrent-py.js, webtorrent-py.mjs   what pages load; their types are webtorrent-py.d.ts and .d.mts
engine.js, media.js                   the workers that these start
pyodide/                              Python for the engine worker
wheels/                               our package and what it needs; wheels.json lists them
index.html and its neighbours         the demo
"""

import gzip
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.console import run, step
from tools.environment import PYTHON, Node, download_wheels
from tools.project import CACHE, CONSTRAINTS, DIST, NODE_MODULES, PACKAGE, PYPROJECT, ROOT, WEB
from tools.stamps import Stamp, key_of

PYODIDE: Final = NODE_MODULES / "pyodide"
PYODIDE_FILES: Final = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)

DEMO: Final = WEB / "demo"
SAMPLE: Final = DEMO / "sample"
PAGE: Final = WEB / "src" / "page"
SCHEMA: Final = PAGE / "generated" / "schema.js"
TYPES: Final = PAGE / "generated" / "webtorrent-py.d.ts"
LICENSES: Final = (ROOT / "LICENSE",)

INPUTS: Final = (
    *(PACKAGE, WEB / "src", WEB / "build.mjs", WEB / "package-lock.json", Path(__file__).parent),
    *(PYPROJECT, CONSTRAINTS, ROOT / "README.md", *LICENSES),
)

# TypeScript looks for the types of an .mjs file here.
MODULE_TYPES: Final = "export * from './webtorrent-py.js'\nexport { default } from './webtorrent-py.js'\n"

# Seconds since 1970 that stand in our wheel for each file's time, so that the same sources give the same bytes.
WHEEL_EPOCH: Final = "1577836800"


def build_site(node: Node) -> None:
    """Make `dist/` if what it is made from has changed."""
    generate_schema()
    demo = [path for path in sorted(DEMO.iterdir()) if path.is_file()]
    stamp = Stamp(CACHE / "dist.json", key_of(files=[*INPUTS, *demo]))
    if stamp.is_fresh():
        return
    with step("Building dist/"):
        fresh = CACHE / "dist"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for file in (*demo, *LICENSES, TYPES):
            shutil.copy(file, fresh)
        (fresh / "webtorrent-py.d.mts").write_text(MODULE_TYPES, "utf-8")
        run([node.executable, "build.mjs", fresh], cwd=WEB, env=node.environment)
        copy_pyodide(fresh / "pyodide")
        collect_wheels(fresh / "wheels")
        # The old site stays whole until the new one is.
        shutil.rmtree(DIST, ignore_errors=True)
        fresh.rename(DIST)
    stamp.leave([path for path in DIST.rglob("*") if path.is_file()])
    print_sizes(DIST)


def generate_schema() -> None:
    """Write the page's tables and types from the declaration of its API in Python."""
    prelude = PAGE / "types.d.ts"
    declaration = [PACKAGE / "browser" / f"{name}.py" for name in ("declaration", "generate", "options", "schema")]
    declaration.append(PACKAGE / "client" / "diagnosis.py")
    stamp = Stamp(CACHE / "schema.json", key_of(files=[*declaration, prelude, PACKAGE / "__init__.py"]))
    if not stamp.is_fresh():
        run([PYTHON, "-m", "webtorrent_py.browser.generate", SCHEMA, TYPES, prelude])
        stamp.leave([SCHEMA, TYPES])


def copy_pyodide(target: Path) -> None:
    """Copy Pyodide's files without the listing of the packages that its own site has and we do not."""
    target.mkdir()
    for name in PYODIDE_FILES:
        shutil.copyfile(PYODIDE / name, target / name)
    lock = pyodide_lock()
    (target / "pyodide-lock.json").write_text(json.dumps({**lock, "packages": {}}), "utf-8")


def pyodide_lock() -> dict[str, dict[str, str]]:
    """What Pyodide says of itself: `info` has the version of Python."""
    lock: dict[str, dict[str, str]] = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf-8"))
    return lock


def collect_wheels(target: Path) -> None:
    """Build our wheel, and put it with those that it needs and with a list of their names."""
    target.mkdir()
    code = "import sys; from flit_core import buildapi; buildapi.build_wheel(sys.argv[1])"
    run([PYTHON, "-c", code, target], env={"SOURCE_DATE_EPOCH": WHEEL_EPOCH})
    major, minor, *_ = pyodide_lock()["info"]["python"].split(".")
    for wheel in download_wheels(CACHE / "wheels", f"{major}.{minor}"):
        shutil.copy(wheel, target)
    names = sorted(wheel.name for wheel in target.glob("*.whl"))
    (target / "wheels.json").write_text(json.dumps(names), "utf-8")


def print_sizes(site: Path) -> None:
    """Print the size of each file of the site, as it is and compressed as servers do."""
    print(f"\n  {'file':44} {'size':>10} {'gzip':>10}")
    rows = [(str(path.relative_to(site)), *sizes(path)) for path in sorted(site.rglob("*")) if path.is_file()]
    loaded = [row for row in rows if not row[0].endswith((".map", "LICENSE", ".LEGAL.txt"))]
    for name, size, packed in [*loaded, ("in all", *totals(loaded))]:
        print(f"  {name:44} {size / 1024:8.1f} K {packed / 1024:8.1f} K")
    print()


def sizes(path: Path) -> tuple[int, int]:
    """A file's size in bytes, as it is and with gzip."""
    content = path.read_bytes()
    return len(content), len(gzip.compress(content))


def totals(rows: Iterable[tuple[str, int, int]]) -> tuple[int, int]:
    """The sums of the two sizes."""
    rows = list(rows)
    return sum(size for _, size, _ in rows), sum(packed for _, _, packed in rows)
