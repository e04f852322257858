"""Counts and order of rarity, against counting anew each time."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.availability import Availability

PIECES = 6
indices = st.integers(0, PIECES - 1)


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

    @rule(index=indices, priority=st.sampled_from([1, 2, 255]))
    def offer(self, index, priority):
        self.offered[index] = priority
        self.availability.offer(index, priority)

    @rule(index=indices)
    def withdraw(self, index):
        self.offered.pop(index, None)
        self.availability.withdraw(index)

    @invariant()
    def it_counts_and_orders_as_if_anew(self):
        counts = [sum(index in peer for peer in self.peers) for index in range(PIECES)]
        assert [self.availability[index] for index in range(PIECES)] == counts
        order = list(self.availability.rarest())
        assert sorted(order) == sorted(self.offered)
        assert self.availability.waiting == len(self.offered)
        ranks = [(-self.offered[index], counts[index]) for index in order]
        assert ranks == sorted(ranks)


TestCounting = Counting.TestCase
TestCounting.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_equally_rare_pieces_come_in_any_order():
    orders = set()
    for seed in range(60):
        availability = Availability(3, Random(seed))
        for index in range(3):
            availability.offer(index, 1)
        orders.add(tuple(availability.rarest()))
    assert len(orders) == 6


def test_a_torrent_without_pieces_has_nothing_to_start():
    availability = Availability(0, Random(0))
    availability.add_peer(Bitfield(0))
    availability.remove_peer(Bitfield(0))
    assert list(availability.rarest()) == [] and availability.waiting == 0
