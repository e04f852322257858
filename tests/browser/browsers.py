"""Which browsers the tests drive, and how they are started."""

import os
import shutil
from typing import Any

BROWSERS = ("chromium", "firefox")

CHROMIUM_ARGS = [
    # Chromium's own sandbox does not work as root, as in containers.
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Loopback candidates as addresses: mDNS names do not resolve everywhere.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
]

FIREFOX_PREFS = {
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
}

EXECUTABLES = {
    "chromium": ("WEBTORRENT_CHROMIUM", ("chromium", "chromium-browser", "google-chrome")),
    "firefox": ("WEBTORRENT_FIREFOX", ("firefox-esr", "firefox")),
}


def find_browser(name: str) -> str | None:
    """The executable from the environment or the path; None means the one that Playwright installed."""
    variable, commands = EXECUTABLES[name]
    return os.environ.get(variable) or next(filter(None, map(shutil.which, commands)), None)


def launch_options(name: str) -> dict[str, Any]:
    """Keyword arguments for Playwright's `launch` of the browser type `name`."""
    options: dict[str, Any] = {}
    executable = find_browser(name)
    if executable is not None:
        options["executable_path"] = executable
    if name == "chromium":
        options["args"] = CHROMIUM_ARGS
    else:
        options["firefox_user_prefs"] = FIREFOX_PREFS
        if executable is not None:
            # A stock Firefox speaks WebDriver BiDi, not the protocol of Playwright's own build.
            options["channel"] = "moz-firefox"
    return options
