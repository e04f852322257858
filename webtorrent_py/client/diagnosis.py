"""Why a torrent has no peers, or makes no progress: decided over facts, told as data and as a sentence.

Rules are tried from the nearest cause to the farthest: what the user did, then peers that are there, then the ways to
find some. The first that applies is the answer; the others could not make a difference before it is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

PATIENCE: Final = 15.0
"""Seconds in which nothing has to have come of anything yet: sockets open, offers are made, peers answer."""


class Cause(StrEnum):
    """What a torrent waits for, or suffers from."""

    COMPLETE = "complete"
    DONE = "done"
    DOWNLOADING = "downloading"
    STARTING = "starting"
    PAUSED = "paused"
    NOTHING_SELECTED = "nothing-selected"
    STORAGE_FAILED = "storage-failed"
    FAILED = "failed"
    METADATA_MISSING = "metadata-missing"
    PIECES_MISSING = "pieces-missing"
    CHOKED = "choked"
    STALLED = "stalled"
    WEB_SEED_FAILED = "web-seed-failed"
    NO_TRACKER = "no-tracker"
    TRACKER_UNREACHABLE = "tracker-unreachable"
    CONNECTIONS_FAILED = "connections-failed"
    ONLY_TCP_SEEDS = "only-tcp-seeds"
    OFFERS_UNANSWERED = "offers-unanswered"
    NOBODY_THERE = "nobody-there"


@dataclass(frozen=True, slots=True)
class TrackerFacts:
    """One WebSocket tracker of the torrent. What it has not told is None; `failing_for` is seconds."""

    url: str
    answered: bool = False
    seeders: int | None = None
    leechers: int | None = None
    failing_for: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """Of the connected peers: how many there are, have what we want, and serve us."""

    connected: int = 0
    useful: int = 0
    serving: int = 0


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What became of the attempts to connect: offers that went out, those that nobody took, those that were taken on
    either side, and of these the ones that opened and that did not.
    """

    offered: int = 0
    unanswered: int = 0
    opened: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a torrent. Times are seconds, rates bytes a second."""

    age: float
    error: str | None = None
    is_storage_error: bool = False
    paused: bool = False
    ready: bool = False
    complete: bool = False
    wanted: int = 0
    """Pieces that are selected or read, and are not there."""
    selected_any: bool = True
    rate: float = 0.0
    peers: PeerFacts = PeerFacts()
    attempts: AttemptFacts = AttemptFacts()
    trackers: Sequence[TrackerFacts] = ()
    unusable_trackers: Sequence[str] = ()
    """URLs that a page cannot use: UDP and HTTP."""
    uses_trackers: bool = True
    web_seed_errors: Mapping[str, str] = field(default_factory=dict)
    """URL → why it is not used now."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`message` is a sentence for users; `details` are the facts that it is about, as JSON has them."""

    cause: Cause
    message: str
    details: Mapping[str, Any]


def diagnose(facts: Facts) -> Diagnosis:
    """The first cause that explains the facts."""
    cause, message = next(_causes(facts))
    details = {
        "peers": asdict(facts.peers),
        "attempts": asdict(facts.attempts),
        "trackers": [asdict(each) for each in facts.trackers],
        "unusableTrackers": list(facts.unusable_trackers),
        "webSeedErrors": dict(facts.web_seed_errors),
    }
    return Diagnosis(cause, message, details)


def _causes(facts: Facts) -> Iterator[tuple[Cause, str]]:
    yield from _own_causes(facts)
    if facts.rate > 0:
        yield Cause.DOWNLOADING, f"It is downloading, at {facts.rate / 1000:.0f} kB a second."
    if facts.peers.connected:
        yield from _causes_with_peers(facts)
    for url, reason in facts.web_seed_errors.items():
        yield Cause.WEB_SEED_FAILED, f"The web seed {url} cannot be used: {reason}."
    yield from _causes_at_trackers(facts)
    yield from _causes_on_the_way(facts)


def _text(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _own_causes(facts: Facts) -> Iterator[tuple[Cause, str]]:
    """What the user did, or this machine."""
    if facts.error is not None:
        cause = Cause.STORAGE_FAILED if facts.is_storage_error else Cause.FAILED
        what = "It was stopped, for its data could not be kept" if facts.is_storage_error else "It was stopped"
        yield cause, f"{what}: {facts.error}."
    if facts.paused:
        yield Cause.PAUSED, "It is paused. Call resume() to go on."
    if facts.complete:
        yield Cause.COMPLETE, "It is complete."
    if facts.ready and not facts.wanted:
        if facts.selected_any:
            yield Cause.DONE, "All that is selected is there."
        yield Cause.NOTHING_SELECTED, "Nothing of it is selected. Select a file, or read one."


def _causes_with_peers(facts: Facts) -> Iterator[tuple[Cause, str]]:
    peers = facts.peers
    if not facts.ready:
        if facts.age < PATIENCE:
            yield Cause.STARTING, "A peer is connected; the metadata is on its way."
        yield Cause.METADATA_MISSING, f"None of the {peers.connected} connected peers has the torrent's metadata."
    elif not peers.useful:
        yield Cause.PIECES_MISSING, f"None of the {peers.connected} connected peers has a piece that is missing here."
    elif not peers.serving:
        yield (
            Cause.CHOKED,
            _text(
                f"{peers.useful} of the connected peers have what is missing, but serve others now (they choke us).",
                "Peers take turns; this may take a while.",
            ),
        )
    else:
        yield Cause.STALLED, f"{peers.serving} peers were asked, and have not sent anything yet."


def _causes_at_trackers(facts: Facts) -> Iterator[tuple[Cause, str]]:
    if not facts.uses_trackers:
        yield Cause.NO_TRACKER, "The client uses no trackers (its option tracker is false), so no peers can be found."
    if not facts.trackers:
        others = ", ".join(facts.unusable_trackers)
        names = f"Pages cannot use those that it has ({others})." if others else ""
        yield (
            Cause.NO_TRACKER,
            _text(
                "The torrent has no WebSocket tracker (wss://…), by which pages find peers.",
                names,
                "Add one with the option announce.",
            ),
        )
    failing = [each for each in facts.trackers if each.failing_for is not None]
    if len(failing) == len(facts.trackers):
        each = max(failing, key=lambda tracker: tracker.failing_for or 0.0)
        others = f"Nor can the {len(failing) - 1} others." if len(failing) > 1 else ""
        yield (
            Cause.TRACKER_UNREACHABLE,
            _text(
                f"The tracker {each.url} cannot be used since {each.failing_for:.0f} seconds: {each.reason}.",
                others,
            ),
        )
    if not any(each.answered for each in facts.trackers):
        yield Cause.STARTING, "No tracker has answered yet."


def _causes_on_the_way(facts: Facts) -> Iterator[tuple[Cause, str]]:
    attempts = facts.attempts
    seeders = max((each.seeders or 0 for each in facts.trackers), default=0)
    # We are counted ourselves.
    others = max(max((each.leechers or 0 for each in facts.trackers), default=0) - 1, 0)
    if attempts.failed and not attempts.opened:
        yield (
            Cause.CONNECTIONS_FAILED,
            _text(
                f"{attempts.failed} connections to peers were begun, and none could be made. Networks that let nothing",
                "through directly need a TURN server: name one in the option tracker.rtcConfig.iceServers.",
            ),
        )
    if seeders + others and facts.age < PATIENCE:
        yield Cause.STARTING, f"The tracker knows of {seeders + others} peers, which have been asked."
    if seeders and not attempts.opened:
        yield (
            Cause.ONLY_TCP_SEEDS,
            _text(
                f"The tracker counts {seeders} seeders, but none of them answers. They may speak TCP or UDP only,",
                "which pages cannot; then a client with WebRTC, or a web seed, is needed.",
            ),
        )
    if seeders + others:
        yield (
            Cause.OFFERS_UNANSWERED,
            _text(
                f"The tracker counts {seeders + others} other peers, but none of them takes the offers that we send",
                f"({attempts.offered} so far).",
            ),
        )
    yield Cause.NOBODY_THERE, "The trackers know of nobody else who has this torrent."
