"""Our page downloads from peers that we did not write."""

from collections.abc import Callable

import pytest

from tests.browser.driver import OUR_PAGE, SEED_PIECE_LENGTH, ClientPage
from tests.peers.content import Content
from tests.peers.hosts import Background, Site
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import ReferenceTracker
from webtorrent_py.desktop.tracker import DevelopmentTracker

# The worst that a page's main thread may be kept busy at a stretch while a torrent comes in, here with browsers and
# peers sharing two cores; the bench measures closer.
LONGEST_GAP_MS = 200

WATCH_MAIN_THREAD = """() => {
  globalThis.longestGap = 0
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    globalThis.longestGap = Math.max(globalThis.longestGap, now - last)
    last = now
  }, 5)
}"""

# Counts the data channels that leave the page; or refuses them, as browsers do that cannot transfer any.
WATCH_TRANSFERS = """refuse => {
  globalThis.transfers = { succeeded: 0, refused: 0 }
  for (const { prototype } of [Worker, MessagePort]) {
    const { postMessage } = prototype
    prototype.postMessage = function (message, options) {
      const transferred = Array.isArray(options) ? options : options?.transfer ?? []
      const channels = transferred.filter(item => item instanceof RTCDataChannel)
      if (refuse && channels.length) {
        transfers.refused++
        throw new DOMException('a data channel cannot be transferred', 'DataCloneError')
      }
      postMessage.call(this, message, options)
      transfers.succeeded += channels.length
    }
  }
}"""


@pytest.fixture
def seeder(
    libtorrent_peer: Callable[..., LibtorrentPeer], tracker: ReferenceTracker, single: Content
) -> LibtorrentPeer:
    """libtorrent, seeding `single`."""
    seeder = libtorrent_peer(single.torrent, single.root, tracker.url)
    seeder.wait_until_announced()
    return seeder


def test_a_magnet_alone_downloads_from_libtorrent_and_leaves_the_page_free(
    ours: ClientPage, libtorrent_peer: Callable[..., LibtorrentPeer], tracker: ReferenceTracker, album: Content
) -> None:
    seeder = libtorrent_peer(album.torrent, album.root, tracker.url)
    seeder.wait_until_announced()
    ours.add("album", album.magnet(tracker.url))
    ours.wait_for_event("album", "metadata")
    ours.page.evaluate(WATCH_MAIN_THREAD)
    ours.wait_for_event("album", "done")
    assert ours.get("longestGap") < LONGEST_GAP_MS
    ours.assert_complete("album", album)
    state = ours.get(
        "(({ infoHash, name, length, progress, done, ready, downloaded }) =>"
        " ({ infoHash, name, length, progress, done, ready, downloaded }))(torrents.album)"
    )
    assert state == {
        "infoHash": album.info_hash,
        "name": album.name,
        "length": album.length,
        "progress": 1,
        "done": True,
        "ready": True,
        "downloaded": album.length,
    }
    assert ours.get("torrents.album.files.map(({ path, length, downloaded }) => [path, length, downloaded])") == [
        [path, len(data), len(data)] for path, data in album.files.items()
    ]
    assert seeder.status.total_payload_upload >= album.length


def test_a_magnet_alone_downloads_from_a_stock_page(
    ours: ClientPage, stock_page: ClientPage, tracker: ReferenceTracker, album: Content
) -> None:
    files = [album.root / path for path in album.files]
    magnet = stock_page.seed("album", files, tracker.url, name="album", pieceLength=SEED_PIECE_LENGTH)
    ours.add("album", magnet)
    ours.wait_for_event("album", "done")
    digests = ours.digests("album")
    # Files chosen in a page have no folders.
    assert sorted(digests.values()) == sorted(album.sha256.values())
    assert stock_page.get("torrents.album.uploaded") >= album.length


def test_peers_meet_through_the_development_tracker(
    ours: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    development_tracker: DevelopmentTracker,
    single: Content,
) -> None:
    ours.add("single", single.magnet(development_tracker.url))
    libtorrent_peer(single.torrent, single.root, development_tracker.url)
    ours.assert_complete("single", single)


def test_torrent_bytes_and_a_torrent_url_and_an_info_hash_name_the_same_torrent(
    ours: ClientPage,
    seeder: LibtorrentPeer,
    tracker: ReferenceTracker,
    background: Background,
    single: Content,
) -> None:
    (single.root / "single.torrent").write_bytes(single.torrent)
    with Site(background, {"/": single.root}) as torrent_site:
        torrent_ids: dict[str, str | bytes] = {
            "bytes": single.torrent,
            "url": f"{torrent_site.url}/single.torrent",
            "hash": single.info_hash,
        }
        for name, torrent_id in torrent_ids.items():
            ours.add(name, torrent_id, announce=[tracker.url])
            ours.assert_complete(name, single)
            ours.get(f"client.remove(torrents[{name!r}])")
            assert ours.get("client.torrents.length") == 0


def test_files_are_read_by_range_and_before_the_download_ends(
    ours: ClientPage, libtorrent_peer: Callable[..., LibtorrentPeer], tracker: ReferenceTracker, album: Content
) -> None:
    libtorrent_peer(album.torrent, album.root, tracker.url, rate_limit=4_000_000)
    ours.add("album", album.magnet(tracker.url))
    ours.wait_for_event("album", "metadata")
    read, progress = ours.get(
        "(async file => [await tools.sha256(await file.arrayBuffer()), torrents.album.progress])"
        "(torrents.album.files[1])"
    )
    path = "album/zwei & drei #3?.bin"
    assert read == album.sha256[path]
    assert progress < 1
    ours.wait_for_event("album", "done")
    ranges = ours.get(
        "(async file => [...new Uint8Array(await file.arrayBuffer({ start: 65530, end: 65545 }))])"
        "(torrents.album.files[1])"
    )
    # As in stock, `end` is the last byte, not the one after it.
    assert bytes(ranges) == album.files[path][65530:65546]
    streamed = ours.get(
        "(async file => { const parts = []; for await (const part of file) parts.push(part);"
        " return [await tools.sha256(await new Blob(parts).arrayBuffer()),"
        " await tools.sha256(await (await file.blob()).arrayBuffer()),"
        " await tools.sha256(await new Response(file.stream()).arrayBuffer())] })(torrents.album.files[0])"
    )
    assert streamed == [album.sha256["album/one.bin"]] * 3


def test_calls_made_before_the_engine_is_up_are_kept(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    early = ours.page.evaluate(
        """magnet => {
          const client = tools.start({ tracker: { rtcConfig: { iceServers: [] } } })
          client.on('torrent', torrent => tools.note('client', 'torrent', torrent.infoHash))
          const torrent = tools.watch('early', client.add(magnet, ready => { globalThis.given = ready }))
          tools.watch('removed', client.add('0'.repeat(40)))
          client.remove(tools.torrents.removed)
          return [client.ready ?? false, torrent.progress, torrent.files.length, torrent.ready, torrent.numPeers]
        }""",
        single.magnet(tracker.url),
    )
    assert early == [False, 0, 0, False, 0]
    ours.assert_complete("early", single)
    assert ours.get("given === torrents.early")
    assert ours.details("client", "torrent") == [single.info_hash]
    assert ours.get("client.torrents.length") == 1
    assert ours.details("client", "error") == []


@pytest.mark.parametrize("way", ["transferred", "relayed because told to", "relayed because refused"])
def test_channels_go_to_the_worker_or_are_relayed(
    open_client: Callable[..., ClientPage],
    seeder: LibtorrentPeer,
    tracker: ReferenceTracker,
    single: Content,
    way: str,
) -> None:
    options = {"relayChannels": True} if way == "relayed because told to" else {}
    ours = open_client("ours", **options)
    ours.page.evaluate(WATCH_TRANSFERS, way == "relayed because refused")
    ours.add("single", single.magnet(tracker.url))
    ours.assert_complete("single", single)
    assert ours.get("transfers.succeeded > 0") is (way == "transferred")
    assert ours.get("transfers.refused > 0") is (way == "relayed because refused")


def test_the_module_on_the_page_s_own_origin(
    open_client: Callable[..., ClientPage],
    site: Site,
    seeder: LibtorrentPeer,
    tracker: ReferenceTracker,
    single: Content,
    request: pytest.FixtureRequest,
) -> None:
    page_site: Site = request.getfixturevalue("page_site")
    tools = f"{page_site.url}/pages/tools.js"
    site.pages["/module.html"] = OUR_PAGE.replace(
        '<script src="{script}"></script>',
        '<script type="module">'
        "import WebTorrent from './webtorrent-py.mjs'; globalThis.WebTorrent = WebTorrent"
        "</script>",
    ).replace("/pages/tools.js", tools)
    ours = open_client("ours", url=f"{site.url}/module.html")
    ours.add("single", single.magnet(tracker.url))
    ours.assert_complete("single", single)
