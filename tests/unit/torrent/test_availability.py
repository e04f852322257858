"""Counts and order of rarity, against counting anew each time."""

from collections import Counter
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.availability import Availability

# The middle ones are at the end of one word of bits, and at the beginning of the next.
PIECES = 1030
indices = st.sampled_from([0, 1, 2, 1021, 1022, 1023, 1024, 1025, 1028, 1029])


def bitfield_of(pieces, length=PIECES):
    bitfield = Bitfield(length)
    for index in pieces:
        bitfield.set(index)
    return bitfield


class Counting(RuleBasedStateMachine):
    """The model: what each peer has, and which pieces may be started."""

    @initialize(seed=st.integers(0, 9))
    def start(self, seed):
        self.availability = Availability(PIECES, Random(seed))
        self.peers: list[set[int]] = []
        self.offered: dict[int, int] = {}

    @rule(pieces=st.sets(indices) | st.just(set(range(PIECES))))
    def peer_comes(self, pieces):
        self.peers.append(set(pieces))
        self.availability.add_peer(bitfield_of(pieces))

    @precondition(lambda self: self.peers)
    @rule(data=st.data())
    def peer_goes(self, data):
        peer = self.peers.pop(data.draw(st.integers(0, len(self.peers) - 1)))
        self.availability.remove_peer(bitfield_of(peer))

    @precondition(lambda self: any(len(peer) < PIECES for peer in self.peers))
    @rule(data=st.data())
    def peer_gets_a_piece(self, data):
        peer = data.draw(st.sampled_from([each for each in self.peers if len(each) < PIECES]))
        index = data.draw(st.sampled_from(sorted(set(range(PIECES)) - peer)))
        peer.add(index)
        self.availability.add_have(index, bitfield_of(peer))

    @precondition(lambda self: any(self.peers))
    @rule(data=st.data())
    def peer_loses_a_piece(self, data):
        peer = data.draw(st.sampled_from([each for each in self.peers if each]))
        index = data.draw(st.sampled_from(sorted(peer)))
        peer.discard(index)
        self.availability.remove_have(index, bitfield_of(peer))

    @rule(index=indices, priority=st.sampled_from([1, 2, 255]))
    def offer(self, index, priority):
        self.offered[index] = priority
        self.availability.offer(index, priority)

    @rule(index=indices)
    def withdraw(self, index):
        self.offered.pop(index, None)
        self.availability.withdraw(index)

    @rule(offered=st.dictionaries(indices, st.sampled_from([1, 2])), everything=st.booleans())
    def offer_only(self, offered, everything):
        self.offered = offered or (dict.fromkeys(range(PIECES), 1) if everything else {})
        pieces_of = {priority: {i for i, p in self.offered.items() if p == priority} for priority in (1, 2)}
        self.availability.offer_only((priority, bitfield_of(pieces)) for priority, pieces in pieces_of.items())

    @rule(among=st.sets(indices) | st.just(set(range(PIECES))))
    def look(self, among):
        could = among & set(self.offered)
        rarest = self.availability.rarest(bitfield_of(among))
        first = self.availability.first(bitfield_of(among))
        if not could:
            assert rarest is first is None
            return
        best = max(self.offered[index] for index in could)
        could = {index for index in could if self.offered[index] == best}
        counts = {index: sum(index in peer for peer in self.peers) for index in could}
        assert rarest in could and counts[rarest] == min(counts.values())
        assert first == min(could)

    @invariant()
    def it_counts_and_orders_as_if_anew(self):
        looked_at = {0, 1, 2, 1021, 1022, 1023, 1024, 1025, 1028, 1029}
        for index in looked_at:
            assert self.availability[index] == sum(index in peer for peer in self.peers)
        order = list(self.availability)
        assert sorted(order) == sorted(self.offered)
        assert self.availability.waiting == len(self.offered)
        assert [self.offered[index] for index in order] == sorted(self.offered.values(), reverse=True)


TestCounting = Counting.TestCase
TestCounting.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_equally_rare_pieces_come_in_any_order():
    pieces = [0, 5, 7, 700]
    chosen = Counter()
    for seed in range(400):
        availability = Availability(1000, Random(seed))
        for index in pieces:
            availability.offer(index, 1)
        chosen[availability.rarest(bitfield_of(range(1000), 1000))] += 1
    assert sorted(chosen) == pieces and min(chosen.values()) > 60


def test_equally_rare_pieces_of_several_words_have_all_a_chance():
    pieces = [0, 1024, 4000]
    chosen = set()
    for seed in range(100):
        availability = Availability(5000, Random(seed))
        for index in pieces:
            availability.offer(index, 1)
        chosen.add(availability.rarest(bitfield_of(range(5000), 5000)))
    assert sorted(chosen) == pieces


def test_a_torrent_without_pieces_has_nothing_to_start():
    availability = Availability(0, Random(0))
    availability.add_peer(Bitfield(0))
    availability.remove_peer(Bitfield(0))
    assert list(availability) == [] and availability.waiting == 0
    assert availability.rarest(Bitfield(0)) is availability.first(Bitfield(0)) is None
