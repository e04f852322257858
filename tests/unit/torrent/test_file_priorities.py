"""Priorities of files, against the greatest of all files in each piece."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.torrent.scene import BLOCK, Scene, make_metainfo
from webtorrent_py.torrent.file_priorities import FilePriorities
from webtorrent_py.torrent.progress import Progress

PIECE = 10


@given(
    st.lists(st.integers(0, 35), min_size=1, max_size=6).filter(any),
    st.sampled_from([0, 1]),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 1, 7]))),
)
def test_a_piece_is_wanted_as_much_as_the_file_that_is_wanted_most(lengths, initial, steps):
    metainfo = make_metainfo(bytes(sum(lengths)), PIECE, lengths)
    files_in = Progress(metainfo, have_all=False).files_in
    priorities = FilePriorities(metainfo, initial, files_in)
    pieces = [initial] * metainfo.piece_count
    files = [initial] * len(lengths)
    for number, priority in steps:
        file = number % len(lengths)
        files[file] = priority
        for first, last, greatest in priorities.set_file(file, priority):
            pieces[first : last + 1] = [greatest] * (last + 1 - first)
        assert pieces == [max(files[each] for each in files_in(index)) for index in range(len(pieces))]


def test_pieces_that_were_deselected_take_the_files_in_them_along():
    metainfo = make_metainfo(bytes(60), PIECE, [5, 15, 20, 20])
    priorities = FilePriorities(metainfo, 1, Progress(metainfo, have_all=False).files_in)
    priorities.set_pieces(0, 2, 0)
    # The third file goes beyond the third piece, and is wanted still.
    assert list(priorities.set_file(1, 0)) == [(0, 0, 0), (1, 1, 0)]
    assert list(priorities.set_file(2, 1)) == [(2, 2, 1), (3, 3, 1)]
    assert priorities.unselected == (0, 1)
    twin = FilePriorities(metainfo, 0, Progress(metainfo, have_all=False).files_in)
    twin.restore((*priorities.unselected, 9))
    assert twin.unselected == (0, 1)
    priorities.set_pieces(0, 5, 0)
    assert list(priorities.set_file(3, 0)) == [(4, 4, 0), (5, 5, 0)]


def test_a_file_with_a_high_priority_comes_first_and_takes_what_it_shares_along():
    scene = Scene(files=[3 * BLOCK, 2 * BLOCK, 3 * BLOCK])
    scene.do(scene.torrent.select_file, 1)
    scene.do(lambda now: scene.torrent.select_file(1, now, 9))
    asked = [index for index, _, _ in scene.peer().requests()]
    assert set(asked[:4]) == {1, 2}
    scene.do(scene.torrent.deselect_file, 0)
    assert not scene.torrent._active.downloader.done
