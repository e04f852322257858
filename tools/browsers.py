"""Finds Chromium and Firefox for the tests: named in the environment, the system's, Playwright's, or installed now."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import debian
from tools.console import BuildError, step
from tools.environment import PYTHON
from tools.project import VENV


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of a browser: who names it, where systems have it, what Debian and Playwright call it."""

    variable: str
    commands: tuple[str, ...]
    applications: tuple[Path, ...]
    debian_package: str
    playwright: str


BROWSERS: Final = (
    Browser(
        variable="WEBTORRENT_CHROMIUM",
        commands=("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        applications=(
            Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
            Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
            Path("C:/Program Files/Google/Chrome/Application/chrome.exe"),
        ),
        debian_package="chromium",
        playwright="chromium",
    ),
    Browser(
        variable="WEBTORRENT_FIREFOX",
        commands=("firefox-esr", "firefox"),
        applications=(
            Path("/Applications/Firefox.app/Contents/MacOS/firefox"),
            Path("C:/Program Files/Mozilla Firefox/firefox.exe"),
        ),
        debian_package="firefox-esr",
        playwright="firefox",
    ),
)


def prepare_browsers() -> dict[str, str]:
    """The variables that tell the tests where the browsers are; installs what is missing where we may.

    A browser without a variable is Playwright's own, which the tests find by themselves.
    """
    missing = [browser for browser in BROWSERS if not is_there(browser, os.environ)]
    if missing and debian.may_install():
        packages = [browser.debian_package for browser in missing]
        with step(f"Installing {', '.join(packages)}"):
            debian.install(*packages)
        missing = [browser for browser in missing if find_browser(browser, os.environ) is None]
    if missing:
        names = " and ".join(browser.playwright for browser in missing)
        raise BuildError(
            f"The tests need {names}, which this machine has not got. Install it with the system's package manager, "
            f"or with\n  {PYTHON} -m playwright install --with-deps {' '.join(each.playwright for each in missing)}\n"
            f"or name the executable in {' and '.join(browser.variable for browser in missing)}."
        )
    found = {browser.variable: find_browser(browser, os.environ) for browser in BROWSERS}
    return {variable: executable for variable, executable in found.items() if executable}


def is_there(browser: Browser, environ: Mapping[str, str]) -> bool:
    """Whether the browser is on the machine, or Playwright's build of it."""
    return find_browser(browser, environ) is not None or playwright_has(browser, environ)


def find_browser(browser: Browser, environ: Mapping[str, str]) -> str | None:
    """The executable that the environment names, or that the system has."""
    named = environ.get(browser.variable)
    if named:
        if not Path(named).exists():
            raise BuildError(f"{browser.variable} names {named}, which does not exist")
        return named
    path = environ.get("PATH", "")
    on_path = (shutil.which(command, path=path) for command in browser.commands)
    applications = (str(application) for application in browser.applications if application.exists())
    return next(filter(None, on_path), None) or next(applications, None)


def playwright_has(browser: Browser, environ: Mapping[str, str]) -> bool:
    """Whether Playwright's own build of the browser is installed, of the revision that our Playwright drives."""
    listing = next(VENV.glob("[Ll]ib/**/playwright/driver/package/browsers.json"), None)
    if listing is None:
        return False
    known = json.loads(listing.read_text("utf-8"))["browsers"]
    revision = next(each["revision"] for each in known if each["name"] == browser.playwright)
    return (playwright_folder(environ) / f"{browser.playwright}-{revision}").is_dir()


def playwright_folder(environ: Mapping[str, str]) -> Path:
    """Where Playwright keeps its browsers."""
    if named := environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(named)
    if sys.platform == "win32":
        return Path.home() / "AppData" / "Local" / "ms-playwright"
    caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return caches / "ms-playwright"
