#!/usr/bin/env python3
"""Sets up everything that this project needs, and builds, tests, checks and shows it.

Needs Python 3.11 or later and nothing else: Python packages go into `.venv`, npm packages into `web/node_modules`,
Node comes from PyPI where the machine has none. What is there and up to date is not done again.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(f"build.py needs Python 3.11 or later; this is {sys.version.split()[0]}. Try: python3.12 build.py")

import argparse
import os
import time
from collections.abc import Callable, Sequence

from tools.browsers import prepare_browsers
from tools.console import BuildError, hand_over, run
from tools.environment import BIN, PYTHON, Node, prepare_node, prepare_npm_packages, prepare_python
from tools.project import DIST, NODE_MODULES, PACKAGE, ROOT, WEB
from tools.site import SAMPLE, build_site, generate_schema


def build() -> Node:
    """Make `dist/`, with all that this needs."""
    prepare_python("build")
    node = prepare_node()
    prepare_npm_packages(node)
    build_site(node)
    return node


def prepare_tests() -> dict[str, str]:
    """Make `dist/` and have browsers; returns the variables with which the tests find everything."""
    prepare_python("run", "test")
    node = build()
    return {**node.environment, "WEBTORRENT_NODE": str(node.executable), **prepare_browsers()}


def command_dist(_: argparse.Namespace) -> int:
    """Build dist/."""
    build()
    print(f"{DIST.relative_to(ROOT)}/ is up to date")
    return 0


def command_demo(options: argparse.Namespace) -> int:
    """Play the sample in a browser: a web server, a tracker and a seeder in one process."""
    prepare_python("run")
    build()
    arguments = ["--port", str(options.port), *(["--no-open"] if options.no_open else [])]
    return hand_over([PYTHON, "-m", "webtorrent_py.desktop.demo", DIST, SAMPLE, *arguments])


def command_test(options: argparse.Namespace) -> int:
    """Run all tests but the very long ones; what is not known here goes to pytest."""
    if options.fast:
        prepare_python("run", "test")
        return pytest("not browser and not soak", options.rest)
    return pytest("not soak", options.rest, prepare_tests())


def command_soak(options: argparse.Namespace) -> int:
    """Run the tests that are too long for every submission; what is not known here goes to pytest."""
    return pytest("soak", options.rest, prepare_tests())


def command_bench(options: argparse.Namespace) -> int:
    """Measure ours and stock webtorrent in the same browser, or with `scale` what one event costs on CPython."""
    if options.rest[:1] == ["scale"]:
        prepare_python("run", "test")
        return hand_over([PYTHON, "-m", "tests.bench.scale", *options.rest[1:]])
    return hand_over([PYTHON, "-m", "tests.bench", *options.rest], env=prepare_tests())


def command_fuzz(options: argparse.Namespace) -> int:
    """Look for input that a parser cannot stand: for one target, or for all in turn."""
    prepare_python("run", "fuzz")
    return hand_over([PYTHON, "-m", "tests.fuzz", "--seconds", str(options.seconds), *options.target])


def command_check(_: argparse.Namespace) -> int:
    """Check format, style, types and layers."""
    prepare_python("run", "test", "check")
    node = prepare_node()
    prepare_npm_packages(node)
    generate_schema()
    sources = ["build.py", "tools", PACKAGE.name]
    checks: dict[str, Sequence[object]] = {
        "format": [BIN / "ruff", "format", "--check", "."],
        "style": [BIN / "ruff", "check", "."],
        "types": [BIN / "mypy", *sources],
        "layers": [PYTHON, "-m", "pytest", "-q", "tests/unit/test_layers.py"],
        "JavaScript": [node.executable, NODE_MODULES / "eslint" / "bin" / "eslint.js", "--max-warnings", "0", WEB],
        "declarations": [node.executable, NODE_MODULES / "typescript" / "bin" / "tsc", "--project", WEB / "types"],
    }
    failed = [name for name, command in checks.items() if not passes(name, list(map(str, command)))]
    return 1 if failed else 0


def passes(name: str, command: Sequence[str]) -> bool:
    """Run one check; print its complaints if it has any."""
    started = time.monotonic()
    try:
        run(command, cwd=WEB if name == "JavaScript" else ROOT)
    except BuildError as error:
        print(f"✗ {name}\n{error}\n", flush=True)
        return False
    print(f"✓ {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return True


def pytest(marks: str, rest: Sequence[str], environment: dict[str, str] | None = None) -> int:
    """Run the tests with these marks."""
    return hand_over([PYTHON, "-m", "pytest", "-m", marks, *rest], env=environment)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "dist": command_dist,
    "demo": command_demo,
    "test": command_test,
    "soak": command_soak,
    "check": command_check,
    "bench": command_bench,
    "fuzz": command_fuzz,
}

# Commands that hand on what they do not know.
OPEN_COMMANDS = ("test", "soak", "bench")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="command")
    parsers = {
        name: commands.add_parser(
            name, help=(command.__doc__ or "").rstrip("."), description=command.__doc__, allow_abbrev=False
        )
        for name, command in COMMANDS.items()
    }
    parsers["demo"].add_argument("--port", type=int, default=8000, help="where to serve the page (default: 8000)")
    parsers["demo"].add_argument("--no-open", action="store_true", help="do not open the browser")
    parsers["test"].add_argument("--fast", action="store_true", help="only the tests without a browser")
    parsers["fuzz"].add_argument("target", nargs="*", help="what to fuzz (default: everything)")
    parsers["fuzz"].add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    options, rest = parser.parse_known_args(arguments)
    options.command = options.command or "dist"
    if rest and options.command not in OPEN_COMMANDS:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    options.rest = rest
    return options


def main() -> int:
    """Carry out the command line; returns the exit status."""
    options = parse(sys.argv[1:])
    os.chdir(ROOT)
    try:
        return COMMANDS[options.command](options)
    except BuildError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
