"""The tracker protocol's messages, both ways, and what is none."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.errors import InvalidOptionError, TrackerError
from webtorrent_py.tracker.fields import SDP_SIZE_LIMIT, TEXT_LENGTH_LIMIT
from webtorrent_py.tracker.protocol import (
    MAX_EXTRAS,
    AnnounceRequest,
    AnnounceResponse,
    AnswerRequest,
    Failure,
    Offer,
    RemoteAnswer,
    RemoteOffer,
    ScrapeRequest,
    ScrapeResponse,
    Stats,
    SwarmCounts,
    checked_extras,
    parse_message,
)

ids = st.binary(min_size=20, max_size=20)
sdps = st.text(st.characters(exclude_categories=["Cs"]))

HASH, PEER, OFFER = bytes(range(236, 256)), b"\x00" * 20, b"o" * 20
HASH_TEXT = "ìíîïðñòóôõö÷øùúûüýþÿ"
BASE: dict[str, object] = {"action": "announce", "info_hash": HASH_TEXT}
INTRODUCTION = BASE | {"peer_id": "\x00" * 20, "offer_id": "o" * 20}


def parse(message: object) -> object:
    return parse_message(json.dumps(message))


def test_announce_has_the_form_that_trackers_expect() -> None:
    request = AnnounceRequest(HASH, PEER, Stats(1, 2, 3), "started", (Offer(OFFER, "v=0\r\n"),))
    assert json.loads(request.serialize()) == {
        "action": "announce",
        "info_hash": HASH_TEXT,
        "peer_id": "\x00" * 20,
        "uploaded": 1,
        "downloaded": 2,
        "left": 3,
        "event": "started",
        "numwant": 1,
        "offers": [{"offer_id": "o" * 20, "offer": {"type": "offer", "sdp": "v=0\r\n"}}],
    }


def test_announce_leaves_out_what_is_unknown() -> None:
    message = json.loads(AnnounceRequest(HASH, PEER, Stats(0, 0, None)).serialize())
    assert "left" not in message and "event" not in message
    assert message["numwant"] == 0 and message["offers"] == []


def test_stopping_offers_nothing() -> None:
    message = json.loads(AnnounceRequest(HASH, PEER, Stats(0, 0, 0), "stopped").serialize())
    assert "offers" not in message


def test_identifiers_take_one_character_for_each_byte() -> None:
    text = AnnounceRequest(HASH, PEER, Stats(0, 0, None)).serialize()
    assert HASH_TEXT in text


def test_five_usual_offers_stay_below_the_smallest_frame_limit_of_trackers() -> None:
    offers = tuple(Offer(bytes([200 + number]) * 20, "a=candidate:0 1 UDP 1\r\n" * 110) for number in range(5))
    request = AnnounceRequest(HASH, PEER, Stats(2**40, 2**40, 2**40), "started", offers)
    assert len(request.serialize().encode()) < 16 * 1024


@given(ids, ids, ids, ids, sdps)
def test_answer_has_the_form_that_trackers_expect(
    info_hash: bytes, peer_id: bytes, to_peer_id: bytes, offer_id: bytes, sdp: str
) -> None:
    assert json.loads(AnswerRequest(info_hash, peer_id, to_peer_id, offer_id, sdp).serialize()) == {
        "action": "announce",
        "info_hash": info_hash.decode("latin-1"),
        "peer_id": peer_id.decode("latin-1"),
        "to_peer_id": to_peer_id.decode("latin-1"),
        "offer_id": offer_id.decode("latin-1"),
        "answer": {"type": "answer", "sdp": sdp},
    }


@given(ids, ids, ids, sdps, st.booleans())
def test_introductions_are_read_however_json_is_escaped(
    info_hash: bytes, peer_id: bytes, offer_id: bytes, sdp: str, ascii_only: bool
) -> None:
    message = {
        "action": "announce",
        "info_hash": info_hash.decode("latin-1"),
        "peer_id": peer_id.decode("latin-1"),
        "offer_id": offer_id.decode("latin-1"),
    }
    offer = json.dumps(message | {"offer": {"type": "offer", "sdp": sdp}}, ensure_ascii=ascii_only)
    assert parse_message(offer) == RemoteOffer(info_hash, peer_id, offer_id, sdp)
    answer = json.dumps(message | {"answer": {"type": "answer", "sdp": sdp}}, ensure_ascii=ascii_only)
    assert parse_message(answer) == RemoteAnswer(info_hash, peer_id, offer_id, sdp)


def test_response_is_read() -> None:
    message = BASE | {"interval": 120, "complete": 3, "incomplete": 4, "warning message": "slow\ndown"}
    assert parse(message) == AnnounceResponse(HASH, 120.0, 3, 4, "slow down")


@pytest.mark.parametrize("value", [None, "120", True, [], {}, -1, 2**53, 10**400])
def test_odd_numbers_in_a_response_are_ignored(value: object) -> None:
    message = BASE | {"interval": value, "complete": value, "incomplete": value}
    assert parse(message) == AnnounceResponse(HASH, None, None, None, None)


@pytest.mark.parametrize(("value", "interval"), [(0, 9.0), (None, 9.0), (0.5, 0.5), (1e300, None)])
def test_interval_comes_from_either_key(value: object, interval: float | None) -> None:
    response = parse(BASE | {"interval": value, "min interval": 9})
    assert isinstance(response, AnnounceResponse) and response.interval == interval


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_infinite_interval_is_ignored(number: str) -> None:
    response = parse_message(json.dumps(BASE | {"interval": 0}).replace("0}", f"{number}}}"))
    assert response == AnnounceResponse(HASH, None, None, None, None)


def test_failure_is_read_with_and_without_its_torrent() -> None:
    assert parse(BASE | {"failure reason": "full"}) == Failure(HASH, "full")
    assert parse({"failure reason": "full", "info_hash": None}) == Failure(None, "full")
    assert parse(BASE | {"failure reason": None}) == AnnounceResponse(HASH, None, None, None, None)


def test_text_of_a_failure_is_bounded_and_printable() -> None:
    failure = parse({"failure reason": "a\x1b[31m\n\u202e" + "x" * 10_000})
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("a [31m  x")
    assert len(failure.reason) == 300 and failure.reason.isprintable()


def test_scrapes_tell_of_several_swarms() -> None:
    assert json.loads(ScrapeRequest((b"\xe9" * 20, b"b" * 20)).serialize()) == {
        "action": "scrape",
        "info_hash": ["\xe9" * 20, "b" * 20],
    }
    counts = {"complete": 1, "incomplete": 2, "downloaded": 3}
    files = {"\xe9" * 20: counts, "b" * 20: {"complete": -1, "downloaded": "many"}}
    assert parse({"action": "scrape", "files": files, "flags": {"min_request_interval": 9}}) == ScrapeResponse(
        (SwarmCounts(b"\xe9" * 20, 1, 3, 2), SwarmCounts(b"b" * 20, None, None, None))
    )
    assert parse({"action": "scrape", "files": {}}) == ScrapeResponse(())


@pytest.mark.parametrize("files", [None, [], {"short": {}}, {"b" * 20: 3}, {"b" * 20: None}, {"\u0100" * 20: {}}])
def test_malformed_scrapes_are_errors(files: object) -> None:
    with pytest.raises(TrackerError):
        parse({"action": "scrape", "files": files})


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        1,
        "announce",
        {},
        {"action": "announce"},
        {"action": "dance", "info_hash": HASH_TEXT},
        {"action": ["announce"], "info_hash": HASH_TEXT},
        {"action": "announce", "info_hash": HASH_TEXT[1:]},
        {"action": "announce", "info_hash": "\u0100" * 20},
        {"action": "announce", "info_hash": "\ud800" * 20},
        {"action": "announce", "info_hash": list(HASH_TEXT)},
        {"failure reason": {}},
        {"failure reason": "x", "info_hash": "short"},
        BASE | {"warning message": 1},
        BASE | {"offer": {"type": "offer", "sdp": "v=0"}},
        INTRODUCTION | {"offer": "v=0"},
        INTRODUCTION | {"offer": []},
        INTRODUCTION | {"offer": {"type": "answer", "sdp": "v=0"}},
        INTRODUCTION | {"offer": {"type": "offer", "sdp": None}},
        INTRODUCTION | {"offer": {"type": "offer", "sdp": "\ud800"}},
        INTRODUCTION | {"offer": {"type": "offer", "sdp": "x" * (SDP_SIZE_LIMIT + 1)}},
        INTRODUCTION | {"answer": {"type": "answer", "sdp": "\u00e9" * (SDP_SIZE_LIMIT // 2 + 1)}},
        INTRODUCTION | {"answer": {"type": "answer"}},
        INTRODUCTION | {"answer": {"type": "answer", "sdp": "v=0"}, "peer_id": None},
        INTRODUCTION | {"answer": {"type": "answer", "sdp": "v=0"}, "offer_id": ""},
    ],
)
def test_other_messages_are_refused(message: object) -> None:
    with pytest.raises(TrackerError, match="message"):
        parse(message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "\x00",
        "{}{}",
        '{"action":"announce","interval":NaN}',
        '{"action":"announce","interval":-Infinity}',
        '{"action":"announce","interval":' + "9" * 10_000 + "}",
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 999,
        json.dumps(BASE | {"pad": "x" * TEXT_LENGTH_LIMIT}),
    ],
)
def test_what_is_no_json_object_or_too_large_is_refused(text: str) -> None:
    with pytest.raises(TrackerError, match="message"):
        parse_message(text)


def test_largest_sdp_is_read_even_when_every_character_is_escaped() -> None:
    message = INTRODUCTION | {"offer": {"type": "offer", "sdp": "\x01" * SDP_SIZE_LIMIT}}
    assert parse(message) == RemoteOffer(HASH, PEER, OFFER, "\x01" * SDP_SIZE_LIMIT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(HASH_TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
keys = [*INTRODUCTION, "offer", "answer", "interval", "complete", "failure reason", "warning message"]


@given(st.text() | st.dictionaries(st.sampled_from(keys), json_values).map(lambda change: json.dumps(BASE | change)))
def test_nonsense_raises_only_tracker_errors(text: str) -> None:
    with suppress(TrackerError):
        parse_message(text)


def test_what_a_user_tells_stands_beside_what_the_protocol_says_and_replaces_none_of_it() -> None:
    stats = Stats(
        1, 2, 3, checked_extras({"token": "t", "left": 9, "info_hash": "x", "offers": [], "event": "stopped"})
    )
    message = json.loads(AnnounceRequest(HASH, PEER, stats, "started", (Offer(OFFER, ""),)).serialize())
    assert (message["token"], message["left"], message["info_hash"], message["event"]) == ("t", 9, HASH_TEXT, "started")
    assert len(message["offers"]) == 1


@pytest.mark.parametrize("extras", [{"a": object()}, {"a": float("nan")}, {"a": "x" * MAX_EXTRAS}])
def test_what_cannot_be_told_is_refused(extras: dict[str, object]) -> None:
    with pytest.raises(InvalidOptionError):
        checked_extras(extras)
