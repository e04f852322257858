"""Swarms with web seeds, in virtual time."""

import pytest

from tests.simulation.network import Network, Node, Version, make_content, make_metainfo, make_v2_metainfo
from tests.web import Response, WebServer
from webtorrent_py.errors import WebSeedError
from webtorrent_py.events import PeerConnected, PeerDisconnected, TorrentWarning

CONTENT = make_content(2_000_000)
METAINFO = make_metainfo(CONTENT)
ORIGIN = "http://seed.test/"


def with_server(network: Network, rate: float = 1e6) -> WebServer:
    server = network.web.add(ORIGIN, rate=rate)
    server.add(ORIGIN, METAINFO, CONTENT)
    return server


def wasted(server: WebServer) -> int:
    return sum(length for _, _, length in server.requests) - len(CONTENT)


def warnings(node: Node) -> list[str]:
    return [
        str(event.error)
        for event in node.events
        if isinstance(event, TorrentWarning) and isinstance(event.error, WebSeedError)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_web_seed_alone_is_enough_and_its_line_is_kept_busy(seed: int) -> None:
    network = Network(seed, latency=0.1)
    server = with_server(network)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, web_seeds=[ORIGIN])
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == CONTENT and torrent.received == len(CONTENT)
    assert wasted(server) == 0
    # Two seconds at the server's full rate, and what it takes to begin.
    assert network.now < 1.6 * len(CONTENT) / 1e6


def test_peers_take_load_off_a_web_seed() -> None:
    network = Network(4)
    with_server(network, rate=200_000)
    nodes = [network.add(f"leech {number}") for number in range(5)]
    torrents = [node.add(METAINFO, web_seeds=[ORIGIN]) for node in nodes]
    network.run(lambda: all(node.done(torrent.id) for node, torrent in zip(nodes, torrents, strict=True)), limit=120)
    assert all(node.content(torrent.id) == CONTENT for node, torrent in zip(nodes, torrents, strict=True))
    # Five copies are five times the content; most of it went from peer to peer.
    from_server = sum(seed.download.total for torrent in torrents for seed in torrent.web_seeds or ())
    assert len(CONTENT) <= from_server < 2.5 * len(CONTENT), from_server


@pytest.mark.parametrize("seed", range(3))
def test_a_web_seed_that_lies_is_given_up_and_peers_finish(seed: int) -> None:
    network = Network(seed)
    server = with_server(network)
    server.tamper = lambda _, right: Response(right.status, right.content_range, bytes(len(right.body)))
    network.add("seed", rate=200_000).seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, web_seeds=[ORIGIN])
    network.run(lambda: leech.done(torrent.id), limit=120)
    assert leech.content(torrent.id) == CONTENT
    assert any(isinstance(event, PeerDisconnected) and "wrong bytes" in event.reason for event in leech.events)
    # The honest peer was not blamed for it.
    assert torrent.num_peers == 1


def test_a_web_seed_that_lacks_the_file_and_then_has_it_is_used() -> None:
    network = Network(5)
    server = with_server(network)
    files, server.files = server.files, {}
    leech = network.add("leech")
    torrent = leech.add(METAINFO, web_seeds=[ORIGIN])
    network.run_for(20)
    assert torrent.received == 0 and len(server.requests) <= 4 * 3
    server.files = files
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == CONTENT
    assert any("404" in each for each in warnings(leech))


@pytest.mark.parametrize("version", [Version.V2, Version.HYBRID])
@pytest.mark.parametrize("ignores_ranges", [False, True])
def test_torrents_of_version_2_come_from_web_seeds(version: Version, ignores_ranges: bool) -> None:
    network = Network(8)
    files = [make_content(length, length) for length in (100_001, 16384, 1, 400_000, 65536)]
    metainfo, content = make_v2_metainfo(files, version)
    server = network.web.add(ORIGIN)
    server.add(ORIGIN, metainfo, content)
    server.ignores_ranges = ignores_ranges
    leech = network.add("leech")
    torrent = leech.add(metainfo, web_seeds=[ORIGIN])
    network.run(lambda: leech.done(torrent.id), limit=60)
    stored = leech.stores[torrent.id]
    assert len(stored) == metainfo.piece_count and not warnings(leech)
    for index, data in stored.items():
        start = index * metainfo.piece_length
        assert data == content[start : start + metainfo.piece_size(index)]


def test_several_web_seeds_share_the_work() -> None:
    network = Network(6)
    servers = []
    for number in range(3):
        origin = f"http://seed{number}.test/"
        servers.append(network.web.add(origin, rate=300_000))
        servers[-1].add(origin, METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, web_seeds=[f"http://seed{number}.test/" for number in range(3)])
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == CONTENT
    assert all(sum(length for _, _, length in server.requests) > len(CONTENT) / 8 for server in servers)
    assert sum(isinstance(event, PeerConnected) and event.kind == "webSeed" for event in leech.events) == 3


def test_a_removed_torrent_fetches_nothing_more() -> None:
    network = Network(7)
    server = with_server(network, rate=50_000)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, web_seeds=[ORIGIN])
    network.run_for(3)
    leech.do(leech.client.remove, torrent.id)
    asked = len(server.requests)
    network.run_for(60)
    assert len(server.requests) == asked and not leech._fetches
