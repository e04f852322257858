"""The set of pieces that may be asked for while choked."""

from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import hashes
from webtorrent_py.codec.address import Address
from webtorrent_py.torrent.allowed_fast import allowed_fast_set, network_of


def test_the_example_of_bep_6():
    network = network_of(Address("80.4.4.200", 6881))
    assert allowed_fast_set(network, b"\xaa" * 20, 1313, 7) == [1059, 431, 808, 1217, 287, 376, 1188]
    assert allowed_fast_set(network, b"\xaa" * 20, 1313, 9) == [1059, 431, 808, 1217, 287, 376, 1188, 353, 508]


@given(hashes, hashes, st.integers(0, 40), st.integers(0, 12))
def test_the_pieces_exist_and_differ(who, info_hash, piece_count, size):
    pieces = allowed_fast_set(who, info_hash, piece_count, size)
    assert len(set(pieces)) == len(pieces) == min(size, piece_count)
    assert all(0 <= index < piece_count for index in pieces)
    assert pieces == allowed_fast_set(who, info_hash, piece_count, size)


def test_only_ipv4_has_a_network():
    assert network_of(None) is network_of(Address("2001:db8::1", 1)) is network_of(Address("example.org", 1)) is None
