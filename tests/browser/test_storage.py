"""Where a page keeps what it downloads: on disk, in memory, or in a store of its own."""

import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.driver import ClientPage
from tests.peers.content import Content
from tests.peers.hosts import Site
from tests.peers.libtorrent_peer import LibtorrentPeer
from tests.peers.npm import NODE_MODULES, ReferenceTracker, find_node

# Bytes of every file in the origin private file system, by path. Null while something is being removed.
DISK = """async () => {
  const sizes = {}
  const visit = async (directory, path) => {
    for await (const [name, handle] of directory.entries()) {
      if (handle.kind === 'directory') await visit(handle, `${path}${name}/`)
      else sizes[path + name] = (await handle.getFile()).size
    }
  }
  try {
    await visit(await navigator.storage.getDirectory(), '')
  } catch (error) {
    if (error.name !== 'NotFoundError') throw error
    return null
  }
  return sizes
}"""


@pytest.fixture
def seeder(
    libtorrent_peer: Callable[..., LibtorrentPeer], tracker: ReferenceTracker, single: Content
) -> LibtorrentPeer:
    """libtorrent, seeding `single`."""
    seeder = libtorrent_peer(single.torrent, single.root, tracker.url)
    seeder.wait_until_announced()
    return seeder


@pytest.fixture(scope="module")
def chunk_store() -> str:
    """memory-chunk-store from npm, as a script with the global `MemoryChunkStore`."""
    entry = "globalThis.MemoryChunkStore = require('memory-chunk-store')"
    esbuild = NODE_MODULES / "esbuild" / "bin" / "esbuild"
    command = [find_node(), esbuild, "--bundle", "--format=iife", "--platform=browser"]
    return subprocess.run(command, input=entry, cwd=NODE_MODULES, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def two_pages(new_context: Callable[..., BrowserContext], page_site: Site) -> Callable[[], ClientPage]:
    """Opens pages of one site in one browser profile, as tabs are."""
    context = new_context()

    def open_page() -> ClientPage:
        client = ClientPage(context.new_page(), f"{page_site.url}/ours.html")
        client.start()
        return client

    return open_page


def test_a_download_is_on_disk_while_it_is_there(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    ours.add("single", single.magnet(tracker.url))
    ours.assert_complete("single", single)
    sizes = ours.page.evaluate(DISK)
    assert [size for path, size in sizes.items() if path.endswith("/pieces")] == [single.length]
    ours.get("client.remove(torrents.single)")
    ours.page.wait_for_function(f"async () => Object.keys(await ({DISK})() ?? {{ changing: 0 }}).length === 0")


def test_a_download_in_memory_leaves_the_disk_alone(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    ours.add("single", single.magnet(tracker.url), store="memory")
    ours.assert_complete("single", single)
    assert ours.page.evaluate(DISK) == {}


def test_the_page_brings_a_store(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content, chunk_store: str
) -> None:
    ours.page.evaluate(chunk_store)
    ours.page.evaluate(
        """magnet => {
          globalThis.made = []
          class Store extends MemoryChunkStore {
            constructor (length, opts) {
              super(length, opts)
              made.push(this, length, opts.length, opts.own, opts.torrent === tools.torrents.single, opts.files.length)
            }

            close (callback) {
              made.push('closed')
              super.close(callback)
            }
          }
          tools.add('single', magnet, { store: Store, storeOpts: { own: 1 } })
        }""",
        single.magnet(tracker.url),
    )
    ours.assert_complete("single", single)
    assert ours.get("made.slice(1)") == [ours.get("torrents.single.pieceLength"), single.length, 1, True, 1]
    assert ours.get("made[0].chunks.filter(Boolean).length") == ours.get("torrents.single.pieces.length")
    assert ours.page.evaluate(DISK) == {}
    ours.get("client.remove(torrents.single)")
    ours.page.wait_for_function("() => made.at(-1) === 'closed'")


def test_a_page_s_store_that_fails_ends_its_torrent_alone(
    ours: ClientPage, seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    ours.page.evaluate(
        """magnet => {
          class Store {
            put (index, piece, callback) { callback(new Error('no more paper')) }
            get (index, options, callback) { callback(new Error('nothing here')) }
            close (callback) { callback(null) }
          }
          tools.add('single', magnet, { store: Store })
        }""",
        single.magnet(tracker.url),
    )
    error = ours.wait_for_event("single", "error")
    assert error["code"] == "ERR_STORAGE" and "no more paper" in error["message"]
    ours.add("again", single.magnet(tracker.url))
    ours.assert_complete("again", single)


def test_a_store_that_is_none_is_refused(ours: ClientPage, single: Content) -> None:
    ours.add("single", single.info_hash, store="paper")
    error = ours.wait_for_event("single", "error")
    assert error["code"] == "ERR_INVALID_OPTION" and "store" in error["message"]


def test_what_a_page_left_behind_is_removed_by_the_next_one_but_not_what_another_tab_uses(
    two_pages: Callable[[], ClientPage], seeder: LibtorrentPeer, tracker: ReferenceTracker, single: Content
) -> None:
    first, second = two_pages(), two_pages()
    for page in (first, second):
        page.add("single", single.magnet(tracker.url))
        page.assert_complete("single", single)
    folders = {path.split("/")[1] for path in first.page.evaluate(DISK)}
    assert len(folders) == 2
    first.page.close()
    third = two_pages()
    third.add("single", single.magnet(tracker.url))
    third.assert_complete("single", single)
    left = {path.split("/")[1] for path in third.page.evaluate(DISK)}
    assert len(left) == 2 and len(left & folders) == 1
    assert second.digests("single") == single.sha256


def test_a_full_disk_pauses_the_torrent_and_says_so(
    ours: ClientPage,
    libtorrent_peer: Callable[..., LibtorrentPeer],
    tracker: ReferenceTracker,
    album: Content,
    browser_name: str,
    page_site: Site,
) -> None:
    if browser_name != "chromium":
        pytest.skip("only Chromium's driver can lower a site's quota")
    # Pieces that come before the files are open are kept in memory, whatever the quota is: no more than a few shall.
    libtorrent_peer(album.torrent, album.root, tracker.url, rate_limit=4_000_000).wait_until_announced()
    devtools = ours.page.context.new_cdp_session(ours.page)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": page_site.url, "quotaSize": 6_000_000})
    ours.add("album", album.magnet(tracker.url))
    ours.wait_for_warning("album", "paused")
    assert {each["code"] for each in ours.details("album", "warning")} == {"ERR_STORAGE_FULL"}
    assert ours.get("torrents.album.paused") and 0 < ours.get("torrents.album.progress") < 1
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": page_site.url})
    ours.get("torrents.album.resume()")
    ours.assert_complete("album", album)
