"""The handshake both ways, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.errors import WireError
from webtorrent_py.wire.handshake import HANDSHAKE_LENGTH, Handshake
from webtorrent_py.wire.parser import WireParser

ids = st.binary(min_size=20, max_size=20)
handshakes = st.builds(Handshake, ids, ids, st.binary(min_size=8, max_size=8))


@given(handshakes)
def test_round_trip(handshake: Handshake) -> None:
    data = handshake.serialize()
    assert len(data) == HANDSHAKE_LENGTH == 68
    assert Handshake.parse(data) == handshake
    assert WireParser().receive_data(data) == [handshake]


@given(handshakes)
def test_waits_for_the_last_byte(handshake: Handshake) -> None:
    parser = WireParser()
    data = handshake.serialize()
    for byte in data[:-1]:
        assert parser.receive_data(bytes([byte])) == []
    assert parser.receive_data(data[-1:]) == [handshake]


def test_ours_offers_the_fast_and_the_extension_protocol() -> None:
    handshake = Handshake.ours(b"i" * 20, b"p" * 20)
    assert (
        handshake.serialize() == b"\x13BitTorrent protocol" + bytes.fromhex("0000000000100004") + b"i" * 20 + b"p" * 20
    )
    assert (handshake.fast, handshake.extensions, handshake.dht, handshake.v2) == (True, True, False, False)
    upgradable = Handshake.ours(b"i" * 20, b"p" * 20, v2=True)
    assert upgradable.v2 and upgradable.reserved.hex() == "0000000000100014"


@pytest.mark.parametrize(
    ("reserved", "features"),
    [
        ("0000000000000000", (False, False, False)),
        ("0000000000000004", (True, False, False)),
        ("0000000000100000", (False, True, False)),
        ("0000000000000001", (False, False, True)),
        ("ffffffffffffffff", (True, True, True)),
        ("ffffffffffeffffa", (False, False, False)),
    ],
)
def test_feature_bits(reserved: str, features: tuple[bool, bool, bool]) -> None:
    handshake = Handshake(b"i" * 20, b"p" * 20, bytes.fromhex(reserved))
    assert (handshake.fast, handshake.extensions, handshake.dht) == features


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"", b"\x12"),
        (b"", b"GET / HTTP/1.1\r\n"),
        (b"\x13", b"bit"),
        (b"\x13BitTorrent protoco", b"L"),
    ],
)
def test_another_protocol_is_refused_at_its_first_wrong_byte(right: bytes, wrong: bytes) -> None:
    with pytest.raises(WireError, match="does not speak"):
        WireParser().receive_data(right + wrong)
    parser = WireParser()
    for byte in right:
        assert parser.receive_data(bytes([byte])) == []
    with pytest.raises(WireError, match="does not speak"):
        parser.receive_data(wrong[:1])
    with pytest.raises(WireError):
        parser.receive_data(Handshake.ours(b"i" * 20, b"p" * 20).serialize())


@pytest.mark.parametrize("length", [0, 20, 67, 69])
def test_parse_takes_exactly_one_handshake(length: int) -> None:
    data = Handshake.ours(b"i" * 20, b"p" * 20).serialize() + b"more"
    with pytest.raises(WireError, match=f"{length} bytes"):
        Handshake.parse(data[:length])
