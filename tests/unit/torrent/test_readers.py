"""Readers: what is urgent, what can be read, and who is told."""

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.torrent.readers import LEAD, MAX_CRITICAL, MAX_WINDOW, WINDOW, Reader, Readers

PIECE = 10
PIECES = 8
LENGTH = PIECE * PIECES - 3


def naive_available(position: int, end: int, have: set[int]) -> int:
    while position < end and position // PIECE in have:
        position += 1
    return position


@given(
    st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(sorted),
    st.lists(st.integers(0, PIECES - 1).map(lambda i: ("piece", i)) | st.integers(-5, 90).map(lambda p: ("move", p))),
)
def test_a_reader_knows_what_it_can_read_and_is_told_exactly_when_that_grows(span, steps):
    start, end = span
    readers = Readers(PIECE)
    reader = Reader(1, start, end)
    readers.add(reader)
    have: set[int] = set()
    bitfield = Bitfield(PIECES)
    for kind, value in steps:
        if kind == "piece":
            if value in have:
                continue
            before = naive_available(reader.position, end, have)
            have.add(value)
            bitfield.set(value)
            grew = naive_available(reader.position, end, have) > before
            assert (readers.waiting_for(value) == [reader]) == grew
        else:
            reader.move(value, 0.0)
            assert reader.position == min(max(value, start), end)
        assert reader.available(bitfield, PIECE) == naive_available(reader.position, end, have)


def test_a_reader_that_did_not_ask_since_need_not_be_told_again_of_what_it_does_not_know():
    readers = Readers(PIECE)
    reader = Reader(1, 0, LENGTH)
    readers.add(reader)
    assert readers.waiting_for(0) == [reader]
    assert readers.waiting_for(1) == []
    have = Bitfield(PIECES)
    have.set(0)
    have.set(1)
    assert reader.available(have, PIECE) == 20
    assert readers.waiting_for(2) == [reader]


def test_an_empty_range_waits_for_nothing():
    readers = Readers(PIECE)
    for place in (0, 15, LENGTH):
        readers.add(Reader(place, place, place))
    have = Bitfield(PIECES)
    assert list(readers.urgent_pieces()) == []
    assert [reader.available(have, PIECE) for reader in readers] == [0, 15, LENGTH]
    assert all(not readers.waiting_for(index) for index in range(PIECES))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted), max_size=4))
def test_windows_are_urgent_in_the_order_of_reading_one_piece_of_each_in_turn(spans):
    length = WINDOW // 4
    readers = Readers(length)
    expected = []
    for handle, (first, last) in enumerate(spans):
        start, end = first * length + 7, last * length + 7
        readers.add(Reader(handle, start, end))
        limit = min(start + WINDOW, end)
        expected.append([i for i in range(50) if i * length < limit and (i + 1) * length > start and start < limit])
    urgent = list(readers.urgent_pieces())
    turns = max((len(window) for window in expected), default=0)
    assert urgent == [window[turn] for turn in range(turns) for window in expected if turn < len(window)]


def test_readers_come_and_go():
    readers = Readers(PIECE)
    reader = Reader(4, 0, 30)
    readers.add(reader)
    assert 4 in readers and readers[4] is reader and list(readers) == [reader]
    reader.move(25, 0.0)
    assert list(readers.urgent_pieces()) == [2]
    readers.remove(4)
    readers.remove(4)
    assert 4 not in readers and list(readers.urgent_pieces()) == []


def test_the_window_follows_what_the_reader_consumes():
    length = 10 * MAX_WINDOW
    have = Bitfield(10)
    have.fill()
    for rate, expected in [(1e4, WINDOW), (5e5, 5e5 * LEAD), (1e9, MAX_WINDOW)]:
        reader = Reader(1, 0, length)
        reader.available(have, length // 10)
        for tenth in range(1, 150):
            reader.move(int(rate * tenth / 10), tenth / 10)
        assert 0.9 * expected < reader.window < 1.1 * expected


def test_a_seek_is_not_consumption():
    reader = Reader(1, 0, 100 * MAX_WINDOW)
    for second in range(10):
        reader.move((second % 2) * 50 * MAX_WINDOW, float(second))
    assert reader.window == WINDOW


@given(st.lists(st.integers(0, PIECES - 1), unique=True), st.tuples(st.integers(0, 7), st.integers(0, 7)).map(sorted))
def test_critical_pieces_are_urgent_until_they_are_here(order, span):
    readers = Readers(PIECE)
    first, last = span
    readers.add_critical(first, last)
    have = Bitfield(PIECES)
    for index in order:
        have.set(index)
        readers.piece_added(have)
        missing = [piece for piece in range(first, last + 1) if not have[piece]]
        urgent = list(readers.urgent_pieces())
        assert bool(readers) == bool(missing)
        assert urgent == list(range(missing[0] if missing else last + 1, last + 1))


def test_few_ranges_are_critical_at_a_time():
    readers = Readers(PIECE)
    for number in range(3 * MAX_CRITICAL):
        readers.add_critical(number, number)
    assert sorted(readers.urgent_pieces()) == list(range(2 * MAX_CRITICAL, 3 * MAX_CRITICAL))
