"""What in build.py can go wrong on machines other than this one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import build
from tools import debian
from tools.browsers import BROWSERS, Browser, find_browser, playwright_has, prepare_browsers
from tools.console import BuildError, run
from tools.environment import find_node, major_version
from tools.project import CONSTRAINTS, ROOT, WEB, requirements
from tools.stamps import Stamp, key_of

CHROMIUM, FIREFOX = BROWSERS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stand-ins for programs are shell scripts")

Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes an executable in a folder `bin`, which prints a text."""

    def make(name: str, prints: str = "", status: int = 0) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
        path.chmod(0o755)
        return path

    return make


def test_a_stamp_is_fresh_for_its_key_only(tmp_path: Path) -> None:
    path = tmp_path / "stamps" / "step"
    assert not Stamp(path, "a").is_fresh()
    Stamp(path, "a").leave()
    assert Stamp(path, "a").is_fresh()
    assert not Stamp(path, "b").is_fresh()


def test_a_stamp_is_stale_when_what_was_made_is_gone(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.touch()
    stamp = Stamp(tmp_path / "stamp", "a")
    stamp.leave([made])
    assert stamp.is_fresh()
    made.unlink()
    assert not stamp.is_fresh()


@pytest.mark.parametrize("content", ["", "{", '{"key": "a"'])
def test_a_stamp_that_was_broken_off_is_stale(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stamp"
    path.write_text(content)
    assert not Stamp(path, "a").is_fresh()


def test_a_key_depends_on_values_names_and_contents(tmp_path: Path) -> None:
    def key(*values: str) -> str:
        return key_of(*values, files=[tmp_path])

    keys = [key(), key("a", "b"), key("ab")]
    (tmp_path / "one").write_text("1")
    keys.append(key())
    (tmp_path / "one").write_text("2")
    keys.append(key())
    (tmp_path / "one").rename(tmp_path / "two")
    keys.append(key())
    assert len(set(keys)) == len(keys)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "two.pyc").touch()
    assert key() == keys[-1]


def test_node_is_taken_from_the_path(program: Program) -> None:
    node, npm = program("node", "v20.1.0"), program("npm")
    found = find_node({"PATH": str(node.parent)})
    assert found is not None
    assert (found.executable, found.npm) == (node, (str(npm),))
    assert found.environment["PATH"].split(os.pathsep)[0] == str(node.parent)


def test_node_is_taken_from_the_environment(program: Program, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    program("node", "v20.1.0").rename(mine)
    npm = program("npm")
    found = find_node({"PATH": str(npm.parent), "WEBTORRENT_NODE": str(mine)})
    assert found is not None
    assert found.executable == mine


@pytest.mark.parametrize("version", ["v18.20.4", "nonsense", ""])
def test_an_old_or_unknown_node_is_not_taken(program: Program, version: str) -> None:
    program("npm")
    assert find_node({"PATH": str(program("node", version).parent)}) is None


def test_node_without_npm_is_not_taken(program: Program) -> None:
    assert find_node({"PATH": str(program("node", "v22.0.0").parent)}) is None


def test_a_bare_machine_has_no_node() -> None:
    assert find_node({"PATH": ""}) is None


def test_what_fails_has_no_version(program: Program, tmp_path: Path) -> None:
    assert major_version(program("node", "v22.0.0", status=1)) is None
    assert major_version(tmp_path / "missing") is None


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.playwright)
def test_browsers_are_taken_from_the_path(program: Program, browser: Browser) -> None:
    for command in browser.commands:
        path = program(command)
        assert find_browser(browser, {"PATH": str(path.parent)}) == str(path)
        path.unlink()


def test_the_environment_names_a_browser(program: Program, tmp_path: Path) -> None:
    program("chromium")
    mine = program("mine")
    environ = {"PATH": str(mine.parent), "WEBTORRENT_CHROMIUM": str(mine)}
    assert find_browser(CHROMIUM, environ) == str(mine)
    with pytest.raises(BuildError, match="WEBTORRENT_CHROMIUM names"):
        find_browser(CHROMIUM, {"WEBTORRENT_CHROMIUM": str(tmp_path / "missing")})


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere browsers are found beside the path")
def test_a_bare_machine_has_no_browser(tmp_path: Path) -> None:
    environ = {"PATH": "", "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    assert [find_browser(browser, environ) for browser in BROWSERS] == [None, None]
    assert not any(playwright_has(browser, environ) for browser in BROWSERS)


def test_only_the_build_of_our_playwright_counts(tmp_path: Path) -> None:
    environ = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    (tmp_path / "firefox-1").mkdir()
    assert not playwright_has(FIREFOX, environ)
    from playwright._impl._driver import compute_driver_executable

    listing = Path(compute_driver_executable()[1]).parent / "browsers.json"
    known = {each["name"]: each["revision"] for each in json.loads(listing.read_text())["browsers"]}
    (tmp_path / f"firefox-{known['firefox']}").mkdir()
    assert playwright_has(FIREFOX, environ)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without browsers; the folder is its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("WEBTORRENT_CHROMIUM", "WEBTORRENT_FIREFOX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere browsers are found beside the path")
def test_missing_browsers_are_installed_where_that_is_allowed(
    bare: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("firefox")
    installed: list[str] = []

    def install(*packages: str) -> None:
        installed.extend(packages)
        program("chromium")

    monkeypatch.setattr(debian, "may_install", lambda: True)
    monkeypatch.setattr(debian, "install", install)
    expected = {"WEBTORRENT_CHROMIUM": str(bare / "chromium"), "WEBTORRENT_FIREFOX": str(bare / "firefox")}
    assert prepare_browsers() == expected
    assert prepare_browsers() == expected
    assert installed == ["chromium"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere browsers are found beside the path")
def test_elsewhere_a_message_says_what_to_install(
    bare: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "may_install", lambda: False)
    program("chromium")
    with pytest.raises(BuildError, match=r"(?s)need firefox,.*install --with-deps firefox\n.*WEBTORRENT_FIREFOX\."):
        prepare_browsers()


def test_a_failing_command_shows_what_it_printed(program: Program) -> None:
    assert run([program("fine", "all is well")]) == "all is well\n"
    with pytest.raises(BuildError, match=r"(?s)no such luck.*status 3"):
        run([program("fails", "no such luck", status=3)])
    with pytest.raises(BuildError, match="cannot run"):
        run(["/missing/program"])


def test_locks_have_no_addresses_to_download_from() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
    assert len(packages) > 100
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for name, package in packages.items() if name)
    assert "://" not in CONSTRAINTS.read_text("utf-8")


def test_every_version_is_exact() -> None:
    manifest = json.loads((WEB / "package.json").read_text("utf-8"))
    versions = {**manifest["dependencies"], **manifest["devDependencies"]}
    assert not [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)]
    python = requirements("run", "build", "check", "test", "browser", "node")
    constraints = [line for line in CONSTRAINTS.read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert not [each for each in python + constraints if not re.fullmatch(r"[\w.-]+==[\d.]+", each)]


def test_pins_and_constraints_agree() -> None:
    constraints = set(CONSTRAINTS.read_text("utf-8").split())
    assert set(requirements("run", "build", "check", "test")) <= constraints


@pytest.mark.parametrize(
    ("arguments", "command", "rest"),
    [
        ([], "dist", []),
        (["test", "-k", "wire", "--maxfail=1"], "test", ["-k", "wire", "--maxfail=1"]),
        (["test", "--fast", "tests/unit"], "test", ["tests/unit"]),
        (["soak", "-x"], "soak", ["-x"]),
    ],
)
def test_what_build_does_not_know_goes_to_pytest(arguments: list[str], command: str, rest: list[str]) -> None:
    options = build.parse(arguments)
    assert (options.command, options.rest) == (command, rest)


def test_unknown_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build.parse(["check", "--everything"])
    assert "--everything" in capsys.readouterr().err


def test_it_starts_without_any_package() -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import build"]
    subprocess.run(command, check=True)
