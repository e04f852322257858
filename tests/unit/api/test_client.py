"""Adding, finding, seeding and removing torrents, and the turn that drives them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from tests.unit.api.memory import TRACKER, Network, run
from webtorrent_py import actions as a
from webtorrent_py.api.seeding import DEFAULT_TRACKERS
from webtorrent_py.api.torrent import Torrent
from webtorrent_py.codec.magnet import parse_magnet
from webtorrent_py.codec.metainfo import parse_torrent
from webtorrent_py.errors import (
    BencodeError,
    DestroyedError,
    DuplicateTorrentError,
    FetchError,
    InvalidOptionError,
    InvalidTorrentIdError,
    MagnetError,
    StateError,
    StorageError,
    UnknownTorrentError,
    WebSeedError,
    WebTorrentError,
)

CONTENT = bytes(range(256)) * 400
FILES = {"folder/a.txt": CONTENT, "folder/sub/b.txt": b"second"}
UNKNOWN = "0" * 40


async def seeded(network: Network, **options: Any) -> Torrent:
    """A torrent of `FILES` in a client of its own, served."""
    torrent = await network.client().seed(FILES, announce=[TRACKER], **options)
    await torrent.wait_ready()
    return torrent


def in_network(test: Callable[[Network], Awaitable[None]]) -> Callable[[], None]:
    """Makes a test of a coroutine function that takes a network."""

    def run_test() -> None:
        async def in_loop() -> None:
            await test(Network())

        run(in_loop)

    run_test.__name__ = test.__name__
    return run_test


@in_network
async def test_a_seeded_torrent_is_complete_and_known_by_its_ids(network: Network) -> None:
    torrent = await seeded(network)
    client = torrent.client
    assert (torrent.name, torrent.length, torrent.progress, torrent.done) == ("folder", len(CONTENT) + 6, 1.0, True)
    assert [(file.path, file.length, file.done) for file in torrent.files] == [
        ("folder/a.txt", len(CONTENT), True),
        ("folder/sub/b.txt", 6, True),
    ]
    assert torrent.torrent_file is not None
    assert parse_torrent(torrent.torrent_file).announce == ((TRACKER,),)
    for torrent_id in (torrent.info_hash, torrent.info_hash.upper(), torrent.magnet_uri, torrent.torrent_file):
        assert await client.get(torrent_id) is torrent
    for torrent_id in (UNKNOWN, "what?", b"", "http://files.test/a.torrent"):
        assert await client.get(torrent_id) is None
    assert await torrent.files[1].read() == b"second"


@in_network
async def test_a_torrent_is_added_by_whatever_names_it(network: Network) -> None:
    seed = await seeded(network)
    assert seed.torrent_file is not None
    network.files["http://files.test/a.torrent"] = seed.torrent_file
    for torrent_id in (seed.magnet_uri, seed.torrent_file, "http://files.test/a.torrent"):
        torrent = await network.client().add(torrent_id)
        await torrent.wait_done()
        assert [await file.read() for file in torrent.files] == list(FILES.values())


@in_network
async def test_web_seeds_alone_are_enough_and_stand_in_what_is_passed_on(network: Network) -> None:
    seed = await seeded(network)
    await seed.client.remove(seed)
    metainfo = parse_torrent(seed.torrent_file or b"")
    url = network.web.add("http://seed.test/", metainfo, CONTENT + b"second")
    torrent = await network.client(trackers=None).add(metainfo, web_seeds=["ftp://odd/"])
    warned: list[WebTorrentError] = []
    torrent.on("warning", warned.append)
    kinds: list[str] = []
    torrent.on("wire", lambda wire: kinds.append(wire.kind))
    torrent.add_web_seed(url)
    await torrent.wait_done()
    assert [await file.read() for file in torrent.files] == list(FILES.values())
    assert kinds == ["webSeed"] and torrent.num_peers == 1 and isinstance(warned[0], WebSeedError)
    torrent.remove_web_seed("ftp://odd/")
    assert torrent.web_seeds == (url,) and torrent.num_peers == 1
    assert parse_magnet(torrent.magnet_uri).web_seeds == (url,)
    assert parse_torrent(torrent.torrent_file or b"").web_seeds == (url,)
    torrent.remove_web_seed(url)
    assert torrent.num_peers == 0
    magnet = await network.client(trackers=None).add(torrent.magnet_uri + "&ws=http%3A%2F%2Fseed.test%2F")
    assert magnet.web_seeds == (url,)


@in_network
async def test_a_state_is_taken_back_and_the_store_looked_through(network: Network) -> None:
    seed = await seeded(network)
    torrent = await network.client().add(seed.torrent_file or b"")
    await torrent.wait_done()
    news: list[object] = []
    for name in ("checking", "checked", "lost"):
        torrent.on(name, lambda *args, name=name: news.append((name, *args)))
    checked = asyncio.Event()
    torrent.on("checked", checked.set)
    torrent.rescan()
    await checked.wait()
    assert news[-2] == ("checking", torrent.piece_count, torrent.piece_count)
    assert not any(each[0] == "lost" for each in news if isinstance(each, tuple))
    state = torrent.export_state()
    client = network.client(trackers=None)
    again = await client.add(seed.torrent_file or b"", state=state)
    assert again.done and again.received == torrent.received
    # This host keeps nothing, as a look shows.
    lost = asyncio.Event()
    again.on("checked", lost.set)
    again.rescan()
    await lost.wait()
    assert again.progress == 0
    with pytest.raises(StateError):
        await network.client().add(UNKNOWN, state=state)
    await client.remove(again)
    with pytest.raises(DestroyedError):
        again.export_state()


@in_network
async def test_whoever_added_a_torrent_hears_all_of_its_events(network: Network) -> None:
    seed = await seeded(network)
    assert seed.torrent_file is not None
    torrent = await network.client().add(seed.torrent_file)
    heard: list[str] = []
    for name in ("metadata", "ready", "wire", "done", "idle", "file_done"):
        torrent.on(name, lambda *_, name=name: heard.append(name))
    counts: list[int] = []
    torrent.on("download", counts.append)
    pieces: list[int] = []
    torrent.on("verified", pieces.append)
    await torrent.wait_done()
    assert heard == ["metadata", "ready", "wire", "file_done", "file_done", "done", "idle"]
    assert sum(counts) == torrent.received == torrent.length
    assert sorted(pieces) == list(range(torrent.piece_count))


@pytest.mark.parametrize(
    ("torrent_id", "error"),
    [
        ("what?", InvalidTorrentIdError),
        (7, InvalidTorrentIdError),
        (b"d", BencodeError),
        ("magnet:?dn=name", MagnetError),
        ("https://files.test/missing.torrent", FetchError),
        ("http://files.test/page.html", BencodeError),
    ],
)
def test_what_is_no_torrent_is_refused_and_the_client_works_on(torrent_id: Any, error: type[WebTorrentError]) -> None:
    @in_network
    async def test(network: Network) -> None:
        network.files["http://files.test/page.html"] = b"<!doctype html>"
        client = network.client()
        with pytest.raises(error):
            await client.add(torrent_id)
        assert client.torrents == ()
        await client.add(UNKNOWN)
        assert len(client.torrents) == 1

    test()


@in_network
async def test_a_torrent_is_added_once(network: Network) -> None:
    client = network.client()
    torrent = await client.add(UNKNOWN)
    with pytest.raises(DuplicateTorrentError) as caught:
        await client.add(f"magnet:?xt=urn:btih:{UNKNOWN}")
    assert client.find(caught.value.torrent) is torrent
    assert client.torrents == (torrent,)


@in_network
async def test_a_link_s_exact_source_gives_the_metadata(network: Network) -> None:
    seed = await seeded(network)
    assert seed.torrent_file is not None
    network.files["http://files.test/a.torrent"] = seed.torrent_file
    network.files["http://files.test/other.torrent"] = seed.torrent_file.replace(b"b.txt", b"c.txt")
    client = network.client(trackers=None)
    sources = "".join(f"&xs=http://files.test/{name}.torrent" for name in ("missing", "other", "a"))
    torrent = await client.add(f"magnet:?xt=urn:btih:{seed.info_hash}{sources}")
    warnings: list[str] = []
    torrent.on("warning", lambda error: warnings.append(error.code))
    await torrent.wait_ready()
    assert [file.path for file in torrent.files] == ["folder/a.txt", "folder/sub/b.txt"]
    assert warnings == ["ERR_FETCH", "ERR_METAINFO"]


@in_network
async def test_a_removed_torrent_is_gone_for_whoever_waits_for_it(network: Network) -> None:
    client = network.client()
    torrent = await client.add(UNKNOWN)
    waiting = asyncio.ensure_future(torrent.wait_ready())
    removed: list[Torrent] = []
    client.on("remove", removed.append)
    await asyncio.sleep(0)
    await client.remove(torrent)
    with pytest.raises(DestroyedError):
        await waiting
    assert removed == [torrent]
    assert client.torrents == ()
    with pytest.raises(UnknownTorrentError):
        await client.remove(torrent)
    for command in (torrent.pause, torrent.resume, lambda: torrent.select(0, 0)):
        with pytest.raises(DestroyedError):
            command()


@in_network
async def test_a_failed_torrent_says_why_and_is_removed(network: Network) -> None:
    torrent = await seeded(network)
    client = torrent.client
    failures: list[Any] = []
    torrent.on("error", failures.append)
    client.on("error", lambda *args: failures.append(args))
    client.handle(client.core.storage_failed, torrent.core_torrent.id, "disk full")
    assert isinstance(torrent.error, StorageError)
    assert failures == [torrent.error, (torrent, torrent.error)]
    assert client.torrents == ()
    with pytest.raises(StorageError, match="disk full"):
        await torrent.wait_done()
    assert a.CloseStore(torrent.core_torrent.id) in client.host.performed  # type: ignore[attr-defined]


@in_network
async def test_nothing_can_be_done_with_a_destroyed_client(network: Network) -> None:
    client = network.client()
    await client.add(UNKNOWN)
    await client.destroy()
    assert client.torrents == ()
    for call in (partial(client.add, UNKNOWN), partial(client.seed, FILES), client.destroy):
        with pytest.raises(DestroyedError):
            await call()
    assert client.host.requested_delays[-1] is None  # type: ignore[attr-defined]


@in_network
async def test_trackers_come_from_torrents_options_and_the_client_or_are_refused(network: Network) -> None:
    link = f"magnet:?xt=urn:btih:{UNKNOWN}&tr=ws%3A%2F%2Fown.test"
    client = network.client(trackers=["ws://all.test"])
    assert (await client.add(link, announce=["ws://more.test"])).announce == (
        "ws://own.test",
        "ws://more.test",
        "ws://all.test",
    )
    assert (await client.seed({"a": b"a"})).announce == ("ws://all.test",)
    assert (await network.client().seed({"a": b"a"})).announce == DEFAULT_TRACKERS
    silent = network.client(trackers=None)
    torrents = [await silent.add(link, announce=["ws://more.test"]), await silent.seed({"a": b"a"})]
    await asyncio.sleep(0)
    # They are still the torrent's, and those that are given its link may use them.
    assert [torrent.announce for torrent in torrents] == [("ws://own.test", "ws://more.test"), DEFAULT_TRACKERS]
    assert not any(isinstance(action, a.OpenSocket) for action in silent.host.performed)  # type: ignore[attr-defined]


@in_network
async def test_nothing_cannot_be_seeded(network: Network) -> None:
    with pytest.raises(InvalidOptionError):
        await network.client().seed({})


@in_network
async def test_events_keep_their_order_when_a_listener_calls_back_in(network: Network) -> None:
    torrent = await network.client().seed(FILES)
    heard: list[str] = []
    torrent.on("metadata", lambda: (torrent.pause(), heard.append("metadata")))
    torrent.on("ready", lambda: (torrent.resume(), heard.append("ready")))
    torrent.on("done", lambda: heard.append("done"))
    await torrent.wait_done()
    await asyncio.sleep(0)
    assert heard == ["metadata", "ready", "done"]
    assert not torrent.paused


@in_network
async def test_the_alarm_is_moved_only_to_an_earlier_time(network: Network) -> None:
    client = network.client()
    await client.add(UNKNOWN)
    await asyncio.sleep(0)
    delays = client.host.requested_delays  # type: ignore[attr-defined]
    count = len(delays)
    assert count >= 1
    client.handle(lambda now: None)
    assert len(delays) == count
    client.handle_timer()
    assert len(delays) == count + 1


@in_network
async def test_limits_are_taken_and_nonsense_is_not(network: Network) -> None:
    client = network.client(download_limit=0, upload_limit=-1)
    seed = await network.client().seed(FILES)
    torrent = await client.add(seed.torrent_file)
    await asyncio.sleep(0.2)
    assert torrent.received == 0 and not torrent.done
    client.throttle_download(-1)
    await torrent.wait_done()
    torrent.throttle_upload(1000)
    torrent.throttle_download(2000)
    client.throttle_upload(0)
    for bad in (float("nan"), float("inf"), "9", None, True):
        for throttle in (client.throttle_download, client.throttle_upload, torrent.throttle_upload):
            with pytest.raises(InvalidOptionError):
                throttle(bad)
