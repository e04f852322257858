"""Whose place goes to somebody else."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.torrent.scene import Scene
from webtorrent_py.torrent.places import TIME_TO_PROGRESS, TIME_TO_SETTLE, least_useful
from webtorrent_py.wire import messages as m


@dataclass
class Flow:
    speed: float = 0.0

    def rate(self, now):
        return self.speed


@dataclass
class FakePeer:
    handshaken: bool = True
    opened_at: float = 0.0
    last_block: float = 0.0
    am_interested: bool = False
    peer_interested: bool = False
    upload_only: bool = False
    is_seed: bool = False
    upload: Flow = field(default_factory=Flow)


LATE = 1000.0


def test_of_two_who_want_nothing_one_can_go_at_once():
    seed, leech = FakePeer(is_seed=True, opened_at=LATE), FakePeer(peer_interested=True, opened_at=LATE)
    assert least_useful([leech, seed], wants_nothing=True, now=LATE) is seed
    assert least_useful([leech, FakePeer(upload_only=True, opened_at=LATE)], wants_nothing=True, now=LATE) is not None
    assert least_useful([leech, seed], wants_nothing=False, now=LATE) is None


def test_the_most_useless_and_of_those_the_oldest_goes():
    idle = FakePeer(opened_at=1.0)
    older = FakePeer(opened_at=0.5)
    stalled = FakePeer(am_interested=True, opened_at=0.0)
    assert least_useful([stalled, idle, older], wants_nothing=False, now=LATE) is older
    assert least_useful([stalled], wants_nothing=False, now=LATE) is stalled


@pytest.mark.parametrize(
    "peer",
    [
        FakePeer(handshaken=False),
        FakePeer(opened_at=LATE - TIME_TO_SETTLE),
        FakePeer(am_interested=True, last_block=LATE - TIME_TO_PROGRESS),
        FakePeer(am_interested=True, opened_at=LATE - TIME_TO_PROGRESS),
        FakePeer(peer_interested=True, upload=Flow(5.0)),
        FakePeer(peer_interested=True, last_block=LATE),
    ],
)
def test_who_may_still_be_of_use_stays(peer):
    assert least_useful([peer], wants_nothing=False, now=LATE) is None


@given(st.lists(st.tuples(*[st.booleans()] * 5, st.floats(0, LATE)), max_size=8), st.booleans())
def test_whoever_moves_anything_for_us_stays_before_those_who_do_not(drawn, wants_nothing):
    peers = [
        FakePeer(opened_at=opened, am_interested=a, peer_interested=b, upload_only=c, is_seed=d, upload=Flow(9.0 * e))
        for a, b, c, d, e, opened in drawn
    ]
    giver = FakePeer(am_interested=True, last_block=LATE)
    assert least_useful([giver, *peers], wants_nothing=False, now=LATE) is not giver
    assert least_useful([], wants_nothing=wants_nothing, now=LATE) is None


def test_a_torrent_makes_room_only_where_that_costs_nothing():
    scene = Scene(have_all=True, max_conns=2)
    seed, leech = scene.peer(), scene.peer(0)
    leech.say(m.Interested())
    assert scene.torrent.has_useless_peer(scene.now)
    scene.do(scene.torrent.make_room)
    assert seed.closed and not leech.closed
    assert not scene.torrent.has_useless_peer(scene.now)
    scene.do(scene.torrent.make_room)
    assert not leech.closed
