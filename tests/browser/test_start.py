"""How the engine starts: from the memory snapshot, and without it when it cannot be used."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ConsoleMessage

from tests.browser.driver import ClientPage
from tests.peers.hosts import DIST, Site
from tools.project import ROOT

STARTED_FROM = "client._engine.started.then(({ from }) => from)"
# Bytes of a first visit.
BUDGETS = {".br": 5_500_000, ".gz": 7_000_000}
HEAVY = {"ssl", "subprocess", "socket", "zipfile", "tempfile", "micropip", "asyncio.unix_events", "pathlib"}
WARNING = "without the memory snapshot"


def truncate(content: bytes) -> bytes:
    """Half of it."""
    return content[: len(content) // 2]


def flip_header(content: bytes) -> bytes:
    """Other bits in the first words."""
    return bytes(each ^ 0xFF for each in content[:16]) + content[16:]


def flip_page(content: bytes) -> bytes:
    """One other bit, somewhere in the memory."""
    at = len(content) // 3
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.fixture
def unchanged(site: Site) -> Iterator[Site]:
    """The site, as it was once the test is over."""
    yield site
    site.missing.clear()
    site.changed.clear()


def start(open_client: Callable[..., ClientPage]) -> tuple[ClientPage, list[str]]:
    """A client that is ready, and the warnings in its console."""
    ours = open_client("ours")
    messages: list[ConsoleMessage] = []
    ours.page.on("console", lambda message: messages.append(message))
    ours.page.reload()
    ours.page.wait_for_function("() => globalThis.WebTorrent && globalThis.tools")
    ours.start()
    ours.wait_until("client.ready")
    return ours, [message.text for message in messages if message.type == "warning"]


def test_it_starts_from_the_snapshot_alone(open_client: Callable[..., ClientPage], site: Site) -> None:
    site.requests.clear()
    ours, warnings = start(open_client)
    assert ours.get(STARTED_FROM) == "snapshot"
    assert not [text for text in warnings if WARNING in text]
    assert not [path for path in site.requests if path.endswith((".whl", ".zip"))]
    for extension, budget in BUDGETS.items():
        files = [DIST / f"{path.lstrip('/')}{extension}" for path in set(site.requests)]
        assert sum(file.stat().st_size for file in files) <= budget, extension
    assert (DIST / "webtorrent-py.js").stat().st_size <= 60_000
    assert not HEAVY & set(json.loads((ROOT / "build" / "snapshot" / "modules.json").read_text("utf-8")))


@pytest.mark.parametrize("change", [truncate, flip_header, flip_page])
def test_a_broken_snapshot_is_not_used(
    open_client: Callable[..., ClientPage], unchanged: Site, change: Callable[[bytes], bytes]
) -> None:
    unchanged.changed["/snapshot-"] = change
    ours, warnings = start(open_client)
    assert ours.get(STARTED_FROM) == "wheels"
    assert [text for text in warnings if WARNING in text]


def test_it_starts_without_a_snapshot(open_client: Callable[..., ClientPage], unchanged: Site) -> None:
    unchanged.missing.add(".bin")
    ours, warnings = start(open_client)
    assert ours.get(STARTED_FROM) == "wheels"
    assert [text for text in warnings if WARNING in text and ".bin" in text]


def test_a_snapshot_of_another_python_is_not_used(open_client: Callable[..., ClientPage], unchanged: Site) -> None:
    # A byte of the wasm file's data that only a message has in it: what the snapshot was subtracted from is another.
    unchanged.changed["/pyodide.asm-"] = lambda content: content.replace(
        b"Fatal Python error: ", b"Fatal python error: "
    )
    ours, warnings = start(open_client)
    assert ours.get(STARTED_FROM) == "wheels"
    assert [text for text in warnings if WARNING in text and "another version of Python" in text]


def test_pages_differ_although_they_start_from_the_same_memory(open_client: Callable[..., ClientPage]) -> None:
    first, second = (start(open_client)[0] for _ in range(2))
    assert first.get(STARTED_FROM) == second.get(STARTED_FROM) == "snapshot"
    assert first.get("client.peerId") != second.get("client.peerId")
