"""Rows in which a torrent is downloaded: from libtorrent, or from page to page."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.lab import PIECE_LENGTH, Lab, verify, wait_for
from tests.bench.line import Line
from tests.bench.raw import transfer
from tests.bench.table import OURS, RAW, STOCK


def download_from_libtorrent(lab: Lab, subject: str, megabytes: int) -> Mapping[str, float]:
    """From navigation to the last byte, in a page that is cold."""
    if subject == RAW:
        return {"speed, MB/s": transfer(lab, megabytes)}
    content = lab.seeder(megabytes)
    with ExitStack() as stack:
        with lab.meter:
            page = stack.enter_context(lab.page(subject, magnet=content.magnet(lab.tracker)))
            wait_for(page, "bench.done")
        start, metadata, done = page.evaluate("() => [performance.timeOrigin, bench.metadata, bench.done]")
        gaps = page.evaluate("() => bench.gaps")
        verify(page, content)
    return {
        "speed, MB/s": content.length / 1e3 / (done - metadata),
        "navigation to metadata, s": (metadata - start) / 1e3,
        "longest gap while starting, ms": gaps["starting"],
        "longest gap while downloading, ms": gaps["downloading"],
        "CPU of all browser processes, s": lab.meter.cpu,
        "peak memory of the page's process, MB": lab.meter.peak,
    }


@dataclass(frozen=True, slots=True)
class Swarm:
    """One page seeds, others download: which are ours (or, with `STOCK`, stock's) where ours is measured.

    All clients are up before the download begins. The speed is that of all leechers together, from the first that
    has metadata to the last that is done.
    """

    seeder: str = OURS
    leecher: str = OURS
    leechers: int = 1
    line: Line | None = None

    def __call__(self, lab: Lab, subject: str, megabytes: int) -> Mapping[str, float]:
        """Measure once."""
        if subject == RAW:
            return {"speed, MB/s": transfer(lab, megabytes, receivers=self.leechers, line=self.line)}
        seeder_kind, leecher_kind = (self.seeder, self.leecher) if subject == OURS else (STOCK, STOCK)
        content = lab.content(megabytes)
        with ExitStack() as stack:
            seeder = stack.enter_context(lab.page(seeder_kind))
            leechers = [stack.enter_context(lab.page(leecher_kind)) for _ in range(self.leechers)]
            for page in (seeder, *leechers):
                wait_for(page, "bench.ready")
            seeder.locator("input").set_input_files(content.root / content.name)
            options = {"announce": [lab.tracker_of(self.line)], "pieceLength": PIECE_LENGTH}
            seeder.evaluate("options => bench.seed(options)", options)
            magnet = wait_for(seeder, "bench.magnet")
            for page in leechers:
                page.evaluate("magnet => bench.add(magnet)", magnet)
            for page in leechers:
                wait_for(page, "bench.done")
            verify(leechers[0], content)
            began = min(page.evaluate("() => bench.metadata") for page in leechers)
            ended = max(page.evaluate("() => bench.done") for page in leechers)
        return {"speed, MB/s": self.leechers * content.length / 1e3 / (ended - began)}
