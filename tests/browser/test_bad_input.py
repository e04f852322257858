"""Bad torrents, trackers and peers: each gives its typed error, and the client goes on working."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.browser.driver import ClientPage, ScriptedPage
from tests.peers.content import PIECE_LENGTH, Content, encode, make_info
from tests.peers.hosts import Background, Script, ScriptedTracker, Site
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker

INFO = make_info("name", {"": b"some bytes"}, PIECE_LENGTH)


def torrent(**changes: object) -> bytes:
    """A torrent file whose info dictionary has these keys changed, or taken out where None."""
    info = {**INFO, **{key.replace("_", " ").encode(): value for key, value in changes.items()}}
    return encode({b"info": {key: value for key, value in info.items() if value is not None}})


GOOD_TORRENT = torrent()

BAD_TORRENTS: Mapping[str, tuple[str | bytes, str]] = {
    "truncated": (GOOD_TORRENT[:-20], "ERR_BENCODE"),
    "trailing data": (GOOD_TORRENT + b"x", "ERR_BENCODE"),
    "no bencoding": (b"<!doctype html><title>404</title>", "ERR_INVALID_TORRENT_ID"),
    "integer with a leading zero": (GOOD_TORRENT.replace(b"i65536e", b"i065536e"), "ERR_BENCODE"),
    "too deep": (b"d1:a" + b"l" * 5000 + b"e" * 5001, "ERR_BENCODE"),
    "no dictionary": (b"i1e", "ERR_INVALID_TORRENT_ID"),
    "no info": (b"d8:announce3:abce", "ERR_METAINFO"),
    "no name": (torrent(name=None), "ERR_METAINFO"),
    "negative length": (torrent(length=-1), "ERR_METAINFO"),
    "oversize length": (torrent(length=2**62), "ERR_METAINFO"),
    "length of more than 64 bits": (torrent(length=2**64), "ERR_BENCODE"),
    "more bytes than hashes": (torrent(length=10 * PIECE_LENGTH), "ERR_METAINFO"),
    "piece length of zero": (torrent(piece_length=0), "ERR_METAINFO"),
    "oversize piece length": (torrent(piece_length=2**40), "ERR_METAINFO"),
    "half a hash": (torrent(pieces=b"x" * 10), "ERR_METAINFO"),
    "magnet without a hash": ("magnet:?dn=name&tr=ws%3A%2F%2F127.0.0.1%3A1", "ERR_MAGNET"),
    "magnet with half a hash": (f"magnet:?xt=urn:btih:{'0' * 20}", "ERR_MAGNET"),
    "no torrent id": ("what?", "ERR_INVALID_TORRENT_ID"),
}


@pytest.fixture
def seeder(
    libtorrent_peer: Callable[..., LibtorrentPeer], tracker: ReferenceTracker, single: Content
) -> LibtorrentPeer:
    """libtorrent, seeding `single`: that the client still downloads it shows that it still works."""
    return libtorrent_peer(single.torrent, single.root, tracker.url)


def test_bad_torrents_are_refused(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    for name, (torrent_id, _) in BAD_TORRENTS.items():
        ours.add(name, torrent_id)
    codes = {name: ours.wait_for_event(name, "error")["code"] for name in BAD_TORRENTS}
    assert codes == {name: code for name, (_, code) in BAD_TORRENTS.items()}
    assert ours.get("client.torrents.length") == 0
    ours.add("single", single.magnet(tracker.url))
    ours.assert_complete("single", single)
    assert ours.details("client", "error") == []


def test_an_error_that_no_torrent_listener_takes_goes_to_the_client(ours: ClientPage) -> None:
    ours.page.evaluate("() => void tools.client.add(new Uint8Array([100, 101]))")
    assert ours.wait_for_event("client", "error")["code"] == "ERR_METAINFO"


def test_a_torrent_url_that_leads_nowhere(ours: ClientPage, page_site: Site, background: Background) -> None:
    with Site(background, {}) as closed:
        pass
    ours.add("missing", f"{page_site.url}/no.torrent")
    ours.add("page", f"{page_site.url}/ours.html")
    ours.add("unreachable", f"{closed.url}/no.torrent")
    assert ours.wait_for_event("missing", "error")["code"] == "ERR_FETCH"
    assert ours.wait_for_event("page", "error")["code"] == "ERR_BENCODE"
    assert ours.wait_for_event("unreachable", "error")["code"] == "ERR_FETCH"


def test_unknown_and_duplicate_torrents(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    assert ours.get("client.get('0'.repeat(40))") is None
    assert (
        ours.get("new Promise(resolve => client.remove('0'.repeat(40), {}, error => resolve(error.code)))")
        == "ERR_UNKNOWN_TORRENT"
    )
    ours.add("single", single.magnet(tracker.url))
    ours.assert_complete("single", single)
    ours.add("again", single.magnet(tracker.url))
    assert ours.wait_for_event("again", "error")["code"] == "ERR_DUPLICATE_TORRENT"
    assert ours.get("client.torrents.length") == 1
    assert ours.get("client.get(torrents.single.infoHash).then(found => found === torrents.single)")


async def answer(socket: web.WebSocketResponse, message: dict[str, Any], **fields: object) -> None:
    """Send an announce's answer with these fields."""
    await socket.send_json({"action": "announce", "info_hash": message["info_hash"], **fields})


async def send_no_json(socket: web.WebSocketResponse, _: dict[str, Any]) -> None:
    """Text that is no JSON."""
    await socket.send_str("{action: announce")


async def send_no_object(socket: web.WebSocketResponse, _: dict[str, Any]) -> None:
    """JSON, but no object."""
    await socket.send_str('["announce"]')


async def send_bytes(socket: web.WebSocketResponse, _: dict[str, Any]) -> None:
    """A binary frame."""
    await socket.send_bytes(b"\x00\x01")


async def send_wrong_types(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    """The right names with values of wrong types."""
    await answer(socket, message, interval="soon", complete=[], peer_id=7, offer="sdp", offer_id={})


async def refuse(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    """The tracker's own way of saying no."""
    await answer(socket, message, **{"failure reason": "not here"})


async def close(socket: web.WebSocketResponse, _: dict[str, Any]) -> None:
    """Hang up."""
    await socket.close()


async def offer_nonsense(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    """An offer that no browser takes."""
    offer = {"type": "offer", "sdp": "v=0\r\nnonsense"}
    await answer(socket, message, interval=120, peer_id="-XX0001-" + "p" * 12, offer_id="o" * 20, offer=offer)


SCRIPTS: tuple[Script, ...] = (send_no_json, send_no_object, send_bytes, send_wrong_types, refuse, close)


def test_trackers_that_answer_nonsense_or_close(
    ours: ClientPage,
    seeder: LibtorrentPeer,
    tracker: ReferenceTracker,
    scripted_tracker: Callable[[Script], ScriptedTracker],
    background: Background,
    single: Content,
) -> None:
    with ScriptedTracker(background, close) as closed:
        pass
    bad = {script.__name__: scripted_tracker(script).url for script in SCRIPTS} | {"closed": closed.url}
    ours.add("single", single.magnet(*bad.values(), scripted_tracker(offer_nonsense).url, tracker.url))
    ours.assert_complete("single", single)
    codes = {name: ours.wait_for_warning("single", url)["code"] for name, url in bad.items()}
    assert codes == dict.fromkeys(bad, "ERR_TRACKER")


MISBEHAVIOUR = (
    "garbage",
    "wrongTorrent",
    "hugeMessage",
    "longBitfield",
    "haveOutOfRange",
    "hugeRequest",
    "badExtendedHandshake",
    "textMessage",
)


def test_peers_that_break_the_protocol_are_dropped(
    ours: ClientPage,
    scripted_peers: ScriptedPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
) -> None:
    ours.add("single", single.torrent, announce=[tracker.url])
    ours.wait_for_event("single", "trackerAnnounce")
    codes = {}
    for count, script in enumerate(MISBEHAVIOUR, 1):
        scripted_peers.join(script, tracker.url, single.info_hash, pieces=single.length // PIECE_LENGTH + 1)
        scripted_peers.wait_until_dropped()
        ours.wait_until(f"tools.details('single', 'warning').length >= {count}")
        codes[script] = ours.details("single", "warning")[-1]["code"]
    assert codes == dict.fromkeys(MISBEHAVIOUR, "ERR_WIRE")
    assert ours.get("torrents.single.numPeers") == 0
    libtorrent_peer(single.torrent, single.root, tracker.url)
    ours.assert_complete("single", single)


@pytest.mark.parametrize("size", [1_000, 20_000], ids=["one piece", "two pieces"])
def test_metadata_that_is_not_what_the_info_hash_says(
    ours: ClientPage,
    scripted_peers: ScriptedPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
    size: int,
) -> None:
    ours.add("single", single.magnet(tracker.url))
    ours.wait_for_event("single", "trackerAnnounce")
    scripted_peers.join("wrongMetadata", tracker.url, single.info_hash, metadataSize=size)
    scripted_peers.wait_until_dropped()
    assert ours.get("torrents.single.ready") is False
    libtorrent_peer(single.torrent, single.root, tracker.url)
    ours.assert_complete("single", single)


def test_metadata_said_to_be_larger_than_any_is_not_waited_for(
    ours: ClientPage,
    scripted_peers: ScriptedPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
) -> None:
    ours.add("single", single.magnet(tracker.url))
    ours.wait_for_event("single", "trackerAnnounce")
    scripted_peers.join("wrongMetadata", tracker.url, single.info_hash, metadataSize=2**31 - 1)
    libtorrent_peer(single.torrent, single.root, tracker.url)
    ours.assert_complete("single", single)


@pytest.mark.parametrize("script", ["corruptSeeder", "shortBlocks", "blockOutOfRange"])
def test_a_peer_that_sends_wrong_blocks_is_banned(
    ours: ClientPage,
    scripted_peers: ScriptedPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
    script: str,
) -> None:
    ours.add("single", single.torrent, announce=[tracker.url])
    ours.wait_for_event("single", "trackerAnnounce")
    scripted_peers.join(script, tracker.url, single.info_hash)
    scripted_peers.wait_until_dropped()
    ours.wait_for_event("single", "warning")
    libtorrent_peer(single.torrent, single.root, tracker.url)
    ours.assert_complete("single", single)


def test_a_libtorrent_that_seeds_a_corrupt_piece_is_banned(
    ours: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
    folder: Path,
) -> None:
    corrupt = bytearray(single.files[single.name])
    # Not the last piece but all others: whichever comes first, one is wrong soon.
    for start in range(0, len(corrupt) - PIECE_LENGTH, PIECE_LENGTH):
        corrupt[start] ^= 1
    (folder / single.name).write_bytes(corrupt)
    ours.add("single", single.torrent, announce=[tracker.url])
    libtorrent_peer(single.torrent, folder, tracker.url)
    ours.wait_for_event("single", "warning")
    ours.wait_until("torrents.single.numPeers === 0")
    libtorrent_peer(single.torrent, single.root, tracker.url)
    ours.assert_complete("single", single)


def test_an_engine_that_cannot_start_says_so(open_client: Callable[..., ClientPage], site: Site) -> None:
    site.missing.update({".bin", ".whl"})
    try:
        ours = open_client("ours")
        ours.page.evaluate("() => { tools.start({}); tools.add('queued', '0'.repeat(40)) }")
        errors = [ours.wait_for_event(emitter, "error") for emitter in ("client", "queued")]
    finally:
        site.missing.clear()
    for error in errors:
        assert error["code"] == "ERR_BOOT"
        assert ".whl" in error["message"]
        assert "404" in error["message"]
