"""Honest swarms in odd circumstances: odd torrents, crowds, slow and broken lines, users who change their minds."""

from itertools import pairwise

import pytest

from tests.invariants import check_client
from tests.simulation.network import OTHER_TRACKER, TRACKER, Network, make_content, make_metainfo
from webtorrent_py.client.signalling import ANSWER_TIMEOUT
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.errors import StorageFullError
from webtorrent_py.events import PeerConnected, PeerDisconnected, TorrentDone, TorrentWarning, TrackerAnnounced
from webtorrent_py.torrent.pieces import BLOCK_LENGTH

CONTENT = make_content(600_000)
METAINFO = make_metainfo(CONTENT)
MAGNET = Magnet(METAINFO.info_hash, trackers=(TRACKER,))

seeds = pytest.mark.parametrize("seed", range(3))


def all_done(nodes, torrents):
    return all(node.done(torrent.id) for node, torrent in zip(nodes, torrents, strict=True))


def check_contents(nodes, torrents, content):
    for node, torrent in zip(nodes, torrents, strict=True):
        assert node.content(torrent.id) == content
        check_client(node.client)


# --- odd torrents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "piece_length"),
    [
        (1, 16384),
        (16384, 16384),
        (16385, 16385),
        (50_000, 50_000),
        (100_000, 1_000_000),
        (100_000, 16_383),
        (100_000, 20_000),
        (100_001, 33_000),
        (3000, 7),
    ],
)
def test_torrents_of_any_shape(length, piece_length):
    content = make_content(length)
    metainfo = make_metainfo(content, piece_length)
    network = Network()
    network.add("seed").seed(metainfo, content)
    nodes = [network.add("one"), network.add("other")]
    torrents = [node.add(Magnet(metainfo.info_hash, trackers=(TRACKER,))) for node in nodes]
    network.run(lambda: all_done(nodes, torrents), limit=60)
    check_contents(nodes, torrents, content)


def test_a_torrent_without_bytes_is_done_as_soon_as_it_is_known():
    metainfo = make_metainfo(b"")
    network = Network()
    torrent = network.add("seed").seed(metainfo, b"")
    leech, owner = network.add("leech"), network.add("owner")
    wanted = leech.add(Magnet(metainfo.info_hash, trackers=(TRACKER,)))
    at_once = owner.add(metainfo)
    assert torrent.done and owner.done(at_once.id)
    network.run(lambda: leech.done(wanted.id), limit=60)
    assert wanted.progress == 1 and wanted.complete
    network.run_for(60)
    assert not any(isinstance(event, TorrentWarning) for node in network.nodes for event in node.events)


# --- crowds ----------------------------------------------------------------------------------------


def test_a_flash_crowd_is_served_by_itself():
    network = Network(rate=150_000)
    network.add("seed").seed(METAINFO, CONTENT)
    nodes = [network.add(f"leech {number}") for number in range(20)]
    torrents = [node.add(MAGNET) for node in nodes]
    network.run(lambda: all_done(nodes, torrents), limit=200)
    check_contents(nodes, torrents, CONTENT)
    # The seed alone would have had to send it twenty times.
    assert network.nodes[0].sent_bytes < 10 * len(CONTENT)
    assert sum(torrent.received for torrent in torrents) < 1.3 * len(CONTENT) * len(nodes)


@seeds
def test_who_comes_late_gets_it_from_those_who_have_it(seed):
    network = Network(seed, rate=150_000)
    original = network.add("seed")
    original.seed(METAINFO, CONTENT)
    nodes, torrents = [], []
    for number in range(4):
        nodes.append(network.add(f"leech {number}"))
        torrents.append(nodes[-1].add(MAGNET))
        network.run_for(2)
    network.run(lambda: nodes[0].done(torrents[0].id), limit=100)
    original.disappear()
    network.run(lambda: all_done(nodes, torrents), limit=200)
    check_contents(nodes, torrents, CONTENT)


def test_seeds_that_meet_seeds_leave_room_for_those_who_want_something():
    network = Network()
    nodes = [network.add(f"seed {number}") for number in range(6)]
    for node in nodes:
        node.client.max_conns = 3
    torrents = [node.seed(METAINFO, CONTENT) for node in nodes]
    network.run_for(100)
    assert any(torrent.num_peers for torrent in torrents)
    assert all(torrent.uploaded == torrent.received == 0 for torrent in torrents)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: leech.done(torrent.id), limit=120)


# --- meeting ---------------------------------------------------------------------------------------


def connections(node):
    return sorted(node.lines)


@pytest.mark.parametrize("seed", range(12))
def test_two_who_offer_to_each_other_end_with_one_connection(seed):
    network = Network(seed, latency=0.3, jitter=1.0)
    metainfo = make_metainfo(CONTENT, trackers=(TRACKER, OTHER_TRACKER))
    one, other = network.add("one"), network.add("other")
    first, second = one.seed(metainfo, CONTENT), other.add(metainfo, deselect=True)
    network.run(lambda: first.num_peers and second.num_peers, limit=60)
    network.run_for(2 * ANSWER_TIMEOUT)
    assert len(one.lines) == len(other.lines) == first.num_peers == second.num_peers == 1
    for node in (one, other):
        connected = sum(isinstance(event, PeerConnected) for event in node.events)
        assert connected - sum(isinstance(event, PeerDisconnected) for event in node.events) == 1
        check_client(node.client)
    other.do(other.client.select, second.id, 0, metainfo.piece_count - 1, 1)
    network.run(lambda: second.complete, limit=30)


@seeds
def test_two_trackers_with_the_same_peers_make_one_connection_to_each(seed):
    network = Network(seed, jitter=0.2, rate=150_000)
    metainfo = make_metainfo(CONTENT, trackers=(TRACKER, OTHER_TRACKER))
    network.add("seed").seed(metainfo, CONTENT)
    nodes = [network.add(f"leech {number}") for number in range(4)]
    torrents = [node.add(metainfo) for node in nodes]
    network.run(lambda: all_done(nodes, torrents), limit=200)
    network.run_for(2 * ANSWER_TIMEOUT)
    for node in network.nodes:
        (torrent,) = node.client.torrents.values()
        assert len(node.lines) == len(torrent.peers) == torrent.num_peers == 4
        assert len({peer.peer_id for peer in torrent.peers.values()}) == 4
        assert {event.url for event in node.events if isinstance(event, TrackerAnnounced)} == {TRACKER, OTHER_TRACKER}


def test_one_tracker_that_is_down_does_not_matter():
    network = Network()
    metainfo = make_metainfo(CONTENT, trackers=("ws://nobody.test:1/", TRACKER))
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(metainfo)
    network.run(lambda: leech.done(torrent.id), limit=30)


# --- lines -----------------------------------------------------------------------------------------


def test_a_slow_peer_does_not_hold_up_the_end():
    network = Network()
    network.add("slow", rate=3_000).seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO)
    network.run(lambda: torrent.received > 0, limit=30)
    network.add("fast", rate=300_000).seed(METAINFO, CONTENT)
    network.run(lambda: torrent.num_peers == 2, limit=60)
    begun = network.now
    network.run(lambda: leech.done(torrent.id), limit=60)
    # Two seconds for the content at this rate.
    assert network.now - begun < 6
    assert torrent.received < 1.2 * len(CONTENT)


@seeds
def test_connections_that_break_again_and_again(seed):
    network = Network(seed, rate=60_000)
    network.add("seed").seed(METAINFO, CONTENT)
    nodes = [network.add(f"leech {number}") for number in range(5)]
    torrents = [node.add(MAGNET) for node in nodes]

    def break_one():
        node = network.random.choice(network.nodes)
        if node.lines:
            node.lose_line(network.random.choice(list(node.lines)))
        network.after(1.0, break_one)

    break_one()
    network.run(lambda: all_done(nodes, torrents), limit=600)
    check_contents(nodes, torrents, CONTENT)
    for node in network.nodes:
        open_lines = set(node.lines)
        assert {handle for torrent in node.client.torrents.values() for handle in torrent.peers} <= open_lines


@pytest.mark.parametrize("latency", [0.001, 0.4])
def test_short_and_long_lines_are_filled(latency):
    content = make_content(8_000_000)
    metainfo = make_metainfo(content, 262_144)
    network = Network(latency=latency, rate=2e6)
    network.add("seed").seed(metainfo, content)
    leech = network.add("leech")
    torrent = leech.add(metainfo)
    network.run(lambda: torrent.num_peers == 1, limit=30)
    begun = network.now
    network.run(lambda: leech.done(torrent.id), limit=60)
    assert network.now - begun < 4.0 + 10 * latency + 0.5
    assert leech.content(torrent.id) == content


# --- users -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_users_who_change_their_minds_all_the_time(seed):
    network = Network(seed, rate=100_000)
    random = network.random
    network.add("seed").seed(METAINFO, CONTENT)
    nodes = [network.add(f"leech {number}") for number in range(3)]
    torrents = [node.add(METAINFO if number else MAGNET) for number, node in enumerate(nodes)]
    readers: list[tuple[object, int]] = []
    last = METAINFO.piece_count - 1

    def change_something():
        number = random.randrange(3)
        node, torrent = nodes[number], torrents[number]
        client, span = node.client, sorted((random.randint(0, last), random.randint(0, last)))
        choice = random.randrange(7)
        if choice == 0:
            node.do(client.resume if torrent.paused else client.pause, torrent.id)
        elif choice in (1, 2) and torrent.ready:
            node.do(client.select, torrent.id, *span, random.choice([0, 0, 1, 9]))
        elif choice == 3 and torrent.ready:
            start, end = sorted((random.randrange(len(CONTENT)), random.randrange(len(CONTENT))))
            readers.append((node, node.do(client.open_reader, torrent.id, start, end)))
        elif choice == 4 and readers:
            owner, reader = random.choice(readers)
            owner.do(owner.client.advance_reader, reader, random.randrange(len(CONTENT)))
        elif choice == 5 and readers:
            owner, reader = readers.pop(random.randrange(len(readers)))
            owner.do(owner.client.close_reader, reader)
        elif choice == 6 and node.lines:
            node.lose_line(random.choice(list(node.lines)))
        check_client(client)

    for _ in range(60):
        network.run_for(random.uniform(0.0, 0.6))
        change_something()
    for node, torrent in zip(nodes, torrents, strict=True):
        node.do(node.client.resume, torrent.id)
    network.run(lambda: all(torrent.ready for torrent in torrents), limit=120)
    for node, torrent in zip(nodes, torrents, strict=True):
        node.do(node.client.select, torrent.id, 0, last, 1)
    network.run(lambda: all(torrent.complete for torrent in torrents), limit=200)
    check_contents(nodes, torrents, CONTENT)


@seeds
def test_a_stream_gets_what_it_needs_in_time(seed):
    """A reader that consumes as fast as half of the line never waits long."""
    content = make_content(3_000_000)
    metainfo = make_metainfo(content, 65536)
    network = Network(seed, rate=200_000)
    for number in range(2):
        network.add(f"seed {number}").seed(metainfo, content)
    leech = network.add("leech")
    torrent = leech.add(metainfo)
    network.run(lambda: torrent.num_peers == 2, limit=60)
    reader = leech.do(leech.client.open_reader, torrent.id, 0, len(content))
    begun = network.now
    waits = []
    for position in range(0, len(content), 100_000):
        end = min(position + 100_000, len(content))
        due = begun + 1.0 + position / 200_000
        network.run_for(max(due - network.now, 0.0))
        asked = network.now
        network.run(lambda end=end: leech.client.reader_available(reader)[1] >= end, limit=30)
        waits.append(network.now - asked)
        leech.do(leech.client.advance_reader, reader, end)
    assert sum(waits) < 2.0


@seeds
def test_a_stream_does_not_wait_for_a_slow_peer_when_there_is_a_fast_one(seed):
    network = Network(seed)
    network.add("slow", rate=10_000).seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO)
    network.run(lambda: torrent.num_peers == 1, limit=60)
    reader = leech.do(leech.client.open_reader, torrent.id, 0, len(CONTENT))
    network.run_for(0.2)
    network.add("fast", rate=100_000).seed(METAINFO, CONTENT)
    network.run(lambda: torrent.num_peers == 2, limit=60)
    begun = network.now
    # All blocks of its first pieces were asked of the slow peer, which would take 25 seconds for them.
    network.run(lambda: leech.client.reader_available(reader)[1] > 250_000, limit=60)
    assert network.now - begun < 8
    assert torrent.received < 1.2 * len(CONTENT)


def test_pieces_are_announced_to_peers_that_lack_them_in_time():
    network = Network(rate=150_000)
    network.add("seed").seed(METAINFO, CONTENT)
    watcher, leech = network.add("watcher"), network.add("leech")
    seen = watcher.add(METAINFO, deselect=True)
    torrent = leech.add(MAGNET)
    network.run(lambda: leech.done(torrent.id), limit=60)
    network.run_for(1.0)
    peer = next(each for each in seen.peers.values() if each.peer_id == leech.client.peer_id)
    assert peer.bitfield is not None and peer.bitfield.all


@seeds
def test_a_full_disk_pauses_the_torrent_and_loses_nothing(seed):
    network = Network(seed, rate=150_000)
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(MAGNET)
    network.run(lambda: torrent.progress > 0.3, limit=60)
    leech.is_full = True
    network.run(lambda: torrent.paused, limit=60)
    network.run_for(5.0)
    stored = torrent.downloaded
    warnings = [event.error for event in leech.events if isinstance(event, TorrentWarning)]
    assert [type(error) for error in warnings] == [StorageFullError]
    assert stored == sum(map(len, leech.stores[torrent.id].values())) < len(CONTENT)
    check_client(leech.client)
    leech.is_full = False
    leech.do(leech.client.resume, torrent.id)
    network.run(lambda: leech.done(torrent.id), limit=60)
    check_contents([leech], [torrent], CONTENT)


# --- many torrents ---------------------------------------------------------------------------------


def test_one_socket_and_one_pool_serve_many_torrents():
    network = Network()
    seed, leech = network.add("seed"), network.add("leech")
    contents = [make_content(50_000, seed=number) for number in range(30)]
    metainfos = [make_metainfo(content, BLOCK_LENGTH, name=str(n)) for n, content in enumerate(contents)]
    for metainfo, content in zip(metainfos, contents, strict=True):
        seed.seed(metainfo, content)
    torrents = [leech.add(Magnet(metainfo.info_hash, trackers=(TRACKER,))) for metainfo in metainfos]
    assert len(seed.sockets) == len(leech.sockets) == 1
    network.run(lambda: all(leech.done(torrent.id) for torrent in torrents), limit=120)
    for torrent, content in zip(torrents, contents, strict=True):
        assert leech.content(torrent.id) == content
    for node in (seed, leech):
        node.client.close(network.now)
        node.turn()
        check_client(node.client)
    network.run_for(1.0)
    assert not seed.sockets and not leech.sockets and not seed.lines and not leech.lines
    assert seed.client.get_timer() is None and leech.client.get_timer() is None


def test_announces_go_on_at_the_trackers_pace():
    network = Network(interval=40)
    leech = network.add("leech")
    leech.add(MAGNET)
    network.run_for(400)
    times = sum(isinstance(event, TrackerAnnounced) for event in leech.events)
    assert 8 <= times <= 12


def test_done_is_told_once_for_each_time_that_something_was_wanted():
    network = Network()
    network.add("seed").seed(METAINFO, CONTENT)
    leech = network.add("leech")
    torrent = leech.add(METAINFO, deselect=True)
    network.run(lambda: torrent.num_peers == 1, limit=30)
    for piece in (3, 4, 5):
        leech.do(leech.client.select, torrent.id, piece, piece, 1)
        network.run(lambda: torrent.done, limit=30)
    assert sum(isinstance(event, TorrentDone) for event in leech.events) == 3


def test_virtual_time_only_goes_forward():
    network = Network()
    seen = []
    for when in (3.0, 1.0, 2.0):
        network.at(when, lambda: seen.append(network.now))
    network.run_for(5)
    assert all(earlier < later for earlier, later in pairwise(seen)) and network.now == 5.0
