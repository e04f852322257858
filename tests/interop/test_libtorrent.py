"""Ours against libtorrent over TCP, in both directions."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest

from tests.interop.tcp import HOST, TcpHost, tcp_client, until
from tests.peers.content import Content, encode, make_content, make_info
from tests.peers.libtorrent_peer import TCP_SETTINGS, LibtorrentPeer
from tests.unit.api.memory import run
from webtorrent_py.api import Torrent, WebTorrent
from webtorrent_py.codec.metainfo import parse_torrent

KIB = 1024
LAYOUTS: Mapping[str, tuple[dict[str, int], int]] = {
    "single file": ({"": 1_000_000}, 64 * KIB),
    "many files, some empty": ({"a.txt": 1, "b/c.bin": 300_000, "b/empty": 0, "d/e/f.bin": 123_456}, 32 * KIB),
    "pieces that are no power of two": ({"a": 200_000, "b": 77_777}, 50_000),
    "pieces smaller than a block": ({"": 12_345}, 1000),
    "a last piece of one byte": ({"": 4 * 16 * KIB + 1}, 16 * KIB),
}


def libtorrent(torrent: bytes | str, directory: Path, **options: Any) -> LibtorrentPeer:
    settings = {**TCP_SETTINGS, **options.pop("settings", {})}
    return LibtorrentPeer(torrent, directory, settings=settings, **options)


async def meanwhile(wait: Callable[[], Any]) -> Any:
    """Wait for libtorrent, while our loop goes on."""
    return await asyncio.to_thread(wait)


async def leech(client: WebTorrent, torrent_id: bytes | str, *seeds: LibtorrentPeer) -> Torrent:
    """Download from libtorrent until done."""
    torrent = await client.add(torrent_id)
    for seed in seeds:
        assert torrent.add_peer(f"{HOST}:{await meanwhile(lambda seed=seed: seed.port)}")
    await torrent.wait_done()
    return torrent


def offer(client: WebTorrent, content: Content, contents: list[bytes] | None = None) -> Torrent:
    """Seed a torrent that is there already; `contents` when it is not what the torrent says."""
    contents = list(content.files.values()) if contents is None else contents
    return client._add(parse_torrent(content.torrent), contents=contents, have_all=True)


def stored(torrent: Torrent) -> bytes:
    """All that a torrent downloaded."""
    host = torrent.client.host
    assert isinstance(host, TcpHost)
    return host._stored(torrent.core_torrent.id, 0, torrent.length)


def on_disk(folder: Path, content: Content) -> dict[str, bytes]:
    """The files as libtorrent wrote them."""
    return {path: (folder / path).read_bytes() for path in content.files}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_leeching(tmp_path, layout):
    sizes, piece_length = LAYOUTS[layout]
    content = make_content(tmp_path, "shared", sizes, piece_length=piece_length)

    async def test():
        async with tcp_client() as client:
            with libtorrent(content.torrent, tmp_path) as seeder:
                torrent = await leech(client, content.torrent, seeder)
                assert stored(torrent) == b"".join(content.files.values())
                assert torrent.received == torrent.length

    run(test)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_seeding(tmp_path, layout):
    sizes, piece_length = LAYOUTS[layout]
    content = make_content(tmp_path, "shared", sizes, piece_length=piece_length)

    async def test():
        async with tcp_client() as client:
            torrent = offer(client, content)
            with libtorrent(content.torrent, tmp_path / "copy", seed=False) as leecher:
                leecher.connect(HOST, client.host.listen_port)
                await meanwhile(leecher.wait_until_done)
            assert on_disk(tmp_path / "copy", content) == content.files
            assert torrent.uploaded >= torrent.length

    run(test)


def test_it_is_asked_for_metadata(tmp_path):
    # More metadata than fits into one of its pieces.
    content = make_content(tmp_path, "shared", {"": 1_000_000}, piece_length=1000)

    async def test():
        async with tcp_client() as client:
            with libtorrent(content.torrent, tmp_path) as seeder:
                peer = f"x.pe={HOST}:{await meanwhile(lambda: seeder.port)}"
                torrent = await client.add(f"{content.magnet()}&{peer}&x.pe=nonsense")
                await torrent.wait_done()
                assert stored(torrent) == content.files["shared"]
                assert len(torrent.core_torrent.metainfo.info) > 16 * KIB

    run(test)


def test_it_asks_for_metadata(tmp_path):
    content = make_content(tmp_path, "shared", {"": 1_000_000}, piece_length=1000)

    async def test():
        async with tcp_client() as client:
            offer(client, content)
            with libtorrent(content.magnet(), tmp_path / "copy", seed=False) as leecher:
                leecher.connect(HOST, client.host.listen_port)
                await meanwhile(leecher.wait_until_done)
            assert on_disk(tmp_path / "copy", content) == content.files

    run(test)


def test_the_fast_extension_is_spoken(tmp_path):
    """BEP 6: `have all` in place of a bitfield, and pieces that may be asked for while choked."""
    content = make_content(tmp_path, "shared", {"": 40 * 16 * KIB}, piece_length=16 * KIB)

    async def test():
        async with tcp_client() as client:
            with libtorrent(content.torrent, tmp_path, settings={"allowed_fast_set_size": 7}) as seeder:
                torrent = await leech(client, content.torrent, seeder)
                (peer,) = torrent.core_torrent.peers.values()
                assert peer.fast and peer.bitfield.all and len(peer.allowed_fast) == 7

    run(test)


def with_padding(root: Path) -> Content:
    """Two files with a padding file (BEP 47) between them, which is on no disk."""
    files = {"a": b"a" * 20_000, ".pad/12768": bytes(12_768), "b": b"b" * 50_000}
    info = make_info("padded", files, 32 * KIB)
    info[b"files"][1][b"attr"] = b"p"  # type: ignore[index]
    for name in ("a", "b"):
        (root / "padded").mkdir(exist_ok=True)
        (root / "padded" / name).write_bytes(files[name])
    return Content(
        root, "padded", {f"padded/{name}": data for name, data in files.items()}, encode({b"info": info}), ""
    )


def test_padding_files_are_zeros_that_nobody_keeps(tmp_path):
    content = with_padding(tmp_path)

    async def test():
        async with tcp_client() as client, tcp_client() as seeding:
            with libtorrent(content.torrent, tmp_path) as seeder:
                torrent = await leech(client, content.torrent, seeder)
                assert stored(torrent) == b"".join(content.files.values())
            offer(seeding, content)
            with libtorrent(content.torrent, tmp_path / "copy", seed=False) as leecher:
                leecher.connect(HOST, seeding.host.listen_port)
                await meanwhile(leecher.wait_until_done)
            for name in ("a", "b"):
                assert (tmp_path / "copy" / "padded" / name).read_bytes() == content.files[f"padded/{name}"]

    run(test)


def private(root: Path) -> Content:
    files = {"": b"secret" * 10_000}
    info = {**make_info("private", files, 16 * KIB), b"private": 1}
    (root / "private").write_bytes(files[""])
    return Content(root, "private", {"private": files[""]}, encode({b"info": info}), "")


def test_a_private_torrent_is_shared_without_exchange_of_peers(tmp_path):
    content = private(tmp_path)

    async def test():
        async with tcp_client() as client:
            with libtorrent(content.torrent, tmp_path) as seeder:
                torrent = await leech(client, content.torrent, seeder)
                assert stored(torrent) == content.files["private"]
                (peer,) = torrent.core_torrent.peers.values()
                assert not peer.has_extension("ut_pex")

    run(test)


def test_who_sends_wrong_bytes_is_banned_and_the_others_complete_the_torrent(tmp_path):
    content = make_content(tmp_path / "right", "shared", {"": 40 * 16 * KIB}, piece_length=64 * KIB)
    wrong = make_content(tmp_path / "wrong", "shared", {"": 40 * 16 * KIB}, piece_length=64 * KIB, seed=2)

    async def test():
        async with tcp_client() as client:
            liar_at, seeder_at = "127.0.0.2", HOST
            listen = {
                "listen_interfaces": f"{liar_at}:0",
                "outgoing_interfaces": liar_at,
                "alert_mask": lt.alert.category_t.connect_notification,
            }
            with (
                libtorrent(content.torrent, wrong.root, settings=listen) as liar,
                libtorrent(content.torrent, content.root) as seeder,
            ):
                torrent = await client.add(content.torrent)
                warnings = []
                torrent.on("warning", warnings.append)
                torrent.add_peer(f"{liar_at}:{await meanwhile(lambda: liar.port)}")
                await until(lambda: warnings, torrent, names=("warning",))
                assert "wrong bytes" in str(warnings[0])
                assert torrent.core_torrent.bans.has_host(liar_at) and torrent.num_peers == 0
                torrent.add_peer(f"{liar_at}:{liar.port}")
                torrent.add_peer(f"{seeder_at}:{await meanwhile(lambda: seeder.port)}")
                await torrent.wait_done()
                assert stored(torrent) == content.files["shared"]
                assert torrent.num_peers == 1
                # It may come by itself as little as it is called.
                liar.alerts.clear()
                liar.connect(HOST, client.host.listen_port)
                await meanwhile(lambda: liar.wait_until(lambda: "disconnect" in " ".join(liar.alerts)))
                assert torrent.num_peers == 1

    run(test)


def test_a_download_goes_on_where_another_client_stopped(tmp_path):
    content = make_content(tmp_path, "shared", {"": 40 * 16 * KIB}, piece_length=64 * KIB)
    first = 4 * 64 * KIB

    async def test():
        with libtorrent(content.torrent, tmp_path) as seeder:
            async with tcp_client() as client:
                torrent = await client.add(content.torrent, deselect=True)
                torrent.select(0, 3)
                torrent.add_peer(f"{HOST}:{await meanwhile(lambda: seeder.port)}")
                await until(lambda: torrent.downloaded == first, torrent, names=("verified",))
                state, kept = torrent.export_state(), dict(client.host._stores[torrent.core_torrent.id])
            async with tcp_client() as client:
                client.host.kept = kept
                again = await client.add(content.torrent, state=state)
                assert again.downloaded == again.received == first and again.progress < 1
                again.select(0, again.piece_count - 1)
                again.add_peer(f"{HOST}:{seeder.port}")
                await again.wait_done()
                assert stored(again) == content.files["shared"]
                assert again.received == again.length

    run(test)


def test_two_that_connect_to_each_other_at_once_keep_one_connection(tmp_path):
    content = make_content(tmp_path, "shared", {"": 300_000})

    async def test():
        async with tcp_client() as client:
            with libtorrent(content.torrent, tmp_path) as seeder:
                torrent = await client.add(content.torrent, deselect=True)
                port = await meanwhile(lambda: seeder.port)
                torrent.add_peer(f"{HOST}:{port}")
                seeder.connect(HOST, client.host.listen_port)
                await until(lambda: torrent.num_peers, torrent, names=("wire",))
                torrent.select(0, torrent.piece_count - 1)
                await torrent.wait_done()
                assert torrent.num_peers == 1

    run(test)


def test_it_hears_of_peers_from_us(tmp_path):
    """BEP 11: a leech that knows only us finds the seed that we know."""
    content = make_content(tmp_path, "shared", {"": 300_000})

    async def test():
        async with tcp_client() as client:
            with (
                libtorrent(content.torrent, tmp_path) as seeder,
                libtorrent(content.torrent, tmp_path / "copy", seed=False) as leecher,
            ):
                torrent = await client.add(content.torrent, deselect=True)
                torrent.add_peer(f"{HOST}:{await meanwhile(lambda: seeder.port)}")
                await until(lambda: torrent.num_peers, torrent, names=("wire",))
                leecher.connect(HOST, client.host.listen_port)
                await meanwhile(leecher.wait_until_done)
                assert torrent.downloaded == torrent.uploaded == 0

    run(test)


def test_our_own_meet_over_tcp_and_do_not_connect_to_themselves(tmp_path):
    content = make_content(tmp_path, "shared", {"": 300_000})

    async def test():
        async with tcp_client() as seeding, tcp_client() as leeching:
            offered = offer(seeding, content)
            offered.add_peer(f"{HOST}:{seeding.host.listen_port}")
            torrent = await leeching.add(content.magnet())
            torrent.add_peer(f"localhost:{seeding.host.listen_port}")
            await torrent.wait_done()
            assert stored(torrent) == content.files["shared"]
            assert offered.num_peers == 1

    run(test)
