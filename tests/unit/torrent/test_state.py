"""What is kept of a torrent, and going on with it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import bencode_values, hashes, urls
from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.codec import bencode
from webtorrent_py.errors import StateError
from webtorrent_py.events import TorrentDone, TorrentWarning
from webtorrent_py.torrent.state import TorrentState, parse_state

counts = st.integers(0, 2**53)
states = st.builds(
    TorrentState,
    hashes,
    have=st.none() | st.binary(max_size=4),
    priorities=st.binary(max_size=30)
    | st.builds(lambda byte, count: byte * count, st.binary(max_size=1), counts.map(lambda n: n % 99)),
    unselected_files=st.lists(st.integers(0, 99), max_size=4).map(tuple),
    partial=st.dictionaries(st.integers(0, 99), st.tuples(st.binary(max_size=3), st.binary(max_size=9)), max_size=3),
    uploaded=counts,
    received=counts,
    paused=st.booleans(),
    trackers=st.lists(urls, max_size=3).map(tuple),
    web_seeds=st.lists(urls, max_size=3).map(tuple),
)


@given(states)
def test_what_is_written_is_read_again(state):
    assert parse_state(state.to_bytes(), state.info_hash) == state


@given(st.binary(max_size=60))
def test_garbage_is_no_state(data):
    with pytest.raises(StateError):
        parse_state(data, bytes(20))


@given(states, st.data())
def test_damage_is_refused_or_harmless(state, data):
    fields = bencode.decode(state.to_bytes())
    key = data.draw(st.sampled_from(sorted(fields)))
    fields[key] = data.draw(bencode_values | st.lists(st.lists(st.integers(-1, 2**40), max_size=3), max_size=3))
    try:
        parse_state(bencode.encode(fields), state.info_hash)
    except StateError:
        return


def test_the_state_of_another_torrent_is_refused():
    with pytest.raises(StateError, match="another torrent"):
        parse_state(TorrentState(b"a" * 20).to_bytes(), b"b" * 20)


def half_done(**options):
    scene = Scene(pieces=4, files=[3 * BLOCK, 5 * BLOCK], **options)
    peer = scene.peer(0, 1, 3)
    scene.do(scene.torrent.select, 3, 3, 7)
    peer.serve([(0, 0, BLOCK), (0, BLOCK, BLOCK), (3, BLOCK, BLOCK)])
    return scene


def test_a_torrent_goes_on_where_it_was():
    scene = half_done()
    assert set(scene.stored) == {0}
    state = scene.torrent.export_state(True)
    assert set(state.partial) == {3} and scene.torrent.export_state(False).partial == {}
    later = Scene(pieces=4, files=[3 * BLOCK, 5 * BLOCK], state=parse_state(state.to_bytes(), scene.torrent.info_hash))
    assert later.torrent.bitfield.to_bytes() == b"\x80"
    assert later.torrent.downloaded == 2 * BLOCK and later.torrent.received == 3 * BLOCK
    later.stored[0] = scene.stored[0]
    peer = later.peer()
    asked = peer.requests()
    assert asked[0] == (3, 0, BLOCK) and (3, BLOCK, BLOCK) not in asked
    assert {index for index, _, _ in asked} == {1, 2, 3}
    peer.serve(asked)
    assert later.torrent.done and len(later.told(TorrentDone)) == 1
    assert b"".join(data for _, data in sorted(later.stored.items())) == later.content


def test_wrong_bytes_of_a_piece_under_way_are_found_and_nobody_is_blamed():
    state = half_done().torrent.export_state(True)
    blocks, data = state.partial[3]
    state = replace(state, partial={3: (blocks, bytes(len(data)))})
    scene = Scene(pieces=4, files=[3 * BLOCK, 5 * BLOCK], state=state)
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert scene.torrent.done and not peer.closed and not scene.told(TorrentWarning)
    assert all(data == scene.content[index * 2 * BLOCK :][: 2 * BLOCK] for index, data in scene.stored.items())


def test_a_piece_of_which_all_blocks_were_kept_is_hashed_at_once():
    scene = Scene(pieces=1)
    scene = Scene(
        pieces=1,
        state=TorrentState(
            scene.torrent.info_hash, have=b"\0", priorities=b"\1", partial={0: (b"\xc0", scene.content)}
        ),
    )
    assert scene.torrent.done and scene.stored[0] == scene.content


@pytest.mark.parametrize("partial", [{0: (b"", b"")}, {0: (b"\xff\xff", b"1")}, {3: (b"\xff", bytes(2 * BLOCK))}])
def test_pieces_under_way_that_do_not_fit_are_left_out(partial):
    info_hash = Scene(pieces=4).torrent.info_hash
    scene = Scene(pieces=4, state=TorrentState(info_hash, have=b"\0", priorities=b"\1\1\1\0", partial=partial))
    peer = scene.peer()
    while requests := peer.requests():
        peer.serve(requests)
    assert scene.torrent.done


@pytest.mark.parametrize(
    "changes", [{"have": b"\0\0"}, {"have": b"\x0f"}, {"priorities": b"\1"}, {"partial": {4: (b"", b"")}}]
)
def test_a_state_that_does_not_fit_the_metadata_leads_to_a_look_at_the_store(changes):
    info_hash = Scene(pieces=4).torrent.info_hash
    state = replace(TorrentState(info_hash, have=b"\xf0", priorities=b"\1" * 4), **changes)
    scene = Scene(pieces=4, state=state)
    assert scene.torrent.bitfield.none and scene.torrent.is_checking
    assert isinstance(scene.told(TorrentWarning)[0].error, StateError)


def test_before_the_metadata_little_is_kept_and_what_was_kept_is_kept_on():
    scene = Scene(resolving=True)
    assert scene.torrent.export_state(True) == TorrentState(scene.torrent.info_hash)
    state = TorrentState(scene.torrent.info_hash, have=b"\x80", priorities=b"\1" * 4, uploaded=5)
    assert Scene(resolving=True, state=state).torrent.export_state(False) == state


def test_deselected_files_stay_so():
    scene = half_done()
    scene.do(scene.torrent.deselect_file, 1)
    later = Scene(pieces=4, files=[3 * BLOCK, 5 * BLOCK], state=scene.torrent.export_state(False))
    later.stored.update(scene.stored)
    assert {index for index, _, _ in later.peer().requests()} == {1}
    later.do(later.torrent.deselect_file, 0)
    assert later.torrent.done
