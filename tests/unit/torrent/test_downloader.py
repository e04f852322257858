"""Getting pieces from peers that do all that peers do."""

import pytest

from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.errors import WireError
from webtorrent_py.events import (
    Downloaded,
    FileDone,
    PeerDisconnected,
    PieceVerified,
    ReaderAdvanced,
    TorrentDone,
    TorrentWarning,
)
from webtorrent_py.torrent.readers import Reader
from webtorrent_py.torrent.requester import SNUB_TIMEOUT
from webtorrent_py.torrent.upkeep import USELESS_TIMEOUT
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import LT_DONTHAVE, OUR_IDS, ExtendedHandshake, serialize_dont_have

both = pytest.mark.parametrize("fast", [True, False])


@both
def test_a_seed_is_asked_for_everything_once(fast):
    scene = Scene(length=5 * 2 * BLOCK - 77)
    seed = scene.peer(fast=fast)
    asked = []
    while requests := seed.requests():
        asked += requests
        seed.serve(requests)
    assert sorted(asked) == sorted(set(asked)) and sum(length for _, _, length in asked) == len(scene.content)
    assert b"".join(data for _, data in sorted(scene.stored.items())) == scene.content
    assert scene.torrent.done and scene.torrent.complete and scene.torrent.progress == 1
    assert scene.torrent.received == scene.torrent.downloaded == len(scene.content)
    assert sum(event.count for event in scene.told(Downloaded)) == len(scene.content)
    assert {event.index for event in scene.told(PieceVerified)} == set(range(5))
    assert len(scene.told(FileDone)) == len(scene.told(TorrentDone)) == 1
    assert not seed.connection.am_interested


def test_whoever_comes_is_told_and_asked_according_to_what_he_has():
    scene = Scene(pieces=3)
    nobody = scene.peer(unchoke=False)
    assert [type(each) for each in nobody.heard()] == [m.HaveNone, m.Extended, m.Interested]
    one = scene.peer(2)
    asked = one.requests()
    assert {index for index, _, _ in asked} == {2}
    one.serve(asked)
    assert nobody.heard() == [m.Have(2)]
    assert one.heard() == [m.NotInterested(), m.Have(2)]
    one.say(m.Have(0))
    assert one.heard()[0] == m.Interested()
    assert scene.peer(unchoke=False).heard()[0] == m.BitfieldMessage(b"\x20")


def test_nothing_is_asked_of_a_peer_that_chokes_but_what_it_allows():
    scene = Scene(pieces=3)
    peer = scene.peer(unchoke=False)
    assert peer.requests() == []
    peer.say(m.AllowedFast(1))
    assert {index for index, _, _ in peer.requests()} == {1}
    peer.say(m.Unchoke())
    assert {index for index, _, _ in peer.requests()} == {0, 2}


def test_an_allowed_piece_that_is_rejected_is_not_asked_for_again():
    scene = Scene(pieces=3)
    peer = scene.peer(unchoke=False)
    peer.say(m.AllowedFast(1))
    peer.say(*[m.Reject(*block) for block in peer.requests()])
    scene.pass_time(5)
    assert peer.requests() == []


def test_a_choke_without_fast_frees_what_was_asked_for_at_once():
    scene = Scene(pieces=2)
    first, second = scene.peer(fast=False), scene.peer(fast=False, unchoke=False)
    asked = first.requests()
    first.say(m.Choke())
    second.say(m.Unchoke())
    assert sorted(second.requests()) == sorted(asked)
    first.say(m.Unchoke())
    # All is asked of the second, so it is the end game.
    again = first.requests()
    assert again and set(again) <= set(asked)


def test_a_choke_with_fast_frees_what_is_rejected():
    scene = Scene(pieces=2)
    first, second = scene.peer(), scene.peer(unchoke=False)
    asked = first.requests()
    first.say(m.Choke(), m.Reject(*asked[0]), m.Reject(*asked[2]))
    second.say(m.Unchoke())
    assert set(second.requests()) == {asked[0], asked[2]}
    first.say(m.Reject(*asked[1]), m.Reject(*asked[3]))
    assert set(second.connection.requests) == {block[:2] for block in asked}
    first.say(m.Unchoke())
    again = first.requests()
    assert again and set(again) <= set(asked)


@both
def test_choking_and_unchoking_quickly_loses_nothing(fast):
    scene = Scene(pieces=6)
    peer = scene.peer(fast=fast)
    for _ in range(100):
        requests = peer.requests()
        peer.serve(requests[:1])
        peer.say(m.Choke())
        if fast:
            peer.say(*[m.Reject(*block) for block in requests[1:]])
        peer.say(m.Unchoke())
        scene.pass_time(1.0)
    assert scene.torrent.done


def test_one_rejected_block_does_not_end_the_download():
    scene = Scene(pieces=20)
    peer = scene.peer()
    first = peer.requests()
    peer.say(m.Reject(*first[0]))
    peer.serve(first[1:])
    for _ in range(10):
        scene.pass_time(1.0)
        peer.serve(peer.requests())
    assert scene.torrent.done


def test_a_peer_that_rejects_everything_is_asked_again_but_not_at_once():
    scene = Scene(pieces=4)
    peer = scene.peer()
    count = 0
    for _ in range(10):
        while requests := peer.requests():
            count += len(requests)
            peer.say(*[m.Reject(*block) for block in requests])
        scene.pass_time(1.0)
    assert 8 <= count <= 11 * 16
    other = scene.peer()
    for _ in range(8):
        while requests := other.requests():
            other.serve(requests)
        scene.pass_time(1.0)
    assert scene.torrent.done


@both
def test_a_silent_peer_is_relieved_and_kept_for_a_while(fast):
    scene = Scene(pieces=2)
    silent, other = scene.peer(fast=fast), scene.peer(fast=fast, unchoke=False)
    asked = silent.requests()
    scene.pass_time(SNUB_TIMEOUT + 2)
    assert silent.connection.snubbed and len(silent.connection.requests) == 1
    assert len(silent.heard(m.Cancel)) == len(asked) - 1
    other.say(m.Unchoke())
    other.serve(other.requests())
    assert scene.torrent.done
    scene.pass_time(USELESS_TIMEOUT)
    assert silent.closed and not other.closed
    assert [event.peer for event in scene.told(PeerDisconnected)] == [silent.handle]
    assert not scene.told(TorrentWarning)


@both
def test_a_peer_that_was_silent_is_trusted_again_once_it_sends(fast):
    scene = Scene(pieces=6)
    peer = scene.peer(fast=fast)
    asked = peer.requests()
    scene.pass_time(SNUB_TIMEOUT + 2)
    assert peer.connection.snubbed
    peer.serve(asked[:1])
    assert not peer.connection.snubbed
    while requests := peer.requests():
        peer.serve(requests)
        scene.pass_time(1.0)
    assert scene.torrent.done


def test_a_peer_that_is_silent_twice_is_relieved_twice():
    scene = Scene(pieces=8)
    peer = scene.peer(fast=False)
    scene.pass_time(SNUB_TIMEOUT + 2)
    peer.say(m.Choke(), m.Unchoke())
    assert len(peer.connection.requests) == 1
    index, begin = next(iter(peer.connection.requests))
    scene.pass_time(SNUB_TIMEOUT + 2)
    other = scene.peer()
    assert (index, begin, BLOCK) in other.requests()


def test_a_peer_that_leaves_gives_all_back():
    scene = Scene(pieces=2)
    first, second = scene.peer(), scene.peer(unchoke=False)
    asked = first.requests()
    scene.do(scene.torrent.drop, first.connection, "it went")
    second.say(m.Unchoke())
    assert sorted(second.requests()) == sorted(asked)


@pytest.mark.parametrize(
    "block",
    [
        m.Piece(0, 1, bytes(BLOCK)),
        m.Piece(0, 0, bytes(BLOCK - 1)),
        m.Piece(0, 0, b""),
        m.Piece(0, 2 * BLOCK, bytes(BLOCK)),
        m.Piece(4, 0, bytes(BLOCK)),
        m.Piece(0, 0, bytes(2 * BLOCK)),
        m.Piece(2**32 - 1, 2**32 - BLOCK, bytes(BLOCK)),
    ],
)
def test_a_block_that_nobody_can_have_asked_for_ends_the_connection(block):
    scene = Scene()
    peer = scene.peer()
    peer.say(block)
    assert peer.closed
    assert isinstance(scene.told(TorrentWarning)[0].error, WireError)
    assert not scene.torrent.wants_peer(peer.peer_id)
    other = scene.peer()
    while requests := other.requests():
        other.serve(requests)
    assert scene.torrent.done


def test_blocks_that_were_not_asked_for_are_taken_if_they_are_missing():
    scene = Scene(pieces=1, piece_length=8 * BLOCK)
    peer, other = scene.peer(), scene.peer()
    asked = peer.requests()
    other.serve(asked)
    assert scene.torrent.done
    assert {(each.index, each.begin, each.length) for each in peer.heard(m.Cancel)} == set(asked)
    # What is on its way all the same does no harm.
    peer.serve(asked)
    assert not peer.closed and scene.torrent.downloaded == len(scene.content)


def test_cancelled_requests_do_not_fill_the_pipeline_of_a_peer_that_never_answers_them():
    scene = Scene(pieces=40)
    peer = scene.peer()
    for _ in range(30):
        scene.do(scene.torrent.pause)
        assert not peer.connection.requests
        peer.heard()
        scene.do(scene.torrent.resume)
    requests = peer.requests()
    assert len(requests) >= 16
    while requests:
        peer.serve(requests)
        requests = peer.requests()
    assert scene.torrent.done


def test_pause_asks_for_nothing_even_when_peers_get_pieces():
    scene = Scene()
    peer = scene.peer(1)
    scene.do(scene.torrent.pause)
    peer.heard()
    peer.say(m.Have(2), m.Choke(), m.Unchoke())
    scene.pass_time(30)
    assert peer.heard() == []
    scene.do(scene.torrent.resume)
    assert [type(each) for each in peer.heard()][:2] == [m.Interested, m.Request]


# --- wrong bytes -----------------------------------------------------------------------------------


def lie(block: m.Piece) -> m.Piece:
    return m.Piece(block.index, block.begin, bytes(byte ^ 1 for byte in block.data))


def test_who_alone_sent_a_wrong_piece_is_banned():
    scene = Scene(pieces=1)
    liar = scene.peer()
    liar.say(*[lie(liar.block(*block)) for block in liar.requests()])
    assert liar.closed and scene.stored == {} and scene.held == {}
    assert not scene.torrent.wants_peer(liar.peer_id)
    honest = scene.peer()
    honest.serve(honest.requests())
    assert scene.torrent.done


def test_who_sent_one_wrong_block_among_right_ones_is_found_and_banned():
    scene = Scene(pieces=1, piece_length=32 * BLOCK)
    liar = scene.peer()
    mine = liar.requests()
    honest = scene.peer()
    others = honest.requests()
    assert mine and others and not set(mine) & set(others)
    liar.say(lie(liar.block(*mine[0])))
    liar.serve(mine[1:])
    while not scene.torrent.done:
        honest.serve(others + honest.requests())
        others = honest.requests()
        liar.serve(liar.requests())
        scene.pass_time(1.0)
    assert liar.closed or not scene.torrent.wants_peer(liar.peer_id)
    assert not honest.closed


def suspect_scene(**options):
    """A scene whose only piece failed once, with blocks of two peers."""
    scene = Scene(pieces=1, piece_length=32 * BLOCK, **options)
    first = scene.peer()
    mine = first.requests()
    second = scene.peer()
    others = second.requests()
    second.say(lie(second.block(*others[0])))
    second.serve(others[1:])
    first.serve(mine)
    assert scene.stored == {} and not first.closed and not second.closed
    return scene, first, second


def owner_and_other(first, second):
    """Which of them is asked for the suspect piece, all that it is asked for, and which is not."""
    owner, other = (first, second) if first.connection.requests else (second, first)
    assert not other.connection.requests
    asked = [(index, begin, BLOCK) for index, begin in owner.connection.requests]
    assert asked[0] == (0, 0, BLOCK)
    for remote in (owner, other):
        remote.heard()
    return owner, asked, other


def test_a_suspect_piece_is_asked_of_one_peer_alone_and_taken_from_no_other():
    scene, first, second = suspect_scene()
    owner, asked, other = owner_and_other(first, second)
    received = scene.torrent.received
    other.say(lie(other.block(*asked[0])))
    assert scene.torrent.received == received + BLOCK
    while asked:
        owner.serve(asked)
        asked = owner.requests()
    assert scene.torrent.done and second.closed


@pytest.mark.parametrize("way", ["choke", "reject", "leave", "silence"])
def test_a_suspect_piece_is_asked_of_the_next_one_when_its_peer_fails(way):
    scene, first, second = suspect_scene()
    owner, asked, other = owner_and_other(first, second)
    owner.serve(asked[:1])
    if way == "choke":
        owner.say(m.Choke())
    elif way == "reject":
        owner.say(m.Reject(*asked[1]))
    elif way == "leave":
        scene.do(scene.torrent.drop, owner.connection, "it went")
    else:
        scene.pass_time(SNUB_TIMEOUT + 2)
    requests = other.requests()
    # From its first block on, or it could not be told whose bytes were wrong.
    assert (0, 0, BLOCK) in requests


def test_a_piece_that_is_being_hashed_survives_its_only_source():
    scene, first, second = suspect_scene()
    owner, asked, other = owner_and_other(first, second)
    scene.slow_store = True
    while asked:
        owner.serve(asked)
        asked = owner.requests()
    assert len(scene.hashing) == 1
    scene.do(scene.torrent.drop, owner.connection, "it went")
    assert other.requests() == []
    scene.finish_hashing()
    assert scene.torrent.done


# --- the end ---------------------------------------------------------------------------------------


def test_a_slow_peer_does_not_hold_up_the_end():
    scene = Scene(pieces=2, piece_length=8 * BLOCK)
    slow = scene.peer()
    asked = slow.requests()
    assert len(asked) == 16
    fast = scene.peer()
    for _ in range(5):
        fast.serve(fast.requests())
        scene.pass_time(1.0)
    assert scene.torrent.done
    assert {(each.index, each.begin, each.length) for each in slow.heard(m.Cancel)} == set(asked)


def test_when_enough_is_under_way_the_next_piece_waits_for_one_to_be_stored(monkeypatch):
    monkeypatch.setattr("webtorrent_py.torrent.pieces.MAX_BYTES_UNDER_WAY", 3 * 2 * BLOCK)
    scene = Scene(pieces=5, slow_store=True)
    first = scene.peer(0, 1, 2)
    asked = first.requests()
    assert len(asked) == 6
    other = scene.peer(3, 4)
    assert other.requests() == []
    first.serve(asked[:2])
    assert other.requests() == []
    scene.finish_hashing()
    assert len({index for index, _, _ in other.requests()}) == 1


def test_a_peer_that_had_nothing_to_do_takes_part_in_the_end_game():
    scene = Scene(pieces=2, piece_length=16 * BLOCK)
    slow = scene.peer(0)
    slow.requests()
    fast = scene.peer(0)
    # Piece 1 is missing, so it is not the end; and piece 0 is asked of the slow one.
    assert fast.requests() == []
    other = scene.peer(1)
    scene.pass_time(1.5)
    assert {index for index, _, _ in fast.requests()} == {0}
    assert {index for index, _, _ in other.requests()} == {1}


# --- what is wanted --------------------------------------------------------------------------------


def test_what_is_deselected_meanwhile_is_cancelled_and_not_asked_for():
    scene = Scene(pieces=4, piece_length=4 * BLOCK)
    peer = scene.peer()
    asked = peer.requests()
    scene.do(scene.torrent.deselect, 0, 2)
    assert {(each.index, each.begin, each.length) for each in peer.heard(m.Cancel)} == {
        block for block in asked if block[0] != 3
    }
    while requests := peer.requests():
        asked += requests
        peer.serve(requests)
    peer.serve([block for block in asked if block[0] == 3])
    assert sorted(scene.stored) == [3] and scene.torrent.done
    scene.do(scene.torrent.select, 1, 1, 1)
    assert not scene.torrent.done and {index for index, _, _ in peer.requests()} == {1}


def test_deselecting_everything_is_done():
    scene = Scene()
    peer = scene.peer()
    scene.do(scene.torrent.deselect, 0, 3)
    assert scene.torrent.done and len(scene.told(TorrentDone)) == 1
    assert not peer.connection.am_interested and not peer.connection.requests


def test_a_piece_that_is_deselected_while_it_is_hashed_is_kept():
    scene = Scene(slow_store=True)
    peer = scene.peer(0)
    peer.serve(peer.requests())
    scene.do(scene.torrent.deselect, 0, 3)
    scene.finish_hashing()
    assert sorted(scene.stored) == [0] and scene.torrent.downloaded == 2 * BLOCK


def test_a_reader_comes_before_all_else_and_then_nothing_of_it_is_left():
    scene = Scene(pieces=200, deselect=True)
    peer = scene.peer()
    assert peer.requests() == []
    reader = Reader(9, 150 * 2 * BLOCK, 160 * 2 * BLOCK)
    scene.do(scene.torrent.open_reader, reader)
    asked = peer.requests()
    assert asked[0][0] == 150 and all(150 <= index < 160 for index, _, _ in asked)
    assert scene.torrent.done
    peer.serve(asked[:2])
    assert [event.reader for event in scene.told(ReaderAdvanced)] == [9]
    assert scene.torrent.reader_available(9) == (150 * 2 * BLOCK, 151 * 2 * BLOCK)
    scene.do(scene.torrent.advance_reader, 9, 158 * 2 * BLOCK)
    scene.do(scene.torrent.close_reader, 9)
    assert not peer.connection.requests and not peer.connection.am_interested
    assert len(scene.told(TorrentDone)) == 0


def test_what_a_reader_waits_for_is_asked_of_a_faster_peer_too_when_it_is_late():
    scene = Scene(pieces=300)
    slow, fast = scene.peer(), scene.peer()
    scene.do(scene.torrent.open_reader, Reader(9, 0, len(scene.content)))
    held = slow.requests()
    scene.do(scene.torrent.advance_reader, 9, held[0][0] * 2 * BLOCK)
    for _ in range(5):
        fast.serve(fast.requests()[:4])
        scene.pass_time(1.0)
    assert m.Cancel(*held[0]) in slow.heard()


def test_a_peer_whose_only_request_is_cancelled_is_asked_for_something_else():
    scene = Scene(pieces=40, piece_length=BLOCK)
    slow = scene.peer(unchoke=False)
    slow.say(m.Extended(0, ExtendedHandshake(reqq=1).serialize()))
    scene.do(scene.torrent.open_reader, Reader(9, 0, BLOCK))
    slow.say(m.Unchoke())
    assert slow.requests() == [(0, 0, BLOCK)]
    fast = scene.peer()
    for _ in range(4):
        fast.serve(fast.requests()[:2])
        scene.pass_time(1.0)
    cancel, request = slow.heard(m.Cancel, m.Request)
    assert cancel == m.Cancel(0, 0, BLOCK) and request.index != 0


def test_there_is_no_hurry_when_nobody_is_faster():
    scene = Scene(pieces=300)
    slow = scene.peer()
    scene.do(scene.torrent.open_reader, Reader(9, 0, len(scene.content)))
    held = slow.requests()
    scene.do(scene.torrent.advance_reader, 9, held[0][0] * 2 * BLOCK)
    scene.peer(299)
    slow.say(m.Choke())
    scene.pass_time(5.0)
    assert not slow.closed


def test_a_seek_is_urgent():
    scene = Scene(pieces=200)
    peer = scene.peer()
    reader = Reader(9, 0, len(scene.content))
    scene.do(scene.torrent.open_reader, reader)
    peer.heard()
    scene.do(scene.torrent.advance_reader, 9, 180 * 2 * BLOCK)
    peer.serve([(*each, BLOCK) for each in list(peer.connection.requests)[:8]])
    assert {index for index, _, _ in peer.requests()} <= set(range(180, 200))


def test_only_the_files_that_were_asked_for_are_wanted():
    scene = Scene(files=[2 * BLOCK, 3 * BLOCK, 3 * BLOCK], only_files=((1, 1),))
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert sorted(scene.stored) == [1, 2]
    assert [event.file for event in scene.told(FileDone)] == [1]
    assert scene.torrent.done and not scene.torrent.complete
    assert scene.torrent.file_downloaded(1) == 3 * BLOCK and scene.torrent.file_downloaded(2) == BLOCK


def test_a_file_keeps_the_piece_that_it_shares():
    scene = Scene(files=[3 * BLOCK, 3 * BLOCK, 2 * BLOCK])
    scene.do(scene.torrent.deselect_file, 0)
    scene.do(scene.torrent.deselect_file, 2)
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert sorted(scene.stored) == [1, 2]


# --- odd torrents ----------------------------------------------------------------------------------


def test_a_torrent_without_bytes_is_done_at_once():
    scene = Scene(length=0)
    assert scene.torrent.done and scene.torrent.complete and scene.torrent.progress == 1 and scene.torrent.left == 0
    assert len(scene.told(TorrentDone)) == 1 and len(scene.told(FileDone)) == 1
    peer = scene.channel()
    peer.say(peer.handshake, m.HaveAll(), m.Unchoke(), m.Interested())
    scene.pass_time(15)
    assert not peer.closed and scene.torrent.num_peers == 1


@pytest.mark.parametrize("piece_length", [1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
@pytest.mark.parametrize("length", [1, 999, BLOCK, 2 * BLOCK + 3])
def test_pieces_of_any_length(piece_length, length):
    length = min(length, 300 * piece_length)
    scene = Scene(piece_length=piece_length, length=length)
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert scene.torrent.done
    assert b"".join(data for _, data in sorted(scene.stored.items())) == scene.content


def test_critical_pieces_are_asked_for_first_but_only_if_they_are_wanted():
    scene = Scene(pieces=60)
    scene.do(scene.torrent.deselect, 31, 31)
    scene.do(scene.torrent.set_critical, 30, 32)
    seed = scene.peer()
    asked = [index for index, _, _ in seed.requests()]
    assert asked[:4] == [30, 30, 32, 32] and 31 not in asked


def test_a_slow_peer_is_not_asked_for_what_a_reader_waits_for_when_a_fast_one_has_it():
    scene = Scene(pieces=400, sequential=True)
    slow, fast = scene.peer(), scene.peer()
    for _ in range(40):
        scene.pass_time(0.1)
        fast.serve(fast.requests()[:12])
    slow.serve(slow.requests()[:1])
    scene.do(scene.torrent.open_reader, Reader(99, 300 * 2 * BLOCK, 400 * 2 * BLOCK))
    scene.pass_time(2)
    for remote in (slow, fast):
        remote.heard()
    scene.do(scene.torrent.advance_reader, 99, 340 * 2 * BLOCK)
    urgent = range(340, 400)
    slow.serve([(index, begin, BLOCK) for index, begin in list(slow.connection.requests)])
    assert not any(index in urgent for index, _, _ in slow.requests())
    fast.serve([(index, begin, BLOCK) for index, begin in list(fast.connection.requests)])
    assert any(index in urgent for index, _, _ in fast.requests())


def test_a_peer_that_lost_a_piece_is_not_asked_for_it():
    scene = Scene(pieces=2)
    one = scene.peer()
    asked = one.requests()
    assert {index for index, _, _ in asked} == {0, 1}
    other = scene.peer(1)
    one.say(m.Extended(OUR_IDS[LT_DONTHAVE], serialize_dont_have(1)))
    assert {each.index for each in one.heard(m.Cancel)} == {1}
    assert {index for index, _, _ in other.requests()} == {1}
    # Late answers are welcome.
    one.serve([block for block in asked if block[0] == 1])
    assert 1 in scene.stored and not one.closed


def test_under_a_limit_peers_are_asked_block_by_block():
    scene = Scene(pieces=40)
    scene.download.set_rate(4 * BLOCK, scene.now)
    one, other = scene.peer(), scene.peer()

    def run(seconds):
        for _ in range(int(seconds * 50)):
            scene.pass_time(0.02)
            scene.take_turns()
            for remote in (one, other):
                remote.serve(remote.requests())

    run(10)
    received = scene.torrent.received
    assert 38 * BLOCK <= received <= 41 * BLOCK
    assert abs(one.connection.download.total - other.connection.download.total) <= 2 * BLOCK
    # A limit of the torrent's own, and none at all.
    scene.do(lambda now: scene.torrent.limit(now, download=0))
    run(5)
    assert scene.torrent.received == received
    scene.do(lambda now: scene.torrent.limit(now, download=-1))
    scene.download.set_rate(-1, scene.now)
    scene.take_turns()
    run(1)
    assert scene.torrent.complete


def test_a_limit_takes_back_what_was_asked_for_without_one():
    scene = Scene(pieces=40)
    remote = scene.peer()
    asked = remote.requests()
    assert len(asked) > 4
    scene.do(lambda now: scene.torrent.limit(now, download=BLOCK))
    assert len(remote.heard(m.Cancel)) == len(asked)
    # What comes nevertheless is taken.
    remote.serve(asked)
    assert scene.torrent.received == len(asked) * BLOCK and not remote.closed
