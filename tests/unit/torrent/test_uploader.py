"""Serving: whom, what, how much at a time, and what is refused."""

import pytest

from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.errors import WireError
from webtorrent_py.events import TorrentWarning, Uploaded
from webtorrent_py.peer.connection import MAX_QUEUED_REQUESTS
from webtorrent_py.torrent.choker import ROUND, UPLOAD_SLOTS
from webtorrent_py.torrent.uploader import BATCH_BYTES
from webtorrent_py.wire import messages as m

BATCH = BATCH_BYTES // BLOCK


def leech(scene, **options):
    """A peer that wants something and was unchoked."""
    remote = scene.channel(**options)
    remote.say(remote.handshake)
    remote.say(m.Interested())
    remote.heard()
    return remote


def test_a_peer_that_wants_something_is_served_at_once():
    scene = Scene(have_all=True)
    remote = scene.channel()
    remote.say(remote.handshake)
    assert [type(each) for each in remote.heard()] == [m.HaveAll, m.Extended]
    remote.say(m.Interested())
    assert remote.heard() == [m.Unchoke()]
    remote.say(m.Request(1, BLOCK, BLOCK))
    assert remote.heard() == [remote.block(1, BLOCK)]
    assert scene.torrent.uploaded == BLOCK == scene.told(Uploaded)[0].count


@pytest.mark.parametrize("length", [1, 5, BLOCK, 2 * BLOCK])
def test_any_range_of_a_piece_is_served(length):
    scene = Scene(have_all=True)
    remote = leech(scene)
    remote.say(m.Request(3, 2 * BLOCK - length, length))
    assert remote.heard() == [remote.block(3, 2 * BLOCK - length, length)]


def test_blocks_wait_for_the_channel_to_run_low():
    scene = Scene(pieces=2 * BATCH, have_all=True)
    remote = leech(scene)
    asked = [(index, begin, BLOCK) for index in range(2 * BATCH) for begin in (0, BLOCK)]
    remote.say(*[m.Request(*block) for block in asked])
    # The first goes alone: it came alone.
    assert remote.heard() == [remote.block(*asked[0])]
    sent = [asked[0]]
    while len(sent) < len(asked):
        scene.do(scene.torrent.writable, remote.connection)
        batch = [(each.index, each.begin, len(each.data)) for each in remote.heard()]
        assert len(batch) == min(BATCH, len(asked) - len(sent))
        sent += batch
    assert sent == asked
    scene.do(scene.torrent.writable, remote.connection)
    assert remote.heard() == []
    remote.say(m.Request(*asked[0]))
    assert len(remote.heard()) == 1


def test_what_waits_can_be_cancelled():
    scene = Scene(have_all=True)
    remote = leech(scene)
    remote.say(*[m.Request(0, 0, BLOCK), m.Request(1, 0, BLOCK), m.Request(2, 0, BLOCK), m.Cancel(1, 0, BLOCK)])
    scene.do(scene.torrent.writable, remote.connection)
    assert remote.heard() == [remote.block(0, 0), m.Reject(1, 0, BLOCK), remote.block(2, 0)]


@pytest.mark.parametrize("fast", [True, False])
def test_what_is_not_served_is_rejected_where_the_peer_knows_that(fast):
    scene = Scene()
    remote = scene.channel(fast=fast)
    remote.say(remote.handshake)
    remote.heard()
    reject = [m.Reject(0, 0, BLOCK)] if fast else []
    remote.say(m.Request(0, 0, BLOCK))  # choked
    assert remote.heard() == reject
    remote.say(m.Interested())
    remote.heard()
    remote.say(m.Request(0, 0, BLOCK))  # not here
    assert remote.heard() == reject and not remote.closed


@pytest.mark.parametrize(
    "request_", [m.Request(3, 2 * BLOCK, 1), m.Request(0, 2**32 - 1, 1), m.Request(0, 1, 2 * BLOCK)]
)
def test_a_request_beyond_a_piece_ends_the_connection(request_):
    scene = Scene(have_all=True)
    remote = leech(scene)
    remote.say(request_)
    assert remote.closed and isinstance(scene.told(TorrentWarning)[0].error, WireError)


def test_only_so_many_requests_are_held():
    scene = Scene(have_all=True)
    remote = leech(scene)
    remote.say(*[m.Request(0, 0, BLOCK)] * (MAX_QUEUED_REQUESTS + 5))
    heard = remote.heard()
    assert sum(isinstance(each, m.Reject) for each in heard) == 4
    assert len(remote.connection.upload_queue) == MAX_QUEUED_REQUESTS


def test_a_slot_that_becomes_free_is_anothers_at_once():
    scene = Scene(have_all=True)
    served = [leech(scene) for _ in range(UPLOAD_SLOTS)]
    waiting = [leech(scene), leech(scene)]
    assert all(not remote.connection.am_choking for remote in served)
    assert all(remote.connection.am_choking for remote in waiting)
    served[0].say(m.NotInterested())
    assert served[0].heard() == [m.Choke()] and waiting[0].heard() == [m.Unchoke()]
    scene.do(scene.torrent.drop, served[1].connection, "it went")
    assert waiting[1].heard() == [m.Unchoke()]


def test_rounds_serve_those_who_take_fastest_and_choking_rejects_what_waits():
    scene = Scene(pieces=40, have_all=True)
    peers = [leech(scene) for _ in range(UPLOAD_SLOTS + 1)]
    idle = peers[UPLOAD_SLOTS]
    for remote in peers[: UPLOAD_SLOTS - 1]:
        remote.say(*[m.Request(0, 0, BLOCK)] * 2)
    lazy = peers[UPLOAD_SLOTS - 1]
    seen = set()
    for _ in range(12):
        scene.pass_time(ROUND)
        for remote in peers[: UPLOAD_SLOTS - 1]:
            assert not remote.connection.am_choking
            scene.do(scene.torrent.writable, remote.connection)
            remote.say(m.Request(0, 0, BLOCK))
        assert lazy.connection.am_choking != idle.connection.am_choking
        seen.add(idle.connection.am_choking)
    assert seen == {True, False}


def test_while_downloading_those_who_give_are_served():
    scene = Scene(pieces=400)
    peers = [scene.peer() for _ in range(UPLOAD_SLOTS + 3)]
    givers = peers[3:]
    for remote in peers:
        remote.say(m.Interested())
    for _ in range(4):
        for remote in givers:
            remote.serve(remote.requests()[:3])
        scene.pass_time(ROUND / 2)
    assert sum(not remote.connection.am_choking for remote in givers) >= UPLOAD_SLOTS - 1


def test_pause_chokes_everybody_and_resume_serves_again():
    scene = Scene(have_all=True)
    remote = leech(scene)
    remote.say(m.Request(0, 0, BLOCK), m.Request(1, 0, BLOCK))
    remote.heard()
    scene.do(scene.torrent.pause)
    assert remote.heard() == [m.Choke(), m.Reject(1, 0, BLOCK)]
    remote.say(m.NotInterested(), m.Interested(), m.Request(0, 0, BLOCK))
    scene.pass_time(3 * ROUND)
    assert remote.heard() == [m.Reject(0, 0, BLOCK)]
    scene.do(scene.torrent.resume)
    assert remote.heard() == [m.Unchoke()]


def test_what_is_verified_can_be_served_and_not_before():
    scene = Scene(pieces=1, slow_store=True)
    seed, other = scene.peer(), leech(scene)
    seed.serve(seed.requests())
    other.say(m.Request(0, 0, BLOCK))
    assert other.heard() == [m.Reject(0, 0, BLOCK)]
    scene.finish_hashing()
    assert other.heard() == [m.Have(0)]
    other.say(m.Request(0, 0, BLOCK))
    assert other.heard() == [other.block(0, 0)]
