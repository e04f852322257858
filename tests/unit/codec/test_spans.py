"""The bytes of a torrent as bytes of its files."""

from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec.files import FileEntry
from webtorrent_py.codec.spans import FileSpans, Span


@st.composite
def layouts(draw):
    """Files, some of them padding or empty, some with a gap before them; and the torrent's length."""
    files = []
    offset = 0
    for number in range(draw(st.integers(1, 6))):
        offset += draw(st.sampled_from([0, 0, 0, 3]))
        length = draw(st.integers(0, 9))
        files.append(FileEntry((f"{number}",), length, offset, draw(st.sampled_from(["", "p"]))))
        offset += length
    return files, offset


@given(layouts(), st.data())
def test_the_spans_of_a_range_are_its_bytes(layout, data):
    files, length = layout
    contents = [bytes([number + 1]) * file.length for number, file in enumerate(files)]
    torrent = bytearray(length)
    for file, content in zip(files, contents, strict=True):
        if not file.is_padding:
            torrent[file.offset : file.offset + file.length] = content
    start = data.draw(st.integers(0, length))
    end = data.draw(st.integers(start, length))
    spans = list(FileSpans(files).spans(start, end))
    joined = b"".join(
        bytes(span.length) if span.file is None else contents[span.file][span.start : span.start + span.length]
        for span in spans
    )
    assert joined == torrent[start:end]
    assert all(span.length > 0 for span in spans)


def test_the_span_of_a_file_begins_at_its_start():
    files = [FileEntry(("a",), 5, 0), FileEntry(("empty",), 0, 5), FileEntry(("b",), 5, 5)]
    assert list(FileSpans(files).spans(3, 7)) == [Span(0, 3, 2), Span(2, 0, 2)]
