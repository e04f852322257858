"""Which cause is named for which facts, and that there always is one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.client.diagnosis import PATIENCE, AttemptFacts, Cause, Facts, PeerFacts, TrackerFacts, diagnose

URL = "wss://tracker.test"
FINE = TrackerFacts(URL, answered=True, seeders=0, leechers=1)
DOWN = TrackerFacts(URL, failing_for=90.0, reason="cannot be reached")
LONG = 10 * PATIENCE
SEARCHING = Facts(age=LONG, trackers=[FINE])
READY = replace(SEARCHING, ready=True, wanted=5)

CASES = [
    (replace(SEARCHING, error="disk full", is_storage_error=True), Cause.STORAGE_FAILED, "disk full"),
    (replace(SEARCHING, error="no metadata"), Cause.FAILED, "no metadata"),
    (replace(READY, paused=True, rate=5.0), Cause.PAUSED, "resume()"),
    (replace(READY, wanted=0, complete=True), Cause.COMPLETE, ""),
    (replace(READY, wanted=0), Cause.DONE, ""),
    (replace(READY, wanted=0, selected_any=False), Cause.NOTHING_SELECTED, "Select"),
    (replace(READY, rate=5000.0, peers=PeerFacts(2, 1, 0)), Cause.DOWNLOADING, "5 kB"),
    (replace(SEARCHING, age=1.0, peers=PeerFacts(2)), Cause.STARTING, "metadata"),
    (replace(SEARCHING, peers=PeerFacts(2)), Cause.METADATA_MISSING, "2"),
    (replace(READY, peers=PeerFacts(3, 0, 0)), Cause.PIECES_MISSING, "3"),
    (replace(READY, peers=PeerFacts(3, 2, 0)), Cause.CHOKED, "2 of"),
    (replace(READY, peers=PeerFacts(3, 2, 1)), Cause.STALLED, "1 peers"),
    (replace(READY, web_seed_errors={"https://s": "no header"}), Cause.WEB_SEED_FAILED, "no header"),
    (replace(READY, trackers=[], uses_trackers=False), Cause.NO_TRACKER, "option tracker"),
    (replace(READY, trackers=[]), Cause.NO_TRACKER, "wss://"),
    (replace(READY, trackers=[], unusable_trackers=["udp://t"]), Cause.NO_TRACKER, "udp://t"),
    (
        replace(READY, trackers=[DOWN]),
        Cause.TRACKER_UNREACHABLE,
        f"{URL} cannot be used since 90 seconds: cannot be reached",
    ),
    (replace(READY, trackers=[DOWN, DOWN]), Cause.TRACKER_UNREACHABLE, "the 1 others"),
    (replace(READY, trackers=[DOWN, TrackerFacts(URL)]), Cause.STARTING, "answered"),
    (replace(READY, attempts=AttemptFacts(5, 0, 0, 2)), Cause.CONNECTIONS_FAILED, "TURN"),
    (replace(READY, age=1.0, trackers=[replace(FINE, seeders=4)]), Cause.STARTING, "4 peers"),
    (replace(READY, trackers=[replace(FINE, seeders=4)]), Cause.ONLY_TCP_SEEDS, "4 seeders"),
    (
        replace(READY, trackers=[replace(FINE, leechers=3)], attempts=AttemptFacts(5, 5)),
        Cause.OFFERS_UNANSWERED,
        "2 other",
    ),
    (
        replace(READY, trackers=[replace(FINE, seeders=4)], attempts=AttemptFacts(5, 5, 1)),
        Cause.OFFERS_UNANSWERED,
        "4 other",
    ),
    (READY, Cause.NOBODY_THERE, ""),
]


@pytest.mark.parametrize(
    ("facts", "cause", "mention"), CASES, ids=[f"{number} {case[1]}" for number, case in enumerate(CASES)]
)
def test_facts_have_a_cause(facts: Facts, cause: Cause, mention: str) -> None:
    diagnosis = diagnose(facts)
    assert diagnosis.cause == cause
    assert mention in diagnosis.message and diagnosis.message.endswith(".")


def test_every_cause_is_among_the_cases() -> None:
    assert {cause for _, cause, _ in CASES} == set(Cause)


counts = st.integers(0, 5)
facts = st.builds(
    Facts,
    age=st.floats(0, 1e6),
    error=st.none() | st.text(),
    is_storage_error=st.booleans(),
    paused=st.booleans(),
    ready=st.booleans(),
    complete=st.booleans(),
    wanted=counts,
    selected_any=st.booleans(),
    rate=st.floats(0, 1e9),
    peers=st.builds(PeerFacts, counts, counts, counts),
    attempts=st.builds(AttemptFacts, counts, counts, counts, counts),
    trackers=st.lists(
        st.builds(
            TrackerFacts,
            st.just(URL),
            st.booleans(),
            st.none() | counts,
            st.none() | counts,
            st.none() | st.floats(0, 1e6),
            st.just("reason"),
        ),
        max_size=3,
    ),
    unusable_trackers=st.lists(st.just("udp://t"), max_size=2),
    uses_trackers=st.booleans(),
    web_seed_errors=st.dictionaries(st.just("https://s"), st.just("refused"), max_size=1),
)


@given(facts)
def test_there_is_always_a_cause_and_a_sentence(given: Facts) -> None:
    diagnosis = diagnose(given)
    assert diagnosis.cause in Cause and not diagnosis.message[0].islower() and diagnosis.message.endswith(".")
    assert len(diagnosis.details["trackers"]) == len(given.trackers)
