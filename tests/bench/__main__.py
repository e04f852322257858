"""Ours and stock webtorrent, interleaved in one browser, download the same torrent from one libtorrent seeder."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from urllib.parse import quote

from playwright.sync_api import Browser, sync_playwright

from tests.bench.processes import Meter
from tests.browser.browsers import BROWSERS, launch_options
from tests.peers.content import Content, make_content
from tests.peers.hosts import DIST, Background, Site
from tests.peers.npm import STOCK_DIST, ReferenceTracker

HERE = Path(__file__).parent
TIMEOUT_SECONDS = 180.0
# Large enough for stock, whose cost grows with the number of pieces, to be at its best; usual for this size.
PIECE_LENGTH = 256 * 1024

CLIENTS = {
    "ours": '<script src="/dist/webtorrent-py.js"></script><script>bench.run(WebTorrent)</script>',
    "stock": (
        '<script type="module">import WebTorrent from "/stock/webtorrent.min.js"; bench.run(WebTorrent)</script>'
    ),
}

SHA256 = """async () => {
  const digest = await crypto.subtle.digest('SHA-256', await bench.torrent.files[0].arrayBuffer())
  return [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('')
}"""


@dataclass(frozen=True, slots=True)
class Result:
    """One download. The fields' names, with spaces, are the rows of the table."""

    metadata_after_s: float
    done_after_s: float
    download_MB_per_s: float
    worst_gap_before_metadata_ms: float
    worst_gap_in_download_ms: float
    cpu_s: float
    peak_memory_MB: float


def run_once(browser: Browser, meter: Meter, url: str, content: Content) -> Result:
    """Download in a fresh context, which is cold: no cache, no storage."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_SECONDS * 1000)
        with meter:
            page.goto(url)
            page.wait_for_function("() => bench.done !== null || bench.error !== null", polling=100)
        error = page.evaluate("() => bench.error")
        if error is not None:
            raise RuntimeError(f"{url} failed: {error}")
        metadata, done, gap_before, gap_in = page.evaluate(
            "() => [bench.metadata, bench.done, bench.gaps.metadata, bench.gaps.done]"
        )
        if page.evaluate(SHA256) != content.sha256[content.name]:
            raise RuntimeError(f"{url} downloaded something else than was seeded")
    finally:
        context.close()
    return Result(
        metadata_after_s=metadata / 1e3,
        done_after_s=done / 1e3,
        download_MB_per_s=content.length / 1e6 / ((done - metadata) / 1e3),
        worst_gap_before_metadata_ms=gap_before,
        worst_gap_in_download_ms=gap_in,
        cpu_s=meter.cpu,
        peak_memory_MB=meter.peak,
    )


@contextmanager
def seeding(content: Content, tracker: str) -> Iterator[None]:
    """A libtorrent seeder in its own process."""
    torrent = content.root / "content.torrent"
    torrent.write_bytes(content.torrent)
    command = [sys.executable, "-m", "tests.bench.seeder", str(torrent), str(content.root), tracker]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent.parent) as seeder:
        assert seeder.stdout is not None
        if not seeder.stdout.readline():
            raise RuntimeError("the seeder did not start")
        yield
        seeder.communicate()


def report(results: dict[str, list[Result]]) -> Iterator[str]:
    """The table's lines: every round, the medians, and their ratio."""
    yield f"{'':30}" + "".join(f"{name + ', each round':>26}{'median':>9}" for name in results) + f"{'ratio':>8}"
    for number, field in enumerate(fields(Result)):
        line = f"{field.name.replace('_', ' '):30}"
        medians = []
        for rounds in results.values():
            values = [astuple(result)[number] for result in rounds]
            medians.append(median(values))
            line += f"{' '.join(f'{value:.1f}' for value in values):>26}{medians[-1]:>9.2f}"
        if len(medians) == 2:
            line += f"{medians[0] / medians[1]:>8.2f}"
        yield line


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="downloads by each client (default %(default)s)")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the torrent (default %(default)s)")
    parser.add_argument("--browser", choices=BROWSERS, default="chromium")
    parser.add_argument("--only", choices=CLIENTS, help="measure one client alone")
    options = parser.parse_args()
    names = [options.only] if options.only else list(CLIENTS)

    page = (HERE / "bench.html").read_text()
    pages = {f"/{name}.html": page.replace("<!-- client -->", script) for name, script in CLIENTS.items()}
    results: dict[str, list[Result]] = {name: [] for name in names}
    with (
        tempfile.TemporaryDirectory() as folder,
        Background() as background,
        Site(background, {"/dist/": DIST, "/stock/": STOCK_DIST}, pages) as site,
        ReferenceTracker() as tracker,
        sync_playwright() as playwright,
    ):
        size = options.megabytes * 1_000_000
        content = make_content(Path(folder), "bench.bin", {"": size}, piece_length=PIECE_LENGTH)
        with seeding(content, tracker.url):
            meter = Meter()
            browser = getattr(playwright, options.browser).launch(**launch_options(options.browser))
            print(f"{options.browser} {browser.version}, {options.megabytes} MB, seeded by libtorrent", flush=True)
            for number in range(options.rounds):
                # Who goes first alternates, so that a machine that gets slower or faster favours neither.
                for name in names if number % 2 == 0 else reversed(names):
                    url = f"{site.url}/{name}.html?magnet={quote(content.magnet(tracker.url))}"
                    result = run_once(browser, meter, url, content)
                    results[name].append(result)
                    print(f"round {number + 1}, {name}: {result.download_MB_per_s:.1f} MB/s", flush=True)
            browser.close()
    print("\n".join(report(results)))


if __name__ == "__main__":
    main()
