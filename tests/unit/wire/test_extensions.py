"""The extended handshake and the metadata exchange, both ways, as stock peers read them, and nonsense."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec import bencode
from webtorrent_py.errors import WireError
from webtorrent_py.wire.extensions import (
    METADATA_PIECE_LENGTH,
    METADATA_SIZE_LIMIT,
    OUR_IDS,
    ExtendedHandshake,
    MetadataData,
    MetadataReject,
    MetadataRequest,
    parse_metadata_message,
)

METADATA_PIECES = -(-METADATA_SIZE_LIMIT // METADATA_PIECE_LENGTH)

pieces = st.integers(0, METADATA_PIECES - 1)
extended_handshakes = st.builds(
    ExtendedHandshake,
    ids=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 255)),
    metadata_size=st.none() | st.integers(1, METADATA_SIZE_LIMIT),
    client=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
    reqq=st.none() | st.integers(1, 10_000),
    upload_only=st.none() | st.booleans(),
)


@st.composite
def metadata_data(draw: st.DrawFn) -> MetadataData:
    total_size = draw(st.integers(1, 3 * METADATA_PIECE_LENGTH))
    piece = draw(st.integers(0, (total_size - 1) // METADATA_PIECE_LENGTH))
    length = min(METADATA_PIECE_LENGTH, total_size - piece * METADATA_PIECE_LENGTH)
    return MetadataData(piece, total_size, draw(st.sampled_from([b"e", b"d", b"\xff"])) * length)


metadata_messages = st.one_of(st.builds(MetadataRequest, pieces), st.builds(MetadataReject, pieces), metadata_data())
junk = st.recursive(
    st.integers(-(2**40), 2**40) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.binary(max_size=8), inner, max_size=3),
)


@given(extended_handshakes)
def test_extended_handshake_round_trip(handshake: ExtendedHandshake) -> None:
    assert ExtendedHandshake.parse(handshake.serialize()) == handshake


def test_extended_handshake_has_the_keys_of_the_specification() -> None:
    handshake = ExtendedHandshake(OUR_IDS, metadata_size=34, client="x 1", reqq=250, upload_only=True)
    assert handshake.serialize() == (
        b"d1:md11:lt_donthavei3e11:ut_metadatai1ee13:metadata_sizei34e4:reqqi250e11:upload_onlyi1e1:v3:x 1e"
    )
    assert ExtendedHandshake(OUR_IDS).serialize() == b"d1:md11:lt_donthavei3e11:ut_metadatai1eee"


@pytest.mark.parametrize(
    "dictionary",
    [
        {},
        {"m": 3, "v": 4, "metadata_size": "many", "reqq": [], "upload_only": {}},
        {"m": [], "v": [], "metadata_size": 0, "reqq": 0, "upload_only": 2},
        {
            "metadata_size": METADATA_SIZE_LIMIT + 1,
            "reqq": -1,
            "upload_only": b"1",
            "p": 65536,
            "yourip": b"\x7f\0\0\1",
        },
        {"m": {"ut_metadata": "one", "ut_pex": 256, "lt_donthave": -1, "x": {}}},
    ],
)
def test_hints_of_the_wrong_type_or_out_of_range_are_ignored(dictionary: Mapping[str, bencode.Encodable]) -> None:
    assert ExtendedHandshake.parse(bencode.encode(dictionary)) == ExtendedHandshake()


def test_names_that_are_not_text_are_read_nevertheless() -> None:
    handshake = ExtendedHandshake.parse(b"d1:md1:\xffi2e11:ut_metadatai3ee1:v200:" + b"\xff" * 200 + b"e")
    assert handshake.ids == {"\ufffd": 2, "ut_metadata": 3}
    assert handshake.client == "\ufffd" * 100


def test_a_later_handshake_adds_and_switches_off() -> None:
    first = ExtendedHandshake({"ut_metadata": 1, "ut_pex": 2}).ids_after({})
    assert first == {"ut_metadata": 1, "ut_pex": 2}
    assert ExtendedHandshake({"ut_pex": 0, "lt_donthave": 7}).ids_after(first) == {"ut_metadata": 1, "lt_donthave": 7}


@given(metadata_messages)
def test_metadata_message_round_trip(message: MetadataRequest | MetadataData | MetadataReject) -> None:
    assert parse_metadata_message(message.serialize()) == message


@given(metadata_messages)
def test_metadata_dictionary_ends_at_its_first_double_e(
    message: MetadataRequest | MetadataData | MetadataReject,
) -> None:
    """Stock peers look for its end there."""
    payload = message.serialize()
    end = payload.index(b"ee") + 2
    dictionary = bencode.decode(payload[:end])
    assert isinstance(dictionary, dict)
    assert set(dictionary) <= {b"msg_type", b"piece", b"total_size"}
    assert payload[end:] == (message.data if isinstance(message, MetadataData) else b"")


def test_metadata_messages_have_the_bytes_of_the_specification() -> None:
    assert MetadataRequest(0).serialize() == b"d8:msg_typei0e5:piecei0ee"
    assert MetadataData(0, 3, b"abc").serialize() == b"d8:msg_typei1e5:piecei0e10:total_sizei3eeabc"
    assert MetadataReject(0).serialize() == b"d8:msg_typei2e5:piecei0ee"


def test_unknown_metadata_message_types_and_keys_are_ignored() -> None:
    assert parse_metadata_message(b"d8:msg_typei3ee") is None
    assert parse_metadata_message(b"d8:msg_typei0e5:piecei7e4:userl1:xee") == MetadataRequest(7)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"e",
        b"le",
        b"i0e",
        b"de",
        b"d8:msg_type1:0e",
        b"d8:msg_typei0ee",
        b"d8:msg_typei0e5:piecei-1ee",
        b"d8:msg_typei0e5:piecei%dee" % METADATA_PIECES,
        b"d8:msg_typei1e5:piecei0eeabc",
        b"d8:msg_typei1e5:piecei0e10:total_sizei0ee",
        b"d8:msg_typei1e5:piecei0e10:total_sizei%dee" % (METADATA_SIZE_LIMIT + 1) + bytes(METADATA_PIECE_LENGTH),
        b"d8:msg_typei1e5:piecei0e10:total_sizei3eeab",
        b"d8:msg_typei1e5:piecei0e10:total_sizei3eeabcd",
        b"d8:msg_typei1e5:piecei1e10:total_sizei3eeabc",
    ],
)
def test_impossible_metadata_messages_are_refused(payload: bytes) -> None:
    with pytest.raises(WireError):
        parse_metadata_message(payload)


@given(st.binary() | st.builds(lambda value, rest: bencode.encode(value) + rest, junk, st.binary(max_size=4)))
def test_garbage_raises_only_wire_errors(payload: bytes) -> None:
    for parse in (ExtendedHandshake.parse, parse_metadata_message):
        with suppress(WireError):
            parse(payload)


@given(metadata_messages, st.data())
def test_no_metadata_message_can_be_cut_short_unnoticed(
    message: MetadataRequest | MetadataData | MetadataReject, data: st.DataObject
) -> None:
    payload = message.serialize()
    with pytest.raises(WireError):
        parse_metadata_message(payload[: data.draw(st.integers(0, len(payload) - 1))])
