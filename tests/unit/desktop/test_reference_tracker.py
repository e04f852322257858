"""Our announcer on real sockets, at the reference tracker and at ours: both treat it alike."""

import asyncio
import time
from collections.abc import Iterator
from random import Random

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from tests.peers.hosts import Background
from tests.peers.npm import ReferenceTracker
from webtorrent_py.desktop.tracker import DevelopmentTracker
from webtorrent_py.tracker.announcer import Tracker
from webtorrent_py.tracker.outputs import AnnounceDue, Connect, TrackerEvent, TrackerWarning, Transmit
from webtorrent_py.tracker.protocol import AnnounceResponse, Offer, RemoteAnswer, RemoteOffer, Stats

MOVIE = bytes(range(236, 256))
ANN, BOB = b"\x00" * 20, b"\xff" * 20
LEECHING, SEEDING = Stats(0, 0, None), Stats(0, 0, 0)
OFFER = Offer(bytes(range(120, 140)), "v=0\r\ns=\u00e9\r\n")
TIMEOUT_SECONDS = 30


@pytest.fixture(params=["reference", "ours"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "reference":
        with ReferenceTracker() as reference:
            yield reference.url
        return
    tracker = DevelopmentTracker()
    with Background() as background:
        background.run(tracker.start())
        yield tracker.url
        background.run(tracker.stop())


class Peer:
    """One announcer and its socket."""

    def __init__(self, url: str, peer_id: bytes, session: ClientSession) -> None:
        self.tracker = Tracker(url, peer_id, Random(1))
        self._session = session
        self._socket: ClientWebSocketResponse | None = None

    async def __aenter__(self) -> "Peer":
        self.tracker.add_torrent(MOVIE, time.monotonic())
        (connect,) = self.tracker.commands_to_perform()
        assert isinstance(connect, Connect)
        self._socket = await self._session.ws_connect(connect.url)
        self.tracker.socket_opened(time.monotonic())
        assert self.tracker.events_received() == [AnnounceDue(MOVIE, 5)]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._socket is not None
        await self._socket.close()

    async def announce(self, stats: Stats, *offers: Offer) -> None:
        assert self.tracker.announce(MOVIE, stats, offers, time.monotonic())
        await self.send()

    async def send(self) -> None:
        assert self._socket is not None
        for command in self.tracker.commands_to_perform():
            assert isinstance(command, Transmit)
            await self._socket.send_str(command.text)

    async def hear(self) -> TrackerEvent:
        """The next event."""
        assert self._socket is not None
        while True:
            self.tracker.receive_text(await self._socket.receive_str(), time.monotonic())
            for event in self.tracker.events_received():
                return event


def test_peers_meet_and_are_counted(url: str) -> None:
    async def scenario() -> None:
        async with ClientSession() as session, Peer(url, ANN, session) as ann, Peer(url, BOB, session) as bob:
            await ann.announce(LEECHING)
            response = await ann.hear()
            assert isinstance(response, AnnounceResponse)
            assert (response.complete, response.incomplete) == (0, 1)
            assert response.interval is not None and response.interval > 0

            await bob.announce(SEEDING, OFFER)
            response = await bob.hear()
            assert isinstance(response, AnnounceResponse)
            assert (response.complete, response.incomplete) == (1, 1)

            assert await ann.hear() == RemoteOffer(MOVIE, BOB, OFFER.offer_id, OFFER.sdp)
            ann.tracker.answer(MOVIE, BOB, OFFER.offer_id, "v=0\r\n", time.monotonic())
            await ann.send()
            assert await bob.hear() == RemoteAnswer(MOVIE, ANN, OFFER.offer_id, "v=0\r\n")

            ann.tracker.complete(MOVIE, time.monotonic())
            await ann.announce(SEEDING)
            assert ann.tracker.events_received() == [AnnounceDue(MOVIE, 0)]
            response = await ann.hear()
            assert isinstance(response, AnnounceResponse)
            assert (response.complete, response.incomplete) == (2, 0)

    asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_SECONDS))


def test_refusal_arrives_as_a_warning(url: str) -> None:
    async def scenario() -> None:
        async with ClientSession() as session, Peer(url, b"too short", session) as ann:
            await ann.announce(LEECHING)
            warning = await ann.hear()
            assert isinstance(warning, TrackerWarning)
            assert "peer_id" in str(warning.error)

    asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_SECONDS))
