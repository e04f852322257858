"""Magnet links are read as people paste them, and written as the original writes them."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import hashes, texts, urls
from webtorrent_py.codec.magnet import MAX_URI_LENGTH, Magnet, parse_magnet, parse_torrent_id
from webtorrent_py.errors import InvalidTorrentIdError, MagnetError

HEX = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
HASH = bytes.fromhex(HEX)
BASE32 = base64.b32encode(HASH).decode()
OTHER = "aa" * 20
HEX_V2 = "5e" * 31 + "a0"
HASH_V2 = bytes.fromhex(HEX_V2)

VECTORS = json.loads(Path(__file__).with_name("create_torrent_vectors.json").read_text())


def ranges(bounds):
    """Rising ranges with a gap between them, from drawn distances."""
    result, at = [], 0
    for gap, size in bounds:
        result.append((at + gap, at + gap + size))
        at += gap + size + 2
    return tuple(result)


hashes_v2 = st.binary(min_size=32, max_size=32)
magnets = st.builds(
    Magnet,
    info_hash=hashes,
    name=st.none() | texts.filter(bool),
    trackers=st.lists(urls, unique=True, max_size=3).map(tuple),
    web_seeds=st.lists(urls, unique=True, max_size=3).map(tuple),
    exact_sources=st.lists(urls, unique=True, max_size=3).map(tuple),
    select_only=st.none()
    | st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4).map(ranges),
    peers=st.lists(st.sampled_from(["10.0.0.1:80", "[2001:db8::1]:6881", "peer.example:1"]), unique=True).map(tuple),
    info_hash_v2=st.none() | hashes_v2,
) | st.builds(lambda info_hash_v2: Magnet(info_hash_v2[:20], info_hash_v2=info_hash_v2), hashes_v2)


@given(magnets)
def test_round_trip(magnet):
    assert parse_magnet(magnet.to_uri()) == magnet
    assert parse_torrent_id(magnet.to_uri()) == magnet


def test_everything_at_once():
    magnet = parse_magnet(
        f"magnet:?xt=urn:btih:{HEX}&dn=A+name%2B&tr=wss%3A%2F%2Fone%2Fannounce&tr=udp://two:80&ws=https://seed/a%2520b"
        "&xs=https://host/x.torrent&so=0,2,4-6&x.pe=10.0.0.1:80&x.pe=[::1]:81&kt=ignored&foo=bar"
    )
    assert magnet == Magnet(
        info_hash=HASH,
        name="A name+",
        trackers=("wss://one/announce", "udp://two:80"),
        web_seeds=("https://seed/a%20b",),
        exact_sources=("https://host/x.torrent",),
        select_only=((0, 0), (2, 2), (4, 6)),
        peers=("10.0.0.1:80", "[::1]:81"),
    )


@pytest.mark.parametrize(
    "uri",
    [
        f"magnet:?xt=urn:btih:{HEX}",
        f"magnet:?xt=urn:btih:{HEX.upper()}",
        f"magnet:?xt=urn:btih:{BASE32}",
        f"magnet:?xt=urn:btih:{BASE32.lower()}",
        f"MAGNET:?XT=URN:BTIH:{HEX}",
        f"stream-magnet:?xt=urn:btih:{HEX}",
        f"  magnet:?xt=urn:btih:{HEX}\n",
        f"magnet:?xt=urn%3Abtih%3A{HEX}",
        f"magnet:?xt.1=urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C&xt.2=urn:btih:{HEX}",
        f"magnet:?xt=urn:btmh:1320{'00' * 32}&xt=urn:btih:{HEX}",
        f"magnet:?xt=urn:btmh:1220{'00' * 31}&xt=urn:btih:{HEX}",
        f"magnet:?xt=urn:btih:tooshort&xt=urn:btih:{HEX}",
        f"magnet:?xt=urn:btih:{HEX}&xt=urn:btih:{OTHER}",
        f"magnet:?&&=&xt&xt=&xt=urn:btih:{HEX}&dn=&tr=&ws=%20&so=&x.pe=",
    ],
)
def test_one_hash_in_many_spellings(uri):
    assert parse_magnet(uri) == Magnet(HASH)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("tr.0=http://a&tr.1=http://b&tr=http://a", "trackers", ("http://a", "http://b")),
        ("tr=http://a/?x=1%26y=2", "trackers", ("http://a/?x=1&y=2",)),
        ("tr=http://a/x+y", "trackers", ("http://a/x+y",)),
        ("ws=http://a/&as=http://b/&ws=http://a/", "web_seeds", ("http://a/", "http://b/")),
        ("dn=first&dn=second", "name", "first"),
        ("dn=%E6%97%A5%2B+x", "name", "日+ x"),
        ("dn=%ff", "name", "\ufffd"),
        ("so=3-5,1,4-9,0,20", "select_only", ((0, 1), (3, 9), (20, 20))),
        ("so=0&so=5", "select_only", ((0, 0), (5, 5))),
        ("so=x,-1,5-,7-3,%2C,99999999999,2", "select_only", ((2, 2),)),
        ("so=x", "select_only", None),
        ("so=0-999999999", "select_only", ((0, 999999999),)),
    ],
)
def test_parameters(query, field, value):
    assert getattr(parse_magnet(f"magnet:?xt=urn:btih:{HEX}&{query}"), field) == value


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "does not begin"),
        ("magnet:", "does not begin"),
        (f"http://x/?xt=urn:btih:{HEX}", "does not begin"),
        ("magnet:?", r"no info hash \(xt\)"),
        ("magnet:?dn=name&tr=http://a", r"no info hash \(xt\)"),
        (f"magnet:?xt=urn:btih:{HEX[:-1]}", "40 hex"),
        (f"magnet:?xt=urn:btih:{HEX}0", "40 hex"),
        (f"magnet:?xt=urn:btih:{'1' * 32}", "40 hex"),
        (f"magnet:?xt=urn:btih:{'g' * 40}", "40 hex"),
        ("magnet:?xt=urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C", "40 hex"),
        (f"magnet:?xt=urn:btmh:1220{'00' * 31}", "64 hex"),
        (f"magnet:?xt=urn:btmh:1114{'00' * 20}", "64 hex"),
        (f"magnet:?xt=urn:btih:{HEX}&dn={'x' * MAX_URI_LENGTH}", f"over the limit of {MAX_URI_LENGTH}"),
    ],
)
def test_refused_with_a_reason(uri, message):
    with pytest.raises(MagnetError, match=message):
        parse_magnet(uri)


@pytest.mark.parametrize("text", [HEX, HEX.upper(), BASE32, BASE32.lower(), f" {HEX}\n", f"magnet:?xt=urn:btih:{HEX}"])
def test_torrent_id(text):
    assert parse_torrent_id(text) == Magnet(HASH)


def test_a_v2_hash_alone_is_cut_to_name_the_swarm():
    for text in (f"magnet:?xt=urn:btmh:1220{HEX_V2}", f"MAGNET:?XT=URN:BTMH:1220{HEX_V2.upper()}", f" {HEX_V2} "):
        magnet = parse_torrent_id(text)
        assert magnet == Magnet(HASH_V2[:20], info_hash_v2=HASH_V2)
        assert magnet.swarm_hashes == (HASH_V2[:20],)
        assert magnet.to_uri() == f"magnet:?xt=urn:btmh:1220{HEX_V2}"


def test_a_hybrid_has_two_names():
    for uri in (
        f"magnet:?xt=urn:btih:{HEX}&xt=urn:btmh:1220{HEX_V2}",
        f"magnet:?xt=urn:btmh:1220{HEX_V2}&dn=&xt=urn:btih:{HEX}",
    ):
        magnet = parse_magnet(uri)
        assert magnet == Magnet(HASH, info_hash_v2=HASH_V2)
        assert magnet.swarm_hashes == (HASH, HASH_V2[:20])
        assert magnet.to_uri() == f"magnet:?xt=urn:btih:{HEX}&xt=urn:btmh:1220{HEX_V2}"
    assert Magnet(HASH).swarm_hashes == (HASH,)


@pytest.mark.parametrize("text", ["", "x", HEX[1:], HEX + "0", BASE32 + "A", "https://host/x.torrent", "\u017f" * 32])
def test_neither_link_nor_hash(text):
    with pytest.raises(InvalidTorrentIdError):
        parse_torrent_id(text)


def test_a_bad_link_is_told_from_no_link():
    with pytest.raises(MagnetError):
        parse_torrent_id("magnet:?dn=x")


@given(st.text(max_size=80) | st.text("&=%+.xtdnrso-,0123456789abz:", max_size=80))
def test_garbage_raises_only_our_error(text):
    for uri in (text, f"magnet:?{text}"):
        with pytest.raises(MagnetError):
            parse_magnet(uri)
    magnet = parse_magnet(f"magnet:?xt=urn:btih:{HEX}&{text}")
    assert parse_magnet(magnet.to_uri()) == magnet


@pytest.mark.parametrize("vector", VECTORS["torrents"], ids=lambda vector: vector["title"])
def test_spelled_as_the_original_spells_it(vector):
    magnet = parse_magnet(vector["magnet"])
    assert magnet.to_uri() == vector["magnet"]
    assert magnet.info_hash.hex() == vector["info_hash"]
    assert magnet.trackers == ("wss://tracker.example/a?b=c d", "udp://t:1")
    assert magnet.web_seeds == ("http://seed/x+y (1)'!*~",)
