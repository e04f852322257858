"""v2 and hybrid torrents (BEP 52) between ours and libtorrent over TCP."""

from pathlib import Path

import libtorrent as lt
import pytest

from tests.interop.tcp import HOST, tcp_client
from tests.interop.test_libtorrent import leech, libtorrent, meanwhile
from tests.peers.content import Content, make_v2_content
from tests.unit.api.memory import run
from webtorrent_py.codec.metainfo import parse_torrent

KIB = 1024
SIZES = {"a/deep.bin": 300_000, "a/empty": 0, "b": 1, "c.bin": 64 * KIB, "d": 100_001}
versions = pytest.mark.parametrize("version", ["v2", "hybrid"])


async def files_of(torrent):
    """What was downloaded, as a user reads it."""
    return {file.path: await file.read() for file in torrent.files if not file.entry.is_padding}


def magnets(content: Content) -> dict[str, str]:
    hashes = lt.load_torrent_buffer(content.torrent).ti.info_hashes()
    links = {"v2": f"magnet:?xt=urn:btmh:1220{hashes.v2}"}
    if hashes.has_v1():
        links["v1"] = f"magnet:?xt=urn:btih:{hashes.v1}"
        links["both"] = f"{links['v1']}&{links['v2'].removeprefix('magnet:?')}"
    return links


@pytest.fixture
def content(tmp_path: Path, version: str) -> Content:
    return make_v2_content(tmp_path / "seeded", "shared", SIZES, version)


@versions
def test_leeching(content, version):
    async def test():
        for torrent_id in (content.torrent, *magnets(content).values()):
            async with tcp_client() as client:
                with libtorrent(content.torrent, content.root) as seeder:
                    torrent = await leech(client, torrent_id, seeder)
                    assert await files_of(torrent) == content.files
                    # Of padding no more than what fills the last block of a hybrid's file is got.
                    block = 1 if version == "v2" else 16 * KIB
                    assert torrent.received == sum(-(-len(data) // block) * block for data in content.files.values())

    run(test)


@versions
def test_the_layers_come_from_libtorrent(content, version):
    async def test():
        async with tcp_client() as client:
            with libtorrent(content.torrent, content.root) as seeder:
                torrent = await leech(client, magnets(content)["v2"], seeder)
                layers = parse_torrent(content.torrent).piece_layers
                assert parse_torrent(torrent.torrent_file).piece_layers == layers != {}

    run(test)


@versions
def test_seeding(content, version, tmp_path):
    """Our own torrent of the same files has the same hashes, and libtorrent takes both it and its links."""

    async def test():
        for number, link in enumerate((None, *magnets(content))):
            async with tcp_client() as client:
                torrent = await client.seed(content.files, version=version, piece_length=32 * KIB, announce=[])
                assert torrent.core_torrent.metainfo.info == parse_torrent(content.torrent).info
                torrent_id = magnets(content)[link] if link else torrent.torrent_file
                copy = tmp_path / f"copy {number}"
                with libtorrent(torrent_id, copy, seed=False) as leecher:
                    leecher.connect(HOST, client.host.listen_port)
                    await meanwhile(leecher.wait_until_done)
                assert {path: (copy / path).read_bytes() for path in content.files} == content.files

    run(test)


@versions
def test_a_large_file_has_its_hashes_in_several_parts(tmp_path, version):
    # More pieces than are asked for at once, and not a power of two of them.
    content = make_v2_content(tmp_path, "large", {"": 1100 * 16 * KIB + 5}, version, piece_length=16 * KIB)

    async def test():
        async with tcp_client() as client, tcp_client() as seeding:
            with libtorrent(content.torrent, content.root) as seeder:
                torrent = await leech(client, magnets(content)["v2"], seeder)
                assert await files_of(torrent) == content.files
            await seeding.seed(content.files, version=version, piece_length=16 * KIB, announce=[])
            with libtorrent(magnets(content)["v2"], tmp_path / "copy", seed=False) as leecher:
                leecher.connect(HOST, seeding.host.listen_port)
                await meanwhile(leecher.wait_until_done)
            assert (tmp_path / "copy" / "large").read_bytes() == content.files["large"]

    run(test)
