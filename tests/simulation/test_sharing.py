"""Who gives how much to whom: limits, slots, turns, free riders, and pauses."""

import hashlib
from dataclasses import replace

import pytest

from tests.simulation import tampering
from tests.simulation.network import OTHER_TRACKER, TRACKER, Network, make_content, make_metainfo
from webtorrent_py.codec.creation import create_info
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.events import TrackerAnnounced, TrackerScraped
from webtorrent_py.limits import UNLIMITED
from webtorrent_py.torrent.choker import ROUND
from webtorrent_py.torrent.upkeep import SILENT_TIME

CONTENT = make_content(2_000_000)
METAINFO = make_metainfo(CONTENT)
MAGNET = Magnet(METAINFO.info_hash, trackers=(TRACKER,))

seeds = pytest.mark.parametrize("seed", range(2))


def close_to(expected, share=0.05):
    """Within 5 %, give or take the one block in which a limit is counted."""
    return pytest.approx(expected, abs=share * expected + 16384)


# --- limits ----------------------------------------------------------------------------------------


@seeds
@pytest.mark.parametrize("rate", [50_000, 400_000])
def test_a_download_limit_is_kept_and_nothing_is_thrown_away(rate, seed):
    content = make_content(20 * rate)
    metainfo = make_metainfo(content)
    network = Network(seed, rate=1e6)
    for number in range(3):
        network.add(f"seed {number}").seed(metainfo, content)
    leech = network.add("leech", download_limit=rate)
    torrent = leech.add(metainfo)
    network.run(lambda: torrent.num_peers == 3 and torrent.received > 0, limit=60)
    network.run_for(1)
    before = torrent.received
    network.run_for(10)
    assert torrent.received - before == close_to(10 * rate)
    given = [peer.download.total for peer in torrent.peers.values()]
    assert max(given) - min(given) < 0.3 * max(given)
    network.run(lambda: leech.done(torrent.id), limit=30)
    assert torrent.received < 1.05 * len(content) and leech.content(torrent.id) == content


@seeds
def test_an_upload_limit_is_kept_and_shared_fairly(seed):
    network = Network(seed, rate=1e6)
    seeder = network.add("seed", upload_limit=200_000)
    contents = [make_content(5_000_000, seed=number) for number in range(2)]
    metainfos = [make_metainfo(content, name=str(number)) for number, content in enumerate(contents)]
    torrents = [seeder.seed(each, content) for each, content in zip(metainfos, contents, strict=True)]
    # One torrent has three leeches, the other one.
    for number in range(4):
        network.add(f"leech {number}").add(metainfos[number == 3])
    network.run(lambda: all(torrent.uploaded for torrent in torrents), limit=60)
    network.run_for(5)
    before = [torrent.uploaded for torrent in torrents]
    network.run_for(10)
    moved = [torrent.uploaded - was for torrent, was in zip(torrents, before, strict=True)]
    assert sum(moved) == close_to(2_000_000)
    assert moved[0] == close_to(moved[1])


def test_limits_can_be_changed_lifted_and_set_to_nothing():
    content = make_content(8_000_000)
    metainfo = make_metainfo(content)
    network = Network(rate=2e5)
    network.add("seed").seed(metainfo, content)
    leech = network.add("leech")
    torrent = leech.add(metainfo)

    def moved(seconds):
        network.run_for(2)
        before = torrent.received
        network.run_for(seconds)
        return torrent.received - before

    network.run(lambda: torrent.received > 0, limit=60)
    assert moved(5) == close_to(1_000_000)
    leech.do(leech.client.throttle_download, 60_000)
    assert moved(10) == close_to(600_000)
    leech.do(lambda now: leech.client.limit_torrent(torrent.id, now, download=20_000))
    assert moved(10) == close_to(200_000)
    leech.do(leech.client.throttle_download, 0)
    assert moved(60) == 0 and torrent.num_peers == 1
    leech.do(leech.client.throttle_download, UNLIMITED)
    leech.do(lambda now: leech.client.limit_torrent(torrent.id, now, download=UNLIMITED))
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert leech.content(torrent.id) == content and torrent.received < 1.1 * len(content)


def test_a_stream_flows_under_a_limit():
    """Bytes come evenly: never a second with much less than the limit allows."""
    network = Network(rate=1e6)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech", download_limit=150_000)
    torrent = leech.add(METAINFO)
    network.run(lambda: torrent.received > 0, limit=60)
    leech.do(leech.client.open_reader, torrent.id, 0, len(CONTENT))
    network.run_for(1)
    for _ in range(8):
        before = torrent.received
        network.run_for(1)
        assert torrent.received - before == close_to(150_000)


# --- slots -----------------------------------------------------------------------------------------


def mean(torrents):
    return sum(torrent.downloaded for torrent in torrents) / len(torrents)


@seeds
def test_free_riders_get_less_than_contributors(seed):
    content = make_content(6_000_000)
    metainfo = make_metainfo(content)
    network = Network(seed, rate=1e6)
    # Everybody's line out is what is short.
    network.add("seed", upload_limit=150_000).seed(metainfo, content)
    honest = [network.add(f"honest {number}", upload_limit=50_000) for number in range(6)]
    riders = [network.add(f"rider {number}", tamper=tampering.never_unchoking) for number in range(3)]
    contributors = [node.add(metainfo, upload_slots=3) for node in honest]
    freeloaders = [node.add(metainfo, upload_slots=3) for node in riders]
    # Later on everybody waits for the seed's last pieces, and has nothing else to do than to serve riders.
    network.run(lambda: mean(contributors) > len(content) / 2, limit=600)
    assert mean(freeloaders) < 0.75 * mean(contributors)


@seeds
def test_a_seed_gives_every_leech_a_turn(seed):
    content = make_content(20_000_000)
    metainfo = make_metainfo(content, 262_144)
    network = Network(seed, rate=20_000)
    torrent = network.add("seed").seed(metainfo, content, upload_slots=3)
    # They do not serve each other: all that they get is from the seed.
    torrents = [network.add(f"leech {number}").add(metainfo, upload_slots=0) for number in range(9)]
    for _ in range(40):
        network.run_for(10)
        assert sum(not peer.am_choking for peer in torrent.peers.values()) <= 3
    got = [each.received for each in torrents]
    assert min(got) > 0.3 * sum(got) / len(got)


def test_one_that_snubs_us_is_served_by_luck_only():
    network = Network(rate=8_000)
    network.add("seed").seed(METAINFO, CONTENT, upload_slots=3)
    snubber, leech = network.add("snubber", tamper=tampering.silence), network.add("leech")
    snubber.add(MAGNET)
    torrent = leech.add(MAGNET, upload_slots=2)
    for number in range(3):
        network.add(f"other {number}").add(MAGNET)
    snubbed = 0
    for _ in range(40):
        network.run_for(ROUND)
        for peer in torrent.peers.values():
            if peer.is_snubbing(network.now - ROUND):
                assert peer.peer_id == snubber.client.peer_id
                assert peer.am_choking or peer.handle == torrent._active.uploader._choker._optimistic
                snubbed += 1
    assert snubbed > 3


def test_upload_only_peers_are_known_and_not_served():
    network = Network()
    network.add("seed").seed(METAINFO, CONTENT)
    partial, leech = network.add("partial"), network.add("leech")
    some = partial.add(METAINFO, deselect=True)
    torrent = leech.add(MAGNET)
    partial.do(partial.client.select, some.id, 0, 3, 1)
    network.run(lambda: some.done and leech.done(torrent.id), limit=60)
    network.run_for(3)
    for peer in torrent.peers.values():
        assert peer.upload_only and peer.am_choking
    # It wants something again: that is told, and served.
    partial.do(partial.client.select, some.id, 0, METAINFO.piece_count - 1, 1)
    network.run(lambda: some.complete, limit=30)


# --- pause -----------------------------------------------------------------------------------------


@seeds
def test_a_paused_torrent_moves_nothing_either_way(seed):
    network = Network(seed, rate=100_000)
    network.add("seed").seed(METAINFO, CONTENT)
    middle, leech = network.add("middle"), network.add("leech")
    torrent, other = middle.add(METAINFO), leech.add(MAGNET)
    network.run(lambda: torrent.uploaded > 0 and torrent.progress > 0.2, limit=60)
    reader = middle.do(middle.client.open_reader, torrent.id, 0, len(CONTENT))
    middle.do(middle.client.pause, torrent.id)
    # What is on its way, or in the channel's buffer, is bounded.
    network.run_for(8)
    before, peers = (torrent.received, torrent.uploaded, middle.sent_bytes), torrent.num_peers
    network.add("late").add(MAGNET)
    network.run_for(100)
    assert (torrent.received, torrent.uploaded, middle.sent_bytes) == before
    # Nobody was banned for what came late, and nobody else is met.
    assert 0 < torrent.num_peers <= peers
    middle.do(middle.client.resume, torrent.id)
    network.run(lambda: middle.done(torrent.id) and leech.done(other.id), limit=120)
    assert middle.client.reader_available(reader) == (0, len(CONTENT))


# --- places, trackers ------------------------------------------------------------------------------


@seeds
def test_places_that_seeds_take_up_are_given_to_who_wants_something(seed):
    network = Network(seed)
    nodes = [network.add(f"seed {number}", max_conns=3) for number in range(6)]
    torrents = [node.seed(METAINFO, CONTENT) for node in nodes]
    network.run(lambda: sum(torrent.num_peers for torrent in torrents) >= 6, limit=100)
    leeches = [network.add(f"leech {number}", max_conns=3) for number in range(4)]
    wanted = [leech.add(MAGNET) for leech in leeches]
    network.run(lambda: all(torrent.complete for torrent in wanted), limit=200)
    for torrent in (*torrents, *wanted):
        assert len(torrent.peers) <= 3


def test_a_peer_whose_connection_died_unnoticed_comes_back():
    network = Network(rate=50_000)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO)
    network.run(lambda: torrent.received > 0, limit=30)
    # Nothing more arrives either way, and no browser says so.
    for node in network.nodes:
        for line in node.lines.values():
            line.other = None
    network.run(lambda: torrent.complete, limit=SILENT_TIME + 120)
    assert torrent.num_peers == 1


def test_a_pause_meets_nobody_and_ends_what_was_under_way():
    network = Network(latency=0.5)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO)
    network.run(lambda: any(node.lines for node in network.nodes), limit=30)
    leech.do(leech.client.pause, torrent.id)
    network.run_for(60)
    assert not torrent.peers and not leech.lines
    announced = sum(isinstance(event, TrackerAnnounced) for event in leech.events)
    network.run_for(60)
    assert sum(isinstance(event, TrackerAnnounced) for event in leech.events) > announced
    leech.do(leech.client.resume, torrent.id)
    network.run(lambda: torrent.complete, limit=30)


def test_one_scrape_asks_for_all_torrents():
    network = Network()
    seed, leech = network.add("seed"), network.add("leech")
    contents = [make_content(50_000, seed=number) for number in range(3)]
    metainfos = [make_metainfo(content, name=str(number)) for number, content in enumerate(contents)]
    for metainfo, content in zip(metainfos, contents, strict=True):
        seed.seed(metainfo, content)
    torrents = [leech.add(metainfo, deselect=True) for metainfo in metainfos]
    network.run_for(10)
    leech.do(leech.client.scrape, [torrent.id for torrent in torrents])
    network.run_for(1)
    scraped = [event for event in leech.events if isinstance(event, TrackerScraped)]
    assert {event.torrent for event in scraped} == {torrent.id for torrent in torrents}
    assert all((event.complete, event.incomplete) == (1, 1) for event in scraped)


def private_metainfo():
    pieces = b"".join(hashlib.sha1(CONTENT[at : at + 32768]).digest() for at in range(0, len(CONTENT), 32768))
    info = create_info("content", [(("content",), len(CONTENT))], 32768, pieces, single_file=True, private=True)
    return parse_info(info, announce=((TRACKER,),))


def test_a_link_to_a_private_torrent_ends_with_its_own_trackers():
    metainfo = private_metainfo()
    network = Network()
    network.add("seed").seed(metainfo, CONTENT)
    # Somebody who is no part of it, but announces it elsewhere.
    network.add("stranger").seed(replace(metainfo, announce=((OTHER_TRACKER,),)), CONTENT)
    leech = network.add("leech", trackers=(OTHER_TRACKER,))
    torrent = leech.add(Magnet(metainfo.info_hash, trackers=(TRACKER,)))
    network.run(lambda: torrent.ready, limit=60)
    network.run(lambda: torrent.complete, limit=120)
    network.run_for(120)
    assert torrent.trackers == (TRACKER,)
    assert {peer.peer_id for peer in torrent.peers.values()} <= {network.nodes[0].client.peer_id}
    # A torrent file says so from the start.
    other = network.add("other", trackers=(OTHER_TRACKER,))
    assert other.add(metainfo).trackers == (TRACKER,)
