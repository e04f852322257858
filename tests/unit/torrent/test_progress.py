"""What is verified, against a set of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TorrentContent, torrents
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.torrent.progress import Progress


@given(torrents(), st.randoms(use_true_random=False))
def test_it_counts_as_if_byte_by_byte(torrent: TorrentContent, random):
    metainfo = parse_info(torrent.info)
    progress = Progress(metainfo, have_all=False)
    order = list(range(metainfo.piece_count))
    random.shuffle(order)
    seen: set[int] = set()
    completed: list[int] = []
    for index in order:
        start = index * metainfo.piece_length
        seen.update(range(start, start + metainfo.piece_size(index)))
        of_files = [set(range(file.offset, file.offset + file.length)) for file in metainfo.files]
        assert progress.files_in(index) == [
            number
            for number, span in enumerate(of_files)
            if span & set(range(start, start + metainfo.piece_size(index)))
        ]
        completed += progress.add(index)
        assert progress.have[index] and progress.bytes == len(seen)
        assert progress.file_bytes == [len(span & seen) for span in of_files]
        assert sorted(completed) == [number for number, span in enumerate(of_files) if span and span <= seen]
    assert progress.have.all and progress.bytes == metainfo.length


@given(torrents())
def test_a_seed_has_everything(torrent: TorrentContent):
    metainfo = parse_info(torrent.info)
    progress = Progress(metainfo, have_all=True)
    assert progress.have.all and progress.bytes == metainfo.length
    assert progress.file_bytes == [file.length for file in metainfo.files]
