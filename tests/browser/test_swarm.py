"""Several leechers help each other."""

from collections.abc import Callable

from tests.browser.driver import SEED_PIECE_LENGTH, ClientPage
from tests.peers.content import Content
from tests.peers.npm import ReferenceTracker

# Slow enough that a leecher gets what the other one has sooner from that one.
SEED_BYTES_PER_SECOND = 2_500_000


def test_two_of_our_pages_exchange_pieces_of_a_stock_page_s_seed(
    open_client: Callable[..., ClientPage], tracker: ReferenceTracker, single: Content
) -> None:
    seed = open_client("stock", uploadLimit=SEED_BYTES_PER_SECOND)
    leechers = [open_client("ours"), open_client("ours")]
    magnet = seed.seed("single", [single.root / single.name], tracker.url)
    for leecher in leechers:
        leecher.add("single", magnet, deselect=True)
    # Nobody has a byte before everybody is connected to everybody.
    for leecher in leechers:
        leecher.wait_until("torrents.single.ready && torrents.single.numPeers === 2")
        assert leecher.get("torrents.single.received") == 0
    for leecher in leechers:
        leecher.get("torrents.single.select(0, torrents.single.pieces.length - 1)")
    for leecher in leechers:
        leecher.assert_complete("single", single)
    assert all(leecher.get("torrents.single.uploaded") > 0 for leecher in leechers)


def test_our_page_and_a_stock_page_exchange_pieces_of_our_seed(
    open_client: Callable[..., ClientPage], tracker: ReferenceTracker, album: Content
) -> None:
    seed = open_client("ours")
    files = [album.root / path for path in album.files]
    magnet = seed.seed("album", files, tracker.url, name="album", pieceLength=SEED_PIECE_LENGTH)
    leechers = [open_client("ours"), open_client("stock")]
    leechers[0].wait_until("client.ready")
    for leecher in leechers:
        leecher.add("album", magnet)
    for leecher in leechers:
        leecher.wait_for_event("album", "done")
        assert sorted(leecher.digests("album").values()) == sorted(album.sha256.values())
    assert sum(leecher.get("torrents.album.uploaded") for leecher in leechers) > 0
