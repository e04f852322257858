"""Users' extensions on one connection: named, renamed, sent, bounded, and never in the way of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.peer.pair import PLAIN, End, connected, exchange
from webtorrent_py.codec import bencode
from webtorrent_py.errors import InvalidOptionError, UnknownExtensionError, WireError
from webtorrent_py.peer.extensions import FIRST_ID, MAX_EXTENSIONS, MAX_FIELDS, MAX_NAMES
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import OUR_IDS, ExtendedHandshake
from webtorrent_py.wire.messages import EXTENDED_LENGTH_LIMIT

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in OUR_IDS
)


def two_ends() -> tuple[End, End]:
    one, other = End("a", pieces=10), End("b", pieces=10)
    for end in (one, other):
        end.connection.send_handshake(0.0)
    exchange(one, other)
    for end in (one, other):
        end.received.clear()
    return one, other


def last_handshake(end: End) -> dict[bytes, bencode.Value]:
    (message,) = end.take_messages()
    assert isinstance(message, m.Extended) and message.id == 0
    value = bencode.decode(message.payload)
    assert isinstance(value, dict)
    return value


@given(st.lists(names, unique=True, max_size=5), st.lists(names, unique=True, max_size=5), st.binary(max_size=50))
def test_what_both_ends_use_can_be_sent_both_ways(ours: list[str], theirs: list[str], payload: bytes) -> None:
    one, other = two_ends()
    for end, used in ((one, ours), (other, theirs)):
        for name in used:
            end.connection.use_extension(name, {}, 0.0)
    exchange(one, other)
    for end, far, known in ((one, other, theirs), (other, one, ours)):
        assert set(end.connection.extensions.names) - set(OUR_IDS) == set(known)
        far.received.clear()
        for name in known:
            end.connection.send_extended(name, payload, 0.0)
        exchange(one, other)
        got = [each for each in far.received if isinstance(each, m.Extended)]
        assert [(far.connection.extensions.name_of(each.id), each.payload) for each in got] == [
            (name, payload) for name in known
        ]


def test_fields_of_extensions_stand_in_the_handshake_beside_ours_and_replace_none():
    end = connected()
    end.connection.send_extended_handshake(1234, 0.0)
    end.take_bytes()
    end.connection.use_extension("chat", {"nick": "ann", "reqq": 1, "m": {}}, 0.0)
    sent = last_handshake(end)
    assert sent[b"nick"] == b"ann" and sent[b"metadata_size"] == 1234 and sent[b"reqq"] != 1
    assert sent[b"m"] == {b"ut_metadata": 1, b"lt_donthave": 3, b"chat": FIRST_ID}
    end.connection.use_extension("dance", {"step": 7}, 0.0)
    end.connection.use_extension("chat", {"nick": "bob"}, 0.0)
    again = end.take_messages()[-1]
    value = bencode.decode(again.payload)
    assert value[b"m"] == {b"ut_metadata": 1, b"lt_donthave": 3, b"chat": FIRST_ID, b"dance": FIRST_ID + 1}
    assert (value[b"nick"], value[b"step"]) == (b"bob", 7)


def test_the_handshake_can_be_read_as_it_came():
    end = connected()
    assert end.connection.extensions.fields() == {}
    end.tell(m.Extended(0, bencode.encode({"m": {"chat": 9}, "nick": b"\xff", "list": [1, {}]})))
    assert end.connection.extensions.fields() == {b"m": {b"chat": 9}, b"nick": b"\xff", b"list": [1, {}]}
    end.tell(m.Extended(0, bencode.encode({"m": {"chat": 4}, "long": bytes(MAX_FIELDS)})))
    assert end.connection.extensions.fields() == {}
    assert end.connection.extensions.names == {"chat": 4}


def test_names_do_not_pile_up():
    end = connected()
    for start in range(0, MAX_NAMES, 50):
        ids = {str(number): 1 for number in range(start, min(start + 50, MAX_NAMES))}
        end.tell(m.Extended(0, ExtendedHandshake(ids=ids).serialize()))
    with pytest.raises(WireError):
        end.tell(m.Extended(0, ExtendedHandshake(ids={"one more": 1}).serialize()))


def test_what_cannot_be_used_is_refused_and_changes_nothing():
    end = connected()
    for name, fields in (
        ("", {}),
        ("ut_metadata", {}),
        ("lt_donthave", {}),
        ("ut_pex", {}),
        ("a", {"f": 1.5}),
        ("a", {"f": 1 << 70}),
        ("a", {"f": bytes(MAX_FIELDS)}),
    ):
        with pytest.raises(InvalidOptionError):
            end.connection.use_extension(name, fields, 0.0)
    assert end.take_bytes() == b""
    for number in range(MAX_EXTENSIONS):
        end.connection.use_extension(str(number), {}, 0.0)
    with pytest.raises(InvalidOptionError):
        end.connection.use_extension("one more", {}, 0.0)
    end.connection.use_extension("0", {"again": 1}, 0.0)


def test_only_what_the_peer_named_can_be_sent_to_it():
    end = connected()
    with pytest.raises(UnknownExtensionError):
        end.connection.send_extended("chat", b"", 0.0)
    end.tell(m.Extended(0, ExtendedHandshake(ids={"chat": 5}).serialize()))
    end.connection.send_extended("chat", b"x", 0.0)
    assert end.take_messages() == [m.Extended(5, b"x")]
    with pytest.raises(InvalidOptionError):
        end.connection.send_extended("chat", bytes(EXTENDED_LENGTH_LIMIT + 1), 0.0)
    end.tell(m.Extended(0, ExtendedHandshake(ids={"chat": 0}).serialize()))
    with pytest.raises(UnknownExtensionError):
        end.connection.send_extended("chat", b"x", 0.0)


def test_a_peer_without_extensions_is_sent_none():
    end = connected(handshake=PLAIN)
    with pytest.raises(UnknownExtensionError):
        end.connection.use_extension("chat", {}, 0.0)
    assert end.take_bytes() == b""
