"""Pieces of v2 torrents among peers that tell hashes, tell wrong ones, or tell none."""

import pytest

from tests.simulation.network import make_content, make_v2_metainfo
from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.codec import merkle
from webtorrent_py.codec.creation import Version
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.errors import MetainfoError
from webtorrent_py.events import TorrentFailed, TorrentWarning
from webtorrent_py.torrent.hash_exchange import MAX_COPIES, QUESTION_TIMEOUT
from webtorrent_py.torrent.hash_requests import ANSWER_TIMEOUT
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.hashes import Hashes, HashQuery, HashReject, HashRequest

FILES = [make_content(7 * BLOCK + 5, 1), make_content(3 * BLOCK, 2)]
PIECE = 4 * BLOCK
V2, CONTENT = make_v2_metainfo(FILES, Version.V2, PIECE)
BARE = parse_info(V2.info)
HYBRID, _ = make_v2_metainfo(FILES, Version.HYBRID, PIECE)


def scene_of(metainfo, **options):
    return Scene(metainfo=metainfo, content=CONTENT, **options)


def answer(query):
    """What a seed that knows every hash says."""
    (content,) = [each for each in FILES if merkle.root(merkle.leaves(each)) == query.pieces_root]
    nodes = merkle.leaves(content)
    for layer in range(query.base_layer):
        nodes = merkle.parents(nodes, layer)
    tree = merkle.LayerTree(nodes, query.base_layer)
    proof = tree.proof(query.index, query.length)[: query.proof_count]
    return Hashes(query, tree.part(query.index, query.length) + b"".join(proof))


def flipped(message):
    return Hashes(message.query, bytes(byte ^ 1 for byte in message.hashes))


def asked_by(*remotes):
    """What hashes each of them is asked for."""
    return [[each.query for each in remote.heard(HashRequest)] for remote in remotes]


def lie(block):
    return m.Piece(block.index, block.begin, bytes(byte ^ 1 for byte in block.data))


def test_pieces_wait_until_their_hash_is_known():
    scene = scene_of(BARE)
    seed = scene.peer()
    heard = seed.heard()
    (request,) = [each for each in heard if isinstance(each, HashRequest)]
    blocks = [(each.index, each.begin, each.length) for each in heard if isinstance(each, m.Request)]
    seed.serve(blocks)
    # The small file is verified by its root; the large one's pieces are held.
    assert set(scene.stored) == {2} and set(scene.held) == {0, 1}
    seed.say(answer(request.query))
    assert set(scene.stored) == {0, 1, 2} and not scene.held
    assert b"".join(scene.stored[index] for index in range(3)) == b"".join(FILES)
    assert scene.torrent.done
    assert scene.torrent.full_metainfo.piece_layers == V2.piece_layers and scene.torrent.knows_all_hashes
    assert not scene.told(TorrentWarning)


def test_hashes_that_came_before_are_all_that_is_needed():
    scene = scene_of(V2)
    seed = scene.peer()
    assert asked_by(seed) == [[]]
    seed.serve([(index, at * BLOCK, size) for index, at, size in [(2, 0, BLOCK), (2, 1, BLOCK), (2, 2, BLOCK)]])
    assert set(scene.stored) == {2}


def test_who_tells_wrong_hashes_is_banned_and_another_asked():
    scene = scene_of(BARE)
    liar, seed = scene.peer(), scene.peer()
    ((query,), []) = asked_by(liar, seed)
    liar.say(flipped(answer(query)))
    assert liar.closed and not scene.torrent.wants_peer(liar.peer_id)
    assert asked_by(seed) == [[query]]
    seed.say(answer(query))
    assert scene.torrent.knows_all_hashes and not seed.closed


@pytest.mark.parametrize("way", ["rejects", "is silent", "leaves"])
def test_who_tells_nothing_is_followed_by_another(way):
    scene = scene_of(BARE)
    mute, seed = scene.peer(unchoke=False), scene.peer(unchoke=False)
    ((query,), []) = asked_by(mute, seed)
    if way == "rejects":
        mute.say(HashReject(query))
    elif way == "leaves":
        scene.do(scene.torrent.drop, mute.connection, "gone")
    else:
        scene.pass_time(ANSWER_TIMEOUT + 1)
    assert asked_by(seed) == [[query]]
    assert mute.closed == (way == "leaves")


def test_hashes_that_nobody_asked_for_are_ignored():
    scene = scene_of(BARE)
    seed, other = scene.peer(), scene.peer()
    ((query,), []) = asked_by(seed, other)
    other.say(flipped(answer(query)), answer(HashQuery(query.pieces_root, 0, 0, 2, 2)), HashReject(query))
    assert not other.closed and not scene.torrent.knows_all_hashes
    assert asked_by(other) == [[]]


def test_hashes_of_a_v1_torrent_are_a_breach():
    scene = Scene()
    peer = scene.peer()
    peer.say(HashRequest(HashQuery(bytes(32), 0, 0, 2, 0)))
    assert peer.closed


def get_wrong_piece(scene, liar, honest):
    """Piece 0 of two peers, of whom `liar` sends its blocks 1 and 2 wrong."""
    for remote in (liar, honest):
        remote.heard()
    for begin, remote in enumerate((honest, liar, liar, honest)):
        block = remote.block(0, begin * BLOCK)
        remote.say(lie(block) if remote is liar else block)


def two_at_work():
    """Two peers that are both asked for blocks of piece 0, and a third that only knows hashes."""
    scene = scene_of(V2, sequential=True)
    liar, honest = scene.peer(0), scene.peer(0, unchoke=False)
    knowing = scene.peer(1, unchoke=False)
    liar.say(m.Choke())
    honest.say(m.Unchoke())
    honest.say(m.Choke())
    liar.say(m.Unchoke())
    honest.say(m.Unchoke())
    return scene, liar, honest, knowing


def test_the_wrong_blocks_are_found_and_only_these_got_again():
    scene, liar, honest, knowing = two_at_work()
    get_wrong_piece(scene, liar, honest)
    assert not scene.stored and not scene.held
    asked = asked_by(liar, honest, knowing)
    (query,) = [each for queries in asked for each in queries]
    assert (query.base_layer, query.index, query.length) == (0, 0, 4)
    teller = next(remote for remote, queries in zip((liar, honest, knowing), asked, strict=True) if queries)
    assert not liar.closed, "nobody is blamed before it is known who lied"
    teller.say(answer(query))
    assert liar.closed and not scene.torrent.wants_peer(liar.peer_id)
    assert not honest.closed and not knowing.closed
    again = honest.requests()
    assert {begin for index, begin, _ in again if index == 0} == {BLOCK, 2 * BLOCK}
    honest.serve(again)
    assert scene.stored[0] == CONTENT[:PIECE]


def test_a_piece_is_got_anew_when_nobody_tells_which_blocks_were_wrong():
    scene, liar, honest, knowing = two_at_work()
    get_wrong_piece(scene, liar, honest)
    for _ in range(3):
        for remote, queries in zip((liar, honest, knowing), asked_by(liar, honest, knowing), strict=True):
            remote.say(*map(HashReject, queries))
    scene.pass_time(QUESTION_TIMEOUT + 2)
    assert not liar.closed and not honest.closed
    owners = [remote for remote in (liar, honest) if {begin for index, begin, _ in remote.requests() if index == 0}]
    assert len(owners) == 1, "of one peer alone, so that who lies is certain"


def test_nothing_is_asked_that_could_not_be_proven():
    """A hybrid whose v2 hashes are not known yet: a wrong piece is wrong by its SHA-1 alone."""
    scene = Scene(metainfo=parse_info(HYBRID.info), content=CONTENT, sequential=True)
    liar, honest = scene.peer(0), scene.peer(0, unchoke=False)
    liar.say(m.Choke())
    honest.say(m.Unchoke(), m.Choke())
    liar.say(m.Unchoke())
    honest.say(m.Unchoke())
    knowing = scene.channel()
    knowing.say(Handshake.ours(HYBRID.info_hash_v2[:20], knowing.peer_id), m.HaveNone())
    (query,) = [each.query for each in knowing.heard(HashRequest)]
    get_wrong_piece(scene, liar, honest)
    assert 0 not in scene.stored and 0 not in scene.held
    assert asked_by(liar, honest, knowing) == [[], [], []]
    assert not liar.closed and not honest.closed
    knowing.say(answer(query))
    assert scene.torrent.knows_all_hashes


def test_wrong_blocks_of_one_peer_need_no_question():
    scene = scene_of(V2)
    liar = scene.peer(2)
    liar.say(*[lie(liar.block(*block)) for block in liar.requests()])
    assert liar.closed and scene.held == {}


def test_a_hybrid_is_held_to_both():
    broken, _ = make_v2_metainfo([bytes(len(each)) for each in FILES], Version.HYBRID, PIECE)
    mixed = parse_info(HYBRID.info.replace(HYBRID.files[-2].pieces_root, broken.files[-2].pieces_root))
    scene = Scene(metainfo=mixed, content=CONTENT)
    seed = scene.peer()
    seed.serve(seed.requests())
    (failed,) = scene.told(TorrentFailed)
    assert isinstance(failed.error, MetainfoError) and "v1 and v2 hashes of piece 2" in str(failed.error)
    assert seed.closed


def test_we_tell_what_we_know_and_reject_the_rest():
    scene = scene_of(V2, have_all=True)
    peer = scene.peer()
    root = V2.files[0].pieces_root
    query = HashQuery(root, 2, 0, 2, 0)
    peer.say(HashRequest(query))
    assert peer.heard(Hashes, HashReject) == [answer(query)]
    for unknown in (
        HashQuery(b"?" * 32, 2, 0, 2, 0),
        HashQuery(root, 2, 2, 2, 0),
        HashQuery(root, 1, 0, 2, 0),
        HashQuery(root, 2, 0, 3, 0),
        HashQuery(root, 2**31, 2**31, 2**31, 2**31),
    ):
        peer.say(HashRequest(unknown))
        assert peer.heard(Hashes, HashReject) == [HashReject(unknown)]
    assert not peer.closed


def test_the_blocks_of_a_piece_that_came_lately_are_told():
    scene = scene_of(V2)
    seed = scene.peer()
    seed.serve(seed.requests())
    assert scene.torrent.done
    query = HashQuery(V2.files[0].pieces_root, 0, 4, 4, 2)
    seed.say(HashRequest(query))
    assert seed.heard(Hashes, HashReject) == [answer(query)]


def test_who_asks_without_end_is_dropped():
    scene = scene_of(V2, have_all=True)
    peer = scene.peer()
    query = HashQuery(V2.files[0].pieces_root, 2, 0, 2, 0)
    for _ in range(MAX_COPIES * 100):
        peer.say(HashRequest(query))
    assert peer.closed


# Zeros behind a file's end


def test_whole_blocks_are_served_to_who_does_not_know_of_gaps():
    scene = scene_of(V2, have_all=True)
    peer = scene.peer(0)
    peer.say(m.Interested())
    peer.heard()
    peer.say(m.Request(1, 3 * BLOCK, BLOCK))
    assert peer.heard(m.Piece) == [m.Piece(1, 3 * BLOCK, FILES[0][-5:] + bytes(BLOCK - 5))]
    peer.say(m.Request(1, 3 * BLOCK, BLOCK + 1))
    assert peer.closed
