"""Reading files, those that are there and those that still come."""

import asyncio
import random
from typing import Any

import pytest

from tests.unit.api.memory import TRACKER, MemoryHost, Network
from tests.unit.api.test_client import in_network
from webtorrent_py.api.reader import MAX_READ
from webtorrent_py.api.torrent import Torrent
from webtorrent_py.errors import DestroyedError, InvalidRangeError

PIECE_LENGTH = 16384
CONTENT = random.Random(3).randbytes(40 * PIECE_LENGTH + 100)
SPLIT = 17 * PIECE_LENGTH + 5
FILES = {"x/a.bin": CONTENT[:SPLIT], "x/empty": b"", "x/b.bin": CONTENT[SPLIT:]}


async def pair(network: Network, **options: Any) -> tuple[Torrent, Torrent]:
    """A seed, and a torrent that was added from its torrent file with these options and is ready."""
    seed = await network.client().seed(FILES, announce=[TRACKER], piece_length=PIECE_LENGTH)
    await seed.wait_ready()
    assert seed.torrent_file is not None
    torrent = await network.client().add(seed.torrent_file, **options)
    await torrent.wait_ready()
    return seed, torrent


@in_network
async def test_a_range_reads_as_a_slice_does_while_it_is_downloaded(network: Network) -> None:
    _, torrent = await pair(network)
    rng = random.Random(5)
    for file, data in zip(torrent.files, FILES.values(), strict=True):
        for _ in range(20):
            start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
            assert await file.read(start, end) == data[start:end]
        assert await file.read() == data


@in_network
async def test_a_stream_gives_parts_of_bounded_size(network: Network) -> None:
    big = random.Random(4).randbytes(MAX_READ * 2 + 5)
    torrent = await network.client().seed({"big": big})
    await torrent.wait_ready()
    parts = [part async for part in torrent.files[0].stream()]
    assert [len(part) for part in parts] == [MAX_READ, MAX_READ, 5]
    assert b"".join(parts) == big


@in_network
async def test_reading_downloads_only_what_is_read_of_a_deselected_torrent(network: Network) -> None:
    _, torrent = await pair(network, deselect=True)
    start = 20 * PIECE_LENGTH - SPLIT + 10
    assert await torrent.files[2].read(start, start + 30) == CONTENT[SPLIT + start :][:30]
    have = torrent.core_torrent.bitfield
    assert have is not None
    assert [index for index in range(torrent.piece_count) if have[index]] == [20]


@in_network
async def test_random_reads_wait_side_by_side_and_a_seek_comes_first(network: Network) -> None:
    _, torrent = await pair(network, deselect=True)
    reader = torrent.files[2].open_random()
    length = torrent.files[2].length
    spans = [(0, 100), (length - 50, length), (5000, 40000), (7, 7)]
    found = await asyncio.gather(*(reader.locate(start, end) for start, end in spans))
    for (start, end), (offset, size) in zip(spans, found, strict=True):
        assert await torrent.read(offset, size) == CONTENT[SPLIT + start : SPLIT + end]
    for start, end in ((-1, 5), (5, 4), (0, length + 1)):
        with pytest.raises(InvalidRangeError):
            await reader.locate(start, end)
    reader.close()
    with pytest.raises(DestroyedError):
        await reader.locate(0, length)


@in_network
async def test_ranges_outside_of_a_file_are_refused(network: Network) -> None:
    _, torrent = await pair(network, paused=True)
    length = torrent.files[0].length
    for start, end in ((-1, 5), (5, 4), (0, length + 1)):
        with pytest.raises(InvalidRangeError):
            torrent.files[0].open(start, end)
    for offset, size in ((0, 1), (-1, 1), (torrent.length, 1)):
        with pytest.raises(InvalidRangeError):
            await torrent.read(offset, size)


@in_network
async def test_whoever_waits_for_bytes_is_told_that_the_torrent_is_gone(network: Network) -> None:
    _, torrent = await pair(network, paused=True)
    sequential = torrent.files[0].open()
    anywhere = torrent.files[0].open_random()
    waiting = [asyncio.ensure_future(each) for each in (sequential.read(), anywhere.locate(0, 1))]
    await asyncio.sleep(0)
    await torrent.client.remove(torrent)
    for each in waiting:
        with pytest.raises(DestroyedError):
            await each
    sequential.close()
    anywhere.close()
    with pytest.raises(DestroyedError):
        torrent.files[0].open()


@in_network
async def test_a_closed_reader_gives_nothing_more_and_leaves_nothing_behind(network: Network) -> None:
    _, torrent = await pair(network, paused=True)
    reader = torrent.files[0].open()
    waiting = asyncio.ensure_future(reader.read())
    await asyncio.sleep(0)
    reader.close()
    with pytest.raises(DestroyedError):
        await waiting
    torrent.resume()
    await torrent.wait_done()
    assert await torrent.files[0].read() == FILES["x/a.bin"]
    assert not torrent.client.core._readers


@in_network
async def test_a_file_that_was_deselected_is_not_downloaded_until_it_is_selected(network: Network) -> None:
    _, torrent = await pair(network, paused=True)
    torrent.files[2].deselect()
    torrent.resume()
    await torrent.wait_done()
    assert torrent.files[0].done
    assert torrent.files[2].progress < 1
    torrent.files[2].select()
    await torrent.wait_done()
    assert torrent.files[2].done
    assert torrent.files[2].downloaded == torrent.files[2].length


def test_the_files_of_a_piece() -> None:
    @in_network
    async def test(network: Network) -> None:
        torrent = await network.client().seed(FILES, piece_length=PIECE_LENGTH)
        expected = {
            index: {
                number
                for number, file in enumerate(torrent.files)
                if file.length
                and file.offset < (index + 1) * PIECE_LENGTH
                and index * PIECE_LENGTH < file.offset + file.length
            }
            for index in range(torrent.piece_count)
        }
        for index, numbers in expected.items():
            assert numbers <= set(torrent.files_of_piece(index)) <= numbers | {1}

    test()


@in_network
async def test_a_type_is_told_by_the_extension(network: Network) -> None:
    names = {"a.MP4": "video/mp4", "b.mkv": "video/x-matroska", "c.unknown": "application/octet-stream", "d": None}
    torrent = await network.client().seed(dict.fromkeys(names, b"x"))
    assert [file.type for file in torrent.files] == [each or "application/octet-stream" for each in names.values()]


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_what_is_there_can_be_checked_again(version: str) -> None:
    @in_network
    async def test(network: Network) -> None:
        torrent = await network.client().seed(FILES, version=version, piece_length=16384, announce=[])
        await torrent.wait_ready()
        await torrent.check()
        assert torrent.progress == 1
        host = torrent.client.host
        assert isinstance(host, MemoryHost)
        content = host._contents[torrent.core_torrent.id]
        host._contents[torrent.core_torrent.id] = bytes([content[0] ^ 1]) + content[1:]
        lost: list[int] = []
        torrent.on("lost", lost.append)
        await torrent.check()
        assert lost == [0] and torrent.progress < 1
        torrent.rescan()
        checking = asyncio.ensure_future(torrent.check())
        await asyncio.sleep(0)
        await torrent.client.remove(torrent)
        with pytest.raises(DestroyedError):
            await checking

    test()
