"""Connections as users see them: their state, extensions over them, and peers that were found without a tracker."""

import asyncio

import pytest

from tests.unit.api.memory import MemoryHost, Network, eventually
from tests.unit.api.test_client import UNKNOWN, in_network, seeded
from webtorrent_py.api import Torrent, Wire
from webtorrent_py.errors import DestroyedError, InvalidOptionError, UnknownExtensionError


async def meeting(network: Network) -> tuple[Wire, Wire]:
    """The two ends of a connection between a seed and somebody who has the torrent's link only."""
    seed = await seeded(network)
    ends: list[asyncio.Future[Wire]] = [asyncio.get_running_loop().create_future() for _ in range(2)]
    seed.once("wire", ends[0].set_result)
    leech = await network.client().add(seed.magnet_uri)
    leech.once("wire", ends[1].set_result)
    return await ends[0], await ends[1]


async def until(wire: Wire, name: str) -> tuple[object, ...]:
    happened: asyncio.Future[tuple[object, ...]] = asyncio.get_running_loop().create_future()
    wire.once(name, lambda *args: happened.set_result(args))
    return await happened


@in_network
async def test_a_wire_tells_of_its_peer(network: Network) -> None:
    there, here = await meeting(network)
    assert here.peer_id == there.torrent.client.peer_id.hex() and here.id != 0
    assert here.features == {"dht": False, "fast": True, "extended": True}
    await here.torrent.wait_done()
    assert (here.downloaded, there.uploaded) == (here.torrent.length, here.torrent.length)
    assert (here.uploaded, there.downloaded) == (0, 0)
    assert here.download_speed > 0 and here.upload_speed == 0
    assert not here.peer_choking and here.am_choking and not here.am_interested and not there.peer_interested
    assert int.from_bytes(here.pieces, "big").bit_count() == here.torrent.piece_count
    assert here.extensions == {"ut_metadata": 1, "lt_donthave": 3}
    assert here.torrent.wires == (here,)


@in_network
async def test_an_extension_is_named_to_the_peer_and_its_messages_come_through(network: Network) -> None:
    there, here = await meeting(network)
    with pytest.raises(UnknownExtensionError):
        here.extended("chat", b"too early")
    there.use("chat", {"nick": "ann"})
    extensions, handshake = await until(here, "extended_handshake")
    while "chat" not in extensions:  # type: ignore[operator]
        extensions, handshake = await until(here, "extended_handshake")
    assert handshake[b"nick"] == b"ann"  # type: ignore[index]
    here.extended("chat", b"as it is")
    assert await until(there, "extended") == ("chat", b"as it is")
    here.extended("chat", {"text": "hi", "list": [1]})
    assert await until(there, "extended") == ("chat", b"d4:listli1ee4:text2:hie")
    with pytest.raises(InvalidOptionError):
        here.use("ut_metadata")


@in_network
async def test_a_closed_wire_says_so(network: Network) -> None:
    there, here = await meeting(network)
    closed = asyncio.ensure_future(until(there, "close"))
    await asyncio.sleep(0)
    here.destroy()
    here.destroy()
    assert here.destroyed and here.torrent.wires == ()
    await closed
    assert there.destroyed
    with pytest.raises(DestroyedError):
        here.torrent.wire(here.id)
    with pytest.raises(DestroyedError):
        here.extended("chat", b"x")
    again, _ = await meeting(network)
    torrent = again.torrent
    await torrent.client.remove(torrent)
    assert again.destroyed


def join(one: Torrent, other: Torrent) -> tuple[int, int]:
    """A data channel between two torrents, of which no tracker knows."""
    handles = one.introduce_peer(True), other.introduce_peer(False)
    assert handles[0] is not None and handles[1] is not None
    hosts = one.client.host, other.client.host
    assert isinstance(hosts[0], MemoryHost) and isinstance(hosts[1], MemoryHost)
    hosts[0].connect(handles[0], hosts[1], handles[1])
    hosts[1].connect(handles[1], hosts[0], handles[0])
    return handles


@in_network
async def test_an_introduced_peer_is_one_like_any_other(network: Network) -> None:
    seed = await network.client(trackers=None).seed({"a": bytes(50_000)})
    leech = await network.client(trackers=None).add(seed.info_hash)
    handles = join(seed, leech)
    await leech.wait_done()
    assert [wire.id for wire in leech.wires] == [handles[1]]
    leech.remove_peer(seed.client.peer_id.hex())
    assert leech.wires == ()
    handles = join(seed, leech)
    await eventually(lambda: bool(leech.wires))
    leech.remove_peer(handles[1])
    assert leech.wires == ()
    leech.remove_peer(handles[1])
    leech.remove_peer("00" * 20)


@in_network
async def test_of_two_introduced_connections_the_newer_one_stays(network: Network) -> None:
    seed = await network.client(trackers=None).seed({"a": bytes(50_000)})
    leech = await network.client(trackers=None).add(seed.info_hash)
    join(seed, leech)
    await leech.wait_done()
    handles = join(seed, leech)
    await eventually(lambda: [wire.id for wire in (*seed.wires, *leech.wires)] == list(handles))


@in_network
async def test_no_peer_is_taken_when_none_is_wanted(network: Network) -> None:
    client = network.client(max_conns=1)
    torrent = await client.add(UNKNOWN, paused=True)
    assert torrent.introduce_peer(True) is None
    torrent.resume()
    assert torrent.introduce_peer(True) is not None
    assert torrent.introduce_peer(False) is None
