"""Who is served."""

from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.torrent.choker import OPTIMISTIC_ROUNDS, UPLOAD_SLOTS, Choker


@dataclass
class FakePeer:
    handle: int
    rating: float
    peer_interested: bool = True


def choose(choker, peers):
    return choker.choose(peers, lambda peer: peer.rating)


peer_lists = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 5.0, 9.0]), st.booleans()), max_size=14).map(
    lambda drawn: [FakePeer(handle, *each) for handle, each in enumerate(drawn)]
)


@given(peer_lists, st.integers(2, 6), st.integers(0, 9), st.integers(1, 8))
def test_all_slots_are_used_by_those_who_want_and_best_of_them(peers, slots, seed, rounds):
    choker = Choker(Random(seed), slots)
    interested = {peer.handle for peer in peers if peer.peer_interested}
    ratings = sorted((peer.rating for peer in peers if peer.peer_interested), reverse=True)
    for _ in range(rounds):
        chosen = choose(choker, peers)
        assert chosen <= interested and len(chosen) == min(slots, len(interested))
        # All but one are the best.
        mine = sorted((peers[handle].rating for handle in chosen), reverse=True)
        assert mine[: slots - 1] == ratings[: slots - 1]


def test_the_odd_slot_stays_some_rounds_and_reaches_everybody():
    choker = Choker(Random(0), 3)
    peers = [FakePeer(handle, 10.0 - handle) for handle in range(8)]
    odd = []
    for _ in range(OPTIMISTIC_ROUNDS * 60):
        chosen = choose(choker, peers)
        assert {0, 1} <= chosen
        odd.append(*(chosen - {0, 1}))
    assert set(odd) == set(range(2, 8))
    for start in range(0, len(odd), OPTIMISTIC_ROUNDS):
        assert len(set(odd[start : start + OPTIMISTIC_ROUNDS])) == 1


def test_a_lucky_one_that_leaves_or_gets_good_is_replaced_at_once():
    choker = Choker(Random(0), 2)
    peers = [FakePeer(handle, float(handle == 0)) for handle in range(5)]
    (lucky,) = choose(choker, peers) - {0}
    peers[lucky].rating = 2.0
    chosen = choose(choker, peers)
    assert lucky in chosen and len(chosen) == 2
    (second,) = chosen - {lucky}
    peers[second].peer_interested = False
    assert len(choose(choker, peers) - {lucky, second}) == 1


def test_equals_take_turns():
    choker = Choker(Random(0), 3)
    peers = [FakePeer(handle, 0.0) for handle in range(12)]
    assert set().union(*(choose(choker, peers) for _ in range(20))) == set(range(12))


def test_a_free_slot_is_free():
    choker = Choker(Random(0))
    assert choker.has_free_slot(UPLOAD_SLOTS - 1) and not choker.has_free_slot(UPLOAD_SLOTS)
