"""What one event costs does not grow with the torrent or the swarm.

Counted are calls of functions, not seconds: they are the same on every machine. `python3 build.py bench scale` measures
seconds. What costs more within one call (an integer of more bits) only shows there.
"""

from random import Random

import pytest

from tests.peers.crowd import Crowd, Meter, make_metainfo
from webtorrent_py.client import Client
from webtorrent_py.codec.metainfo import parse_info

SMALL, LARGE = 1_000, 100_000
FEW, MANY = 5, 200
FLAT = 1.5


def most_to_least(costs):
    return max(costs.values()) / min(costs.values())


@pytest.fixture(scope="module")
def costs():
    """Calls for one received block, and for one `have`, by pieces and peers."""
    blocks, haves = {}, {}
    for pieces in (SMALL, LARGE):
        for peers in (FEW, MANY):
            meter = Meter()
            crowd = Crowd(pieces, peers, meter)
            # Until the pipelines are as deep as they will be.
            crowd.serve(400)
            meter.total = 0
            crowd.serve(600)
            blocks[pieces, peers] = meter.total / 600
            meter.total = 0
            crowd.tell_haves(200)
            haves[pieces, peers] = meter.total / 200
    return blocks, haves


def test_a_block_costs_the_same_in_any_torrent_and_swarm(costs):
    assert most_to_least(costs[0]) < FLAT, costs[0]


def test_a_have_costs_the_same_in_any_torrent_and_swarm(costs):
    assert most_to_least(costs[1]) < FLAT, costs[1]


def test_to_open_a_torrent_is_not_a_step_for_each_piece():
    calls = {}
    for pieces in (SMALL, LARGE):
        info = make_metainfo(pieces).info
        meter = Meter()
        with meter:
            client = Client(peer_id=bytes(20), random=Random(1))
            client.add(parse_info(info), 0.0)
        calls[pieces] = meter.total
    # Some steps for each word of 1,024 bits.
    assert calls[LARGE] < calls[SMALL] + LARGE / 50


def test_to_change_what_is_wanted_is_not_a_step_for_each_piece():
    calls = {}
    for pieces in (SMALL, LARGE):
        meter = Meter()
        crowd = Crowd(pieces, FEW, meter)
        with meter:
            crowd.torrent.select(0, pieces // 2, 5, 0.0)
            crowd.torrent.deselect(pieces // 3, pieces - 1, 0.0)
        calls[pieces] = meter.total
    assert calls[LARGE] < calls[SMALL] + LARGE / 50


def test_idle_torrents_cost_nothing():
    calls = {}
    for torrents in (1, 1000):
        client = Client(peer_id=bytes(20), random=Random(1))
        for number in range(torrents):
            client.add(make_metainfo(number + 1), 0.0)
        client.events_received()
        client.handle_timer(1.0)
        meter = Meter()
        with meter:
            for tick in range(2, 25):
                client.handle_timer(float(tick))
                client.get_timer()
        calls[torrents] = meter.total
        assert not client.events_received()
    assert calls[1000] == calls[1]
