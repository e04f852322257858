"""Makes `dist/`: a static site that works from any path on any host.

webtorrent-py.js, webtorrent-py.mjs   what pages load; their types are webtorrent-py.d.ts and .d.mts
assets/                               what these load: workers, Python, and what Python starts from; each file has a
                                      hash of its content in its name, so that it may be kept for good
index.html and its neighbours         the demo
"""

import base64
import gzip
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

from tools.console import Command, run, step
from tools.environment import PYTHON, Node, download_wheels
from tools.project import CACHE, CONSTRAINTS, DIST, NODE_MODULES, PACKAGE, PYPROJECT, ROOT, WEB
from tools.stamps import Stamp, key_of

PYODIDE: Final = NODE_MODULES / "pyodide"

DEMO: Final = WEB / "demo"
SAMPLE: Final = DEMO / "sample"
PAGE: Final = WEB / "src" / "page"
SCHEMA: Final = PAGE / "generated" / "schema.js"
TYPES: Final = PAGE / "generated" / "webtorrent-py.d.ts"
LICENSES: Final = (ROOT / "LICENSE",)

# What the standard library is compiled with, and what the snapshot is made with.
LIBRARY_SOURCES: Final = (
    *(WEB / "snapshot" / name for name in ("library.mjs", "pyodide.mjs", "compile.py")),
    WEB / "package-lock.json",
)
SNAPSHOT_SOURCES: Final = (
    *(WEB / "snapshot", WEB / "package-lock.json"),
    *(WEB / "src" / "worker" / name for name in ("install.js", "snapshot.js")),
)
INPUTS: Final = (
    *(
        PACKAGE,
        WEB / "src",
        WEB / "snapshot",
        WEB / "build.mjs",
        WEB / "compress.mjs",
        WEB / "package-lock.json",
        Path(__file__).parent,
    ),
    *(PYPROJECT, CONSTRAINTS, ROOT / "README.md", *LICENSES),
)

# TypeScript looks for the types of an .mjs file here.
MODULE_TYPES: Final = "export * from './webtorrent-py.js'\nexport { default } from './webtorrent-py.js'\n"

# Seconds since 1970 that stand in our wheel for each file's time, so that the same sources give the same bytes.
WHEEL_EPOCH: Final = "1577836800"

# Ends of the names of files that browsers do not load, or not as they are.
UNLOADED: Final = (".map", ".d.ts", ".d.mts", "LICENSE", ".LEGAL.txt", ".br", ".gz")

# Hexadecimal digits of a content's hash in a file's name.
HASH_DIGITS: Final = 8


def build_site(node: Node) -> None:
    """Make `dist/` if what it is made from has changed."""
    generate_schema()
    demo = [path for path in sorted(DEMO.iterdir()) if path.is_file()]
    stamp = Stamp(CACHE / "dist.json", key_of(files=[*INPUTS, *demo]))
    if stamp.is_fresh():
        return
    wheels = collect_wheels(CACHE / "built-wheels")
    library = compile_library(node, CACHE / "library")
    snapshot = make_snapshot(node, wheels, library, CACHE / "snapshot")
    with step("Building dist/"):
        fresh = CACHE / "dist"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for file in (*demo, *LICENSES, TYPES):
            shutil.copy(file, fresh)
        (fresh / "webtorrent-py.d.mts").write_text(MODULE_TYPES, "utf-8")
        listing = CACHE / "assets.json"
        assets = copy_assets(fresh / "assets", wheels, library, snapshot)
        listing.write_text(json.dumps({"assets": assets, "info": pyodide_info()}), "utf-8")
        run([node.executable, "build.mjs", fresh, listing], cwd=WEB, env=node.environment)
        compress(node, fresh)
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


def collect_wheels(target: Path) -> list[Path]:
    """Build our wheel into the folder `target`, and put those that it needs there."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    code = "import sys; from flit_core import buildapi; buildapi.build_wheel(sys.argv[1])"
    run([PYTHON, "-c", code, target], env={"SOURCE_DATE_EPOCH": WHEEL_EPOCH})
    major, minor, *_ = pyodide_info()["python"].split(".")
    for wheel in download_wheels(CACHE / "wheels", f"{major}.{minor}"):
        shutil.copy(wheel, target)
    return sorted(target.glob("*.whl"))


def compile_library(node: Node, folder: Path) -> Path:
    """Make the zip file of Python's standard library, compiled and trimmed."""
    library = folder / "python_stdlib.zip"
    stamp = Stamp(folder / ".compiled", key_of(files=LIBRARY_SOURCES))
    if not stamp.is_fresh():
        with step("Compiling Python's standard library"):
            folder.mkdir(parents=True, exist_ok=True)
            run([node.executable, "snapshot/library.mjs", library], cwd=WEB, env=node.environment)
        stamp.leave([library])
    return library


def make_snapshot(node: Node, wheels: list[Path], library: Path, folder: Path) -> Path:
    """Make the memory snapshot of Python with these wheels; `modules.json` beside it lists the modules in it."""
    snapshot = folder / "snapshot.bin"
    stamp = Stamp(folder / ".made", key_of(files=[*SNAPSHOT_SOURCES, *wheels, library]))
    if not stamp.is_fresh():
        with step("Making the memory snapshot"):
            folder.mkdir(parents=True, exist_ok=True)
            command: Command = [node.executable, "snapshot/make.mjs", wheels[0].parent, library, folder]
            run(command, cwd=WEB, env=node.environment)
        stamp.leave([snapshot, folder / "modules.json"])
    return snapshot


def copy_assets(target: Path, wheels: list[Path], library: Path, snapshot: Path) -> dict[str, Any]:
    """Copy what the engine loads into the folder `target`; returns the copies' names, as `ASSETS` wants."""
    target.mkdir()

    def copy(file: Path) -> str:
        name = hashed_name(file)
        shutil.copyfile(file, target / name)
        return name

    return {
        "wasm": copy(PYODIDE / "pyodide.asm.wasm"),
        "module": copy(PYODIDE / "pyodide.asm.mjs"),
        "library": copy(library),
        "snapshot": copy(snapshot),
        "wheels": [[wheel.name, copy(wheel)] for wheel in wheels],
        "integrity": {"snapshot": integrity(snapshot)},
    }


def compress(node: Node, site: Path) -> None:
    """Put `.br` and `.gz` files beside those that servers should send compressed."""
    run([node.executable, "compress.mjs", site, CACHE / "compressed"], cwd=WEB, env=node.environment)
    for brotli in list(site.rglob("*.br")):
        plain = brotli.with_suffix("")
        # Not Node's zlib, which makes the large files 1 to 2 % larger.
        plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=0))


def hashed_name(file: Path) -> str:
    """The file's name with a hash of its content before the extension."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:HASH_DIGITS].upper()
    return f"{file.stem}-{digest}{file.suffix}"


def integrity(file: Path) -> str:
    """What browsers compare the content with (W3C Subresource Integrity)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode()}"


def pyodide_info() -> dict[str, str]:
    """What Pyodide says of itself: `python` is the version of Python."""
    info: dict[str, str] = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf-8"))["info"]
    return info


def print_sizes(site: Path) -> None:
    """Print the size of each file that browsers load, as it is and as it was compressed."""
    print(f"\n  {'file':52} {'size':>10} {'gzip':>10} {'brotli':>10}")
    for path in sorted(site.rglob("*")):
        if path.is_file() and not path.name.endswith(UNLOADED):
            sizes = "".join(f" {size / 1024:8.1f} K" for size in sizes_of(path))
            print(f"  {path.relative_to(site)!s:52}{sizes}")
    print()


def sizes_of(path: Path) -> tuple[int, int, int]:
    """A file's size in bytes as it is, with gzip and with brotli; the same where it is not compressed."""
    plain, *compressed = (path, *(path.with_name(path.name + extension) for extension in (".gz", ".br")))
    size = plain.stat().st_size
    as_gzip, as_brotli = (each.stat().st_size if each.exists() else size for each in compressed)
    return size, as_gzip, as_brotli
