"""Who is served."""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.torrent.choker import NEW, OPTIMISTIC_ROUNDS, ROUND, TURN, UPLOAD_SLOTS, Choker


@dataclass
class Flow:
    speed: float = 0.0
    total: float = 0.0


@dataclass
class FakePeer:
    handle: int
    gives: float = 0.0
    takes: float = 0.0
    peer_interested: bool = True
    upload_only: bool = False
    is_seed: bool = False
    snubbing: bool = False
    opened_at: float = -1000.0
    am_choking: bool = True
    download: Flow = field(init=False)
    upload: Flow = field(init=False)

    def __post_init__(self):
        self.download, self.upload = Flow(self.gives), Flow(self.takes)

    def is_snubbing(self, now):
        return self.snubbing


class Rounds:
    """Round after round, with those chokes and unchokes that the choker wants."""

    def __init__(self, peers, slots, *, seeding=False, seed=0, **options):
        self.peers = peers
        self.choker = Choker(Random(seed), slots, **options)
        self.slots = slots
        self.seeding = seeding
        self.now = 0.0

    def next(self):
        self.now += ROUND
        for peer in self.peers:
            peer.download.total += ROUND * peer.download.speed
            peer.upload.total += ROUND * (0 if peer.am_choking else peer.upload.speed)
        chosen = self.choker.choose(self.peers, seeding=self.seeding, now=self.now)
        assert len(chosen) <= self.slots
        for peer in self.peers:
            peer.am_choking = peer.handle not in chosen
        return chosen


drawn_peers = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 5.0, 9.0]), st.sampled_from([0.0, 3.0]), st.booleans(), st.booleans()),
    max_size=14,
).map(lambda drawn: [FakePeer(handle, *each) for handle, each in enumerate(drawn)])


@given(drawn_peers, st.integers(0, 6), st.integers(0, 9), st.booleans())
def test_all_slots_are_used_by_those_who_want(peers, slots, seed, seeding):
    rounds = Rounds(peers, slots, seed=seed, seeding=seeding)
    wanting = {peer.handle for peer in peers if peer.peer_interested and not peer.upload_only}
    for _ in range(8):
        chosen = rounds.next()
        assert chosen <= wanting and len(chosen) == min(slots, len(wanting))
        if not seeding:
            # All but one are the best.
            mine = sorted((peers[handle].gives for handle in chosen), reverse=True)
            best = sorted((peers[handle].gives for handle in wanting), reverse=True)
            regular = max(slots - 1, 1) if slots else 0
            assert mine[:regular] == best[:regular]


def test_the_odd_slot_stays_some_rounds_and_reaches_everybody():
    rounds = Rounds([FakePeer(handle, 10.0 - handle) for handle in range(8)], 3)
    odd = []
    for _ in range(OPTIMISTIC_ROUNDS * 60):
        chosen = rounds.next()
        assert {0, 1} <= chosen
        odd.append(*(chosen - {0, 1}))
    assert set(odd) == set(range(2, 8))
    for start in range(0, len(odd), OPTIMISTIC_ROUNDS):
        assert len(set(odd[start : start + OPTIMISTIC_ROUNDS])) == 1


def test_newcomers_are_three_times_as_likely_to_have_the_odd_slot():
    lucky = {True: 0, False: 0}
    for seed in range(2000):
        rounds = Rounds([FakePeer(0, gives=1.0), FakePeer(1, opened_at=0.0), FakePeer(2)], 2, seed=seed)
        (handle,) = rounds.next() - {0}
        lucky[handle == 1] += 1
    assert 2.6 < lucky[True] / lucky[False] < 3.4
    rounds.now = NEW
    assert len(rounds.next()) == 2


def test_a_lucky_one_that_leaves_or_gets_good_is_replaced_at_once():
    peers = [FakePeer(handle, float(handle == 0)) for handle in range(5)]
    rounds = Rounds(peers, 2)
    (lucky,) = rounds.next() - {0}
    peers[lucky].download.speed = 2.0
    chosen = rounds.next()
    assert lucky in chosen and len(chosen) == 2
    (second,) = chosen - {lucky}
    peers[second].peer_interested = False
    assert len(rounds.next() - {lucky, second}) == 1


def test_equals_take_turns():
    rounds = Rounds([FakePeer(handle) for handle in range(12)], 3)
    assert set().union(*(rounds.next() for _ in range(20))) == set(range(12))


def test_one_that_snubs_us_has_no_slot_but_the_odd_one():
    peers = [FakePeer(handle, gives=10.0 - handle, snubbing=handle < 2) for handle in range(6)]
    rounds = Rounds(peers, 3)
    for _ in range(30):
        chosen = rounds.next()
        assert {2, 3} <= chosen and len(chosen & {0, 1}) <= 1
    # Also with slots to spare there is one for all that snub.
    rounds = Rounds(peers[:4], 10)
    assert len(rounds.next() & {0, 1}) == 1
    assert rounds.choker.fill([FakePeer(9, snubbing=True)], rounds.now) == []


@given(st.integers(1, 4), st.integers(2, 12), st.integers(0, 5))
def test_a_seed_gives_everybody_a_turn(slots, count, seed):
    rounds = Rounds([FakePeer(handle, takes=float(handle)) for handle in range(count)], slots, seeding=True, seed=seed)
    served = set()
    regular = max(slots - 1, 1)
    for _ in range(int((TURN / ROUND + 1) * (count / regular + 2))):
        served |= rounds.next()
    assert served == set(range(count))


def test_a_turn_lasts_and_then_others_have_theirs():
    peers = [FakePeer(handle) for handle in range(8)]
    rounds = Rounds(peers, 4, seeding=True)
    turns = []
    for number in range(24):
        chosen = rounds.next()
        if number % (TURN / ROUND) == 0:
            turns.append(chosen - {rounds.choker._optimistic})
        assert turns[-1] <= chosen
    assert all(not one & other for one, other in pairwise(turns))


def test_of_those_who_had_their_turn_the_slowest_make_room():
    rounds = Rounds([FakePeer(handle, takes=float(handle)) for handle in range(11)], 10, seeding=True)
    first = rounds.next() - {rounds.choker._optimistic}
    waiting = set(range(11)) - first
    for _ in range(int(TURN / ROUND)):
        chosen = rounds.next()
    assert waiting | set(sorted(first)[2:]) <= chosen


def test_who_wants_nothing_is_not_served_whatever_it_says():
    peers = [FakePeer(0, upload_only=True), FakePeer(1, is_seed=True), FakePeer(2)]
    assert Rounds(peers, 5).next() == {2}
    assert Choker(Random(0)).fill(peers[:2], 0.0) == []
    rounds = Rounds(peers, 5, choke_seeders=False)
    assert rounds.next() == {1, 2}


def test_free_slots_are_filled_between_rounds_and_no_more():
    choker = Choker(Random(0))
    peers = [FakePeer(handle, am_choking=handle >= UPLOAD_SLOTS - 2) for handle in range(20)]
    assert choker.fill(peers, 0.0) == [UPLOAD_SLOTS - 2, UPLOAD_SLOTS - 1]
    peers[UPLOAD_SLOTS - 2].am_choking = peers[UPLOAD_SLOTS - 1].am_choking = False
    assert choker.fill(peers, 0.0) == []
    assert Choker(Random(0), 0).fill(peers, 0.0) == [] == list(Choker(Random(0), 0).choose(peers, seeding=True, now=0))


def test_a_partner_that_wants_something_again_takes_the_place_of_one_that_gives_less():
    peers = [FakePeer(handle, gives=float(handle)) for handle in range(6)]
    rounds = Rounds(peers, 3)
    rounds.next()
    assert not peers[5].am_choking and not peers[4].am_choking
    # It wanted nothing for a moment, and somebody else was served.
    for peer in peers:
        peer.download.total += 10 * peer.handle
    peers[5].am_choking, peers[0].am_choking = True, False
    rounds.choker._optimistic = 1
    assert rounds.choker.outbid(peers[5], peers) == 0
    peers[0].am_choking = True
    assert rounds.choker.outbid(peers[2], peers) is None
    assert rounds.choker.outbid(peers[2], []) is None
