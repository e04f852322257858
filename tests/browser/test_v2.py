"""v2 and hybrid torrents (BEP 52) between our page and libtorrent, over data channels."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.driver import ClientPage
from tests.peers.content import make_v2_content
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import Metainfo, parse_torrent

# More pieces than hashes are asked for at once, and files that do not end with a piece.
SIZES = {"a.bin": 9_000_001, "b": 1, "empty": 0, "z.bin": 40_000}
PIECE_LENGTH = 16384


def link(metainfo: Metainfo, names: str, tracker: str) -> str:
    """A link with the v1 hash, the v2 hash, or both."""
    v2 = metainfo.info_hash_v2
    assert v2 is not None
    hashes = {"v1": (metainfo.info_hash, None), "v2": (v2[:20], v2), "both": (metainfo.info_hash, v2)}
    info_hash, info_hash_v2 = hashes[names]
    return Magnet(info_hash, trackers=(tracker,), info_hash_v2=info_hash_v2).to_uri()


@pytest.mark.parametrize(("version", "names"), [("v2", "v2"), ("hybrid", "v1"), ("hybrid", "v2"), ("hybrid", "both")])
def test_a_magnet_alone_downloads_from_libtorrent(
    ours: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    tmp_path: Path,
    version: str,
    names: str,
) -> None:
    content = make_v2_content(tmp_path, "shared", SIZES, version, piece_length=PIECE_LENGTH)
    seeder = libtorrent_peer(content.torrent, content.root, tracker.url)
    seeder.wait_until_announced()
    ours.add("shared", link(parse_torrent(content.torrent), names, tracker.url))
    ours.wait_for_event("shared", "done")
    digests = {path: digest for path, digest in ours.digests("shared").items() if "/.pad/" not in path}
    assert digests == content.sha256
    assert ours.details("shared", "warning") == []


@pytest.mark.parametrize("version", ["v2", "hybrid"])
def test_libtorrent_completes_what_our_page_seeds(
    ours: ClientPage, tracker: ReferenceTracker, tmp_path: Path, version: str
) -> None:
    sizes = {path: size for path, size in SIZES.items() if size}
    content = make_v2_content(tmp_path / "seeded", "shared", sizes, version, piece_length=PIECE_LENGTH)
    files = [content.root / path for path in content.files]
    magnet = ours.seed("shared", files, tracker.url, name="shared", version=version, pieceLength=PIECE_LENGTH)
    metainfo = parse_torrent(content.torrent)
    assert ours.get("torrents.shared.infoHash") == metainfo.info_hash.hex()
    copy = tmp_path / "copy"
    with LibtorrentPeer(magnet, copy, seed=False) as leecher:
        leecher.wait_until_done()
        assert leecher.status.total_payload_download >= content.length
    # Only once the session is closed has everything been written.
    assert {path: (copy / path).read_bytes() for path in content.files} == content.files
