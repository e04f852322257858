"""Looking through the store."""

from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.events import CheckDone, CheckProgress, FileDone, PieceLost, ReaderAdvanced, TorrentDone
from webtorrent_py.torrent.checking import MAX_CHECKS
from webtorrent_py.torrent.readers import Reader
from webtorrent_py.wire import messages as m


def downloaded(**options):
    scene = Scene(**options)
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert scene.torrent.done
    peer.heard()
    return scene, peer


def pieces_of(scene):
    length = scene.metainfo.piece_length
    count = scene.metainfo.piece_count
    return {index: scene.content[index * length : (index + 1) * length] for index in range(count)}


def test_what_the_store_has_is_found_and_only_the_rest_is_got():
    scene = Scene(pieces=9, check=True)
    scene.stored.update({index: data for index, data in pieces_of(scene).items() if index not in (2, 5)})
    peer = scene.peer()
    assert peer.requests() == [] and len(scene.checks) == MAX_CHECKS and scene.torrent.is_checking
    assert scene.finish_checks(bad={7}) == list(range(9))
    assert not scene.torrent.is_checking and len(scene.told(CheckDone)) == 1
    asked = peer.requests()
    assert {index for index, _, _ in asked} == {2, 5, 7}
    peer.serve(asked)
    assert scene.torrent.done and len(scene.told(TorrentDone)) == 1
    assert [event.checked for event in scene.told(CheckProgress)] == list(range(1, 10))


def test_a_piece_that_is_wrong_is_lost_got_again_and_told_of():
    scene, peer = downloaded(pieces=4, files=[3 * BLOCK, 5 * BLOCK])
    leech = scene.channel(peer_id=b"leech".ljust(20))
    leech.say(leech.handshake, m.HaveNone())
    scene.do(scene.torrent.check)
    assert scene.torrent.done
    scene.finish_checks(bad={1})
    assert [event.index for event in scene.told(PieceLost)] == [1]
    assert not peer.closed
    assert not scene.torrent.bitfield[1] and scene.torrent.downloaded == 6 * BLOCK and not scene.torrent.done
    assert scene.torrent.file_downloaded(0) == 2 * BLOCK and scene.torrent.file_downloaded(1) == 4 * BLOCK
    asked = peer.requests()
    assert {index for index, _, _ in asked} == {1}
    peer.serve(asked)
    assert scene.torrent.done and len(scene.told(TorrentDone)) == 2 and len(scene.told(FileDone)) == 4
    scene.pass_time(1)
    assert m.Have(1) in leech.heard()


def test_a_lost_piece_is_not_served_and_not_read():
    scene, _ = downloaded(pieces=4)
    reader = Reader(99, 0, len(scene.content))
    scene.do(scene.torrent.open_reader, reader)
    assert scene.torrent.reader_available(99) == (0, len(scene.content))
    leech = scene.peer(0, unchoke=False)
    leech.say(m.Interested())
    leech.connection.writable = False
    leech.say(m.Request(1, 0, BLOCK), m.Request(2, 0, BLOCK))
    scene.do(scene.torrent.check)
    scene.finish_checks(bad={1})
    assert m.Reject(1, 0, BLOCK) in leech.heard()
    assert [index for index, _, _ in leech.connection.upload_queue] == [2]
    assert scene.torrent.reader_available(99) == (0, 2 * BLOCK)
    leech.say(m.Request(1, 0, BLOCK))
    assert m.Reject(1, 0, BLOCK) in leech.heard()
    scene.do(scene.torrent.close_reader, 99)
    assert not scene.told(ReaderAdvanced)


def test_a_piece_that_nobody_wants_is_lost_for_good():
    scene, peer = downloaded(pieces=4)
    scene.do(scene.torrent.deselect, 0, 1)
    scene.do(scene.torrent.check)
    scene.finish_checks(bad={1})
    assert scene.torrent.done and peer.requests() == [] and scene.torrent.downloaded == 6 * BLOCK


def test_pausing_meanwhile_lasts_beyond_the_end():
    scene = Scene(pieces=4, check=True)
    peer = scene.peer()
    scene.do(scene.torrent.pause)
    scene.finish_checks()
    assert peer.requests() == []
    scene.do(scene.torrent.check)
    scene.do(scene.torrent.resume)
    assert peer.requests() == []
    scene.finish_checks()
    assert peer.requests()


def test_pieces_under_way_are_left_alone():
    scene = Scene(pieces=3, deselect=True)
    peer = scene.peer()
    scene.do(scene.torrent.select, 0, 0, 1)
    first, second = peer.requests()
    peer.serve([first])
    scene.do(scene.torrent.check)
    scene.do(scene.torrent.check)
    assert scene.finish_checks() == [1, 2]
    assert peer.requests() == [second]
    peer.serve([second])
    assert scene.torrent.done


def test_an_answer_that_nobody_waits_for_changes_nothing():
    scene, _ = downloaded(pieces=2)
    scene.do(scene.torrent.piece_checked, 0, None)
    assert scene.torrent.done


def test_an_empty_torrent_is_checked_at_once():
    scene = Scene(length=0, check=True)
    assert len(scene.told(CheckDone)) == 1 and not scene.torrent.is_checking
