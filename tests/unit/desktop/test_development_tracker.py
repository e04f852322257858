"""The development tracker on real sockets: with aiohttp's client, and between two libtorrent sessions."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from tests.peers.content import make_content
from tests.peers.hosts import Background
from tests.peers.libtorrent_peer import LibtorrentPeer
from webtorrent_py.desktop.tracker import DevelopmentTracker
from webtorrent_py.errors import LocalError
from webtorrent_py.tracker.fields import SDP_SIZE_LIMIT
from webtorrent_py.tracker.protocol import (
    AnnounceRequest,
    AnnounceResponse,
    AnswerRequest,
    Offer,
    RemoteAnswer,
    RemoteOffer,
    Stats,
    TrackerMessage,
    parse_message,
)

MOVIE = b"\xff" * 20
ANN, BOB = b"\xaa" * 20, b"\xbb" * 20
LEECHING = Stats(0, 0, 1)
OFFER_ID = bytes(range(20))


@asynccontextmanager
async def running_tracker() -> AsyncIterator[tuple[DevelopmentTracker, ClientSession]]:
    tracker = DevelopmentTracker(interval=9)
    await tracker.start()
    try:
        async with ClientSession() as session:
            yield tracker, session
    finally:
        await tracker.stop()


async def heard(socket: ClientWebSocketResponse) -> TrackerMessage:
    return parse_message(await socket.receive_str(timeout=10))


def test_two_peers_exchange_offer_and_answer() -> None:
    async def scenario() -> None:
        async with running_tracker() as (tracker, session), session.ws_connect(tracker.url) as ann:
            async with session.ws_connect(tracker.url + "/announce?key=1") as bob:
                await ann.send_str(AnnounceRequest(MOVIE, ANN, LEECHING, "started").serialize())
                assert await heard(ann) == AnnounceResponse(MOVIE, 9, 0, 1, None)
                # As large as they come, and sent as some clients do: UTF-8 in a binary message.
                sdp = "\u00e9" * (SDP_SIZE_LIMIT // 2)
                request = AnnounceRequest(MOVIE, BOB, Stats(0, 0, 0), "started", (Offer(OFFER_ID, sdp),))
                await bob.send_bytes(request.serialize().encode())
                assert await heard(bob) == AnnounceResponse(MOVIE, 9, 1, 1, None)
                assert await heard(ann) == RemoteOffer(MOVIE, BOB, OFFER_ID, sdp)
                await ann.send_str(AnswerRequest(MOVIE, ANN, BOB, OFFER_ID, "answer").serialize())
                assert await heard(bob) == RemoteAnswer(MOVIE, ANN, OFFER_ID, "answer")
            # Bob's socket is closed; the tracker may not have heard of it yet.
            while True:
                await ann.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
                response = await heard(ann)
                if response == AnnounceResponse(MOVIE, 9, 0, 1, None):
                    break
                assert response == AnnounceResponse(MOVIE, 9, 1, 1, None)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_bad_messages_get_a_reason_and_the_socket_stays_open() -> None:
    async def scenario() -> None:
        async with running_tracker() as (tracker, session), session.ws_connect(tracker.url) as ann:
            await ann.send_str("{")
            assert "failure reason" in json.loads(await ann.receive_str(timeout=10))
            await ann.send_bytes(b"\xff\xfe")
            assert "failure reason" in json.loads(await ann.receive_str(timeout=10))
            await ann.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
            assert await heard(ann) == AnnounceResponse(MOVIE, 9, 0, 1, None)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_oversize_message_closes_the_socket_and_harms_nobody_else() -> None:
    async def scenario() -> None:
        async with running_tracker() as (tracker, session), session.ws_connect(tracker.url) as ann:
            async with session.ws_connect(tracker.url) as bob:
                with suppress(ConnectionError):  # the tracker may hang up while the message is on its way
                    await bob.send_str("x" * (5 * 1024 * 1024))
                assert (await bob.receive(timeout=10)).type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
            await ann.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
            assert await heard(ann) == AnnounceResponse(MOVIE, 9, 0, 1, None)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_second_connection_of_a_peer_closes_the_first() -> None:
    async def scenario() -> None:
        async with (
            running_tracker() as (tracker, session),
            session.ws_connect(tracker.url) as first,
            session.ws_connect(tracker.url) as second,
        ):
            await first.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
            await heard(first)
            await second.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
            assert await heard(second) == AnnounceResponse(MOVIE, 9, 0, 1, None)
            assert (await first.receive(timeout=10)).type is WSMsgType.CLOSE

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_stopping_closes_all_sockets_and_can_be_followed_by_a_start() -> None:
    async def scenario() -> None:
        tracker = DevelopmentTracker()
        with pytest.raises(LocalError):
            _ = tracker.url
        port = await tracker.start()
        with pytest.raises(LocalError):
            await tracker.start()
        async with ClientSession() as session, session.ws_connect(tracker.url) as ann:
            await asyncio.gather(tracker.stop(), ann.receive(timeout=10))
            assert ann.closed
            assert await tracker.start(port=port) == port
            async with session.ws_connect(tracker.url) as again:
                await again.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
                assert isinstance(await heard(again), AnnounceResponse)
            await tracker.stop()

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_handler_can_be_mounted_in_another_application() -> None:
    async def scenario() -> None:
        tracker = DevelopmentTracker()
        application = web.Application()
        application.router.add_get("/tracker", tracker.handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/tracker"
        async with ClientSession() as session:
            async with session.ws_connect(url) as ann:
                await ann.send_str(AnnounceRequest(MOVIE, ANN, LEECHING).serialize())
                assert isinstance(await heard(ann), AnnounceResponse)
            async with session.get(url) as page:
                assert page.status == 426
        await tracker.stop()
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_libtorrent_sessions_meet_through_it(tmp_path: Path) -> None:
    content = make_content(tmp_path / "seed", "sample", {"a": 300_000, "b/c": 10})
    leeched = tmp_path / "leech"
    leeched.mkdir()
    tracker = DevelopmentTracker()
    with Background() as background:
        background.run(tracker.start())
        with (
            LibtorrentPeer(content.torrent, content.root, tracker.url),
            LibtorrentPeer(content.magnet(tracker.url), leeched, seed=False) as leech,
        ):
            try:
                leech.wait_until_done()
            finally:
                # Sessions say goodbye to their trackers when they end, and let no Python run meanwhile.
                background.run(tracker.stop())
        assert {path: (leeched / path).read_bytes() for path in content.files} == content.files
