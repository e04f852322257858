"""Pieces under way, against a model: every block is free, asked of somebody, or here."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from webtorrent_py.torrent.pieces import (
    BLOCK_LENGTH,
    MAX_BYTES_UNDER_WAY,
    MIN_PIECES_UNDER_WAY,
    PiecesInProgress,
)

SIZES = (1, BLOCK_LENGTH, BLOCK_LENGTH + 1, 3 * BLOCK_LENGTH - 5)
PEERS = st.integers(1, 3)
indices = st.integers(0, len(SIZES) - 1)


def blocks_of(index):
    return range(-(-SIZES[index] // BLOCK_LENGTH))


def length_of(index, number):
    return min(BLOCK_LENGTH, SIZES[index] - number * BLOCK_LENGTH)


def payload(index, number, peer):
    return bytes([index * 16 + number * 4 + peer]) * length_of(index, number)


class UnderWay(RuleBasedStateMachine):
    """The model: block → peers that it is asked of, or the one that it came from."""

    @initialize()
    def start(self):
        self.pieces = PiecesInProgress(100)
        self.asked: dict[tuple[int, int], list[int]] = {}
        self.here: dict[tuple[int, int], int] = {}
        self.under_way: list[int] = []
        self.suspects: set[int] = set()
        self.owners: dict[int, int | None] = {}

    def generation_changes(self, call, expected=True):
        before = self.pieces.generation
        call()
        assert (self.pieces.generation != before) or not expected

    @rule(index=indices)
    def a_piece_is_started(self, index):
        if index not in self.under_way:
            self.pieces.start(index, SIZES[index])
            self.under_way.append(index)
            if index in self.suspects:
                self.owners[index] = None

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), count=st.integers(0, 3), peer=PEERS)
    def free_blocks_are_asked_for(self, data, count, peer):
        piece = self.pieces.get(data.draw(st.sampled_from(self.under_way)))
        if not piece.open_to(peer):
            assert self.owners[piece.index] not in (None, peer)
            return
        free = self.free_blocks(piece.index)
        taken = self.pieces.take_free(piece, count, peer)
        assert len(taken) == min(count, len(free))
        for index, begin, length in taken:
            number = begin // BLOCK_LENGTH
            assert index == piece.index and number in free and length == length_of(index, number)
            self.asked[index, number] = [peer]
        if piece.index in self.owners:
            self.owners[piece.index] = peer

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), peer=PEERS)
    def a_block_is_asked_of_one_more(self, data, peer):
        index, number = data.draw(st.sampled_from(sorted(self.asked)))
        piece = self.pieces.get(index)
        if peer in self.asked[index, number] or piece.exclusive:
            return
        assert self.pieces.take_duplicate(piece, number, peer) == (
            index,
            number * BLOCK_LENGTH,
            length_of(index, number),
        )
        self.asked[index, number].append(peer)

    @rule(index=indices, number=st.integers(0, 2), peer=PEERS)
    def a_peer_will_not_send_a_block(self, index, number, peer):
        peers = self.asked.get((index, number), [])
        self.generation_changes(lambda: self.pieces.release(index, number * BLOCK_LENGTH, peer), peer in peers)
        if peer in peers:
            peers.remove(peer)
            if not peers:
                del self.asked[index, number]

    @rule(data=st.data(), index=indices, peer=PEERS)
    def a_block_comes_asked_for_or_not(self, data, index, peer):
        number = data.draw(st.sampled_from(blocks_of(index)))
        stored = self.pieces.store(index, number * BLOCK_LENGTH, payload(index, number, peer), peer)
        others = self.owners.get(index, peer) != peer
        if index not in self.under_way or (index, number) in self.here or others:
            assert stored is None
            return
        assert stored is not None
        asked = self.asked.pop((index, number), [])
        assert sorted(stored.others) == sorted(each for each in asked if each != peer)
        self.here[index, number] = peer
        assert stored.complete == all((index, each) in self.here for each in blocks_of(index))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), verified=st.booleans())
    def a_piece_ends(self, data, verified):
        index = data.draw(st.sampled_from(self.under_way))
        if verified:
            self.pieces.finish(index)
        else:
            self.generation_changes(lambda: self.pieces.abandon(index))
        self.forget(index)

    @rule(index=indices, trusted=st.booleans())
    def a_piece_is_suspected(self, index, trusted):
        if trusted:
            self.pieces.trust(index)
            self.suspects.discard(index)
        else:
            self.pieces.suspect(index)
            self.suspects.add(index)

    def forget(self, index):
        self.under_way.remove(index)
        self.owners.pop(index, None)
        for blocks in (self.asked, self.here):
            for key in [each for each in blocks if each[0] == index]:
                del blocks[key]

    def free_blocks(self, index):
        return {each for each in blocks_of(index) if (index, each) not in self.asked and (index, each) not in self.here}

    @invariant()
    def every_block_is_free_asked_for_or_here(self):
        assert [piece.index for piece in self.pieces] == self.under_way
        free = {index: self.free_blocks(index) for index in self.under_way}
        assert {piece.index for piece in self.pieces.with_free_blocks()} == {i for i, each in free.items() if each}
        assert self.pieces.any_free == any(free.values())
        for index in range(len(SIZES)):
            assert (index in self.pieces) == (index in self.under_way)
        for piece in self.pieces:
            assert set(piece.free) == free[piece.index] and len(piece.free) == len(free[piece.index])
            assert {(piece.index, number): peers for number, peers in piece.requested.items()} == {
                key: peers for key, peers in self.asked.items() if key[0] == piece.index
            }
            assert piece.sources == [self.here.get((piece.index, number)) for number in blocks_of(piece.index)]
            assert piece.missing == piece.sources.count(None)
            assert len(piece.data) == SIZES[piece.index]
            for number, source in enumerate(piece.sources):
                start = number * BLOCK_LENGTH
                if source is not None:
                    assert piece.data[start : start + BLOCK_LENGTH] == payload(piece.index, number, source)
            assert piece.exclusive == (piece.index in self.owners) and piece.owner == self.owners.get(piece.index)

    @invariant()
    def exclusive_pieces_are_asked_of_and_come_from_one_peer(self):
        for piece in self.pieces:
            if piece.exclusive:
                peers = {peer for peers in piece.requested.values() for peer in peers}
                peers |= {source for source in piece.sources if source is not None}
                assert peers <= {piece.owner}
        for peer in (1, 2, 3):
            owned = [index for index, owner in self.owners.items() if owner == peer and self.suspects]
            missing = [i for i in owned if any((i, number) not in self.here for number in blocks_of(i))]
            assert sorted(self.pieces.owned_by(peer)) == sorted(missing)


TestUnderWay = UnderWay.TestCase
TestUnderWay.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_is_under_way_is_bounded_in_bytes_but_a_few_pieces_are_always_allowed():
    pieces = PiecesInProgress(100)
    size = MAX_BYTES_UNDER_WAY
    for index in range(MIN_PIECES_UNDER_WAY):
        assert not pieces.full
        pieces.start(index, size if index == 0 else 1)
    assert pieces.full
    before = pieces.generation
    pieces.finish(0)
    assert not pieces.full and pieces.generation != before


def test_finishing_a_piece_frees_nothing_to_ask_for():
    pieces = PiecesInProgress(100)
    pieces.start(0, 5)
    before = pieces.generation
    pieces.finish(0)
    pieces.finish(0)
    assert pieces.generation == before and 0 not in pieces
