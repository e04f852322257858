"""Messages of the peer exchange (BEP 11)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.codec.test_address import addresses
from webtorrent_py.codec import bencode
from webtorrent_py.codec.address import Address
from webtorrent_py.errors import WireError
from webtorrent_py.wire.exchange import MAX_ADDRESSES, PeerExchange, PeerFlags

flags = st.integers(0, 31).map(PeerFlags)
one, other = Address("1.2.3.4", 0x1234), Address("2001:db8::1", 6881)


@given(
    st.lists(st.tuples(addresses, flags), max_size=MAX_ADDRESSES, unique_by=lambda pair: pair[0]),
    st.lists(addresses, max_size=MAX_ADDRESSES, unique=True),
)
def test_what_is_written_is_read_again(added, dropped):
    read = PeerExchange.parse(PeerExchange(tuple(added), tuple(dropped)).serialize())
    assert sorted(read.added) == sorted(added) and sorted(read.dropped) == sorted(dropped)


def test_the_keys_are_those_of_the_specification():
    message = PeerExchange(((one, PeerFlags.SEED), (other, PeerFlags.REACHABLE)), (one,))
    assert bencode.decode(message.serialize()) == {
        b"added": bytes([1, 2, 3, 4, 0x12, 0x34]),
        b"added.f": b"\x02",
        b"added6": bytes([0x20, 1, 0xD, 0xB8, *[0] * 11, 1, 0x1A, 0xE1]),
        b"added6.f": b"\x10",
        b"dropped": bytes([1, 2, 3, 4, 0x12, 0x34]),
        b"dropped6": b"",
    }


def test_names_are_not_told():
    message = PeerExchange(((Address("a.name", 80), PeerFlags(0)), (one, PeerFlags(0))), (Address("a.name", 80),))
    assert PeerExchange.parse(message.serialize()) == PeerExchange(((one, PeerFlags(0)),))


def test_what_goes_beyond_the_limit_is_not_read():
    many = bytes([1, 2, 3, 4, 0, 80]) * 1000
    many6 = bytes(15) + b"\x01\0\x50"
    read = PeerExchange.parse(
        bencode.encode({"added": many, "added6": many6 * 1000, "dropped": many, "dropped6": many6})
    )
    assert len(read.added) == len(read.dropped) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "fields", [{}, {"added": 3, "added.f": [], "added6": {}, "dropped": 1}, {"added": b"12345"}, {"added.f": b"\xff"}]
)
def test_what_has_the_wrong_type_is_left_out(fields):
    assert PeerExchange.parse(bencode.encode(fields)) == PeerExchange()


def test_flags_may_be_missing_or_unknown():
    read = PeerExchange.parse(bencode.encode({"added": bytes([1, 2, 3, 4, 0x12, 0x34]) * 2, "added.f": b"\xff"}))
    assert read.added == ((one, PeerFlags(0xFF)), (one, PeerFlags(0)))


@given(st.binary())
def test_garbage_is_refused(data):
    with suppress(WireError):
        PeerExchange.parse(data)
