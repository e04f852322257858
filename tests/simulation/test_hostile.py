"""Swarms with peers that lie, break the protocol, or take without giving. The others get their content all the same."""

import pytest

from tests.simulation import tampering
from tests.simulation.network import TRACKER, Network, make_content, make_metainfo
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.errors import WireError
from webtorrent_py.events import TorrentWarning

CONTENT = make_content(600_000)
METAINFO = make_metainfo(CONTENT)
MAGNET = Magnet(METAINFO.info_hash, trackers=(TRACKER,))
# Its metadata takes several pieces.
LONG = make_content(200_000)
LONG_METAINFO = make_metainfo(LONG, 64)
LONG_MAGNET = Magnet(LONG_METAINFO.info_hash, trackers=(TRACKER,))

seeds = pytest.mark.parametrize("seed", range(3))


def is_banned_by(torrent, node):
    connected = any(peer.peer_id == node.client.peer_id for peer in torrent.peers.values())
    return not connected and not torrent.wants_peer(node.client.peer_id)


@seeds
@pytest.mark.parametrize(
    ("tamper", "is_banned"),
    [
        (tampering.wrong_blocks, True),
        (tampering.some_wrong_blocks, True),
        (tampering.garbage, True),
        (tampering.claiming_nonsense, True),
        (tampering.wrong_metadata, None),
        (tampering.wrong_metadata_size, None),
        (tampering.silence, False),
        (tampering.lazy, False),
        (tampering.never_unchoking, False),
        (tampering.never_rejecting, False),
        (tampering.flooding, False),
        (tampering.plain, False),
    ],
)
def test_two_bad_seeds_do_not_keep_a_good_one_from_serving(tamper, is_banned, seed):
    network = Network(seed, rate=150_000)
    bad = [network.add(f"bad {number}", tamper=tamper) for number in range(2)]
    for node in bad:
        node.seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run_for(3)
    network.add("good").seed(METAINFO, CONTENT)
    network.run(lambda: leech.done(torrent.id), limit=200)
    assert leech.content(torrent.id) == CONTENT
    if is_banned is not None:
        assert [is_banned_by(torrent, node) for node in bad] == [is_banned] * 2
    if is_banned:
        assert any(isinstance(event, TorrentWarning) and isinstance(event.error, WireError) for event in leech.events)


@seeds
@pytest.mark.parametrize("tamper", [tampering.wrong_metadata, tampering.wrong_metadata_size])
def test_metadata_of_several_pieces_survives_liars(tamper, seed):
    network = Network(seed)
    bad = [network.add(f"bad {number}", tamper=tamper) for number in range(3)]
    for node in bad:
        node.seed(LONG_METAINFO, LONG)
    network.add("good").seed(LONG_METAINFO, LONG)
    leech = network.add("leech")
    torrent = leech.add(LONG_MAGNET)
    network.run(lambda: torrent.ready, limit=120)
    assert torrent.metainfo.info == LONG_METAINFO.info


@seeds
def test_one_who_claims_to_have_everything_does_not_spoil_the_order_for_long(seed):
    network = Network(seed, rate=150_000)
    liar = network.add("liar", tamper=tampering.claiming_all)
    liar.add(METAINFO)
    network.add("seed").seed(METAINFO, CONTENT)
    leeches = [network.add(f"leech {number}") for number in range(3)]
    torrents = [leech.add(MAGNET) for leech in leeches]
    network.run(lambda: all(leech.done(t.id) for leech, t in zip(leeches, torrents, strict=True)), limit=120)
    assert all(leech.content(t.id) == CONTENT for leech, t in zip(leeches, torrents, strict=True))


@seeds
def test_a_peer_that_never_unchokes_does_not_stop_those_that_exchange(seed):
    network = Network(seed, rate=150_000)
    network.add("seed").seed(METAINFO, CONTENT)
    selfish = [network.add(f"selfish {number}", tamper=tampering.never_unchoking) for number in range(4)]
    leeches = [network.add(f"leech {number}") for number in range(4)]
    everybody = [(node, node.add(MAGNET)) for node in (*selfish, *leeches)]
    network.run(lambda: all(node.done(torrent.id) for node, torrent in everybody), limit=300)
    assert all(node.content(torrent.id) == CONTENT for node, torrent in everybody)


@seeds
def test_a_flood_of_requests_costs_a_peer_nothing_but_its_own_share(seed):
    network = Network(seed, rate=150_000)
    network.add("seed").seed(METAINFO, CONTENT)
    flooder = network.add("flooder", tamper=tampering.flooding)
    flooder.add(MAGNET)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: leech.done(torrent.id), limit=200)
    assert leech.content(torrent.id) == CONTENT


@seeds
@pytest.mark.parametrize("tamper", [tampering.plain, tampering.never_rejecting])
def test_peers_of_other_kinds_swarm_with_ours(tamper, seed):
    network = Network(seed, rate=150_000)
    network.add("seed", tamper=tamper).seed(METAINFO, CONTENT)
    nodes = [network.add(f"leech {number}", tamper=tamper if number % 2 else None) for number in range(6)]
    torrents = [node.add(MAGNET) for node in nodes]
    network.run(lambda: all(node.done(t.id) for node, t in zip(nodes, torrents, strict=True)), limit=200)
    assert all(node.content(t.id) == CONTENT for node, t in zip(nodes, torrents, strict=True))
    assert not any(isinstance(event, TorrentWarning) for node in nodes for event in node.events)
