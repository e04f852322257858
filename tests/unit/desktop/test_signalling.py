"""The tracker's swarms without sockets: connections are letters, deliveries are values."""

import json
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from webtorrent_py.desktop.signalling import MAX_OFFERS, Delivery, Eviction, Signalling
from webtorrent_py.tracker.fields import SDP_SIZE_LIMIT
from webtorrent_py.tracker.protocol import (
    AnnounceRequest,
    AnnounceResponse,
    AnswerRequest,
    Failure,
    Offer,
    RemoteAnswer,
    RemoteOffer,
    Stats,
    TrackerMessage,
    parse_message,
)

MOVIE = b"\xff" * 20
SONG = b"\x00" * 20
INTERVAL = 7
LEECHING = Stats(0, 0, 1)
SEEDING = Stats(0, 1, 0)


def peer(letter: str) -> bytes:
    return letter.encode() * 20


def announce(
    letter: str, *, stats: Stats = LEECHING, event: str | None = None, offers: int = 0, info_hash: bytes = MOVIE
) -> str:
    made = tuple(Offer(bytes([number]) * 20, f"{letter}{number}") for number in range(offers))
    return AnnounceRequest(info_hash, peer(letter), stats, event, made).serialize()  # type: ignore[arg-type]


def signalling() -> Signalling[str]:
    return Signalling(INTERVAL, Random(1))


def say(tracker: Signalling[str], connection: str, text: str) -> list[tuple[str, TrackerMessage | None]]:
    """Who then hears what; None is the end of the connection."""
    return [
        (result.connection, parse_message(result.text) if isinstance(result, Delivery) else None)
        for result in tracker.receive_text(connection, text)
    ]


def response(complete: int, incomplete: int, info_hash: bytes = MOVIE) -> AnnounceResponse:
    return AnnounceResponse(info_hash, INTERVAL, complete, incomplete, None)


def test_announces_are_answered_with_the_size_of_the_swarm() -> None:
    tracker = signalling()
    assert say(tracker, "a", announce("a", event="started")) == [("a", response(0, 1))]
    assert say(tracker, "b", announce("b", event="started", stats=SEEDING)) == [("b", response(1, 1))]
    assert say(tracker, "a", announce("a")) == [("a", response(1, 1))]
    assert say(tracker, "a", announce("a", event="completed", stats=SEEDING)) == [("a", response(2, 0))]
    assert say(tracker, "b", announce("b", event="stopped", stats=SEEDING)) == [("b", response(1, 0))]
    assert say(tracker, "a", announce("a", event="stopped", stats=SEEDING)) == [("a", response(0, 0))]


def test_peer_of_unknown_size_is_no_seeder() -> None:
    tracker = signalling()
    say(tracker, "a", announce("a", stats=Stats(0, 0, None)))
    null = json.loads(announce("b")) | {"left": None}
    say(tracker, "b", json.dumps(null))
    assert tracker.counts(MOVIE) == (0, 2)


def test_offers_go_to_others_each_to_another_one() -> None:
    tracker = signalling()
    for letter in "abcd":
        say(tracker, letter, announce(letter))
    heard = say(tracker, "a", announce("a", offers=2))
    assert heard[0] == ("a", response(0, 4))
    receivers = [connection for connection, _ in heard[1:]]
    assert len(receivers) == len(set(receivers)) == 2 and "a" not in receivers
    assert [message for _, message in heard[1:]] == [
        RemoteOffer(MOVIE, peer("a"), b"\x00" * 20, "a0"),
        RemoteOffer(MOVIE, peer("a"), b"\x01" * 20, "a1"),
    ]
    everyone = say(tracker, "a", announce("a", offers=5))
    assert {connection for connection, _ in everyone[1:]} == {"b", "c", "d"}


def test_offers_reach_every_peer_in_time() -> None:
    tracker = signalling()
    for letter in "abcde":
        say(tracker, letter, announce(letter))
    reached = {say(tracker, "a", announce("a", offers=1))[1][0] for _ in range(100)}
    assert reached == {"b", "c", "d", "e"}


def test_offers_stay_within_the_swarm() -> None:
    tracker = signalling()
    say(tracker, "a", announce("a", info_hash=SONG))
    assert say(tracker, "b", announce("b", offers=5)) == [("b", response(0, 1))]


def test_numwant_bounds_the_offers_that_are_passed_on() -> None:
    tracker = signalling()
    for letter in "abcd":
        say(tracker, letter, announce(letter))
    message = json.loads(announce("a", offers=3))
    assert len(say(tracker, "a", json.dumps(message | {"numwant": 1}))) == 2
    del message["numwant"]
    assert len(say(tracker, "a", json.dumps(message))) == 4


def test_offers_beyond_the_limit_are_ignored() -> None:
    tracker = signalling()
    for number in range(MAX_OFFERS + 10):
        text = AnnounceRequest(MOVIE, number.to_bytes(20, "big"), LEECHING).serialize()
        say(tracker, str(number), text)
    assert len(say(tracker, "a", announce("a", offers=MAX_OFFERS + 5))) == 1 + MAX_OFFERS


def test_answer_goes_to_its_peer_only() -> None:
    tracker = signalling()
    for letter in "abc":
        say(tracker, letter, announce(letter))
    text = AnswerRequest(MOVIE, peer("b"), peer("a"), b"o" * 20, "sdp").serialize()
    assert say(tracker, "b", text) == [("a", RemoteAnswer(MOVIE, peer("b"), b"o" * 20, "sdp"))]


def test_answer_to_a_departed_peer_is_dropped() -> None:
    tracker = signalling()
    say(tracker, "a", announce("a"))
    tracker.connection_closed("a")
    text = AnswerRequest(MOVIE, peer("b"), peer("a"), b"o" * 20, "sdp").serialize()
    assert say(tracker, "b", text) == []


def test_peers_leave_with_their_connection() -> None:
    tracker = signalling()
    say(tracker, "a", announce("a"))
    say(tracker, "a", announce("a", info_hash=SONG))
    say(tracker, "b", announce("b"))
    tracker.connection_closed("a")
    assert tracker.counts(MOVIE) == (0, 1)
    assert tracker.counts(SONG) == (0, 0)
    tracker.connection_closed("a")


def test_second_connection_of_a_peer_takes_the_place_of_the_first() -> None:
    tracker = signalling()
    say(tracker, "old", announce("a"))
    say(tracker, "old", announce("a", info_hash=SONG))
    assert say(tracker, "new", announce("a")) == [("old", None), ("new", response(0, 1))]
    assert tracker.counts(SONG) == (0, 0)
    tracker.connection_closed("old")
    assert tracker.counts(MOVIE) == (0, 1)
    assert say(tracker, "b", announce("b", offers=1))[1][0] == "new"


def test_nobody_can_take_another_peer_out_of_a_swarm() -> None:
    tracker = signalling()
    say(tracker, "a", announce("a"))
    say(tracker, "b", announce("a", event="stopped"))
    assert tracker.counts(MOVIE) == (0, 1)


GOOD = json.loads(announce("a", offers=1))


@pytest.mark.parametrize(
    "change",
    [
        {"action": "scrape", "info_hash": "short"},
        {"action": "scrape", "info_hash": [3]},
        {"action": None},
        {"info_hash": "short"},
        {"info_hash": "\u20ac" * 20},
        {"info_hash": 20},
        {"peer_id": None},
        {"event": "exploded"},
        {"event": ["started"]},
        {"offers": {}},
        {"offers": ["v=0"]},
        {"offers": [{}]},
        {"offers": [{"offer_id": "o" * 20, "offer": {"type": "offer"}}]},
        {"offers": [{"offer_id": "o" * 20, "offer": {"type": "answer", "sdp": "v=0"}}]},
        {"offers": [{"offer_id": "o" * 20, "offer": {"type": "offer", "sdp": "\ud800"}}]},
        {"offers": [{"offer_id": "o" * 20, "offer": {"type": "offer", "sdp": "x" * (SDP_SIZE_LIMIT + 1)}}]},
        {"offers": [{"offer_id": "o", "offer": {"type": "offer", "sdp": "v=0"}}]},
        {"answer": {"type": "answer", "sdp": "v=0"}, "offer_id": "o" * 20},
        {"answer": {"type": "answer", "sdp": "v=0"}, "to_peer_id": "p" * 20},
        {"answer": "v=0", "to_peer_id": "p" * 20, "offer_id": "o" * 20},
    ],
)
def test_bad_messages_are_answered_with_a_reason_and_change_nothing(change: Mapping[str, object]) -> None:
    tracker = signalling()
    say(tracker, "b", announce("b"))
    ((connection, failure),) = say(tracker, "a", json.dumps(GOOD | dict(change)))
    assert connection == "a"
    assert isinstance(failure, Failure) and failure.reason
    assert failure.info_hash == (None if "info_hash" in change else MOVIE)
    assert tracker.counts(MOVIE) == (0, 1)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "NaN", '{"a":NaN}', "[" * 5000, "9" * 5000])
def test_what_is_no_json_object_is_answered_with_a_reason(text: str) -> None:
    ((_, failure),) = say(signalling(), "a", text)
    assert isinstance(failure, Failure)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(GOOD)), inner, max_size=3),
)


@given(
    st.text()
    | json_values.map(json.dumps)
    | st.dictionaries(st.sampled_from([*GOOD, "answer", "to_peer_id", "offer_id", "event"]), json_values).map(
        lambda change: json.dumps(GOOD | change)
    )
)
def test_nonsense_never_crashes_the_tracker(text: str) -> None:
    tracker = signalling()
    say(tracker, "b", announce("b"))
    for result in tracker.receive_text("a", text):
        assert isinstance(result, Delivery) and parse_message(result.text)


letters = st.sampled_from("abc")
connections = st.sampled_from("123")
hashes = st.sampled_from([MOVIE, SONG])


class Swarms(RuleBasedStateMachine):
    """Any order of announces and closing sockets, against a model of who is where."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = signalling()
        self.model: dict[tuple[bytes, str], tuple[str, bool]] = {}

    @rule(
        connection=connections,
        letter=letters,
        info_hash=hashes,
        event=st.sampled_from(["started", "completed", None]),
        left=st.sampled_from([0, 1, None]),
        offers=st.integers(0, 3),
    )
    def announces(
        self, connection: str, letter: str, info_hash: bytes, event: str | None, left: int | None, offers: int
    ) -> None:
        key = (info_hash, letter)
        previous = self.model.get(key)
        evicted = previous is not None and previous[0] != connection
        if previous is not None and evicted:
            self.closes(previous[0], tell=False)
            previous = None
        complete = event == "completed" or left == 0 or (previous is not None and previous[1])
        self.model[key] = (connection, complete)
        text = announce(letter, stats=Stats(0, 0, left), event=event, offers=offers, info_hash=info_hash)
        results = self.tracker.receive_text(connection, text)
        assert sum(isinstance(result, Eviction) for result in results) == evicted
        others = [owner for (where, who), (owner, _) in self.model.items() if where == info_hash and who != letter]
        delivered = [result.connection for result in results if isinstance(result, Delivery)]
        assert delivered[0] == connection
        assert len(delivered) - 1 == min(offers, len(others))
        assert set(delivered[1:]) <= set(others)

    @rule(connection=connections, letter=letters, info_hash=hashes)
    def stops(self, connection: str, letter: str, info_hash: bytes) -> None:
        if self.model.get((info_hash, letter), ("", False))[0] == connection:
            del self.model[info_hash, letter]
        assert len(self.tracker.receive_text(connection, announce(letter, event="stopped", info_hash=info_hash))) == 1

    @rule(connection=connections, tell=st.just(True))
    def closes(self, connection: str, tell: bool) -> None:
        self.model = {key: owner for key, owner in self.model.items() if owner[0] != connection}
        if tell:
            self.tracker.connection_closed(connection)

    @invariant()
    def counts_are_right(self) -> None:
        for info_hash in (MOVIE, SONG):
            states = [complete for (where, _), (_, complete) in self.model.items() if where == info_hash]
            assert self.tracker.counts(info_hash) == (sum(states), len(states) - sum(states))


TestSwarms = Swarms.TestCase


def test_a_scrape_tells_of_all_that_are_named() -> None:
    tracker = signalling()
    say(tracker, "a", announce("a", event="completed"))
    say(tracker, "b", announce("b"))
    names = [MOVIE.decode("latin-1"), "?" * 20]
    (delivery,) = tracker.receive_text("c", json.dumps({"action": "scrape", "info_hash": names}))
    assert json.loads(delivery.text) == {
        "action": "scrape",
        "files": {
            names[0]: {"complete": 1, "downloaded": 1, "incomplete": 1},
            names[1]: {"complete": 0, "downloaded": 0, "incomplete": 0},
        },
    }
