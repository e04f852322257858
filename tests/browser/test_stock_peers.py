"""The peers that the other tests rely on work among themselves, without our client."""

from collections.abc import Callable
from pathlib import Path

from tests.browser.driver import ClientPage
from tests.peers.content import Content
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker


def test_a_stock_page_downloads_from_libtorrent(
    stock_page: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    album: Content,
) -> None:
    seeder = libtorrent_peer(album.torrent, album.root, tracker.url)
    seeder.wait_until_announced()
    stock_page.add("album", album.magnet(tracker.url))
    stock_page.assert_complete("album", album)


def test_libtorrent_downloads_from_a_stock_page(
    stock_page: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
    folder: Path,
) -> None:
    magnet = stock_page.seed("single", [single.root / single.name], tracker.url)
    leecher = libtorrent_peer(magnet, folder, tracker.url, seed=False)
    leecher.wait_until_done()
    assert (folder / single.name).read_bytes() == single.files[single.name]
