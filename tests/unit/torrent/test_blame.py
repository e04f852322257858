"""Who sent the wrong bytes."""

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.torrent.blame import MAX_FAILED_PIECES, Blame
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PieceInProgress

LIARS = {2, 4}


def piece_from(sources, index=0, lies=frozenset()):
    """A piece whose blocks came from these peers; the blocks numbered in `lies` are wrong."""
    piece = PieceInProgress(index, (len(sources) - 1) * BLOCK_LENGTH + 5, exclusive=False)
    piece.sources = list(sources)
    for number in range(len(sources)):
        piece.data[number * BLOCK_LENGTH] = number + 100 * (number in lies)
    return piece


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_exactly_those_who_lied_are_found(sources, data):
    lying = [number for number, source in enumerate(sources) if source in LIARS]
    lies = data.draw(st.sets(st.sampled_from(lying), min_size=1)) if lying else set()
    blame = Blame()
    culprit = blame.failed(piece_from(sources, lies=lies))
    if len(set(sources)) == 1:
        assert culprit == sources[0]
        return
    assert culprit is None
    assert blame.verified(piece_from([3] * len(sources))) == {sources[number] for number in lies}
    assert blame.verified(piece_from([3] * len(sources))) == set()


def test_every_failure_of_a_piece_is_remembered():
    blame = Blame()
    blame.failed(piece_from([1, 2], lies={1}))
    blame.failed(piece_from([1, 4], lies={1}))
    assert blame.verified(piece_from([1, 1])) == {2, 4}


def test_only_so_many_failed_pieces_are_remembered():
    blame = Blame()
    for index in range(MAX_FAILED_PIECES + 1):
        blame.failed(piece_from([1, 2], index=index, lies={1}))
    assert blame.verified(piece_from([1, 1], index=0)) == set()
    assert blame.verified(piece_from([1, 1], index=MAX_FAILED_PIECES)) == {2}


def test_a_piece_that_fails_again_does_not_make_an_older_one_be_forgotten():
    blame = Blame()
    for index in range(MAX_FAILED_PIECES):
        blame.failed(piece_from([1, 2], index=index, lies={1}))
    blame.failed(piece_from([1, 4], index=5, lies={1}))
    assert blame.verified(piece_from([1, 1], index=0)) == {2}
