"""What holds in every phase: handshakes, twins, bans, timeouts, metadata, events."""

import hashlib

import pytest

from tests.unit.torrent.scene import BLOCK, OWN_ID, Scene
from webtorrent_py.errors import MetainfoError, StorageError, WireError
from webtorrent_py.events import (
    MetadataReceived,
    NoPeers,
    PeerConnected,
    PeerDisconnected,
    TorrentFailed,
    TorrentReady,
    TorrentWarning,
)
from webtorrent_py.torrent.active import MAX_METADATA_COPIES
from webtorrent_py.torrent.options import NO_PEERS_INTERVAL
from webtorrent_py.torrent.upkeep import HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, KEEP_ALIVE_INTERVAL, SILENT_TIME
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import MetadataData, MetadataReject, MetadataRequest, parse_metadata_message
from webtorrent_py.wire.handshake import Handshake

ID, OTHER_ID = b"i" * 20, b"o" * 20


# --- handshakes ------------------------------------------------------------------------------------


def test_a_peer_is_connected_once_it_said_hello():
    scene = Scene()
    remote = scene.channel(ID)
    assert scene.torrent.num_peers == 0 and len(scene.torrent.peers) == 1
    remote.say(remote.handshake)
    assert scene.torrent.num_peers == 1
    assert scene.told(PeerConnected) == [PeerConnected(1, remote.handle, ID)]


def test_a_peer_that_says_nothing_is_dropped():
    scene = Scene()
    silent, other = scene.channel(), scene.peer()
    scene.pass_time(HANDSHAKE_TIMEOUT + 2)
    assert silent.closed and not other.closed
    assert not scene.told(PeerDisconnected) and not scene.told(TorrentWarning)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x13BitTorrent protocoL", b"\0" * 68])
def test_a_peer_that_speaks_something_else_is_dropped_at_once(data):
    scene = Scene()
    remote = scene.channel()
    remote.send(data)
    assert remote.closed and isinstance(scene.told(TorrentWarning)[0].error, WireError)
    assert not scene.told(PeerConnected) and not scene.told(PeerDisconnected)


def test_a_handshake_for_another_torrent_ends_the_connection():
    scene = Scene()
    remote = scene.channel()
    remote.say(Handshake.ours(b"x" * 20, ID))
    assert remote.closed and scene.torrent.num_peers == 0


def test_a_connection_to_ourselves_is_dropped_without_ado():
    scene = Scene()
    remote = scene.channel(OWN_ID)
    remote.say(remote.handshake)
    assert remote.closed and scene.events[-1:] != [PeerConnected(1, remote.handle, OWN_ID)]
    assert not scene.told(PeerConnected, PeerDisconnected, TorrentWarning)
    assert not scene.torrent.wants_peer(OWN_ID)


def test_bytes_after_the_end_of_a_connection_are_not_looked_at():
    scene = Scene()
    remote = scene.channel(OWN_ID)
    remote.send(remote.handshake.serialize() + m.HaveAll().serialize() + m.Interested().serialize())
    assert remote.closed and not scene.told(PeerConnected, TorrentWarning)


# --- twins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theirs_is_greater", [True, False])
@pytest.mark.parametrize("ours_opens_first", [True, False])
def test_of_two_connections_to_one_peer_both_ends_keep_the_same(theirs_is_greater, ours_opens_first):
    scene = Scene()
    peer_id = (b"~" if theirs_is_greater else b"!") * 20
    assert (peer_id > OWN_ID) == theirs_is_greater
    order = [True, False] if ours_opens_first else [False, True]
    remotes = {}
    for outgoing in order:
        remotes[outgoing] = scene.channel(peer_id, outgoing=outgoing, offer_id=b"a" * 20)
    for outgoing in order:
        remotes[outgoing].say(remotes[outgoing].handshake)
    # The connection that the peer with the greater id offered.
    kept, dropped = remotes[not theirs_is_greater], remotes[theirs_is_greater]
    assert dropped.closed and not kept.closed and scene.torrent.num_peers == 1
    connected = [event.peer for event in scene.told(PeerConnected)]
    disconnected = [event.peer for event in scene.told(PeerDisconnected)]
    assert connected[-1] == kept.handle and disconnected == connected[:-1]


def test_two_connections_by_the_same_side_are_told_apart_by_their_offers():
    scene = Scene()
    low, high = (scene.channel(ID, offer_id=offer * 20) for offer in (b"a", b"b"))
    high.say(high.handshake)
    low.say(low.handshake)
    assert low.closed and not high.closed


def test_a_dropped_twin_leaves_nothing_behind():
    scene = Scene()
    first = scene.peer(peer_id=ID, offer_id=b"a" * 20)
    asked = first.requests()
    second = scene.peer(peer_id=ID, offer_id=b"b" * 20)
    assert first.closed and set(second.requests()) == set(asked)


def test_a_peer_that_is_connected_is_not_wanted_twice():
    scene = Scene()
    remote = scene.channel(ID)
    assert scene.torrent.wants_peer(ID)
    remote.say(remote.handshake)
    assert not scene.torrent.wants_peer(ID) and scene.torrent.wants_peer(OTHER_ID)


# --- bans ------------------------------------------------------------------------------------------


def test_who_broke_the_protocol_is_not_let_in_again():
    scene = Scene()
    remote = scene.peer(peer_id=ID)
    remote.send(b"\xff" * 5)
    assert remote.closed and not scene.torrent.wants_peer(ID)
    assert [type(event) for event in scene.told(PeerDisconnected, TorrentWarning)] == [PeerDisconnected, TorrentWarning]
    again = scene.channel(ID)
    again.say(again.handshake)
    assert again.closed and len(scene.told(PeerConnected)) == 1


def test_who_left_before_the_lie_was_found_is_not_let_in_again():
    scene = Scene(pieces=1, slow_store=True)
    liar = scene.peer(peer_id=ID)
    for block in liar.requests():
        right = liar.block(*block)
        liar.say(m.Piece(right.index, right.begin, bytes(len(right.data))))
    scene.do(scene.torrent.drop, liar.connection, "it went")
    scene.finish_hashing()
    assert not scene.torrent.wants_peer(ID)


@pytest.mark.parametrize("reason", ["paused", "failed"])
def test_when_nobody_is_wanted(reason):
    scene = Scene(max_conns=1)
    assert scene.torrent.wants_peer(None) and scene.torrent.wants_peer(ID)
    if reason == "paused":
        scene.do(scene.torrent.pause)
    else:
        scene.do(scene.torrent.storage_failed, "full")
    assert not scene.torrent.wants_peer(None) and not scene.torrent.wants_peer(ID)


# --- time ------------------------------------------------------------------------------------------


def test_a_connection_is_kept_alive():
    scene = Scene()
    remote = scene.peer(unchoke=False)
    remote.heard()
    scene.pass_time(KEEP_ALIVE_INTERVAL + 2)
    assert remote.heard() == [m.KeepAlive()]
    remote.say(m.KeepAlive())
    scene.pass_time(KEEP_ALIVE_INTERVAL + 2)
    assert remote.heard() == [m.KeepAlive()]
    scene.pass_time(IDLE_TIMEOUT - KEEP_ALIVE_INTERVAL)
    assert remote.closed


def test_that_there_is_nobody_is_told_again_and_again():
    scene = Scene()
    scene.pass_time(3.5 * NO_PEERS_INTERVAL)
    assert len(scene.told(NoPeers)) == 3
    remote = scene.peer(unchoke=False)
    for _ in range(10):
        scene.pass_time(NO_PEERS_INTERVAL)
        remote.say(m.KeepAlive())
    assert len(scene.told(NoPeers)) == 3
    scene.do(scene.torrent.drop, remote.connection, "it went")
    scene.pass_time(NO_PEERS_INTERVAL + 1)
    assert len(scene.told(NoPeers)) == 4


# --- metadata --------------------------------------------------------------------------------------


def test_peers_that_came_before_the_metadata_are_taken_along():
    scene = Scene(resolving=True)
    seed = scene.channel()
    seed.say(seed.handshake, m.HaveAll(), m.Unchoke())
    assert [type(each) for each in seed.heard()] == [m.HaveNone, m.Extended]
    assert not scene.torrent.ready and scene.torrent.left is None and scene.torrent.progress == 0
    seed.offer_metadata()
    (request,) = seed.heard()
    assert parse_metadata_message(request.payload) == MetadataRequest(0)
    seed.send_metadata()
    assert scene.torrent.ready and scene.torrent.metainfo == scene.metainfo
    assert [type(each) for each in scene.told(MetadataReceived, TorrentReady)] == [MetadataReceived, TorrentReady]
    heard = seed.heard()
    assert {type(each) for each in heard} == {m.Extended, m.Interested, m.Request}
    seed.serve([(each.index, each.begin, each.length) for each in heard if isinstance(each, m.Request)])
    assert scene.torrent.done


def test_metadata_that_comes_with_other_messages_is_not_lost():
    scene = Scene(resolving=True)
    seed = scene.channel()
    seed.say(seed.handshake)
    seed.offer_metadata()
    info = scene.metainfo.info
    data = m.Extended(1, MetadataData(0, len(info), info).serialize())
    seed.send(b"".join(each.serialize() for each in (m.Have(1), data, data, m.Have(2), m.Unchoke())))
    assert scene.torrent.ready
    assert {index for index, _, _ in seed.requests()} == {1, 2}


def test_a_peer_whose_early_claims_do_not_fit_is_dropped_when_that_is_known():
    scene = Scene(resolving=True)
    liar, seed = scene.channel(), scene.channel()
    liar.say(liar.handshake, m.BitfieldMessage(b"\xff\xff\xff"))
    seed.say(seed.handshake)
    seed.offer_metadata()
    seed.send_metadata()
    assert liar.closed and not seed.closed and scene.torrent.ready


def test_the_one_who_brings_the_metadata_may_be_the_one_who_is_dropped():
    scene = Scene(resolving=True)
    liar = scene.channel()
    liar.say(liar.handshake, m.Have(100))
    liar.offer_metadata()
    liar.send_metadata()
    assert liar.closed and scene.torrent.ready and scene.torrent.num_peers == 0


def test_metadata_that_is_no_torrent_ends_the_torrent():
    info = b"d4:name3:abce"
    scene = Scene(resolving=True, info_hash=hashlib.sha1(info).digest())
    seed = scene.channel()
    seed.say(seed.handshake)
    seed.offer_metadata(len(info))
    seed.say(m.Extended(1, MetadataData(0, len(info), info).serialize()))
    assert isinstance(scene.torrent.failed, MetainfoError)
    assert seed.closed and len(scene.told(TorrentFailed)) == 1
    assert scene.torrent.get_timer() is None


def test_wrong_metadata_ends_the_connection():
    scene = Scene(resolving=True)
    liar = scene.channel()
    liar.say(liar.handshake)
    liar.offer_metadata()
    wrong = bytes(len(scene.metainfo.info))
    liar.say(m.Extended(1, MetadataData(0, len(wrong), wrong).serialize()))
    assert liar.closed and not scene.torrent.ready and not scene.torrent.wants_peer(liar.peer_id)


def test_metadata_is_given_to_who_asks():
    scene = Scene()
    remote = scene.peer(unchoke=False)
    remote.offer_metadata()
    remote.heard()
    for piece in (0, 1):
        remote.say(m.Extended(1, MetadataRequest(piece).serialize()))
    data, reject = (parse_metadata_message(each.payload) for each in remote.heard())
    assert data == MetadataData(0, len(scene.metainfo.info), scene.metainfo.info) and reject == MetadataReject(1)


def test_metadata_is_given_often_but_not_for_ever():
    scene = Scene()
    remote = scene.peer(unchoke=False)
    remote.offer_metadata()
    request = m.Extended(1, MetadataRequest(0).serialize())
    remote.say(*[request] * MAX_METADATA_COPIES)
    assert not remote.closed
    remote.say(request)
    assert remote.closed


def test_who_has_no_metadata_says_so():
    scene = Scene(resolving=True)
    remote = scene.channel()
    remote.say(remote.handshake)
    remote.offer_metadata()
    remote.heard()
    remote.say(m.Extended(1, MetadataRequest(0).serialize()))
    assert [parse_metadata_message(each.payload) for each in remote.heard()] == [MetadataReject(0)]


# --- failing ---------------------------------------------------------------------------------------


def test_a_store_that_fails_ends_the_torrent_but_not_the_client():
    scene = Scene()
    peers = [scene.peer(), scene.peer()]
    scene.do(scene.torrent.storage_failed, "the disk is full")
    scene.do(scene.torrent.storage_failed, "the disk is full")
    assert all(peer.closed for peer in peers) and len(scene.told(TorrentFailed)) == 1
    error = scene.told(TorrentFailed)[0].error
    assert isinstance(error, StorageError) and "full" in str(error) and scene.torrent.failed is error
    scene.do(scene.torrent.piece_stored, 0)
    scene.do(scene.torrent.piece_hashed, 0, b"")
    scene.do(scene.torrent.resume)
    assert scene.torrent.downloaded == 0


def test_digests_of_what_nobody_hashes_are_ignored():
    scene = Scene()
    peer = scene.peer()
    peer.serve(peer.requests()[:1])
    scene.do(scene.torrent.piece_hashed, 0, b"x" * 20)
    scene.do(scene.torrent.piece_hashed, 3, b"x" * 20)
    assert not peer.closed and scene.torrent.received == BLOCK


# --- connections that are dead, or in the way --------------------------------------------------------


def test_a_silent_connection_does_not_keep_its_peer_away():
    scene = Scene()
    old = scene.peer(peer_id=ID)
    scene.pass_time(SILENT_TIME)
    assert not scene.torrent.wants_peer(ID, scene.now)
    scene.pass_time(1.5)
    assert scene.torrent.wants_peer(ID, scene.now) and not scene.torrent.wants_peer(ID)
    # Whatever the rule for two that are alive would say.
    new = scene.channel(peer_id=ID, outgoing=False, offer_id=b"\0" * 20)
    new.say(new.handshake)
    assert old.closed and not new.closed


def test_a_connection_that_is_heard_of_is_not_replaced():
    scene = Scene(deselect=True)
    old = scene.peer(peer_id=ID, outgoing=True, offer_id=b"\xff" * 20)
    for _ in range(3):
        scene.pass_time(SILENT_TIME - 5)
        old.say(m.KeepAlive())
    assert not scene.torrent.wants_peer(ID, scene.now) and not old.closed


def test_a_pause_sends_away_who_has_not_said_hello():
    scene = Scene()
    known, unknown = scene.peer(), scene.channel()
    scene.do(scene.torrent.pause)
    assert unknown.closed and not known.closed
