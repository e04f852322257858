"""What is wanted, against a list and sets."""

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.selection import HIGHEST, NORMAL, UNWANTED, Selection

PIECES = 12
spans = st.tuples(st.integers(0, PIECES - 1), st.integers(0, PIECES - 1)).map(sorted).map(tuple)
priorities = st.sampled_from([UNWANTED, NORMAL, 7, HIGHEST])
steps = st.lists(
    st.tuples(st.just("select"), spans, priorities)
    | st.tuples(st.just("hold"), st.integers(1, 3), spans)
    | st.tuples(st.just("release"), st.integers(1, 3), st.none()),
    max_size=12,
)


@given(st.sampled_from([UNWANTED, NORMAL]), steps, st.sets(st.integers(0, PIECES - 1)))
def test_it_is_what_the_user_selected_and_readers_hold(initial, steps, have):
    selection = Selection(PIECES, initial)
    model = [initial] * PIECES
    held: dict[int, tuple[int, int]] = {}
    bitfield = Bitfield(PIECES)
    for index in have:
        bitfield.set(index)
    for step, first, second in steps:
        if step == "select":
            selection.select(*first, second)
            model[first[0] : first[1] + 1] = [second] * (first[1] - first[0] + 1)
        elif step == "hold":
            held[first] = second
            assert selection.hold(first, *second) == (UNWANTED in model[second[0] : second[1] + 1])
        else:
            span = held.pop(first, None)
            assert selection.release(first) == (span is not None and UNWANTED in model[span[0] : span[1] + 1])
    expected = [
        priority or (NORMAL if any(first <= index <= last for first, last in held.values()) else UNWANTED)
        for index, priority in enumerate(model)
    ]
    assert len(selection) == PIECES
    assert [selection.priority(index) for index in range(PIECES)] == expected
    assert [selection.selected(index) for index in range(PIECES)] == [bool(priority) for priority in model]
    assert list(selection.wanted().indices()) == [index for index, priority in enumerate(expected) if priority]
    for priority, pieces in selection.by_priority(bitfield):
        assert list(pieces.indices()) == [index for index in sorted(have) if expected[index] == priority]
    assert sum(pieces.count for _, pieces in selection.by_priority(bitfield)) == sum(bool(expected[i]) for i in have)
    assert selection.count_missing(bitfield) == sum(bool(p) and i not in have for i, p in enumerate(model))


def test_a_torrent_without_pieces():
    selection = Selection(0)
    assert selection.wanted().none and selection.count_missing(Bitfield(0)) == 0
