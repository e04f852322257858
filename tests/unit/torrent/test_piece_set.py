"""A set of pieces, against Python's."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.piece_set import PieceSet

PIECES = 3000
indices = st.sampled_from([0, 1, 500, 1023, 1024, 1025, 2047, 2048, 2999])
sets = st.sets(indices)
steps = st.lists(
    st.tuples(st.sampled_from(["add", "discard"]), indices) | st.tuples(st.sampled_from(["update", "take"]), sets)
)


def bitfield_of(pieces):
    bitfield = Bitfield(PIECES)
    for index in pieces:
        bitfield.set(index)
    return bitfield


@given(steps, sets, st.integers(0, 9))
def test_it_is_a_set(steps, within, seed):
    pieces, model = PieceSet(PIECES), set()
    for step, value in steps:
        if step == "add":
            pieces.add(value)
            model.add(value)
        elif step == "discard":
            pieces.discard(value)
            model.discard(value)
        elif step == "update":
            pieces.update(bitfield_of(value).words)
            model |= value
        else:
            assert pieces.take(bitfield_of(value).words) == bitfield_of(model & value).words
            model -= value
        assert list(pieces) == sorted(model) and bool(pieces) == bool(model)
    assert all((index in pieces) == (index in model) for index in range(PIECES))
    common = model & within
    words = bitfield_of(within).words
    assert pieces.first(words) == min(common, default=None)
    found = pieces.any(words, Random(seed))
    assert found in common if common else found is None


@given(sets.filter(bool))
def test_whatever_is_common_may_be_found(within):
    pieces = PieceSet(PIECES)
    everything = Bitfield(PIECES)
    everything.fill()
    pieces.update(everything.words)
    found = {pieces.any(bitfield_of(within).words, Random(seed)) for seed in range(300)}
    assert found == within
