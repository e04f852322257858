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
    (folder / "assets").mkdir(parents=True)
    for name in ("index.html", "webtorrent-py.mjs", "assets/engine-0A1B2C3D.js", "assets/pyodide.asm-0A1B2C3D.wasm"):
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
        "assets/engine-0A1B2C3D.js": "text/javascript",
        "webtorrent-py.mjs": "text/javascript",
        "assets/pyodide.asm-0A1B2C3D.wasm": "application/wasm",
    }

    async def scenario(session: ClientSession, address: str) -> None:
        for path, content_type in expected.items():
            async with session.get(address + path) as response:
                assert (response.status, response.content_type) == (200, content_type)
                assert await response.text() == (path or "index.html")

    run(site, sample, scenario)


def test_it_sends_compressed_files_and_lets_browsers_keep_those_that_never_change(site: Path, sample: Path) -> None:
    engine = "assets/engine-0A1B2C3D.js"
    (site / f"{engine}.br").write_bytes(b"as brotli")
    (site / f"{engine}.gz").write_bytes(b"as gzip")

    async def scenario(_: ClientSession, address: str) -> None:
        async with ClientSession(auto_decompress=False) as session:
            for accepted, encoding, content in (
                ("gzip, br", "br", b"as brotli"),
                ("gzip", "gzip", b"as gzip"),
                ("identity", None, engine.encode()),
            ):
                async with session.get(address + engine, headers={"Accept-Encoding": accepted}) as response:
                    assert await response.read() == content
                    assert response.headers.get("Content-Encoding") == encoding
                    assert response.headers["Vary"] == "Accept-Encoding"
                    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                    assert response.content_type == "text/javascript"
            async with session.get(address + "webtorrent-py.mjs") as response:
                assert response.headers["Cache-Control"] == "no-cache"

    run(site, sample, scenario)


@pytest.mark.parametrize("path", ["missing.js", "assets/", "%2e%2e/secret.txt", "assets/%2e%2e/%2e%2e/secret.txt"])
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
