"""The demo's process: its web server, its tracker, and the seeder between them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession
from yarl import URL

from tests.peers.libtorrent_peer import LibtorrentPeer
from webtorrent_py.codec.magnet import parse_magnet
from webtorrent_py.desktop.demo import serving

CONTENT = {"video.mp4": b"moving" * 20_000, "README.txt": b"read"}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    folder = tmp_path / "sample"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "pyodide").mkdir(parents=True)
    for name in ("index.html", "engine.js", "pyodide/pyodide.mjs", "pyodide/pyodide.asm.wasm"):
        (folder / name).write_text(name)
    (tmp_path / "secret.txt").touch()
    return folder


def run(site: Path, sample: Path, scenario: Callable[[ClientSession, str], Awaitable[None]]) -> None:
    async def main() -> None:
        async with serving(site, sample, 0) as address, ClientSession() as session:
            await scenario(session, address)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_it_serves_the_site_with_the_types_that_browsers_insist_on(site: Path, sample: Path) -> None:
    expected = {
        "": "text/html",
        "engine.js": "text/javascript",
        "pyodide/pyodide.mjs": "text/javascript",
        "pyodide/pyodide.asm.wasm": "application/wasm",
    }

    async def scenario(session: ClientSession, address: str) -> None:
        for path, content_type in expected.items():
            async with session.get(address + path) as response:
                assert (response.status, response.content_type) == (200, content_type)
                assert await response.text() == (path or "index.html")

    run(site, sample, scenario)


@pytest.mark.parametrize("path", ["missing.js", "pyodide/", "%2e%2e/secret.txt", "pyodide/%2e%2e/%2e%2e/secret.txt"])
def test_it_serves_nothing_else(site: Path, sample: Path, path: str) -> None:
    async def scenario(session: ClientSession, address: str) -> None:
        async with session.get(URL(address + path, encoded=True)) as response:
            assert response.status == 404

    run(site, sample, scenario)


def test_a_peer_gets_the_sample_from_the_magnet_link_that_pages_are_told(
    site: Path, sample: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "leech"
    folder.mkdir()

    async def scenario(session: ClientSession, address: str) -> None:
        async with session.get(address + "sample.json") as response:
            magnet = (await response.json())["magnet"]
        assert parse_magnet(magnet).name == "sample"
        # Its end comes after the tracker's, for which it waits while no other Python runs.
        peer = stack.enter_context(LibtorrentPeer(magnet, folder, *parse_magnet(magnet).trackers, seed=False))
        await asyncio.to_thread(peer.wait_until_done)

    with ExitStack() as stack:
        run(site, sample, scenario)
    assert {name: (folder / "sample" / name).read_bytes() for name in CONTENT} == CONTENT
