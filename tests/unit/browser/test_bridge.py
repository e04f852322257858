"""The page's calls and what it is told, with the page's side played by a list."""

import asyncio
import json
from typing import Any

from tests.unit.api.memory import TRACKER, Network, eventually
from tests.unit.api.test_client import UNKNOWN, in_network
from tests.unit.browser.conftest import Buffer
from webtorrent_py.api import WebTorrent, Wire
from webtorrent_py.codec.metainfo import parse_torrent

CONTENT = bytes(range(256)) * 800
FILES = {"x/a.bin": CONTENT, "x/b.bin": b"second"}


class Page:
    """JavaScript's side: makes calls, and keeps state and events as the mirrors would."""

    def __init__(self, client: WebTorrent) -> None:
        from webtorrent_py.browser.bridge import Bridge

        self.bridge = Bridge(client, self)
        self.client: dict[str, Any] = {}
        self.torrents: dict[int, dict[str, Any]] = {}
        self.files: dict[tuple[int, int], dict[str, Any]] = {}
        self.events: list[tuple[int, str, list[Any]]] = []
        self.wires: dict[tuple[int, int], dict[str, Any]] = {}
        self.wire_events: list[tuple[int, str, list[Any]]] = []
        self.batches = 0
        self.dropped: list[int] = []
        self.is_slow = False
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()

    async def call(self, name: str, *args: Any, data: bytes | None = None) -> Any:
        number = len(self._calls)
        self._calls[number] = asyncio.get_running_loop().create_future()
        self.bridge.call(number, name, json.dumps(args), None if data is None else Buffer(data))
        return await self._calls[number]

    async def until(self, key: int, name: str) -> None:
        while not any(event[:2] == (key, name) for event in self.events):
            self._changed.clear()
            await self._changed.wait()

    async def until_wire(self, name: str) -> tuple[int, list[Any]]:
        while not (found := [(wire, args) for wire, each, args in self.wire_events if each == name]):
            self._changed.clear()
            await self._changed.wait()
        return found[-1]

    def heard(self, key: int) -> list[str]:
        return [name for each, name, _ in self.events if each == key]

    # What the bridge calls.

    def settle(self, number: int, result: str) -> None:
        self._calls[number].set_result(json.loads(result))

    def fail(self, number: int, fields: str) -> None:
        self._calls[number].set_result({"error": json.loads(fields)})

    def dropSource(self, number: int) -> None:  # noqa: N802 - the name it has in JavaScript
        self.dropped.append(number)

    def update(self, batch: dict[str, Any]) -> None:
        self.batches += 1
        self.client |= batch["client"]
        for key, changes in batch["torrents"]:
            self.torrents.setdefault(key, {}).update(changes)
        for key, index, changes in batch["files"]:
            self.files.setdefault((key, index), {}).update(changes)
        self.events += [(key, name, args) for key, name, args, *wire in batch["events"] if not wire]
        self.wire_events += [(wire[0], name, args) for _, name, args, *wire in batch["events"] if wire]
        for key, wire, changes in batch["wires"]:
            self.wires.setdefault((key, wire), {}).update(changes)
        self._changed.set()
        if not self.is_slow:
            asyncio.get_running_loop().call_soon(self.bridge.updated)


async def seed_elsewhere(network: Network) -> bytes:
    torrent = await network.client().seed(FILES, announce=[TRACKER], piece_length=16384)
    await torrent.wait_ready()
    assert torrent.torrent_file is not None
    return torrent.torrent_file


@in_network
async def test_a_download_as_the_page_sees_it(network: Network) -> None:
    torrent_file = await seed_elsewhere(network)
    page = Page(network.client())
    assert await page.call("add", 5, None, {}, data=torrent_file) is None
    await page.until(5, "done")
    order = ["infoHash", "metadata", "ready", "wire", "done"]
    assert [name for name in page.heard(5) if name in order] == order
    state = page.torrents[5]
    assert state["name"] == "x"
    assert state["announce"] == [TRACKER]
    assert state["torrentFile"] == torrent_file
    assert [(each["path"], each["length"], each["offset"]) for each in state["files"]] == [
        ("x/a.bin", len(CONTENT), 0),
        ("x/b.bin", 6, len(CONTENT)),
    ]
    assert (state["progress"], state["done"], state["downloaded"]) == (1.0, True, len(CONTENT) + 6)
    assert page.files == {
        (5, 0): {"downloaded": len(CONTENT), "progress": 1.0, "done": True},
        (5, 1): {"downloaded": 6, "progress": 1.0, "done": True},
    }
    verified = [args[0] for _, name, args in page.events if name == "verified"]
    assert sorted(verified) == list(range(13))
    counts = [args[0] for _, name, args in page.events if name == "download"]
    assert sum(counts) == len(CONTENT) + 6
    # Blocks are far more than batches: those of one batch are told as one.
    assert len(counts) <= page.batches


@in_network
async def test_state_comes_no_later_than_the_event_that_tells_of_it(network: Network) -> None:
    torrent_file = await seed_elsewhere(network)
    page = Page(network.client())
    states: dict[str, Any] = {}
    update = page.update

    def watch(batch: dict[str, Any]) -> None:
        update(batch)
        for _, name, _ in batch["events"]:
            states.setdefault(name, dict(page.torrents[1]))

    page.update = watch  # type: ignore[method-assign]
    await page.call("add", 1, None, {}, data=torrent_file)
    await page.until(1, "done")
    assert states["infoHash"]["infoHash"] is not None
    assert states["ready"]["ready"] is True
    assert len(states["metadata"]["files"]) == 2
    assert states["done"]["done"] is True


@in_network
async def test_a_busy_page_gets_one_batch_at_a_time(network: Network) -> None:
    torrent_file = await seed_elsewhere(network)
    client = network.client()
    page = Page(client)
    page.is_slow = True
    await page.call("add", 1, None, {}, data=torrent_file)
    await client.torrents[0].wait_done()
    await page.until(1, "infoHash")
    assert page.batches == 1
    page.is_slow = False
    page.bridge.updated()
    await page.until(1, "done")
    assert page.torrents[1]["progress"] == 1.0


@in_network
async def test_a_torrent_is_found_commanded_and_removed_by_its_key(network: Network) -> None:
    torrent_file = await seed_elsewhere(network)
    client = network.client()
    page = Page(client)
    await page.call("add", 3, None, {"deselect": True}, data=torrent_file)
    torrent = client.torrents[0]
    assert await page.call("find", torrent.info_hash) == 3
    assert await page.call("find", None, data=torrent_file) == 3
    assert await page.call("find", UNKNOWN) is None
    await page.call("command", 3, None, "pause", [])
    assert torrent.paused
    await page.call("command", 3, None, "resume", [])
    assert not torrent.paused
    await page.call("command", 3, 1, "select", [])
    await page.until(3, "done")
    assert page.files[3, 1]["done"] is True
    assert page.torrents[3]["progress"] < 1
    await page.call("remove", 3)
    assert client.torrents == ()
    assert (await page.call("remove", 3))["error"]["code"] == "ERR_UNKNOWN_TORRENT"
    assert (await page.call("command", 3, None, "pause", []))["error"]["code"] == "ERR_UNKNOWN_TORRENT"


@in_network
async def test_errors_keep_their_codes_and_a_duplicate_names_the_one_that_is_there(network: Network) -> None:
    page = Page(network.client())
    await page.call("add", 1, UNKNOWN, {})
    duplicate = (await page.call("add", 2, UNKNOWN, {}))["error"]
    assert (duplicate["code"], duplicate["existing"]) == ("ERR_DUPLICATE_TORRENT", 1)
    assert (await page.call("add", 3, "what?", {}))["error"]["code"] == "ERR_INVALID_TORRENT_ID"
    assert (await page.call("add", 3, "http://a.test/", {}))["error"]["code"] == "ERR_FETCH"
    internal = (await page.call("nonsense"))["error"]
    assert internal["code"] == "ERR_INTERNAL"
    assert "nonsense" in internal["message"]


@in_network
async def test_a_torrent_that_is_still_being_added_can_be_removed(network: Network) -> None:
    client = network.client()
    page = Page(client)
    fetching = asyncio.Event()

    async def fetch(url: str, limit: int) -> bytes:
        fetching.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nothing ends this download")

    client.host.fetch = fetch  # type: ignore[method-assign]
    adding = asyncio.ensure_future(page.call("add", 1, "http://a.test/", {}))
    await fetching.wait()
    await page.call("remove", 1)
    assert (await adding)["error"]["code"] == "ERR_DESTROYED"
    assert client.torrents == ()


@in_network
async def test_a_failure_is_told_after_which_the_torrent_is_unknown(network: Network) -> None:
    client = network.client()
    page = Page(client)
    await page.call("add", 1, UNKNOWN, {})
    client.handle(client.core.storage_failed, client.torrents[0].core_torrent.id, "disk full")
    await page.until(1, "error")
    assert page.events[-1] == (1, "error", [{"name": "StorageError", "code": "ERR_STORAGE", "message": "disk full"}])
    assert await page.call("find", UNKNOWN) is None


@in_network
async def test_readers_say_where_bytes_are(network: Network) -> None:
    torrent_file = await seed_elsewhere(network)
    client = network.client()
    page = Page(client)
    await page.call("add", 1, None, {}, data=torrent_file)
    handle = client.torrents[0].core_torrent.id
    reader = await page.call("open_reader", 1, 0, 10, 20000)
    position = 10
    while (location := await page.call("locate", reader)) is not None:
        torrent, offset, length = location
        assert (torrent, offset) == (handle, position)
        position += length
    assert position == 20000
    anywhere = await page.call("open_random", 1, 1)
    assert await page.call("locate", anywhere, 2, 6) == [handle, len(CONTENT) + 2, 4]
    assert (await page.call("locate", anywhere, 2, 7))["error"]["code"] == "ERR_INVALID_RANGE"
    for number in (reader, anywhere, anywhere):
        await page.call("close_reader", number)
    assert (await page.call("locate", anywhere, 2, 6))["error"]["code"] == "ERR_DESTROYED"
    assert (await page.call("open_reader", 1, 0, 5, 10**9))["error"]["code"] == "ERR_INVALID_RANGE"


@in_network
async def test_a_seed_is_made_of_blobs_which_are_then_let_go(network: Network) -> None:
    from webtorrent_py.browser.host import Blob

    client = network.client()
    blobs = {7: CONTENT, 8: b"second"}
    host: Any = client.host
    attach, hash_pieces = host.attach, host.hash_pieces

    def contents(given: list[Blob]) -> list[bytes]:
        return [blobs[each.source] for each in given]

    host.content_length = lambda blob: blob.length
    host.attach = lambda torrent, given, alignment: attach(torrent, contents(given), alignment)
    host.hash_pieces = lambda given, piece_length, **what: hash_pieces(contents(given), piece_length, **what)
    page = Page(client)
    items = [["x/a.bin", 7, len(CONTENT)], ["x/b.bin", 8, 6]]
    await page.call("seed", 1, items, {"announce": [TRACKER], "pieceLength": 16384})
    await page.until(1, "ready")
    assert page.dropped == [7, 8]
    assert page.torrents[1]["progress"] == 1.0
    assert client.torrents[0].torrent_file == await seed_elsewhere(network)
    assert (await page.call("seed", 2, items, {"pieceLength": 16384}))["error"]["existing"] == 1


@in_network
async def test_everything_ends_with_destroy(network: Network) -> None:
    page = Page(network.client())
    await page.call("add", 1, UNKNOWN, {})
    assert await page.call("destroy") is None
    assert (await page.call("add", 2, UNKNOWN, {}))["error"]["code"] == "ERR_DESTROYED"


async def meet(network: Network) -> tuple[Page, int, Wire]:
    """A page with a torrent under key 1 and a connection, and the other end of that."""
    seed = await network.client().seed(FILES, announce=[TRACKER], piece_length=16384)
    other: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()
    seed.once("wire", other.set_result)
    page = Page(network.client())
    await page.call("add", 1, seed.magnet_uri, {})
    await page.until(1, "wire")
    fields = next(args[0] for _, name, args in page.events if name == "wire")
    assert fields["peerId"] == seed.client.peer_id.hex()
    assert fields["peerExtensions"] == {"dht": False, "fast": True, "extended": True}
    return page, fields["id"], await other


@in_network
async def test_the_state_of_wires_is_told_to_those_who_watch(network: Network) -> None:
    page, wire, other = await meet(network)
    await page.until(1, "done")
    assert page.wires == {}
    await page.call("watch_wires", 1)
    await other.torrent.client.add(UNKNOWN)
    await eventually(lambda: page.wires.get((1, wire), {}).get("downloaded") == len(CONTENT) + 6)
    state = page.wires[1, wire]
    assert int.from_bytes(state["peerPieces"], "big").bit_count() == 13
    other.destroy()
    assert await page.until_wire("close") == (wire, [])


@in_network
async def test_extensions_of_the_page_talk_over_wires(network: Network) -> None:
    page, wire, other = await meet(network)
    other.use("chat", {"nick": "ann"})
    while True:
        number, (ids, fields) = await page.until_wire("handshake")
        if "chat" in ids:
            break
        await asyncio.sleep(0)
    assert (number, ids["chat"] > 1, fields["nick"]) == (wire, True, b"ann")
    assert await page.call("wire_command", 1, wire, "use", ["chat", {"key": {"$bytes": "ff00"}}]) is None
    await eventually(lambda: "chat" in other.extensions)
    assert other.handshake is not None and other.handshake[b"key"] == b"\xff\x00"
    heard: list[tuple[str, bytes]] = []
    other.on("extended", lambda *args: heard.append(args))
    await page.call("wire_command", 1, wire, "extended", ["chat"], data=b"bytes")
    await page.call("wire_command", 1, wire, "extended", ["chat", {"n": 1}])
    await eventually(lambda: len(heard) == 2)
    assert heard == [("chat", b"bytes"), ("chat", b"d1:ni1ee")]
    other.extended("chat", b"answer")
    assert await page.until_wire("extended") == (wire, ["chat", b"answer"])
    unknown = await page.call("wire_command", 1, wire, "extended", ["dance", 1])
    assert unknown["error"]["code"] == "ERR_UNKNOWN_EXTENSION"
    await page.call("wire_command", 1, wire, "destroy", [])
    gone = await page.call("wire_command", 1, wire, "extended", ["chat", 1])
    assert gone["error"]["code"] == "ERR_DESTROYED"


@in_network
async def test_a_peer_that_floods_the_page_is_dropped(network: Network) -> None:
    from webtorrent_py.browser.bridge import MAX_BACKLOG

    page, wire, other = await meet(network)
    await page.call("wire_command", 1, wire, "use", ["chat", {}])
    await eventually(lambda: "chat" in other.extensions)
    page.is_slow = True
    for _ in range(MAX_BACKLOG // 100_000 + 2):
        if not other.destroyed:
            other.extended("chat", bytes(100_000))
    await eventually(lambda: bool(other.destroyed))
    page.bridge.updated()
    await page.until(1, "warning")
    assert sum(len(args[1]) for _, name, args in page.wire_events if name == "extended") <= 2 * MAX_BACKLOG
    assert page.bridge._client.torrents[0].wires == ()


@in_network
async def test_peers_are_introduced_and_trackers_told_more(network: Network) -> None:
    page = Page(network.client())
    await page.call("add", 1, UNKNOWN, {})
    number = await page.call("add_peer", 1, True)
    assert isinstance(number, int)
    await page.call("remove_peer", 1, number)
    await page.call("remove_peer", 1, "ab" * 20)
    await page.call("announce_options", 1, {"token": "t"})
    assert page.bridge._client.torrents[0].core_torrent.announce_extras == {"token": "t"}
    refused = await page.call("announce_options", 1, {"token": "t" * 5000})
    assert refused["error"]["code"] == "ERR_INVALID_OPTION"


@in_network
async def test_a_parsed_torrent_is_added_with_and_without_its_info(network: Network) -> None:
    torrent_file = await seed_elsewhere(network)
    metainfo = parse_torrent(torrent_file)
    page = Page(network.client())
    parsed = {"infoHash": metainfo.info_hash.hex(), "announce": TRACKER, "name": "called so", "so": [1, 0, 5]}
    await page.call("add", 1, parsed, {})
    await page.until(1, "infoHash")
    assert (page.torrents[1]["name"], page.torrents[1]["announce"]) == ("called so", [TRACKER])
    assert await page.call("find", parsed) == 1
    await page.call("remove", 1)
    await page.call("add", 2, parsed, {}, data=metainfo.info)
    await page.until(2, "done")
    assert page.torrents[2]["name"] == "x"
    for wrong in ({**parsed, "infoHash": "ab"}, {"name": "x"}, {"infoHash": 7}):
        assert (await page.call("add", 3, wrong, {}))["error"]["code"] == "ERR_INVALID_TORRENT_ID"
    other = {**parsed, "infoHash": UNKNOWN}
    assert (await page.call("add", 3, other, {}, data=metainfo.info))["error"]["code"] == "ERR_METAINFO"
