"""Figures about a torrent."""

from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.torrent.statistics import torrent_stats
from webtorrent_py.wire import messages as m


def stats(scene):
    return torrent_stats(scene.torrent, scene.now)


def test_a_torrent_without_metadata_has_no_figures():
    figures = stats(Scene(resolving=True))
    assert (figures.received, figures.piece_count, figures.distributed_copies, figures.peers) == (0, 0, 0.0, ())


def test_peers_and_web_seeds_are_told_apart():
    scene = Scene(pieces=4)
    peer = scene.peer(0, 1)
    peer.say(m.Interested())
    url = scene.web.add("http://seed.test/", scene.metainfo, scene.content)
    scene.do(scene.torrent.add_web_seed, url)
    scene.channel()  # has not said hello yet
    ours, seed = stats(scene).peers
    assert (ours.kind, ours.piece_count, ours.peer_choking, ours.am_interested) == ("webrtc", 2, False, True)
    assert ours.peer_interested and not ours.am_choking and ours.request_count == len(peer.requests())
    assert (seed.kind, seed.name, seed.piece_count, seed.upload_rate) == ("webSeed", url, 4, 0.0)
    scene.download_from_web()
    assert stats(scene).peers[1].downloaded == stats(scene).received > 0


def test_copies_are_counted_over_all_and_ourselves():
    scene = Scene(pieces=4)
    assert stats(scene).distributed_copies == 0
    first = scene.peer(0, 1, 2)
    assert stats(scene).distributed_copies == 0.75
    scene.peer()
    assert stats(scene).distributed_copies == 1.75
    first.serve([(0, 0, BLOCK), (0, BLOCK, BLOCK)])
    assert stats(scene).distributed_copies == 1.75 and stats(scene).pieces_verified == 1


def test_what_is_of_no_use_is_counted():
    scene = Scene(pieces=2)
    peer = scene.peer()
    block = peer.block(0, 0)
    peer.say(block, block)
    assert stats(scene).wasted == BLOCK and stats(scene).received == 2 * BLOCK
    peer.say(m.Piece(1, 0, bytes(BLOCK)), m.Piece(1, BLOCK, bytes(BLOCK)))
    assert stats(scene).wasted == 3 * BLOCK
    # All that came is verified, under way, or wasted.
    assert stats(scene).received == stats(scene).wasted + BLOCK


def test_time_counts_while_it_is_not_paused():
    scene = Scene()
    scene.pass_time(10)
    scene.do(scene.torrent.pause)
    scene.do(scene.torrent.pause)
    scene.pass_time(100)
    scene.do(scene.torrent.resume)
    scene.pass_time(5)
    scene.do(scene.torrent.resume)
    assert stats(scene).seconds_active == 15
