"""Swarms of tens and hundreds of peers, with numbers: how long, how evenly, how much twice, how much memory."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest

from tests.simulation import tampering
from tests.simulation.network import TRACKER, Network, make_content, make_metainfo
from tests.simulation.watch import held_bytes
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.torrent.pieces import BLOCK_LENGTH

ROOT = Path(__file__).parents[2]
CONTENT = make_content(1_000_000)
METAINFO = make_metainfo(CONTENT)
MAGNET = Magnet(METAINFO.info_hash, trackers=(TRACKER,))
# So much that what a peer is asked for at the same time is a small part of it.
LARGE = make_content(3_000_000)
LARGE_METAINFO = make_metainfo(LARGE)
UPLINK = 250_000
# What the seed needs to send everything once: nobody can be done sooner.
ONE_COPY = len(CONTENT) / UPLINK

seeds = pytest.mark.parametrize("seed", range(2))


class Crowd:
    """A seed and many that want what it has. All lines of a node share its uplink."""

    def __init__(self, seed, leeches, *, uplink=UPLINK, metainfo=METAINFO, content=CONTENT, source=MAGNET, **options):
        self.network = Network(seed, latency=0.05, uplink=uplink, checked=0.002, **options)
        self.content = content
        self.metainfo = metainfo
        self.source = source
        self.seed = self.network.add("seed")
        self.seed.seed(metainfo, content)
        self.nodes = []
        self.torrents = []
        for _ in range(leeches):
            self.join()

    def join(self, **options):
        node = self.network.add(f"leech {len(self.nodes)}", **options)
        self.nodes.append(node)
        self.torrents.append(node.add(self.source))
        return node

    @property
    def all_done(self):
        return all(torrent.complete for torrent in self.torrents)

    def finish(self, limit):
        """Until everybody has everything."""
        self.network.run(lambda: self.all_done, limit=limit)
        for node, torrent in zip(self.nodes, self.torrents, strict=True):
            assert node.content(torrent.id) == self.content

    def availability(self):
        """How many of the leeches have each piece."""
        counts = [0] * self.metainfo.piece_count
        for node, torrent in zip(self.nodes, self.torrents, strict=True):
            for index in node.stores.get(torrent.id, ()):
                counts[index] += 1
        return counts

    def check_waste(self, share=0.1):
        """Little came twice: what came beyond the content, by what everybody received and by what everybody sent."""
        needed = len(self.content) * len(self.nodes)
        received = sum(torrent.received for torrent in self.torrents)
        sent = sum(node.sent_bytes for node in self.network.nodes)
        assert needed <= received <= sent
        assert received < (1 + share) * needed
        assert sent < (1 + share) * needed


def check_flash_crowd(leeches):
    crowd = Crowd(1, leeches)
    crowd.finish(limit=120)
    # Metadata and first connections, one copy from the seed, and some times a piece's way through the crowd.
    assert crowd.network.now < 4.5 * ONE_COPY
    assert crowd.seed.sent_bytes < 5 * len(CONTENT)
    crowd.check_waste()


def test_a_flash_crowd_of_sixty_is_done_soon_after_one_copy_is_out():
    check_flash_crowd(60)


@pytest.mark.soak
def test_a_flash_crowd_of_two_hundred_is_done_soon_after_one_copy_is_out():
    check_flash_crowd(200)


def large_crowd(seed):
    return Crowd(seed, 15, uplink=3 * UPLINK, metainfo=LARGE_METAINFO, content=LARGE, source=LARGE_METAINFO)


@seeds
def test_when_the_seed_leaves_after_little_more_than_one_copy_everybody_finishes(seed):
    crowd = large_crowd(seed)
    crowd.network.run(lambda: min(crowd.availability()) >= 1, limit=60)
    # Rarest first: each asks the seed for what nobody else has.
    assert crowd.seed.sent_bytes < 2.3 * len(LARGE)
    crowd.seed.disappear()
    crowd.finish(limit=120)


@seeds
def test_rarest_first_gives_everybody_something_to_exchange(seed):
    """Each gets other pieces from the seed, so that all lines are in use; in sequence they all wait for the same."""
    times = {}
    for strategy in ("rarest", "sequential"):
        network = Network(seed, latency=0.05, rate=60_000, checked=0.002)
        network.add("seed").seed(METAINFO, CONTENT)
        nodes = [network.add(f"leech {number}") for number in range(8)]
        torrents = [node.add(METAINFO, strategy=strategy) for node in nodes]
        network.run(lambda torrents=torrents: all(torrent.complete for torrent in torrents), limit=120)
        times[strategy] = network.now
    assert times["rarest"] < 0.6 * times["sequential"], times


@seeds
def test_those_who_stay_finish_while_others_come_and_go(seed):
    crowd = Crowd(seed, 8)
    random = crowd.network.random
    others = []

    def churn():
        if others and random.random() < 0.5:
            others.pop(random.randrange(len(others))).disappear()
        else:
            others.append(crowd.network.add(f"other {crowd.network.now:.2f}"))
            others[-1].add(MAGNET)
        crowd.network.after(random.uniform(0.2, 0.8), churn)

    churn()
    crowd.finish(limit=120)


@seeds
def test_a_swarm_that_was_parted_goes_on_when_it_is_whole_again(seed):
    crowd = Crowd(seed, 12)
    crowd.network.run(lambda: mean(torrent.progress for torrent in crowd.torrents) > 0.15, limit=60)
    here, there = crowd.nodes[:6], crowd.nodes[6:]
    crowd.network.part([crowd.seed, *here], there)
    crowd.network.run(lambda: all(torrent.complete for torrent in crowd.torrents[:6]), limit=120)
    crowd.network.run_for(40)
    united = set().union(*(node.stores.get(t.id, {}) for node, t in zip(there, crowd.torrents[6:], strict=True)))
    # What one of them had, all of them have by now, and nothing else.
    assert len(united) < METAINFO.piece_count
    for node, torrent in zip(there, crowd.torrents[6:], strict=True):
        assert not torrent.ready or set(node.stores[torrent.id]) == united
    crowd.network.heal()
    crowd.finish(limit=200)


@seeds
def test_slow_peers_do_not_hold_up_the_fast_ones(seed):
    crowd = Crowd(seed, 10)
    for _ in range(10):
        crowd.join(uplink=UPLINK / 25)
    crowd.network.run(lambda: all(torrent.complete for torrent in crowd.torrents[:10]), limit=60)
    assert crowd.network.now < 6 * ONE_COPY
    crowd.finish(limit=120)
    # Of a torrent this small, much is asked of slow peers before it is known that they are.
    crowd.check_waste(0.15)


@pytest.mark.parametrize("seed", [0])
def test_a_stream_among_fifty_keeps_its_pace(seed):
    content = make_content(1_000_000)
    metainfo = make_metainfo(content)
    crowd = Crowd(seed, 47, metainfo=metainfo, content=content, source=metainfo)
    for number in range(2):
        crowd.network.add(f"another seed {number}").seed(metainfo, content)
    crowd.network.run(lambda: mean(torrent.progress for torrent in crowd.torrents) > 0.5, limit=60)
    viewer = crowd.join()
    torrent = crowd.torrents[-1]
    client = viewer.client
    crowd.network.run(lambda: torrent.num_peers >= 5, limit=30)
    reader = viewer.do(client.open_reader, torrent.id, 0, len(content))
    begun, pace, step = crowd.network.now, 100_000, 20_000
    late = []
    for position in range(0, len(content), step):
        # Playing begins four seconds after the click.
        due = begun + 4.0 + position / pace
        crowd.network.run_for(max(due - crowd.network.now, 0.0))
        asked = crowd.network.now
        end = min(position + step, len(content))
        crowd.network.run(lambda end=end: client.reader_available(reader)[1] >= end, limit=60)
        late.append(crowd.network.now - asked)
        viewer.do(client.advance_reader, reader, end)
        begun += late[-1]
    assert sum(late) < 1.0, late


def check_hostile(seed, leeches, kinds):
    """Everybody who is honest finishes, with the right bytes, and keeps little in memory meanwhile."""
    crowd = Crowd(seed, leeches)
    bad = []
    for number, kind in enumerate(kinds):
        node = crowd.network.add(f"bad {number} {kind.__name__}", tamper=kind)
        bad.append(node)
        # Half of them claim to be seeds.
        if number % 2:
            node.seed(METAINFO, CONTENT)
        else:
            node.add(MAGNET)
    trickling = crowd.network.add("trickling", rate=40.0)
    trickling.seed(METAINFO, CONTENT)
    for node in crowd.network.nodes:
        node.watch.trusts_senders = False
    most = 0

    def look():
        nonlocal most
        most = max(most, *(held_bytes(torrent) for torrent in crowd.torrents))
        crowd.network.after(0.1, look)

    look()
    crowd.finish(limit=400)
    peers = max(len(torrent.peers) for torrent in crowd.torrents)
    assert BLOCK_LENGTH < most < len(CONTENT) + peers * 2 * BLOCK_LENGTH


@seeds
def test_honest_peers_finish_among_bad_ones(seed):
    kinds = tampering.ALL[seed::5]
    check_hostile(seed, 12, kinds)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_honest_peers_finish_among_bad_ones_of_every_kind(seed):
    check_hostile(seed, 120, tampering.ALL)


# --- the simulator itself --------------------------------------------------------------------------


def trace_of(seed):
    """What happened in a swarm with churn and bad peers."""
    crowd = Crowd(seed, 6)
    crowd.network.add("bad", tamper=tampering.some_wrong_blocks).seed(METAINFO, CONTENT)
    for node in crowd.network.nodes:
        node.watch.trusts_senders = False
    crowd.network.run_for(5)
    crowd.nodes[0].lose_line(min(crowd.nodes[0].lines))
    crowd.network.run_for(5)
    return crowd.network.trace


def test_one_seed_is_one_run():
    assert trace_of(1) == trace_of(1) != trace_of(2)


def test_one_seed_is_one_run_in_every_process():
    code = "from tests.simulation.test_crowds import trace_of; print(trace_of(3))"
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
        ).stdout
        for hash_seed in (1, 2)
    }
    assert len(traces) == 1


def test_a_failure_names_the_seed():
    network = Network(17)

    def fail():
        raise ValueError("here")

    network.after(1.0, fail)
    with pytest.raises(ValueError, match="here") as caught:
        network.run_for(2.0)
    assert any("seed 17" in note for note in caught.value.__notes__)


def test_lines_of_a_node_share_its_uplink_and_keep_their_order():
    crowd = Crowd(1, 4, source=METAINFO, uplink=100_000)
    crowd.network.run(lambda: crowd.seed.sent_bytes > 0, limit=20)
    before, begun = crowd.seed.sent_bytes, crowd.network.now
    moments = []
    for _ in range(5):
        crowd.network.run_for(1.0)
        moments.append(sum(torrent.received for torrent in crowd.torrents))
    assert all(earlier < later for earlier, later in pairwise(moments))
    # What was handed to the lines, but for what waits in them, went at the uplink's pace.
    assert before < crowd.seed.sent_bytes and crowd.network.now == begun + 5.0
    from_seed = sum(
        peer.download.total
        for torrent in crowd.torrents
        for peer in torrent.peers.values()
        if peer.peer_id == crowd.seed.client.peer_id
    )
    assert 400_000 <= from_seed <= 100_000 * (crowd.network.now + 0.1)
