"""One tracker's announcer in virtual time: every transition, and what it sends and tells."""

import json
from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from webtorrent_py.errors import LocalError, TrackerError
from webtorrent_py.tracker import announcer
from webtorrent_py.tracker.announcer import Tracker
from webtorrent_py.tracker.outputs import AnnounceDue, Connect, Disconnect, TrackerState, TrackerWarning, Transmit
from webtorrent_py.tracker.protocol import AnnounceResponse, Offer, RemoteAnswer, RemoteOffer, Stats, SwarmCounts

URL = "wss://tracker.example"
US, THEM = b"u" * 20, b"t" * 20
MOVIE, SONG = b"\xff" * 20, b"\x00" * 20
STATS = Stats(1, 2, 3)
OFFER = Offer(b"o" * 20, "our offer")


class Clock:
    """A tracker with its owner and its host, whose clock is turned by hand."""

    def __init__(self, url: str = URL) -> None:
        self.now = 1000.0
        self.tracker = Tracker(url, US, Random(1))

    def commands(self) -> list[object]:
        return list(self.tracker.commands_to_perform())

    def sent(self) -> list[dict[str, Any]]:
        commands = self.commands()
        assert all(isinstance(command, Transmit) for command in commands), commands
        return [json.loads(command.text) for command in commands if isinstance(command, Transmit)]

    def events(self) -> list[object]:
        return list(self.tracker.events_received())

    def warning(self) -> str:
        (event,) = self.events()
        assert isinstance(event, TrackerWarning) and isinstance(event.error, TrackerError)
        return str(event.error)

    def wait(self) -> float:
        """Turn the clock to the next timer; how far."""
        when = self.tracker.get_timer()
        assert when is not None and when >= self.now
        waited, self.now = when - self.now, when
        self.tracker.handle_timer(self.now)
        return waited

    def open(self, *info_hashes: bytes) -> None:
        for info_hash in info_hashes:
            self.tracker.add_torrent(info_hash, self.now)
        self.tracker.socket_opened(self.now)
        assert self.commands() == [Connect(URL)]

    def announce(self, info_hash: bytes = MOVIE, *offers: Offer) -> dict[str, Any]:
        assert self.tracker.announce(info_hash, STATS, offers, self.now)
        (message,) = self.sent()
        return message

    def hear(self, info_hash: bytes = MOVIE, /, **fields: object) -> None:
        message = {"action": "announce", "info_hash": info_hash.decode("latin-1")}
        self.tracker.receive_text(json.dumps(message | fields), self.now)

    def announced(self, *info_hashes: bytes) -> None:
        """Open, with the first announces made and answered."""
        self.open(*info_hashes)
        for info_hash in info_hashes:
            self.announce(info_hash)
            self.hear(info_hash, interval=120)
        self.events()


@pytest.fixture
def clock() -> Clock:
    return Clock()


# The socket


def test_nothing_happens_without_torrents(clock: Clock) -> None:
    assert clock.tracker.get_timer() is None
    assert clock.commands() == clock.events() == []


def test_first_torrent_connects_and_others_share_the_socket(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    assert clock.commands() == [Connect(URL)]
    clock.tracker.add_torrent(SONG, clock.now)
    clock.tracker.add_torrent(SONG, clock.now)
    assert clock.commands() == []
    clock.tracker.socket_opened(clock.now)
    assert clock.events() == [AnnounceDue(MOVIE, 5), AnnounceDue(SONG, 5)]
    clock.tracker.add_torrent(b"third" * 4, clock.now)
    assert clock.commands() == []
    assert clock.events() == [AnnounceDue(b"third" * 4, 5)]


def test_url_is_normalized() -> None:
    clock = Clock("WSS://Tracker.example/")
    clock.tracker.add_torrent(MOVIE, clock.now)
    assert clock.commands() == [Connect(URL)]
    with pytest.raises(TrackerError, match="udp"):
        Tracker("udp://tracker.example:1", US, Random(1))


@pytest.mark.parametrize("connected", [False, True])
def test_last_torrent_takes_the_socket_with_it(clock: Clock, connected: bool) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    if connected:
        clock.tracker.socket_opened(clock.now)
    clock.commands()
    clock.tracker.remove_torrent(MOVIE, STATS, clock.now)
    assert clock.commands() == [Disconnect()]
    assert clock.tracker.get_timer() is None
    clock.tracker.add_torrent(MOVIE, clock.now)
    assert clock.commands() == [Connect(URL)]


def test_last_torrent_ends_the_wait_for_a_new_socket(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    clock.tracker.socket_closed("refused", clock.now)
    clock.commands()
    clock.tracker.remove_torrent(MOVIE, STATS, clock.now)
    assert clock.commands() == []
    assert clock.tracker.get_timer() is None


def test_socket_that_cannot_be_opened_is_tried_again_ever_less_often(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    waits = []
    for _ in range(12):
        assert clock.commands() == [Connect(URL)]
        clock.tracker.socket_closed("refused", clock.now)
        assert clock.commands() == []
        waits.append(clock.wait())
    longest = [min(2.0 * 2**attempt, 180.0) for attempt in range(12)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len({wait / most for wait, most in zip(waits, longest, strict=True)}) > 1


def test_connecting_is_given_up_when_it_takes_too_long(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    clock.commands()
    assert clock.wait() == announcer.CONNECT_TIMEOUT
    assert clock.commands() == [Disconnect()]
    assert "could not be reached" in clock.warning()
    clock.wait()
    assert clock.commands() == [Connect(URL)]


def test_socket_on_which_nothing_is_answered_is_given_up(clock: Clock) -> None:
    clock.open(MOVIE)
    began = clock.now
    while clock.now < began + announcer.RESPONSE_TIMEOUT - 10:
        clock.announce()
        clock.now += 10
    clock.wait()
    assert clock.now == began + announcer.RESPONSE_TIMEOUT
    assert clock.commands() == [Disconnect()]


def test_delay_starts_anew_only_after_an_answered_announce(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    for _ in range(5):
        clock.tracker.socket_opened(clock.now)
        clock.tracker.socket_closed("overloaded", clock.now)
        last = clock.wait()
    assert last >= 2.0 * 2**4 / 2
    clock.tracker.socket_opened(clock.now)
    clock.hear(interval=120)
    clock.tracker.socket_closed("restarted", clock.now)
    assert clock.wait() <= 2.0


def test_socket_that_served_well_may_close_without_a_word(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.tracker.socket_closed("idle", clock.now)
    assert clock.events() == []
    clock.wait()
    clock.tracker.socket_closed("refused", clock.now)
    assert clock.warning().startswith(f"{URL}: refused; trying again in ")


def test_impossible_inputs_are_the_callers_mistake(clock: Clock) -> None:
    with pytest.raises(LocalError):
        clock.tracker.socket_opened(clock.now)
    with pytest.raises(LocalError):
        clock.tracker.socket_closed("never open", clock.now)
    clock.tracker.add_torrent(MOVIE, clock.now)
    with pytest.raises(LocalError):
        clock.tracker.receive_text("{}", clock.now)
    clock.tracker.socket_opened(clock.now)
    with pytest.raises(LocalError):
        clock.tracker.socket_opened(clock.now)


# Announces


def test_started_comes_first_and_then_no_event(clock: Clock) -> None:
    clock.open(MOVIE)
    message = clock.announce(MOVIE, OFFER)
    assert message["event"] == "started"
    assert (message["uploaded"], message["downloaded"], message["left"]) == (1, 2, 3)
    assert message["offers"] == [{"offer_id": "o" * 20, "offer": {"type": "offer", "sdp": "our offer"}}]
    assert "event" not in clock.announce()


def test_announce_needs_no_offer_and_takes_no_more_than_asked_for(clock: Clock) -> None:
    clock.open(MOVIE)
    assert clock.announce()["numwant"] == 0
    offers = [Offer(bytes([number]) * 20, "sdp") for number in range(9)]
    assert len(clock.announce(MOVIE, *offers)["offers"]) == announcer.OFFERS_PER_ANNOUNCE


def test_announce_is_refused_when_it_cannot_be_sent(clock: Clock) -> None:
    assert not clock.tracker.announce(MOVIE, STATS, (OFFER,), clock.now)
    clock.tracker.add_torrent(MOVIE, clock.now)
    assert not clock.tracker.announce(MOVIE, STATS, (OFFER,), clock.now)
    clock.tracker.socket_opened(clock.now)
    assert not clock.tracker.announce(SONG, STATS, (OFFER,), clock.now)
    clock.tracker.socket_closed("gone", clock.now)
    assert not clock.tracker.announce(MOVIE, STATS, (OFFER,), clock.now)


def test_owner_that_made_no_announce_is_asked_again(clock: Clock) -> None:
    clock.open(MOVIE)
    assert clock.events() == [AnnounceDue(MOVIE, 5)]
    assert clock.wait() == announcer.GATHER_TIMEOUT
    assert clock.events() == [AnnounceDue(MOVIE, 5)]


def test_owner_is_not_asked_for_the_socket_while_it_is_asked_for_the_torrent(clock: Clock) -> None:
    clock.open(MOVIE)
    clock.announce()
    clock.hear(interval=60)
    clock.events()
    asked: list[float] = []
    while clock.tracker.connected and len(asked) < 4:
        clock.wait()
        asked += [clock.now for event in clock.events() if isinstance(event, AnnounceDue)]
    assert [later - earlier for earlier, later in pairwise(asked)] == [announcer.GATHER_TIMEOUT] * 3


@pytest.mark.parametrize(
    ("told", "kept"), [(None, 60.0), (45, 45.0), (1, 15.0), (0.001, 15.0), ("soon", 60.0), (10**9, 1800.0)]
)
def test_announces_follow_the_trackers_interval_within_bounds(clock: Clock, told: object, kept: float) -> None:
    clock.open(MOVIE)
    clock.events()
    clock.announce()
    began = clock.now
    clock.hear(interval=told)
    clock.events()
    clock.wait()
    waited = clock.now - began
    assert waited == min(kept, announcer.KEEP_ALIVE_INTERVAL)
    assert clock.events() == [AnnounceDue(MOVIE, 5)]


def test_one_of_many_torrents_keeps_the_socket_alive(clock: Clock) -> None:
    clock.announced(MOVIE, SONG)
    for expected in (MOVIE, SONG, MOVIE):
        began = clock.now
        clock.wait()
        (due,) = clock.events()
        assert isinstance(due, AnnounceDue) and due.info_hash == expected
        assert clock.now - began <= announcer.KEEP_ALIVE_INTERVAL
        clock.announce(due.info_hash)
        clock.hear(due.info_hash, interval=1800)
        clock.events()


def test_completed_is_told_once_and_without_offers(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.tracker.complete(MOVIE, clock.now)
    assert clock.events() == [AnnounceDue(MOVIE, 0)]
    assert clock.announce()["event"] == "completed"
    clock.tracker.complete(MOVIE, clock.now)
    assert clock.events() == []
    assert "event" not in clock.announce()


def test_completed_waits_for_started(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    clock.tracker.complete(MOVIE, clock.now)
    clock.tracker.socket_opened(clock.now)
    clock.commands()
    assert clock.events() == [AnnounceDue(MOVIE, 5)]
    assert clock.announce()["event"] == "started"
    assert clock.events() == [AnnounceDue(MOVIE, 0)]
    assert clock.announce()["event"] == "completed"
    assert clock.events() == []


def test_completed_survives_a_lost_socket_and_started_is_told_again(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.tracker.complete(MOVIE, clock.now)
    clock.tracker.socket_closed("gone", clock.now)
    clock.wait()
    clock.tracker.socket_opened(clock.now)
    clock.commands()
    assert [clock.announce().get("event") for _ in range(3)] == ["started", "completed", None]


def test_removed_torrent_is_stopped_and_others_go_on(clock: Clock) -> None:
    clock.announced(MOVIE, SONG)
    clock.tracker.remove_torrent(MOVIE, STATS, clock.now)
    (message,) = clock.sent()
    assert (message["event"], message["info_hash"]) == ("stopped", MOVIE.decode("latin-1"))
    clock.tracker.remove_torrent(MOVIE, STATS, clock.now)
    assert clock.commands() == []
    clock.hear(MOVIE, interval=120, complete=1)
    assert clock.events() == []
    clock.tracker.remove_torrent(SONG, STATS, clock.now)
    stopped, disconnect = clock.commands()
    assert isinstance(stopped, Transmit) and json.loads(stopped.text)["event"] == "stopped"
    assert disconnect == Disconnect()


def test_torrent_that_was_never_announced_is_not_stopped(clock: Clock) -> None:
    clock.open(MOVIE, SONG)
    clock.announce(SONG)
    clock.tracker.remove_torrent(MOVIE, STATS, clock.now)
    assert clock.commands() == []


def test_announcing_now_comes_soon_but_not_too_often(clock: Clock) -> None:
    clock.announced(MOVIE)
    announced_at = clock.now
    clock.now += 1
    clock.tracker.announce_now(MOVIE, clock.now)
    assert clock.events() == []
    clock.wait()
    assert clock.now == announced_at + announcer.ANNOUNCE_GAP
    assert clock.events() == [AnnounceDue(MOVIE, 5)]
    clock.tracker.announce_now(MOVIE, clock.now)
    assert clock.events() == []
    clock.announce()
    clock.now += 10
    clock.tracker.announce_now(MOVIE, clock.now)
    assert clock.events() == [AnnounceDue(MOVIE, 5)]


def test_announcing_now_without_a_socket_is_no_hurry(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    clock.tracker.announce_now(MOVIE, clock.now)
    assert clock.commands() == [Connect(URL)]
    assert clock.events() == []


# What the tracker says


def introduction(kind: str, offer_id: bytes = OFFER.offer_id, peer_id: bytes = THEM) -> Mapping[str, object]:
    return {
        "peer_id": peer_id.decode("latin-1"),
        "offer_id": offer_id.decode("latin-1"),
        kind: {"type": kind, "sdp": "their sdp"},
    }


def test_response_is_passed_on(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.hear(interval=120, complete=3, incomplete=4)
    assert clock.events() == [AnnounceResponse(MOVIE, 120.0, 3, 4, None)]


def test_offer_is_passed_on_once_and_can_be_answered(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.hear(**introduction("offer"))
    clock.hear(**introduction("offer"))
    assert clock.events() == [RemoteOffer(MOVIE, THEM, OFFER.offer_id, "their sdp")]
    clock.tracker.answer(MOVIE, THEM, OFFER.offer_id, "our answer", clock.now)
    (message,) = clock.sent()
    assert message["answer"] == {"type": "answer", "sdp": "our answer"}
    assert (message["to_peer_id"], message["offer_id"]) == ("t" * 20, "o" * 20)


def test_answer_is_dropped_when_it_cannot_be_sent(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.tracker.answer(SONG, THEM, OFFER.offer_id, "our answer", clock.now)
    clock.tracker.socket_closed("gone", clock.now)
    clock.tracker.answer(MOVIE, THEM, OFFER.offer_id, "our answer", clock.now)
    assert clock.commands() == []


def test_answer_to_our_offer_is_passed_on_once(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.hear(**introduction("answer"))
    assert clock.events() == []
    clock.announce(MOVIE, OFFER)
    clock.hear(**introduction("answer"))
    clock.hear(**introduction("answer"))
    assert clock.events() == [RemoteAnswer(MOVIE, THEM, OFFER.offer_id, "their sdp")]


def test_answer_to_another_torrents_offer_is_ignored(clock: Clock) -> None:
    clock.announced(MOVIE, SONG)
    clock.announce(MOVIE, OFFER)
    clock.hear(SONG, **introduction("answer"))
    assert clock.events() == []


@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_what_we_sent_ourselves_or_for_unknown_torrents_is_ignored(clock: Clock, kind: str) -> None:
    clock.announced(MOVIE)
    clock.announce(MOVIE, OFFER)
    clock.hear(MOVIE, **introduction(kind, peer_id=US))
    clock.hear(SONG, **introduction(kind))
    clock.hear(SONG, interval=9)
    assert clock.events() == []


def test_offers_long_ago_are_forgotten(clock: Clock) -> None:
    clock.announced(MOVIE)
    for number in range(101):
        clock.announce(MOVIE, Offer(bytes([number]) * 20, "sdp"))
    clock.hear(**introduction("answer", offer_id=bytes([0]) * 20))
    assert clock.events() == []
    clock.hear(**introduction("answer", offer_id=bytes([1]) * 20))
    assert len(clock.events()) == 1


def test_refusal_is_a_warning_for_its_torrent_with_the_trackers_words(clock: Clock) -> None:
    clock.announced(MOVIE, SONG)
    clock.hear(SONG, **{"failure reason": "not registered here"})
    (event,) = clock.events()
    assert isinstance(event, TrackerWarning) and event.info_hash == SONG
    assert str(event.error) == f"{URL}: not registered here"
    clock.hear(b"?" * 20, **{"failure reason": "not registered here"})
    assert clock.events() == []


def test_warning_in_a_response_is_passed_on(clock: Clock) -> None:
    clock.announced(MOVIE)
    clock.hear(interval=120, **{"warning message": "use the other one"})
    warning, response = clock.events()
    assert isinstance(warning, TrackerWarning) and "use the other one" in str(warning.error)
    assert isinstance(response, AnnounceResponse)


def test_nonsense_is_warned_of_once_a_minute_and_harms_nothing(clock: Clock) -> None:
    clock.announced(MOVIE)
    for _ in range(1000):
        clock.tracker.receive_text("nonsense", clock.now)
    assert "not JSON" in clock.warning()
    clock.now += announcer.WARNING_INTERVAL
    clock.tracker.receive_text("nonsense", clock.now)
    assert "not JSON" in clock.warning()
    clock.hear(interval=120)
    assert clock.events() == [AnnounceResponse(MOVIE, 120.0, None, None, None)]


def test_refusal_without_a_torrent_is_of_the_tracker(clock: Clock) -> None:
    clock.announced(MOVIE, SONG)
    clock.tracker.receive_text('{"failure reason":"overloaded"}', clock.now)
    (event,) = clock.events()
    assert isinstance(event, TrackerWarning) and event.info_hash is None


def test_tracker_that_talks_only_nonsense_is_given_up(clock: Clock) -> None:
    clock.open(MOVIE)
    clock.announce()
    clock.events()
    deadline = clock.now + announcer.RESPONSE_TIMEOUT
    commands: list[object] = []
    while clock.now < deadline:
        clock.tracker.receive_text("nonsense", clock.now)
        clock.wait()
        commands += clock.commands()
    assert commands == [Disconnect()]


def test_it_tells_how_a_torrent_fares(clock: Clock) -> None:
    clock.tracker.add_torrent(MOVIE, clock.now)
    assert clock.tracker.state(MOVIE) == TrackerState()
    clock.commands()
    clock.tracker.socket_closed("cannot be reached", clock.now)
    since = clock.now
    clock.wait()
    clock.tracker.socket_closed("still not", clock.now)
    assert clock.tracker.state(MOVIE) == TrackerState(failing_since=since, reason="still not")
    clock.wait()
    clock.tracker.socket_opened(clock.now)
    clock.commands()
    clock.announce()
    clock.hear(complete=3, incomplete=4)
    assert clock.tracker.state(MOVIE) == TrackerState(True, 3, 4)
    refused = {"failure reason": "not here", "info_hash": MOVIE.decode("latin-1")}
    clock.tracker.receive_text(json.dumps(refused), clock.now)
    assert clock.tracker.state(MOVIE) == TrackerState(True, 3, 4, clock.now, "not here")


def test_a_scrape_asks_for_what_is_announced_here_in_portions(clock: Clock) -> None:
    hashes = [bytes([number]) * 20 for number in range(announcer.SCRAPED_AT_ONCE + 1)]
    clock.tracker.scrape(hashes, clock.now)
    assert clock.sent() == []
    clock.open(*hashes)
    clock.events()
    clock.tracker.scrape([*hashes, b"?" * 20], clock.now)
    assert [len(message["info_hash"]) for message in clock.sent()] == [announcer.SCRAPED_AT_ONCE, 1]
    files = {"\x01" * 20: {"complete": 1}, "?" * 20: {"complete": 2}}
    clock.tracker.receive_text(json.dumps({"action": "scrape", "files": files}), clock.now)
    assert clock.events() == [SwarmCounts(b"\x01" * 20, 1, None, None)]
