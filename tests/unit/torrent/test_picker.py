"""What is asked for: never what it must not be, the most important first, and nothing left that could be asked for."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.availability import Availability
from webtorrent_py.torrent.pace import Pace
from webtorrent_py.torrent.picker import Picker
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, MAX_BYTES_UNDER_WAY, PiecesInProgress
from webtorrent_py.torrent.readers import Reader, Readers
from webtorrent_py.torrent.selection import HIGHEST, NORMAL, UNWANTED, Selection

PIECE_LENGTH = 2 * BLOCK_LENGTH + 7
BLOCKS = 3


@dataclass
class FakePeer:
    handle: int
    pieces: set[int]
    count: int
    refused: set[int] = field(default_factory=set)
    prefers_runs: bool = False
    suggested: tuple[int, ...] = ()

    def may_request(self, index: int) -> bool:
        return index in self.pieces and index not in self.refused

    @property
    def requestable(self) -> Bitfield:
        bitfield = Bitfield(self.count)
        for index in self.pieces - self.refused:
            bitfield.set(index)
        return bitfield


class Swarm:
    """A picker and all that it looks at."""

    def __init__(self, count: int, *, sequential: bool = False, seed: int = 0) -> None:
        self.count = count
        self.have = Bitfield(count)
        self.selection = Selection(count)
        self.availability = Availability(count, Random(seed))
        self.pieces = PiecesInProgress(count)
        self.readers = Readers(PIECE_LENGTH)
        self.peers: dict[int, FakePeer] = {}
        self.picker = Picker(
            sizes=self,
            have=self.have,
            selection=self.selection,
            availability=self.availability,
            pieces=self.pieces,
            readers=self.readers,
            pace=Pace(),
            sequential=sequential,
        )
        for index in range(count):
            self.availability.offer(index, NORMAL)

    def content_size(self, index: int) -> int:
        return self.piece_size(index)

    def piece_size(self, index: int) -> int:
        return PIECE_LENGTH - 3 if index == self.count - 1 else PIECE_LENGTH

    def add_peer(self, pieces: set[int], refused: set[int] = frozenset()) -> FakePeer:
        peer = FakePeer(len(self.peers) + 1, set(pieces), self.count, set(refused))
        self.peers[peer.handle] = peer
        bitfield = Bitfield(self.count)
        for index in pieces:
            bitfield.set(index)
        self.availability.add_peer(bitfield)
        return peer

    def prefer(self, index: int, priority: int) -> None:
        self.selection.select(index, index, priority)
        if priority:
            self.availability.offer(index, priority)
        else:
            self.availability.withdraw(index)

    def read(self, handle: int, first: int, last: int) -> None:
        self.readers.add(Reader(handle, first * PIECE_LENGTH, (last + 1) * PIECE_LENGTH))


def pieces_in(blocks):
    """The pieces in order of first appearance."""
    return list(dict.fromkeys(index for index, _, _ in blocks))


class Picking(RuleBasedStateMachine):
    """Whatever happened before, each pick keeps the rules."""

    @initialize(count=st.integers(1, 6), sequential=st.booleans(), seed=st.integers(0, 9), data=st.data())
    def start(self, count, sequential, seed, data):
        self.swarm = Swarm(count, sequential=sequential, seed=seed)
        for _ in range(3):
            pieces = data.draw(st.sets(st.integers(0, count - 1)) | st.just(set(range(count))))
            self.swarm.add_peer(pieces).prefers_runs = data.draw(st.booleans())

    @rule(data=st.data(), peer=st.integers(1, 3), count=st.integers(1, 20))
    def pick(self, data, peer, count):
        swarm, peer = self.swarm, self.swarm.peers[peer]
        free = {
            (piece.index, number) for piece in swarm.pieces for number in piece.free if piece.open_to(peer.handle)
        } | {(index, number) for index in swarm.availability for number in range(BLOCKS) if not swarm.pieces.full}
        could = {each for each in free if peer.may_request(each[0])}
        blocks = swarm.picker.pick(peer, count)

        chosen = [(index, begin // BLOCK_LENGTH) for index, begin, _ in blocks]
        assert len(set(chosen)) == len(chosen) <= count
        for index, begin, length in blocks:
            number = begin // BLOCK_LENGTH
            piece = swarm.pieces.get(index)
            assert peer.may_request(index) and not swarm.have[index]
            assert piece is not None and piece.block(number) == (index, begin, length)
            assert piece.requested[number][-1] == peer.handle
            assert begin + length <= swarm.piece_size(index)
        if could:
            # Nothing is left that could have been asked for.
            assert len(chosen) == min(count, len(could)) and set(chosen) <= could
        else:
            assert chosen == []

    @rule(data=st.data(), peer=st.integers(1, 3))
    def a_source_claims_a_piece(self, data, peer):
        index = data.draw(st.integers(0, self.swarm.count - 1))
        known = self.swarm.pieces.get(index)
        if known is not None:
            free = set(known.free) if known.open_to(peer) else set()
        else:
            free = set(range(BLOCKS)) if self.swarm.availability.is_offered(index) else set()
        blocks = self.swarm.picker.claim(self.swarm.peers[peer], index)
        assert {begin // BLOCK_LENGTH for _, begin, _ in blocks} == free
        assert all(self.swarm.pieces.get(index).requested[begin // BLOCK_LENGTH] == [peer] for _, begin, _ in blocks)

    @precondition(lambda self: any(piece.requested for piece in self.swarm.pieces))
    @rule(data=st.data(), comes=st.booleans())
    def a_block_comes_or_is_given_up(self, data, comes):
        asked = [(p, n, peer) for p in self.swarm.pieces for n, peers in p.requested.items() for peer in peers]
        piece, number, peer = data.draw(st.sampled_from(asked))
        _, begin, length = piece.block(number)
        if comes:
            self.swarm.pieces.store(piece.index, begin, bytes(length), peer)
        else:
            self.swarm.pieces.release(piece.index, begin, peer)
            if piece.owner == peer:
                self.restart(piece.index)

    @precondition(lambda self: any(not piece.missing for piece in self.swarm.pieces))
    @rule(right=st.booleans())
    def a_piece_is_hashed(self, right):
        piece = next(piece for piece in self.swarm.pieces if not piece.missing)
        if right:
            self.swarm.pieces.trust(piece.index)
            self.swarm.pieces.finish(piece.index)
            self.swarm.have.set(piece.index)
        else:
            self.swarm.pieces.suspect(piece.index)
            self.restart(piece.index)

    @rule(peer=st.integers(1, 3), data=st.data())
    def a_peer_changes_its_mind(self, peer, data):
        self.swarm.peers[peer].refused = data.draw(st.sets(st.integers(0, self.swarm.count - 1)))

    @rule(data=st.data(), handle=st.integers(1, 2))
    def somebody_reads(self, data, handle):
        first = data.draw(st.integers(0, self.swarm.count - 1))
        self.swarm.read(handle, first, data.draw(st.integers(first, self.swarm.count - 1)))

    @rule(data=st.data(), priority=st.sampled_from([NORMAL, HIGHEST]))
    def a_piece_gets_a_priority(self, data, priority):
        index = data.draw(st.integers(0, self.swarm.count - 1))
        if index not in self.swarm.pieces and not self.swarm.have[index]:
            self.swarm.prefer(index, priority)

    def restart(self, index):
        self.swarm.pieces.abandon(index)
        self.swarm.availability.offer(index, self.swarm.selection.priority(index))

    @invariant()
    def nobody_is_asked_for_what_another_is(self):
        for piece in self.swarm.pieces:
            for peers in piece.requested.values():
                assert len(peers) == 1
            if piece.exclusive:
                assert {peer for peers in piece.requested.values() for peer in peers} <= {piece.owner}


TestPicking = Picking.TestCase
TestPicking.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


@given(st.lists(st.sets(st.integers(0, 7), min_size=1), min_size=1, max_size=6), st.integers(0, 5))
def test_the_rarest_pieces_are_begun_first(others, seed):
    swarm = Swarm(8, seed=seed)
    for pieces in others:
        swarm.add_peer(pieces)
    peer = swarm.add_peer(set(range(8)))
    order = pieces_in(swarm.picker.pick(peer, 100))
    rarity = [sum(index in pieces for pieces in others) for index in order]
    assert sorted(order) == list(range(8)) and rarity == sorted(rarity)


@given(st.lists(st.sampled_from([UNWANTED, NORMAL, 9, HIGHEST]), min_size=8, max_size=8), st.integers(0, 5))
def test_higher_priorities_come_first_and_what_is_unwanted_never(priorities, seed):
    swarm = Swarm(8, seed=seed)
    for index, priority in enumerate(priorities):
        swarm.prefer(index, priority)
    order = pieces_in(swarm.picker.pick(swarm.add_peer(set(range(8))), 100))
    assert sorted(order) == [index for index, priority in enumerate(priorities) if priority]
    assert [priorities[index] for index in order] == sorted((p for p in priorities if p), reverse=True)


@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_sequential_is_in_order_of_what_is_wanted_missing_and_there(have, unwanted, lacking):
    swarm = Swarm(8, sequential=True)
    for index in have:
        swarm.have.set(index)
        swarm.availability.withdraw(index)
    for index in unwanted - have:
        swarm.prefer(index, UNWANTED)
    peer = swarm.add_peer(set(range(8)) - lacking)
    order = pieces_in(swarm.picker.pick(peer, 100))
    assert order == [index for index in range(8) if index not in have | unwanted | lacking]


def test_pieces_under_way_come_before_new_ones_and_readers_before_both():
    swarm = Swarm(6)
    peer = swarm.add_peer(set(range(6)))
    ((first, _, _),) = swarm.picker.pick(peer, 1)
    assert pieces_in(swarm.picker.pick(peer, BLOCKS - 1)) == [first]
    ((second, _, _),) = swarm.picker.pick(peer, 1)
    wanted = next(index for index in range(6) if index not in (first, second))
    swarm.read(1, wanted, wanted)
    assert pieces_in(swarm.picker.pick(peer, BLOCKS + 1)) == [wanted, second]


def test_two_readers_are_served_in_turn():
    swarm = Swarm(8)
    peer = swarm.add_peer(set(range(8)))
    swarm.read(1, 0, 2)
    swarm.read(2, 5, 7)
    assert pieces_in(swarm.picker.pick(peer, 6 * BLOCKS)) == [0, 5, 1, 6, 2, 7]


def test_what_a_reader_waits_for_is_begun_although_enough_is_under_way():
    swarm = Swarm(8)
    swarm.pieces.start(0, MAX_BYTES_UNDER_WAY)
    swarm.pieces.start(1, 1)
    swarm.pieces.start(2, 1)
    for index in range(3):
        swarm.availability.withdraw(index)
    peer = swarm.add_peer(set(range(3, 8)))
    assert swarm.pieces.full and swarm.picker.pick(peer, 9) == []
    swarm.read(1, 6, 6)
    assert pieces_in(swarm.picker.pick(peer, 9)) == [6]


def test_the_end_game_begins_when_all_is_asked_for():
    swarm = Swarm(2)
    one, other = (swarm.add_peer({0, 1}) for _ in range(2))
    assert not swarm.picker.is_end_game
    assert len(swarm.picker.pick(one, 2 * BLOCKS)) == 2 * BLOCKS
    assert swarm.picker.is_end_game and not swarm.picker.has_free
    assert swarm.picker.pick(other, 100) == []


def test_a_suspect_piece_that_a_reader_waits_for_is_still_asked_of_one_peer_alone():
    swarm = Swarm(2)
    one, other = swarm.add_peer({0, 1}), swarm.add_peer({0, 1})
    swarm.pieces.suspect(1)
    swarm.read(1, 1, 1)
    assert swarm.picker.pick(one, 1) == [(1, 0, BLOCK_LENGTH)]
    assert pieces_in(swarm.picker.pick(other, 9)) == [0]
    assert pieces_in(swarm.picker.pick(one, 9)) == [1]


def test_a_source_of_runs_gets_the_pieces_that_follow_a_rare_one():
    swarm = Swarm(8)
    seed = swarm.add_peer(set(range(8)))
    seed.prefers_runs = True
    for _ in range(2):
        swarm.add_peer({0, 1, 2, 3, 5, 6})  # 4 and 7 are rare
    swarm.availability.withdraw(6)
    first, *rest = pieces_in(swarm.picker.pick(seed, 7 * BLOCKS))
    assert first in (4, 7)
    assert rest[:2] == ([5, 7] if first == 4 else [4, 5])
    assert sorted([first, *rest]) == [0, 1, 2, 3, 4, 5, 7]


@pytest.mark.parametrize("seed", range(5))
def test_a_hint_decides_among_equals_and_only_there(seed):
    swarm = Swarm(8, seed=seed)
    peer = swarm.add_peer(set(range(7)))
    swarm.add_peer(set(range(8)) - {3})
    # 3 is the rarest, 7 the peer lacks; 5 is as good as any other of the rest.
    peer.suggested = (7, 5)
    assert list(dict.fromkeys(index for index, _, _ in swarm.picker.pick(peer, 2 * BLOCKS))) == [3, 5]
