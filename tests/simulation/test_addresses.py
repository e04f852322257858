"""Swarms that meet by address: from one known peer, through the exchange of peers, to everybody."""

import pytest

from tests.simulation.network import Network, make_content, make_metainfo
from tests.simulation.tampering import wrong_blocks
from webtorrent_py.codec.magnet import Magnet

CONTENT = make_content(600_000)
METAINFO = make_metainfo(CONTENT, trackers=())


@pytest.mark.parametrize("seed", range(5))
def test_a_swarm_without_a_tracker_grows_from_one_address(seed):
    network = Network(seed, jitter=0.05)
    hub = network.add("hub", tcp=True)
    hub.add(METAINFO)
    link = Magnet(METAINFO.info_hash, peers=(hub.address.text,))
    leeches = [network.add(f"leech {number}", tcp=True) for number in range(6)]
    torrents = [leech.add(link) for leech in leeches]
    network.run(lambda: hub.client.torrents and all(torrent.ready for torrent in torrents))
    # The seed is known to nobody; it only knows one of the leeches.
    seeder = network.add("seed", tcp=True)
    seeder.seed(METAINFO, CONTENT)
    (offered,) = seeder.client.torrents
    seeder.do(seeder.client.add_peer, offered, leeches[0].address)
    network.run(lambda: all(torrent.complete for torrent in torrents))
    assert all(leech.content(torrent.id) == CONTENT for leech, torrent in zip(leeches, torrents, strict=True))
    network.run_for(90.0)
    # They heard of each other, and in the end of the seed.
    assert min(torrent.num_peers for torrent in torrents) == len(leeches) + 1


@pytest.mark.parametrize("seed", range(3))
def test_those_who_lose_each_other_find_together_again(seed):
    network = Network(seed)
    seeder, leech = network.add("seed", tcp=True), network.add("leech", tcp=True, rate=1e4)
    seeder.rate = 1e5
    seeder.seed(METAINFO, CONTENT)
    torrent = leech.add(Magnet(METAINFO.info_hash, peers=(seeder.address.text,)))
    for number in range(1, 6):
        network.run(lambda number=number: torrent.downloaded > number * 50_000)
        (peer,) = torrent.peers
        leech.lose_line(peer)
        assert torrent.num_peers == 0
    network.run(lambda: torrent.complete)
    assert leech.content(torrent.id) == CONTENT


@pytest.mark.parametrize("seed", range(3))
def test_a_liar_is_banned_by_its_address(seed):
    network = Network(seed)
    liar = network.add("liar", tcp=True, tamper=wrong_blocks)
    seeder, leech = network.add("seed", tcp=True), network.add("leech", tcp=True)
    liar.seed(METAINFO, CONTENT)
    seeder.seed(METAINFO, CONTENT)
    torrent = leech.add(Magnet(METAINFO.info_hash, peers=(liar.address.text, seeder.address.text)))
    network.run(lambda: torrent.complete)
    network.run_for(60.0)
    assert leech.content(torrent.id) == CONTENT and torrent.num_peers == 1
    assert torrent.bans.has_host(liar.address.host) and not torrent.bans.has_host(seeder.address.host)
