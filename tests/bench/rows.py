"""The bench's table: each row, how it is run, and what it should come to."""

from tests.bench.first_visit import first_visit
from tests.bench.idle import idle
from tests.bench.line import Line
from tests.bench.raw import compare_receivers
from tests.bench.seeding import seed_file
from tests.bench.swarm import Swarm, download_from_libtorrent
from tests.bench.table import OURS, RAW, STOCK, Quantity, Row, Target

SPEED = "speed, MB/s"


def speed(*, stock: float, raw: float | None = None) -> tuple[Quantity, ...]:
    """At least so many times as fast as the others."""
    targets = [Target(stock, STOCK, at_least=True)]
    if raw is not None:
        targets.append(Target(raw, RAW, at_least=True))
    return (Quantity(SPEED, tuple(targets)),)


DOWNLOAD = (
    *speed(stock=2.0, raw=0.85),
    Quantity("navigation to metadata, s"),
    Quantity("longest gap while starting, ms", (Target(50),)),
    Quantity("longest gap while downloading, ms", (Target(30),)),
    Quantity("CPU of all browser processes, s", (Target(0.8, STOCK),)),
    # Python itself takes some.
    Quantity("peak memory of the page's process, MB", (Target(1.0, STOCK, allowance=60),)),
)

ROWS = (
    Row(
        "download-libtorrent",
        "download from libtorrent",
        download_from_libtorrent,
        DOWNLOAD,
        megabytes=100,
    ),
    Row("page-to-page", "page to page", Swarm(), speed(stock=1.8, raw=0.85), megabytes=100),
    Row("page-to-page-400", "page to page", Swarm(), speed(stock=1.8, raw=0.85), megabytes=400),
    Row(
        "from-stock",
        "our page downloads from a stock page",
        Swarm(seeder=STOCK),
        speed(stock=1.2),
        megabytes=100,
    ),
    Row("to-stock", "a stock page downloads from ours", Swarm(leecher=STOCK), speed(stock=1.0), megabytes=100),
    Row("four-leechers", "one page to four, in total", Swarm(leechers=4), speed(stock=1.8), megabytes=50),
    Row(
        "delay",
        "page to page over a round trip of 100 ms",
        Swarm(line=Line(delay=0.050)),
        speed(stock=1.0, raw=0.9),
        megabytes=20,
    ),
    Row(
        "loss",
        "page to page over a round trip of 20 ms with 1 % loss",
        Swarm(line=Line(delay=0.010, loss=0.01)),
        speed(stock=1.0, raw=0.9),
        megabytes=5,
    ),
    Row(
        "raw-channel",
        "the raw data channel, by size of messages and by where they are received",
        compare_receivers,
        tuple(Quantity(f"{size} KiB, {place}, MB/s") for place in ("page", "worker") for size in (16, 64)),
        megabytes=100,
        subjects=(RAW,),
    ),
    Row(
        "seed-file",
        "client.seed(File) until the torrent is ready, with the client up",
        seed_file,
        (Quantity("time, s", (Target(0.35, STOCK),)),),
        megabytes=100,
        subjects=(OURS, STOCK),
    ),
    Row(
        "first-visit",
        "bytes over the wire on a first visit",
        first_visit,
        (
            Quantity("brotli, MB", (Target(5.5),)),
            Quantity("gzip, MB", (Target(7.0),)),
            Quantity("the page's own script, brotli, kB", (Target(60),)),
        ),
        subjects=(OURS, STOCK),
        rounds=1,
    ),
    Row(
        "idle",
        "20 torrents, no traffic",
        idle,
        (Quantity("CPU over a minute, s", (Target(1.0, STOCK),)),),
        subjects=(OURS, STOCK),
        rounds=3,
    ),
    Row(
        "memory-1000",
        "download from libtorrent",
        download_from_libtorrent,
        DOWNLOAD,
        megabytes=1000,
        subjects=(OURS, STOCK),
        rounds=3,
        slow=True,
    ),
)
