"""A bitfield behaves like a list of booleans, in the wire's bit order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.errors import FormatError

flags = (
    st.lists(st.booleans(), max_size=70)
    | st.integers(0, 70).map(lambda length: [True] * length)
    # More than a word, with few set or few missing.
    | st.tuples(st.integers(1000, 3100), st.booleans(), st.sets(st.integers(0, 3099), max_size=5)).map(
        lambda drawn: [drawn[1] ^ (index in drawn[2]) for index in range(drawn[0])]
    )
)
pairs = st.integers(0, 40).flatmap(lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2)) | (
    st.tuples(st.sets(st.integers(0, 2499)), st.sets(st.integers(0, 2499))).map(
        lambda drawn: tuple([index in each for index in range(2500)] for each in drawn)
    )
)


def made_of(bits):
    bitfield = Bitfield(len(bits))
    for index, bit in enumerate(bits):
        if bit:
            bitfield.set(index)
    return bitfield


def test_first_piece_is_the_high_bit():
    bitfield = Bitfield(10)
    assert bitfield.set(0)
    assert bitfield.set(9)
    assert bitfield.to_bytes() == b"\x80\x40"
    assert repr(bitfield) == "Bitfield(2 of 10)"


@given(flags)
def test_agrees_with_a_list(bits):
    bitfield = made_of(bits)
    assert len(bitfield) == len(bits)
    assert [bitfield[index] for index in range(len(bits))] == bits
    assert bitfield.count == sum(bits)
    assert bitfield.all == all(bits)
    assert bitfield.none == (not any(bits))
    assert list(bitfield.indices()) == [index for index, bit in enumerate(bits) if bit]


@given(flags)
def test_round_trip(bits):
    bitfield = made_of(bits)
    again = Bitfield.from_bytes(bitfield.to_bytes(), len(bits))
    assert again == bitfield
    assert again.count == bitfield.count
    assert Bitfield.from_bytes(memoryview(bitfield.to_bytes()), len(bits)) == bitfield


@given(flags, st.data())
def test_first_missing_agrees_with_a_list(bits, data):
    start = data.draw(st.integers(0, len(bits)))
    end = data.draw(st.integers(start, len(bits)))
    expected = next((index for index in range(start, end) if not bits[index]), end)
    assert made_of(bits).first_missing(start, end) == expected
    assert made_of(bits).first_missing(start) == next(
        (index for index in range(start, len(bits)) if not bits[index]), len(bits)
    )


@given(st.integers(1, 70), st.data())
def test_set_and_clear_tell_of_changes(length, data):
    bitfield, expected = Bitfield(length), set()
    for index, add in data.draw(st.lists(st.tuples(st.integers(0, length - 1), st.booleans()))):
        changed = bitfield.set(index) if add else bitfield.clear(index)
        assert changed == ((index in expected) != add)
        (expected.add if add else expected.discard)(index)
        assert bitfield.count == len(expected)
    assert set(bitfield.indices()) == expected


@given(st.integers(0, 70))
def test_fill_leaves_spare_bits_clear(length):
    bitfield = Bitfield(length)
    bitfield.fill()
    assert bitfield.all
    assert bitfield == made_of([True] * length)
    assert Bitfield.from_bytes(bitfield.to_bytes(), length).count == length


@given(pairs, st.data())
def test_two_bitfields_agree_with_two_lists(pair, data):
    mine, theirs = pair
    one, other = made_of(mine), made_of(theirs)
    both = [index for index, each in enumerate(zip(mine, theirs, strict=True)) if all(each)]
    assert one.count_common(other) == len(both)
    assert list((one & other).indices()) == both and (one & other).count == len(both)
    assert list((one | other).indices()) == [i for i, each in enumerate(zip(mine, theirs, strict=True)) if any(each)]
    assert (one - other) == made_of([a and not b for a, b in zip(mine, theirs, strict=True)])
    if mine:
        near = data.draw(st.integers(0, len(mine) - 1))
        assert one.find_common(other, near) == min(both, key=lambda index: (index < near, index), default=None)


@given(flags)
def test_flags_are_bytes_that_are_not_zero(bits):
    assert Bitfield.from_flags(bytes(7 * bit for bit in bits)) == made_of(bits)


@given(st.integers(1, 2500), st.data())
def test_spans(length, data):
    first, last = data.draw(st.integers(0, length - 1)), data.draw(st.integers(0, length - 1))
    span = Bitfield.from_span(first, last, length)
    assert list(span.indices()) == list(range(first, last + 1)) and span.count == max(last + 1 - first, 0)


def test_copies_are_independent_and_bitfields_compare_by_value():
    bitfield = made_of([True, False])
    twin = bitfield.copy()
    assert twin == bitfield
    assert twin.count == 1
    twin.set(1)
    assert twin != bitfield
    assert not bitfield[1]
    assert Bitfield(7) != Bitfield(8)
    assert bitfield != b"\x80"
    with pytest.raises(TypeError):
        hash(bitfield)


@pytest.mark.parametrize(
    ("data", "length"),
    [(b"", 1), (b"\x00", 0), (b"\x00", 9), (b"\x00\x00", 8), (b"\x01", 7), (b"\xff\x40", 9), (b"\xff\x01", 15)],
)
def test_refuses_wrong_sizes_and_spare_bits(data, length):
    with pytest.raises(FormatError):
        Bitfield.from_bytes(data, length)


@given(st.binary(max_size=5), st.integers(0, 40))
def test_garbage_is_refused_or_comes_back(data, length):
    try:
        bitfield = Bitfield.from_bytes(data, length)
    except FormatError:
        return
    assert bitfield.to_bytes() == data


@pytest.mark.parametrize("index", [-1, 8, 2**70])
def test_an_index_outside_is_the_callers_mistake(index):
    bitfield = Bitfield(8)
    for access in (bitfield.__getitem__, bitfield.set, bitfield.clear):
        with pytest.raises(IndexError):
            access(index)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.data())
def test_counts_the_set_bits_of_a_range(bits, data):
    first = data.draw(st.integers(0, len(bits) - 1))
    last = data.draw(st.integers(first, len(bits) - 1))
    assert made_of(bits).count_between(first, last) == sum(bits[first : last + 1])
