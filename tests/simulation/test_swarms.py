"""Swarms of real clients in virtual time."""

import pytest

from tests.simulation.network import TRACKER, Network, make_content, make_metainfo
from tests.simulation.tampering import wrong_blocks
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.errors import WireError
from webtorrent_py.events import (
    FileDone,
    MetadataReceived,
    NoPeers,
    PeerDisconnected,
    PieceVerified,
    TorrentDone,
    TorrentReady,
    TorrentWarning,
)

CONTENT = make_content(1_000_000)
METAINFO = make_metainfo(CONTENT)
MAGNET = Magnet(METAINFO.info_hash, trackers=(TRACKER,))


def test_a_magnet_becomes_the_whole_content():
    network = Network()
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: leech.done(torrent.id))
    assert leech.content(torrent.id) == CONTENT
    assert torrent.progress == 1 and torrent.downloaded == len(CONTENT)
    assert torrent.name == "content"
    kinds = [type(event) for event in leech.events]
    assert kinds.index(MetadataReceived) < kinds.index(TorrentReady) < kinds.index(PieceVerified)
    assert kinds.count(TorrentDone) == 1 and kinds.count(FileDone) == 1
    assert kinds.count(PieceVerified) == METAINFO.piece_count


def test_the_order_of_arrival_does_not_matter():
    network = Network()
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run_for(5)
    network.add("seed").seed(METAINFO, CONTENT)
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == CONTENT


@pytest.mark.parametrize("seed", range(5))
def test_leechers_exchange_pieces_among_themselves(seed):
    network = Network(seed, rate=200_000)
    network.add("seed").seed(METAINFO, CONTENT)
    leeches = [network.add(f"leech {number}") for number in range(6)]
    torrents = [leech.add(MAGNET) for leech in leeches]
    network.run(lambda: all(leech.done(torrent.id) for leech, torrent in zip(leeches, torrents, strict=True)))
    for leech, torrent in zip(leeches, torrents, strict=True):
        assert leech.content(torrent.id) == CONTENT
    assert sum(torrent.uploaded > 0 for torrent in torrents) >= 4
    # Bytes counted are bytes moved, and little is downloaded twice.
    assert sum(torrent.received for torrent in torrents) <= sum(node.sent_bytes for node in network.nodes)
    assert max(torrent.received for torrent in torrents) < 1.4 * len(CONTENT)


@pytest.mark.parametrize("seed", range(5))
def test_a_liar_is_banned_and_the_download_completes(seed):
    network = Network(seed, rate=300_000)
    liar = network.add("liar", tamper=wrong_blocks)
    liar.seed(METAINFO, CONTENT)
    network.add("honest").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: leech.done(torrent.id))
    assert leech.content(torrent.id) == CONTENT
    assert any(isinstance(event, TorrentWarning) and isinstance(event.error, WireError) for event in leech.events)
    assert all(peer.peer_id != liar.client.peer_id for peer in torrent.peers.values())
    # It stays away.
    network.run_for(120)
    assert all(peer.peer_id != liar.client.peer_id for peer in torrent.peers.values())


def test_a_seed_that_disappears_is_replaced():
    network = Network(rate=200_000)
    seed = network.add("seed")
    seed.seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: torrent.progress > 0.3)
    seed.disappear()
    network.run(lambda: any(isinstance(event, PeerDisconnected) for event in leech.events))
    assert torrent.num_peers == 0
    network.add("another").seed(METAINFO, CONTENT)
    network.run(lambda: leech.done(torrent.id), limit=120)
    assert leech.content(torrent.id) == CONTENT


def test_a_reader_gets_its_bytes_first():
    content = make_content(4_000_000)
    metainfo = make_metainfo(content)
    network = Network(rate=400_000)
    network.add("seed").seed(metainfo, content)
    leech = network.add("leech")
    torrent = leech.add(metainfo)
    network.run(lambda: torrent.num_peers == 1)
    start = 3_900_000
    reader = leech.do(leech.client.open_reader, torrent.id, start, len(content))
    network.run(lambda: leech.client.reader_available(reader) == (start, len(content)))
    assert torrent.progress < 0.5


def test_deselected_pieces_are_not_fetched():
    network = Network()
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, deselect=True)
    network.run_for(20)
    assert torrent.num_peers == 1 and torrent.received == 0
    leech.do(leech.client.select, torrent.id, 3, 4, 1)
    network.run(lambda: torrent.downloaded == 2 * METAINFO.piece_length)
    assert sorted(leech.stores[torrent.id]) == [3, 4]
    assert torrent.done and not torrent.complete


def test_a_paused_torrent_moves_no_payload():
    network = Network(rate=200_000)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: torrent.progress > 0.2)
    leech.do(leech.client.pause, torrent.id)
    network.run_for(5)
    before = torrent.received
    network.run_for(60)
    assert torrent.received == before and not torrent.done
    leech.do(leech.client.resume, torrent.id)
    network.run(lambda: leech.done(torrent.id))


def test_sequential_pieces_come_in_order():
    network = Network(rate=300_000)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, strategy="sequential")
    network.run(lambda: leech.done(torrent.id))
    order = [event.index for event in leech.events if isinstance(event, PieceVerified)]
    assert order == sorted(order)


def test_a_tracker_that_is_down_is_tried_again():
    network = Network()
    network.tracker_up = False
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run_for(40)
    assert any(isinstance(event, TorrentWarning) for event in leech.events)
    assert any(isinstance(event, NoPeers) for event in leech.events)
    network.tracker_up = True
    network.run(lambda: leech.done(torrent.id), limit=400)


def test_a_removed_torrent_leaves_nothing_behind():
    network = Network(rate=200_000)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: torrent.progress > 0.1)
    leech.do(leech.client.remove, torrent.id)
    assert not leech.lines and not leech.stores and not leech.client.torrents
    network.run_for(120)
    assert leech.client.get_timer() is None
