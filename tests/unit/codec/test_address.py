"""Addresses of peers: as text, in compact form, and whom to believe about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.address import (
    COMPACT_LENGTH,
    COMPACT_LENGTH_6,
    Address,
    compact,
    may_tell_of,
    parse_address,
    parse_compact,
)
from webtorrent_py.errors import AddressError

ports = st.integers(1, 65535)
numbers = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6).filter(lambda number: number.ipv4_mapped is None))
addresses = st.builds(lambda number, port: Address.of(str(number), port), numbers, ports)


@given(addresses)
def test_what_is_written_is_read_again(address):
    assert parse_address(address.text) == address
    form = compact(address)
    assert len(form) in (COMPACT_LENGTH, COMPACT_LENGTH_6)
    assert list(parse_compact(form, len(form))) == [address]


@given(st.lists(st.builds(Address.of, st.ip_addresses(v=4).map(str), ports)), st.binary(max_size=COMPACT_LENGTH - 1))
def test_an_address_that_is_cut_short_is_left_out(many, rest):
    data = b"".join(map(compact, many)) + rest
    assert list(parse_compact(data, COMPACT_LENGTH)) == many


@given(st.text())
def test_any_text_is_an_address_or_refused(text):
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert 0 < address.port < 65536 and parse_address(address.text) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" 1.2.3.4:80 ", ("1.2.3.4", 80)),
        ("Example.TEST:6881", ("example.test", 6881)),
        ("[::1]:1", ("::1", 1)),
        ("[2001:DB8:0:0::1]:65535", ("2001:db8::1", 65535)),
        ("[::ffff:1.2.3.4]:5", ("1.2.3.4", 5)),
        ("[fe80::1%eth0]:5", ("fe80::1", 5)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_one_host_has_one_spelling(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        ":80",
        "host:",
        "host:0",
        "host:65536",
        "host:-1",
        "host:٣",
        "1.2.3:80",
        "1.2.3.256:80",
        "::1:80",
        "[::1]",
        "[host]:80",
        "[1::2::3]:80",
        "a b:80",
        "a/b:80",
        "user@host:80",
        "höst:80",
        "a" * 254 + ":80",
        "host:80:80",
        "host:000080",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(AddressError):
        parse_address(text)


def test_a_name_has_no_compact_form():
    assert compact(Address("example.test", 80)) == b""


@pytest.mark.parametrize(
    ("teller", "host", "believed"),
    [
        ("8.8.8.8", "9.9.9.9", True),
        ("8.8.8.8", "2606:4700::1", True),
        ("8.8.8.8", "127.0.0.1", False),
        ("8.8.8.8", "192.168.1.1", False),
        ("8.8.8.8", "169.254.1.1", False),
        ("8.8.8.8", "::1", False),
        ("8.8.8.8", "fd00::1", False),
        ("192.168.1.2", "192.168.1.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", False),
        ("8.8.8.8", "224.0.0.1", False),
        ("8.8.8.8", "255.255.255.255", False),
        ("a.name", "10.0.0.1", False),
        ("8.8.8.8", "a.name", False),
    ],
)
def test_strangers_are_not_believed_about_our_own_network(teller, host, believed):
    assert may_tell_of(teller, Address(host, 80)) is believed
    assert not may_tell_of(teller, Address(host, 0))
