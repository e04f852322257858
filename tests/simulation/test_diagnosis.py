"""Every cause that a diagnosis names, brought about in a swarm."""

from dataclasses import replace

import pytest

from tests.simulation.network import TRACKER, Network, Node, make_content, make_metainfo
from webtorrent_py.client.diagnosis import PATIENCE, Cause
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.wire import messages as m

CONTENT = make_content(300_000)
METAINFO = make_metainfo(CONTENT)
MAGNET = Magnet(METAINFO.info_hash, trackers=(TRACKER,))
LONG = 4 * PATIENCE


def never(*kinds):
    """A peer that says nothing of these kinds."""
    return lambda _, message: [] if isinstance(message, kinds) else [message]


def diagnosis(node: Node, torrent: Torrent):
    return node.client.diagnose(torrent.id, node.network.now)


def cause(node: Node, torrent: Torrent) -> Cause:
    return diagnosis(node, torrent).cause


def test_alone_with_a_tracker():
    network = Network()
    node = network.add("a")
    torrent = node.add(METAINFO)
    assert cause(node, torrent) == Cause.STARTING
    network.run_for(LONG)
    assert cause(node, torrent) == Cause.NOBODY_THERE
    node.do(node.client.pause, torrent.id)
    assert cause(node, torrent) == Cause.PAUSED


@pytest.mark.parametrize("urls", [(), ("udp://tracker.test:80", "https://tracker.test/announce")])
def test_without_a_tracker_that_a_page_can_use(urls):
    network = Network()
    node = network.add("a")
    torrent = node.add(replace(METAINFO, announce=(urls,) if urls else ()))
    found = diagnosis(node, torrent)
    assert found.cause == Cause.NO_TRACKER and found.details["unusableTrackers"] == list(urls)
    assert all(url in found.message for url in urls)


def test_a_tracker_that_is_down_until_it_is_up():
    network = Network()
    network.tracker_up = False
    node = network.add("a")
    torrent = node.add(METAINFO)
    network.run_for(LONG)
    found = diagnosis(node, torrent)
    assert found.cause == Cause.TRACKER_UNREACHABLE and TRACKER in found.message
    (tracker,) = found.details["trackers"]
    assert LONG - 5 <= tracker["failing_for"] <= LONG and tracker["reason"]
    network.tracker_up = True
    network.run_for(600)
    assert cause(node, torrent) == Cause.NOBODY_THERE


@pytest.mark.parametrize(
    ("is_seed", "expected"), [(True, Cause.ONLY_TCP_SEEDS), (False, Cause.OFFERS_UNANSWERED)], ids=["seed", "leech"]
)
def test_peers_that_are_counted_and_do_not_answer(is_seed, expected):
    network = Network()
    silent = network.add("silent")
    # Paused it still announces, and takes no offers: as seen from here, a client that speaks TCP only.
    other = silent.seed(METAINFO, CONTENT) if is_seed else silent.add(MAGNET)
    silent.do(silent.client.pause, other.id)
    network.run_for(1)
    node = network.add("a")
    torrent = node.add(METAINFO)
    network.run_for(LONG)
    found = diagnosis(node, torrent)
    assert found.cause == expected
    assert found.details["attempts"]["offered"] > 0 == found.details["attempts"]["opened"]


def test_connections_that_never_open(monkeypatch):
    monkeypatch.setattr(Node, "link", lambda *_: None)
    network = Network()
    network.add("seed").seed(METAINFO, CONTENT)
    node = network.add("a")
    torrent = node.add(METAINFO)
    network.run_for(LONG)
    found = diagnosis(node, torrent)
    assert found.cause == Cause.CONNECTIONS_FAILED and "TURN" in found.message
    assert found.details["attempts"]["failed"] > 0


@pytest.mark.parametrize(
    ("kinds", "expected"), [((m.Unchoke,), Cause.CHOKED), ((m.Piece,), Cause.STALLED)], ids=["choking", "silent"]
)
def test_peers_that_have_everything_and_send_nothing(kinds, expected):
    network = Network()
    network.add("seed", tamper=never(*kinds)).seed(METAINFO, CONTENT)
    node = network.add("a")
    torrent = node.add(METAINFO)
    network.run(lambda: torrent.num_peers == 1)
    network.run_for(3)
    assert cause(node, torrent) == expected


@pytest.mark.parametrize(("source", "expected"), [(METAINFO, Cause.PIECES_MISSING), (MAGNET, Cause.METADATA_MISSING)])
def test_peers_that_have_as_little(source, expected):
    network = Network()
    nodes = [network.add("a"), network.add("b")]
    torrents = [node.add(source) for node in nodes]
    network.run(lambda: torrents[0].num_peers == 1)
    network.run_for(LONG)
    assert [cause(*pair) for pair in zip(nodes, torrents, strict=True)] == [expected, expected]


def test_a_download_to_its_end():
    network = Network(rate=50_000)
    network.add("seed").seed(METAINFO, CONTENT)
    node = network.add("a")
    torrent = node.add(METAINFO, deselect=True)
    assert cause(node, torrent) == Cause.NOTHING_SELECTED
    node.do(node.client.select, torrent.id, 0, 0, 1)
    network.run(lambda: node.done(torrent.id))
    assert cause(node, torrent) == Cause.DONE
    node.do(node.client.select, torrent.id, 0, METAINFO.piece_count - 1, 1)
    network.run_for(1)
    assert cause(node, torrent) == Cause.DOWNLOADING
    network.run(lambda: torrent.complete)
    assert cause(node, torrent) == Cause.COMPLETE


def test_a_web_seed_that_is_not_there():
    network = Network()
    node = network.add("a")
    torrent = node.add(METAINFO, web_seeds=["http://nowhere.test/"])
    network.run_for(LONG)
    found = diagnosis(node, torrent)
    assert found.cause == Cause.WEB_SEED_FAILED and "no such server" in found.message
    assert "http://nowhere.test/" in found.details["webSeedErrors"]


def test_a_store_that_fails():
    network = Network()
    node = network.add("a")
    torrent = node.add(METAINFO)
    node.do(node.client.storage_failed, torrent.id, "the disk is full")
    found = diagnosis(node, torrent)
    assert found.cause == Cause.STORAGE_FAILED and "the disk is full" in found.message
