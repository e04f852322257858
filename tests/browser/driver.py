"""Drives a page with a WebTorrent client in it: ours or stock, which have the same API."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.peers.content import Content

HERE = Path(__file__).parent
TIMEOUT_SECONDS = 60.0

# Stock's store takes long over every single piece in Firefox; by itself it would choose much smaller ones.
SEED_PIECE_LENGTH = 256 * 1024

# No STUN server: all peers are on this machine, and tests reach no other.
CLIENT_OPTIONS: Mapping[str, Any] = {"tracker": {"rtcConfig": {"iceServers": []}}}

OUR_PAGE = """<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>webtorrent-py</title>
<script src="{script}"></script>
<script src="/pages/tools.js"></script>
<input type="file" multiple>
"""

STOCK_PAGE = """<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>stock webtorrent</title>
<script type="module">
  import WebTorrent from '/stock/webtorrent.min.js'
  globalThis.WebTorrent = WebTorrent
</script>
<script src="/pages/tools.js"></script>
<input type="file" multiple>
"""

SCRIPTED_PAGE = """<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>scripted peers</title>
<script src="/peers/scripted_peer.js"></script>
"""


class ClientPage:
    """A page with one client, whose torrents go by names that the test gives them."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.set_default_timeout(TIMEOUT_SECONDS * 1000)
        page.goto(url)
        page.wait_for_function("() => globalThis.WebTorrent && globalThis.tools")

    def start(self, **options: Any) -> None:
        """Make the client."""
        self.page.evaluate("options => void tools.start(options)", {**CLIENT_OPTIONS, **options})

    def add(self, name: str, torrent_id: str | bytes, /, **options: Any) -> None:
        """Add a torrent and go on at once."""
        given = list(torrent_id) if isinstance(torrent_id, bytes) else torrent_id
        self.page.evaluate("([name, given, options]) => tools.add(name, given, options)", [name, given, options])

    def seed(self, name: str, files: Sequence[Path], tracker: str, /, **options: Any) -> str:
        """Seed these files, chosen as a user would; returns the magnet link once the torrent is seeding."""
        self.page.locator("input").set_input_files(files)
        self.page.evaluate("([name, options]) => tools.seed(name, options)", [name, {"announce": [tracker], **options}])
        magnet: str = self.wait_for_event(name, "seed")
        return magnet

    def wait_for_event(self, emitter: str, event: str, timeout: float = TIMEOUT_SECONDS) -> Any:
        """Wait until `emitter` ("client" or a torrent's name) has emitted `event`; returns the first one's detail."""
        self.page.wait_for_function(
            "([emitter, event]) => tools.has(emitter, event)", arg=[emitter, event], timeout=timeout * 1000
        )
        return self.details(emitter, event)[0]

    def details(self, emitter: str, event: str) -> list[Any]:
        """The details (of errors: `code` and `message`) of all these events so far."""
        details: list[Any] = self.page.evaluate("([emitter, event]) => tools.details(emitter, event)", [emitter, event])
        return details

    def wait_until(self, condition: str, timeout: float = TIMEOUT_SECONDS) -> None:
        """Wait until a JavaScript expression, in which `torrents` holds the torrents by name, is true."""
        self.page.wait_for_function(
            f"() => {{ const {{ client, torrents }} = tools; return {condition} }}", timeout=timeout * 1000
        )

    def get(self, expression: str) -> Any:
        """The value of a JavaScript expression, in which `torrents` holds the torrents by name."""
        return self.page.evaluate(
            f"timeout => {{ const {{ client, torrents }} = tools; return tools.within(timeout, {expression}) }}",
            TIMEOUT_SECONDS * 1000,
        )

    def digests(self, name: str) -> Mapping[str, str]:
        """Hex SHA-256 of every file as the page reads it, by path."""
        digests: Mapping[str, str] = self.get(f"tools.digests({name!r})")
        return digests

    def wait_for_warning(self, name: str, mention: str) -> Any:
        """Wait for a torrent's warning whose message has `mention` in it; returns its `code` and `message`."""
        self.page.wait_for_function(
            "([name, mention]) => tools.details(name, 'warning').some(({ message }) => message.includes(mention))",
            arg=[name, mention],
        )
        return next(detail for detail in self.details(name, "warning") if mention in detail["message"])

    def assert_complete(self, name: str, content: Content) -> None:
        """Wait for the download's end, then compare every byte by its file's SHA-256."""
        self.wait_for_event(name, "done")
        assert self.digests(name) == content.sha256


class ScriptedPage:
    """A page whose peers do what the scripts in `tests/peers/scripted_peer.js` say."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.set_default_timeout(TIMEOUT_SECONDS * 1000)
        page.goto(url)

    def join(self, script: str, tracker: str, info_hash: str, **options: Any) -> None:
        """Join a swarm as another peer; returns once a client has connected to it."""
        self.page.evaluate(
            "settings => { globalThis.peer = new ScriptedPeer(settings) }",
            {"script": script, "tracker": tracker, "infoHash": info_hash, "options": options},
        )
        self.page.wait_for_function("() => peer.state !== 'joining'")

    def wait_until_dropped(self) -> None:
        """Wait until the client has closed the connection to the peer that joined last."""
        self.page.wait_for_function("() => peer.state === 'closed'")
