"""Peers that we did not write download from our page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.driver import ClientPage
from tests.peers.content import Content
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker


def test_a_stock_page_and_libtorrent_complete_what_our_page_seeds(
    ours: ClientPage,
    stock_page: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    single: Content,
    folder: Path,
) -> None:
    magnet = ours.seed("single", [single.root / single.name], tracker.url)
    assert ours.get("torrents.single.progress") == 1
    stock_page.add("single", magnet)
    stock_page.assert_complete("single", single)
    # Alone with our page, so that libtorrent's bytes are ours as well.
    stock_page.page.close()
    leecher = libtorrent_peer(magnet, folder, seed=False)
    leecher.wait_until_done()
    assert (folder / single.name).read_bytes() == single.files[single.name]
    assert leecher.status.total_payload_download >= single.length
    ours.wait_until(f"torrents.single.uploaded >= {2 * single.length}")


def test_our_page_makes_the_same_torrents_as_stock(
    ours: ClientPage, stock_page: ClientPage, tracker: ReferenceTracker, booklet: Content, single: Content
) -> None:
    cases: list[tuple[str, list[Path], dict[str, Any]]] = [
        ("single", [single.root / single.name], {}),
        ("booklet", [booklet.root / path for path in booklet.files], {"name": "booklet"}),
        ("pieces", [single.root / single.name], {"pieceLength": 131072, "comment": "small pieces"}),
    ]
    for name, files, options in cases:
        ours.seed(name, files, tracker.url, **options)
        stock_page.seed(name, files, tracker.url, **options)
        assert ours.get(f"torrents.{name}.infoHash") == stock_page.get(f"torrents.{name}.infoHash")
        for page in (ours, stock_page):
            page.get(f"client.remove(torrents.{name})")


def test_bytes_and_blobs_are_seeded_under_their_names(
    ours: ClientPage, stock_page: ClientPage, tracker: ReferenceTracker
) -> None:
    ours.page.evaluate(
        """tracker => {
          const bytes = new TextEncoder().encode('a Uint8Array')
          bytes.name = 'bytes.txt'
          const items = [bytes, new File(['a File'], 'file.txt')]
          tools.seed('items', { name: 'items', announce: [tracker] }, items)
        }""",
        tracker.url,
    )
    magnet = ours.wait_for_event("items", "seed")
    stock_page.add("items", magnet)
    stock_page.wait_for_event("items", "done")
    texts = stock_page.get(
        "Promise.all(torrents.items.files.map(async file => [file.path, await (await file.blob()).text()]))"
    )
    assert dict(texts) == {"items/bytes.txt": "a Uint8Array", "items/file.txt": "a File"}
