"""Fixtures of the browser tests: two browsers, hosts on several origins, and peers we did not write.

Every test here runs in Chromium and in Firefox unless `--browser` says otherwise.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType

from tests.browser.browsers import BROWSERS, launch_options
from tests.browser.driver import HERE, OUR_PAGE, SCRIPTED_PAGE, STOCK_PAGE, ClientPage, ScriptedPage
from tests.peers.content import Content, make_content
from tests.peers.hosts import DIST, Background, Script, ScriptedTracker, Site
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import STOCK_DIST, ReferenceTracker
from webtorrent_py.desktop.tracker import DevelopmentTracker

PEERS = HERE.parent / "peers"
CONSOLE = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.browser:
        config.option.browser = list(BROWSERS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright's event loop stays on this thread once a browser test has run, which tests with a loop of their
    # own do not survive: they go first.
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    console = item.stash.get(CONSOLE, None)
    if report.failed and console:
        report.sections.append(("Pages", "\n".join(console)))
    return report


@pytest.fixture(scope="session")
def base_url() -> None:
    """None: our pages have no common base. The plugin's own fixture is of a kind that pytest deprecates."""


@pytest.fixture(scope="session")
def browser(
    browser_type: BrowserType, browser_name: str, browser_type_launch_args: dict[str, Any]
) -> Iterator[Browser]:
    browser = browser_type.launch(**{**launch_options(browser_name), **browser_type_launch_args})
    yield browser
    browser.close()


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], request: pytest.FixtureRequest
) -> Callable[..., BrowserContext]:
    """The plugin's, with what pages print and throw kept for the report of a failure."""
    console = request.node.stash.setdefault(CONSOLE, [])
    numbers = count(1)
    start = time.monotonic()

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        number = next(numbers)

        def keep(kind: str, text: object) -> None:
            console.append(f"{time.monotonic() - start:5.1f} s, context {number}, {kind}: {text}")

        context.on("console", lambda message: keep(message.type, message.text))
        context.on("weberror", lambda error: keep("uncaught", error.error))
        return context

    return make


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    with Background() as background:
        yield background


@pytest.fixture(scope="session")
def site(background: Background) -> Iterator[Site]:
    """`dist/` on an origin of its own, as on a CDN."""
    with Site(background, {"/": DIST}) as site:
        yield site


@pytest.fixture(scope="session")
def page_site(background: Background, site: Site) -> Iterator[Site]:
    """The test pages, on another origin than `dist/`: `/ours.html`, `/stock.html` and `/scripted.html`."""
    folders = {"/stock/": STOCK_DIST, "/pages/": HERE / "pages", "/peers/": PEERS}
    pages = {
        "/ours.html": OUR_PAGE.format(script=f"{site.url}/webtorrent-py.js"),
        "/stock.html": STOCK_PAGE,
        "/scripted.html": SCRIPTED_PAGE,
    }
    with Site(background, folders, pages) as page_site:
        yield page_site


@pytest.fixture(scope="session")
def tracker() -> Iterator[ReferenceTracker]:
    """The reference tracker from npm."""
    with ReferenceTracker() as tracker:
        yield tracker


@pytest.fixture
def development_tracker(background: Background) -> Iterator[DevelopmentTracker]:
    """Our own tracker."""
    tracker = DevelopmentTracker()
    background.run(tracker.start())
    yield tracker
    background.run(tracker.stop())


@pytest.fixture
def scripted_tracker(background: Background) -> Iterator[Callable[[Script], ScriptedTracker]]:
    """Starts trackers that answer as a script says."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(ScriptedTracker(background, script))


@pytest.fixture
def libtorrent_peer() -> Iterator[Callable[..., LibtorrentPeer]]:
    """Starts libtorrent sessions; takes the arguments of `LibtorrentPeer`."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(LibtorrentPeer(*args, **options))


@pytest.fixture
def open_client(new_context: Callable[..., BrowserContext], page_site: Site) -> Callable[..., ClientPage]:
    """Opens a page with a client, "ours" or "stock", each in a context of its own; `options` are the client's."""

    def open_page(kind: str, url: str | None = None, **options: Any) -> ClientPage:
        client = ClientPage(new_context().new_page(), url or f"{page_site.url}/{kind}.html")
        client.start(**options)
        return client

    return open_page


@pytest.fixture
def ours(open_client: Callable[..., ClientPage]) -> ClientPage:
    """A page with our client."""
    return open_client("ours")


@pytest.fixture
def stock_page(open_client: Callable[..., ClientPage]) -> ClientPage:
    """A page with stock webtorrent."""
    return open_client("stock")


@pytest.fixture
def scripted_peers(new_context: Callable[..., BrowserContext], page_site: Site) -> ScriptedPage:
    """A page with scripted peers, one after the other."""
    return ScriptedPage(new_context().new_page(), f"{page_site.url}/scripted.html")


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Content]:
    """Makes content in a fresh folder; takes the arguments of `make_content` after the folder."""

    def make_in_folder(name: str, sizes: Mapping[str, int], **options: Any) -> Content:
        return make_content(tmp_path_factory.mktemp("content"), name, sizes, **options)

    return make_in_folder


@pytest.fixture(scope="session")
def album(make: Callable[..., Content]) -> Content:
    """20 MB in several files: sizes off the piece borders, an empty file, a folder, names that need escaping."""
    return make(
        "album",
        {
            "one.bin": 9_000_001,
            "zwei & drei #3?.bin": 300_000,
            "empty.txt": 0,
            "folder/été.bin": 10_699_000,
            "last byte.bin": 1,
        },
    )


@pytest.fixture(scope="session")
def single(make: Callable[..., Content]) -> Content:
    """5 MB in one file."""
    return make("single.bin", {"": 5_000_000}, seed=2)


@pytest.fixture(scope="session")
def booklet(make: Callable[..., Content]) -> Content:
    """A few small files, in an order that is not the alphabet's."""
    return make("booklet", {"b.txt": 100_000, "a.txt": 40_000, "c.txt": 1}, seed=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for what a peer downloads."""
    return tmp_path
