"""Bencoding has one spelling for each value, bounded in size and depth, and errors say where."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.strategies import bencode_dictionaries, bencode_values
from webtorrent_py.codec import bencode
from webtorrent_py.codec.bencode import MAX_DEPTH, Verbatim, decode, decode_prefix, encode, value_span
from webtorrent_py.errors import BencodeError


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"i0e", 0),
        (b"i-1e", -1),
        (b"i9223372036854775807e", 2**63 - 1),
        (b"i-9223372036854775808e", -(2**63)),
        (b"0:", b""),
        (b"4:spam", b"spam"),
        (b"3:\x00\xff:", b"\x00\xff:"),
        (b"le", []),
        (b"de", {}),
        (b"l4:spami42ee", [b"spam", 42]),
        (b"d3:bar4:spam3:fooi42ee", {b"bar": b"spam", b"foo": 42}),
        (b"d1:bi1e1:ai2ee", {b"b": 1, b"a": 2}),  # unsorted keys, which real torrents have
        (b"d0:i1ee", {b"": 1}),
        (b"d1:ad1:ai1ee1:bd1:ai1eee", {b"a": {b"a": 1}, b"b": {b"a": 1}}),  # keys repeat in other dictionaries only
    ],
)
def test_accepts(data, value):
    assert decode(data) == value


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"", 0),
        (b"x", 0),
        (b"e", 0),
        (b"-1:a", 0),
        (b":a", 0),
        (b"<html>", 0),
        # Integers have one spelling.
        (b"ie", 0),
        (b"i-e", 0),
        (b"i-0e", 0),
        (b"i00e", 0),
        (b"i01e", 0),
        (b"i-01e", 0),
        (b"i+5e", 0),
        (b"i 5e", 0),
        (b"i5 e", 0),
        (b"i1_0e", 0),
        (b"i1.0e", 0),
        (b"i0x1e", 0),
        ("i٣e".encode(), 0),
        (b"i9223372036854775808e", 0),
        (b"i-9223372036854775809e", 0),
        pytest.param(b"i" + b"9" * 5000 + b"e", 0, id="integer of 5000 digits"),
        (b"li1ei1_0ee", 4),
        # So have lengths.
        (b"01:a", 0),
        (b"00:", 0),
        (b"+1:a", 0),
        (b" 1:a", 0),
        (b"1 :a", 0),
        (b"1_0:aaaaaaaaaa", 0),
        (b"2:a", 0),
        pytest.param(b"9" * 5000 + b":a", 0, id="length of 5000 digits"),
        (b"9999999999:a", 0),
        (b"l2:ab01:ae", 5),
        # Dictionaries: string keys, once, each with a value.
        (b"di1ei2ee", 1),
        (b"dlelee", 1),
        (b"d1:ae", 4),
        (b"d1:ai1e1:ae", 10),
        (b"d1:ai1e1:ai1ee", 10),
        (b"d1:bi1e1:ai1e1:bi1ee", 16),
        # Nothing may be missing or left over.
        (b"l", 1),
        (b"d", 1),
        (b"d1:a", 4),
        (b"i1", 0),
        (b"i1ei2e", 3),
        (b"4:spam ", 6),
        (b"lee", 2),
    ],
)
def test_refuses_and_names_the_offset(data, offset):
    with pytest.raises(BencodeError, match=rf"offset {offset}$"):
        decode(data)


@given(bencode_values)
def test_round_trip(value):
    assert decode(encode(value)) == value


@given(bencode_values)
def test_no_prefix_is_a_value(value):
    data = encode(value)
    for end in range(len(data)):
        with pytest.raises(BencodeError):
            decode(data[:end])
        with pytest.raises(BencodeError):
            decode_prefix(data[:end])


@given(bencode_values, st.binary(min_size=1, max_size=20), st.binary(max_size=20))
def test_only_prefix_decoding_takes_trailing_bytes(value, trailing, leading):
    data = encode(value)
    with pytest.raises(BencodeError, match=f"offset {len(data)}$"):
        decode(data + trailing)
    assert decode_prefix(leading + data + trailing, len(leading)) == (value, len(leading) + len(data))


def check_single_spelling(data):
    try:
        value = decode(data)
    except BencodeError:
        return
    # Only the order of keys is free; it does not change the length.
    assert len(encode(value)) == len(data)
    assert decode(encode(value)) == value


@given(st.binary(max_size=60) | st.text("ilde0123456789:-ab", max_size=40).map(str.encode))
@example(b"d1:bi1e1:ai2ee")
def test_garbage_is_refused_or_has_no_other_spelling(data):
    check_single_spelling(data)


@given(bencode_values, st.data())
def test_one_changed_byte_is_refused_or_has_no_other_spelling(value, data):
    encoded = bytearray(encode(value))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.sampled_from(b"ilde0129:-+_ \x00"))
    check_single_spelling(bytes(encoded))


@given(bencode_dictionaries)
def test_spans_cover_the_bytes_as_received(dictionary):
    # Keys written in the order of the drawn dictionary, which is seldom the sorted one.
    items = [encode(key) + encode(value) for key, value in dictionary.items()]
    data = b"d" + b"".join(items) + b"e"
    for key, value in dictionary.items():
        start, end = value_span(data + b"trailing", key)
        assert data[start:end] == encode(value)


def test_span_of_an_unsorted_value_is_not_sorted():
    data = b"d4:infod1:bi1e1:ai2ee3:xyz0:e"
    start, end = value_span(data, b"info")
    assert data[start:end] == b"d1:bi1e1:ai2ee"


@pytest.mark.parametrize("data", [b"", b"le", b"i1e", b"4:info", b"de", b"d1:ad4:infoi1eee", b"d4:infoi1e", b"dx"])
def test_span_is_of_a_key_in_the_outermost_dictionary(data):
    with pytest.raises(BencodeError):
        value_span(data, b"info")


@pytest.mark.parametrize(("opening", "closing"), [(b"l", b"e"), (b"d1:a", b"e")])
def test_depth_is_bounded(opening, closing):
    innermost = b"i0e"
    deepest = opening * MAX_DEPTH + innermost + closing * MAX_DEPTH
    assert encode(decode(deepest)) == deepest
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(BencodeError, match=f"more than {MAX_DEPTH} deep"):
            decode(opening * depth + innermost + closing * depth)
    with pytest.raises(BencodeError, match="more than 2 deep"):
        decode(opening * 3 + innermost + closing * 3, max_depth=2)


def test_a_caller_cannot_raise_the_depth():
    with pytest.raises(BencodeError, match=f"more than {MAX_DEPTH} deep"):
        decode(b"l" * 900 + b"e" * 900, max_depth=1000)


def test_a_nearly_exhausted_stack_gives_our_error():
    data = b"l" * MAX_DEPTH + b"e" * MAX_DEPTH

    def descend(frames):
        return decode(data) if frames == 0 else descend(frames - 1)

    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    with pytest.raises(BencodeError, match="maximum depth"):
        descend(sys.getrecursionlimit() - depth - 40)


def test_size_is_bounded():
    assert decode(b"4:spam", max_size=6) == b"spam"
    with pytest.raises(BencodeError, match="over the limit of 5"):
        decode(b"4:spam", max_size=5)
    assert decode_prefix(b"xx4:spamxx", 2, max_size=6) == (b"spam", 8)
    with pytest.raises(BencodeError):
        decode_prefix(b"xx4:spamxx", 2, max_size=5)
    with pytest.raises(BencodeError, match="over the limit of 3 bytes, at offset 3"):
        decode_prefix(b"lleleelee", max_size=3)


def test_number_of_values_is_bounded(monkeypatch):
    monkeypatch.setattr(bencode, "MAX_VALUES", 10)
    assert decode(b"l" + b"le" * 4 + b"e") == [[]] * 4
    with pytest.raises(BencodeError, match="more than 10 values"):
        decode(b"l" + b"le" * 5 + b"e")


def test_encodes_in_one_way():
    assert encode({"b": "ü", b"a": [True, False, bytearray(b"x"), memoryview(b"y")], "c": ()}) == (
        b"d1:ali1ei0e1:x1:ye1:b2:\xc3\xbc1:clee"
    )
    assert encode({"info": Verbatim(b"d1:bi1e1:ai2ee")}) == b"d4:infod1:bi1e1:ai2eee"


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.5,
        {1: 2},
        {None: 1},
        {"a": 1, b"a": 2},
        [{"a": object()}],
        2**63,
        -(2**63) - 1,
        pytest.param(10**5000, id="5001 digits"),
        "\ud800",
        {"\ud800": 1},
        set(),
    ],
)
def test_refuses_to_encode(value):
    with pytest.raises(BencodeError):
        encode(value)


def test_refuses_to_encode_what_it_would_not_decode():
    value = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(BencodeError, match="deep"):
        encode([value])
    endless = []
    endless.append(endless)
    with pytest.raises(BencodeError, match="deep"):
        encode(endless)
