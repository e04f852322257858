"""Our page downloads from web servers, on origins of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.browser.driver import ClientPage
from tests.peers.content import Content
from tests.peers.hosts import Background, WebSeed
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker


@pytest.fixture
def web_seed(background: Background) -> Iterator[Callable[..., WebSeed]]:
    """Starts web seeds; takes the content and the options of `WebSeed`."""
    with ExitStack() as stack:
        yield lambda content, **options: stack.enter_context(WebSeed(background, content.root, **options))


@pytest.mark.parametrize("exposed", [True, False], ids=["exposed", "hidden"])
def test_a_page_downloads_from_a_web_seed_alone(
    ours: ClientPage, web_seed: Callable[..., WebSeed], album: Content, exposed: bool
) -> None:
    seed = web_seed(album, exposed=exposed)
    ours.add("album", album.torrent, urlList=[seed.url])
    ours.assert_complete("album", album)
    assert all(header for _, header in seed.requests)
    assert seed.sent == album.length
    assert ours.get("torrents.album.numPeers") == 1
    assert ours.get("torrents.album.urlList") == [seed.url]


def test_a_server_that_ignores_ranges_will_do(
    ours: ClientPage, web_seed: Callable[..., WebSeed], album: Content
) -> None:
    seed = web_seed(album, ranges=False)
    ours.add("album", album.torrent)
    ours.wait_for_event("album", "ready")
    ours.get(f"torrents.album.addWebSeed({seed.url!r})")
    ours.assert_complete("album", album)


def test_a_missing_cors_header_is_named(ours: ClientPage, web_seed: Callable[..., WebSeed], single: Content) -> None:
    seed = web_seed(single, cors=False)
    ours.add("single", single.torrent, urlList=[seed.url])
    warning = ours.wait_for_warning("single", "Access-Control-Allow-Origin")
    assert warning["code"] == "ERR_WEB_SEED" and seed.url in warning["message"]
    assert ours.get("torrents.single.downloaded") == 0


def test_web_seeds_and_peers_work_together(
    ours: ClientPage,
    web_seed: Callable[..., WebSeed],
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    album: Content,
) -> None:
    peer = libtorrent_peer(album.torrent, album.root, tracker.url)
    peer.wait_until_announced()
    ours.add("album", album.torrent, announce=[tracker.url], deselect=True)
    ours.wait_until("torrents.album.numPeers === 1")
    seed = web_seed(album)
    ours.get(f"torrents.album.addWebSeed({seed.url!r})")
    ours.wait_until("torrents.album.numPeers === 2")
    ours.get("torrents.album.select(0, torrents.album.pieces.length - 1)")
    ours.assert_complete("album", album)
    assert seed.sent and peer.status.total_payload_upload
    assert ours.get("torrents.album.received") < 1.2 * album.length
