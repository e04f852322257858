"""Every documented call of the API, in a page: the cases are in `pages/api_cases.js`."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.driver import HERE
from tests.peers.hosts import Background, ScriptedTracker, Site
from tests.peers.npm import NODE_MODULES, ReferenceTracker, find_node

CASES = re.findall(r"^    async (\w+) \(\)", (HERE / "pages" / "api_cases.js").read_text("utf-8"), re.M)

# Simple-peer comes as modules; browsers need it as one.
BUNDLE = (
    "import('esbuild').then(({ build }) => build({ entryPoints: [process.argv[1]], outfile: process.argv[2],"
    " bundle: true, format: 'esm', define: { global: 'globalThis' }, logLevel: 'error' }))"
)


@pytest.fixture(scope="session")
def simple_peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `simple-peer.js`, the package that stock webtorrent has its peers from."""
    folder = tmp_path_factory.mktemp("simple-peer")
    entry = NODE_MODULES / "@thaunknown" / "simple-peer" / "index.js"
    subprocess.run(
        [find_node(), "-e", BUNDLE, entry, folder / "simple-peer.js"], check=True, cwd=NODE_MODULES.parent, timeout=60
    )
    return folder


@pytest.fixture(scope="module")
def quiet_tracker(background: Background) -> Iterator[ScriptedTracker]:
    """A tracker that knows of nobody."""

    async def answer(socket: Any, message: dict[str, Any]) -> None:
        await socket.send_json({"action": "announce", "info_hash": message["info_hash"], "interval": 15})

    with ScriptedTracker(background, answer) as tracker:
        yield tracker


@pytest.fixture(scope="module")
def api_page(
    browser: Browser,
    background: Background,
    site: Site,
    page_site: Site,
    simple_peer: Path,
    tracker: ReferenceTracker,
    quiet_tracker: ScriptedTracker,
) -> Iterator[Page]:
    """One page for all cases."""
    page_site.serve("/simple-peer/", simple_peer)
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{page_site.url}/ours.html")
        page.add_script_tag(url="/pages/api_cases.js")
        page.evaluate(
            "([tracker, told]) => { api.toldTracker = told; return api.setUp(tracker) }",
            [tracker.url, quiet_tracker.url],
        )
        yield page


@pytest.mark.parametrize("case", CASES)
def test_call(api_page: Page, case: str) -> None:
    api_page.evaluate("name => tools.within(25_000, api.run(name))", case)


def test_a_tracker_was_told_what_the_page_wants(api_page: Page, quiet_tracker: ScriptedTracker) -> None:
    api_page.evaluate("() => api.run('trackers_are_told_what_the_page_wants')")
    assert any(str(message.get("token", "")).startswith("t") for message in quiet_tracker.messages)
