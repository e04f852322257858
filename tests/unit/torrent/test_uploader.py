"""Serving: whom, what, how much at a time, and what is refused."""

import pytest

from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.errors import InvalidOptionError, WireError
from webtorrent_py.events import TorrentWarning, Uploaded
from webtorrent_py.peer.connection import MAX_QUEUED_REQUESTS
from webtorrent_py.torrent.allowed_fast import ALLOWED_FAST_PIECES
from webtorrent_py.torrent.choker import ROUND, TURN, UPLOAD_SLOTS
from webtorrent_py.torrent.options import TorrentOptions
from webtorrent_py.torrent.uploader import ALLOWED_FAST_COPIES, BATCH_BYTES
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import ExtendedHandshake

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
    for _ in range(int(TURN / ROUND)):
        scene.pass_time(ROUND)
        for remote in peers[: UPLOAD_SLOTS - 1]:
            assert not remote.connection.am_choking
            scene.do(scene.torrent.writable, remote.connection)
            remote.say(m.Request(0, 0, BLOCK))
        assert lazy.connection.am_choking != idle.connection.am_choking


def test_while_downloading_those_who_give_are_served():
    scene = Scene(pieces=400)
    peers = [scene.peer(*range(399)) for _ in range(UPLOAD_SLOTS + 3)]
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


# --- BEP 6, 21 -------------------------------------------------------------------------------------


def crowded(pieces=20, **options):
    """A seed whose only slot is taken."""
    scene = Scene(pieces=pieces, have_all=True, upload_slots=1, **options)
    leech(scene)
    return scene


def starter(scene, *have):
    """A peer with these pieces that wants more and waits for a slot; the pieces that it is allowed."""
    remote = scene.channel()
    remote.say(remote.handshake, m.HaveNone(), *map(m.Have, have), m.Interested())
    return remote, [each.index for each in remote.heard(m.AllowedFast)]


def test_one_that_waits_with_next_to_nothing_may_have_some_pieces():
    scene = crowded()
    remote, allowed = starter(scene)
    assert len(allowed) == ALLOWED_FAST_PIECES and remote.connection.am_choking
    other = next(index for index in range(20) if index not in allowed)
    remote.say(m.Request(allowed[0], 0, BLOCK))
    assert remote.heard() == [remote.block(allowed[0], 0)]
    scene.do(scene.torrent.writable, remote.connection)
    remote.say(m.Request(other, 0, BLOCK))
    assert remote.heard() == [m.Reject(other, 0, BLOCK)]
    # It is told once only.
    remote.say(m.NotInterested(), m.Interested())
    assert remote.heard() == []


def test_what_is_allowed_ends_with_its_copies_and_with_the_start():
    scene = crowded()
    remote, allowed = starter(scene)
    for _ in range(2 * ALLOWED_FAST_COPIES):
        remote.say(m.Request(allowed[0], 0, BLOCK))
        assert remote.heard() == [remote.block(allowed[0], 0)]
        scene.do(scene.torrent.writable, remote.connection)
    remote.say(m.Request(allowed[0], 0, BLOCK))
    assert remote.heard() == [m.Reject(allowed[0], 0, BLOCK)]
    remote.say(*map(m.Have, allowed), m.Request(allowed[1], 0, BLOCK))
    assert remote.heard(m.Reject, m.Piece) == [m.Reject(allowed[1], 0, BLOCK)]


def test_a_choke_leaves_what_is_allowed_and_a_pause_does_not():
    scene = crowded()
    remote, allowed = starter(scene)
    scene.remotes[1].say(m.NotInterested())
    assert remote.heard() == [m.Unchoke()]
    remote.connection.writable = False
    other = next(index for index in range(20) if index not in allowed)
    remote.say(m.Request(allowed[0], 0, BLOCK), m.Request(other, 0, BLOCK))
    remote.say(m.NotInterested())
    assert remote.heard() == [m.Choke(), m.Reject(other, 0, BLOCK)]
    scene.do(scene.torrent.pause)
    assert remote.heard() == [m.Reject(allowed[0], 0, BLOCK)]
    remote.say(m.Request(allowed[0], 0, BLOCK))
    assert remote.heard() == [m.Reject(allowed[0], 0, BLOCK)]


def test_who_has_pieces_or_does_not_speak_bep_6_is_allowed_nothing():
    scene = crowded()
    assert starter(scene, *range(ALLOWED_FAST_PIECES))[1] == []
    plain = scene.channel(fast=False)
    plain.say(plain.handshake, m.BitfieldMessage(bytes(3)), m.Interested())
    assert plain.heard(m.AllowedFast) == []
    # Nor is it told of pieces that are not here.
    scene = Scene(pieces=20, upload_slots=1)
    leech(scene)
    assert starter(scene)[1] == []


def told(remote):
    """What our extended handshakes said of being upload-only."""
    return [ExtendedHandshake.parse(each.payload).upload_only for each in remote.heard(m.Extended) if not each.id]


def test_that_nothing_is_wanted_is_told_when_it_changes():
    scene = Scene(pieces=2)
    watcher, seed = scene.channel(), scene.peer()
    watcher.say(watcher.handshake)
    assert told(watcher) == [False]
    seed.serve(seed.requests())
    scene.pass_time(2)
    assert scene.torrent.complete and told(watcher) == [True]
    scene.pass_time(20)
    assert told(watcher) == []
    # A partial seed too, but not who has nothing.
    scene = Scene(pieces=2, deselect=True)
    seed = scene.peer()
    assert told(seed) == [False]
    scene.do(scene.torrent.select, 0, 0, 1)
    seed.serve(seed.requests())
    scene.pass_time(2)
    assert told(seed) == [True]
    scene.do(scene.torrent.select, 0, 1, 1)
    scene.pass_time(1.5)
    assert told(seed) == [False]


def test_an_upload_only_peer_is_not_served_whatever_it_says():
    scene = Scene(have_all=True)
    remote = leech(scene)
    remote.say(m.Extended(0, ExtendedHandshake(upload_only=True).serialize()))
    assert remote.heard() == [m.Choke()]
    # A later handshake that does not speak of it changes nothing.
    remote.say(m.Extended(0, ExtendedHandshake(reqq=10).serialize()))
    scene.pass_time(3 * ROUND)
    assert remote.heard(m.Unchoke) == []
    remote.say(m.Extended(0, ExtendedHandshake(upload_only=False).serialize()))
    assert remote.heard() == [m.Unchoke()]


@pytest.mark.parametrize(("choke_seeders", "expected"), [(True, []), (False, [m.Unchoke()])])
def test_seeds_are_served_only_if_that_is_wanted(choke_seeders, expected):
    scene = Scene(have_all=True, choke_seeders=choke_seeders)
    remote = scene.peer()
    remote.say(m.Interested())
    assert remote.heard(m.Unchoke) == expected


def test_slots_are_as_many_as_wanted():
    scene = Scene(have_all=True, upload_slots=2)
    peers = [leech(scene) for _ in range(5)]
    assert sum(not remote.connection.am_choking for remote in peers) == 2
    scene.pass_time(10 * ROUND)
    assert sum(not remote.connection.am_choking for remote in peers) == 2
    scene = Scene(have_all=True, upload_slots=0)
    remote = leech(scene)
    scene.pass_time(2 * ROUND)
    assert remote.connection.am_choking


@pytest.mark.parametrize("slots", [-1, 1.5, None, True])
def test_slots_are_a_number(slots):
    with pytest.raises(InvalidOptionError):
        TorrentOptions(upload_slots=slots)
