"""What the rows are measured with: one browser, a site, trackers, seeders, and what is shared."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

from tests.bench.line import Line
from tests.bench.processes import Meter
from tests.browser.browsers import launch_options
from tests.peers.content import Content, make_content
from tests.peers.hosts import DIST, Background, Site
from tests.peers.npm import STOCK_DIST, ReferenceTracker

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TIMEOUT_SECONDS = 180.0
# Large enough for stock, whose cost grows with the number of pieces, to be at its best; usual for this size.
PIECE_LENGTH = 256 * 1024
# Comparing every byte takes memory and time in the page; larger ones rely on the pieces' hashes.
LARGEST_COMPARED = 400_000_000

HEAD = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input type="file">'
PAGES = {
    "/ours.html": f'{HEAD}<script src="/pages/client.js"></script><script src="/dist/webtorrent-py.js"></script>'
    "<script>bench.start(WebTorrent)</script>",
    "/stock.html": f'{HEAD}<script src="/pages/client.js"></script>'
    '<script type="module">import WebTorrent from "/stock/webtorrent.min.js"; bench.start(WebTorrent)</script>',
    "/raw.html": f'{HEAD}<script src="/pages/raw.js"></script>',
}

SHA256 = """async () => {
  const digest = await crypto.subtle.digest('SHA-256', await bench.torrent.files[0].arrayBuffer())
  return [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('')
}"""


class Lab:
    """A context manager. `meter` measures the browser's processes."""

    def __init__(self, browser: str) -> None:
        self._stack = ExitStack()
        self._browser_name = browser
        self.content = cache(self._make_content)
        self.line = cache(self._start_line)
        self.seeder = cache(self._start_seeder)

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self._folder = Path(enter(tempfile.TemporaryDirectory()))
        background = enter(Background())
        folders = {"/dist/": DIST, "/stock/": STOCK_DIST, "/pages/": HERE / "pages"}
        self.site = enter(Site(background, folders, PAGES))
        self.tracker = enter(ReferenceTracker()).url
        playwright = enter(sync_playwright())
        self.meter = Meter()
        self.browser = getattr(playwright, self._browser_name).launch(**launch_options(self._browser_name))
        self._stack.callback(self.browser.close)
        self.meter.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def page(self, name: str, **query: str) -> Iterator[Page]:
        """A page in a fresh context, which is cold: no cache, no storage. `name`: ours, stock or raw."""
        context = self.browser.new_context()
        try:
            page = context.new_page()
            page.set_default_timeout(TIMEOUT_SECONDS * 1000)
            page.goto(f"{self.site.url}/{name}.html?{urlencode(query, quote_via=quote)}")
            yield page
        finally:
            context.close()

    def tracker_of(self, line: Line | None) -> str:
        """The tracker of those who meet over this line."""
        return self.tracker if line is None else f"ws://127.0.0.1:{self.line(line)}"

    def reroute(self, line: Line | None, sdp: str) -> str:
        """The description as the other side of the line is to see it."""
        if line is None:
            return sdp
        with urlopen(f"http://127.0.0.1:{self.line(line)}/?{urlencode({'sdp': sdp})}") as response:
            rerouted: str = response.read().decode()
        return rerouted

    def _make_content(self, megabytes: int) -> Content:
        """One file of random bytes."""
        folder = self._folder / str(megabytes)
        return make_content(folder, f"{megabytes} MB.bin", {"": megabytes * 1_000_000}, piece_length=PIECE_LENGTH)

    def _start_line(self, line: Line) -> int:
        """The port of the line's tracker."""
        return int(self._start("tests.bench.line", str(line.delay), str(line.loss)))

    def _start_seeder(self, megabytes: int) -> Content:
        """What libtorrent seeds at the reference tracker."""
        content: Content = self.content(megabytes)
        torrent = content.root / "content.torrent"
        torrent.write_bytes(content.torrent)
        self._start("tests.bench.seeder", str(torrent), str(content.root), self.tracker)
        return content

    def _start(self, module: str, *arguments: str) -> str:
        """Run a module of ours until the end; returns the line that it prints once it is up."""
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        # Ends when its standard input is closed, which `communicate` does.
        self._stack.callback(process.communicate)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} did not start")
        return line


def wait_for(page: Page, expression: str) -> Any:
    """The value of a JavaScript expression as soon as it is something. Raises with what went wrong in the page."""
    page.wait_for_function(f"() => bench.error !== null || ({expression}) !== null", polling=100)
    error = page.evaluate("() => bench.error")
    if error is not None:
        raise RuntimeError(f"{page.url} failed: {error}")
    return page.evaluate(f"() => {expression}")


def verify(page: Page, content: Content) -> None:
    """Compare what a page downloaded with what was seeded."""
    digests: Mapping[str, str] = content.sha256 if content.length <= LARGEST_COMPARED else {}
    if digests and page.evaluate(SHA256) != digests[content.name]:
        raise RuntimeError(f"{page.url} downloaded something else than was seeded")
