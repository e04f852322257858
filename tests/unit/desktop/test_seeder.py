"""The seeder on libtorrent, as far as it goes without a tracker; `test_demo` has it serve a peer."""

from pathlib import Path

import pytest

from webtorrent_py.codec.magnet import parse_magnet
from webtorrent_py.codec.metainfo import parse_torrent
from webtorrent_py.desktop.seeder import LibtorrentSeeder, create_torrent
from webtorrent_py.errors import InvalidOptionError, LocalError, MetainfoError

TRACKER = "ws://127.0.0.1:9/announce"


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movie.mp4"
    path.write_bytes(bytes(100_000))
    return path


def test_its_torrent_file_and_magnet_link_are_of_the_path(movie: Path) -> None:
    seeder = LibtorrentSeeder(movie, [TRACKER], piece_length=32768)
    metainfo = parse_torrent(seeder.torrent_file)
    assert (metainfo.name, metainfo.piece_length) == ("movie.mp4", 32768)
    magnet = parse_magnet(seeder.magnet)
    assert (magnet.name, magnet.trackers, magnet.info_hash) == ("movie.mp4", (TRACKER,), metainfo.info_hash)
    assert seeder.info_hash == metainfo.info_hash.hex()


def test_a_given_torrent_is_seeded_as_it_is(movie: Path) -> None:
    torrent = create_torrent(movie, ["ws://127.0.0.1:9/other"], piece_length=65536)
    seeder = LibtorrentSeeder(movie, [TRACKER], torrent=torrent)
    assert seeder.torrent_file == torrent
    assert parse_magnet(seeder.magnet).trackers == (TRACKER,)


def test_it_seeds_from_start_to_stop(movie: Path) -> None:
    seeder = LibtorrentSeeder(movie, [])
    with pytest.raises(LocalError, match="not started"):
        seeder.status()
    with seeder:
        assert seeder.status().peers == 0
        with pytest.raises(LocalError, match="already started"):
            seeder.start()
    with pytest.raises(LocalError, match="not started"):
        seeder.status()
    seeder.stop()


def test_what_cannot_be_seeded_is_refused(movie: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="missing"):
        create_torrent(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidOptionError, match="empty"):
        create_torrent(tmp_path / "empty")
    with pytest.raises(MetainfoError):
        LibtorrentSeeder(movie, [], torrent=b"de")
