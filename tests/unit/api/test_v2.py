"""v2 and hybrid torrents through the Python API: made, seeded, found by either name, read."""

import libtorrent
import pytest

from tests.unit.api.memory import TRACKER, Network
from tests.unit.api.test_client import in_network
from webtorrent_py.api.torrent import Torrent
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import parse_torrent
from webtorrent_py.errors import DuplicateTorrentError, InvalidOptionError, MetainfoError

# Not in the order that v2 has.
FILES = {
    "folder/z.bin": bytes(range(256)) * 400,
    "folder/a/deep.bin": b"second" * 9000,
    "folder/a/empty": b"",
    "folder/b": b"3",
}


async def seeded(network: Network, version: str, **options: object) -> Torrent:
    torrent = await network.client().seed(FILES, announce=[TRACKER], version=version, piece_length=32768, **options)
    await torrent.wait_ready()
    return torrent


def make_test(version: str, by: str) -> object:
    @in_network
    async def test(network: Network) -> None:
        seed = await seeded(network, version)
        metainfo = seed.core_torrent.metainfo
        assert metainfo is not None and metainfo.info_hash_v2 is not None
        assert metainfo.has_v1 == (version == "hybrid")
        link = {
            "link": seed.magnet_uri,
            "v1": Magnet(metainfo.info_hash, trackers=(TRACKER,)),
            "v2": Magnet(metainfo.info_hash_v2[:20], trackers=(TRACKER,), info_hash_v2=metainfo.info_hash_v2),
        }[by]
        torrent = await network.client().add(link)
        await torrent.wait_done()
        assert {file.path: await file.read() for file in torrent.files if not file.entry.is_padding} == FILES
        for file in torrent.files:
            if file.length > 5 and not file.entry.is_padding:
                assert await file.read(1, 5) == FILES[file.path][1:5]
        assert torrent.progress == 1.0
        data = torrent.torrent_file
        assert data is not None and parse_torrent(data).piece_layers == metainfo.piece_layers != {}
        assert libtorrent.load_torrent_buffer(data).ti.info_hashes().v2.to_bytes() == metainfo.info_hash_v2
        client = torrent.client
        for name in (metainfo.info_hash.hex(), metainfo.info_hash_v2.hex(), seed.magnet_uri):
            assert await client.get(name) is torrent
            with pytest.raises(DuplicateTorrentError):
                await client.add(name)

    return test


test_v2_by_its_link = make_test("v2", "link")
test_v2_by_its_hash = make_test("v2", "v2")
test_hybrid_by_its_link = make_test("hybrid", "link")
test_hybrid_by_its_v1_hash = make_test("hybrid", "v1")
test_hybrid_by_its_v2_hash = make_test("hybrid", "v2")


@in_network
async def test_all_that_can_be_said_of_a_new_torrent(network: Network) -> None:
    torrent = await network.client().seed(
        {"a": b"x"},
        version="hybrid",
        announce=[[TRACKER, "ws://second.test"], "ws://third.test"],
        web_seeds=["http://seed.test/"],
        comment="a comment",
        created_by="a test",
        creation_date=5,
        private=True,
        source="here",
    )
    data = torrent.torrent_file
    assert data is not None
    metainfo = parse_torrent(data)
    assert metainfo.announce[:2] == ((TRACKER, "ws://second.test"), ("ws://third.test",))
    assert metainfo.web_seeds == ("http://seed.test/",)
    assert (metainfo.comment, metainfo.created_by, metainfo.creation_date) == ("a comment", "a test", 5)
    assert metainfo.private and b"6:source4:here" in metainfo.info


@in_network
async def test_options_that_no_torrent_can_have(network: Network) -> None:
    client = network.client()
    for options in (
        {"version": "v3"},
        {"version": "v2", "piece_length": 1000},
        {"version": "hybrid", "piece_length": 49152},
    ):
        with pytest.raises(InvalidOptionError):
            await client.seed({"a": b"x"}, **options)
    with pytest.raises(MetainfoError):
        await client.seed([("a", b"x"), ("a", b"y")], version="v2")
