"""The messages between a client and a WebSocket tracker, as values ↔ JSON text.

There is no BEP for it; this is what WebTorrent's trackers and clients speak. Offers and answers of other
peers arrive as they sent them: the tracker vouches for none of it, so everything is checked here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Literal

from webtorrent_py.errors import InvalidOptionError, TrackerError
from webtorrent_py.tracker.fields import Fields, read_id, read_object, read_sdp, write_id, write_object

_REASON_LENGTH_LIMIT: Final = 300
_COUNT_LIMIT: Final = 2**53  # beyond it JavaScript's numbers, and so most trackers', are not exact

MAX_EXTRAS: Final = 2048
"""Characters; common trackers take frames of 16 KiB, most of which the offers need."""

_RESERVED: Final = frozenset({"action", "info_hash", "peer_id", "event", "numwant", "offers", "to_peer_id", "answer"})

AnnounceEvent = Literal["started", "completed", "stopped"]


@dataclass(frozen=True, slots=True)
class Stats:
    """Bytes moved by a torrent so far, and lacking (None: its size is unknown).

    `extras` is what a user wants to tell besides, or instead; the protocol's own keys stay as they are.
    """

    uploaded: int
    downloaded: int
    left: int | None
    extras: Mapping[str, object] = field(default_factory=dict)


def checked_extras(extras: Mapping[str, object]) -> Mapping[str, object]:
    """A copy of what a user wants to tell a tracker: values as JSON has them. Raises `InvalidOptionError`."""
    try:
        length = len(json.dumps(dict(extras), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidOptionError(f"what a tracker shall be told cannot be sent: {error}") from error
    if length > MAX_EXTRAS:
        raise InvalidOptionError(f"a tracker cannot be told more than {MAX_EXTRAS} characters")
    return dict(extras)


@dataclass(frozen=True, slots=True)
class Offer:
    """An SDP offer for whichever peer the tracker passes it on to; its answer bears the same id."""

    offer_id: bytes
    sdp: str


@dataclass(frozen=True, slots=True)
class AnnounceRequest:
    """We are in this swarm, and would like to meet as many peers as there are offers."""

    info_hash: bytes
    peer_id: bytes
    stats: Stats
    event: AnnounceEvent | None = None
    offers: tuple[Offer, ...] = ()

    def serialize(self) -> str:
        """The message's text."""
        message: dict[str, object] = {
            "action": "announce",
            "info_hash": write_id(self.info_hash),
            "peer_id": write_id(self.peer_id),
            "uploaded": self.stats.uploaded,
            "downloaded": self.stats.downloaded,
        }
        # Stock sends `null` for an unknown size, which trackers take for 0 and so count a seeder.
        if self.stats.left is not None:
            message["left"] = self.stats.left
        message |= {key: value for key, value in self.stats.extras.items() if key not in _RESERVED}
        if self.event is not None:
            message["event"] = self.event
        message["numwant"] = len(self.offers)
        if self.event != "stopped":
            message["offers"] = [
                {"offer_id": write_id(offer.offer_id), "offer": {"type": "offer", "sdp": offer.sdp}}
                for offer in self.offers
            ]
        return write_object(message)


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """Our answer to the offer of the peer `to_peer_id`."""

    info_hash: bytes
    peer_id: bytes
    to_peer_id: bytes
    offer_id: bytes
    sdp: str

    def serialize(self) -> str:
        """The message's text."""
        return write_object(
            {
                "action": "announce",
                "info_hash": write_id(self.info_hash),
                "peer_id": write_id(self.peer_id),
                "to_peer_id": write_id(self.to_peer_id),
                "offer_id": write_id(self.offer_id),
                "answer": {"type": "answer", "sdp": self.sdp},
            }
        )


@dataclass(frozen=True, slots=True)
class AnnounceResponse:
    """The tracker took our announce. `interval` in seconds; None is what it did not say."""

    info_hash: bytes
    interval: float | None
    complete: int | None
    incomplete: int | None
    warning: str | None


@dataclass(frozen=True, slots=True)
class RemoteOffer:
    """The peer `peer_id` would like to meet us."""

    info_hash: bytes
    peer_id: bytes
    offer_id: bytes
    sdp: str


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """The peer `peer_id` took our offer."""

    info_hash: bytes
    peer_id: bytes
    offer_id: bytes
    sdp: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The tracker refused a request; without an info hash it does not say which."""

    info_hash: bytes | None
    reason: str


@dataclass(frozen=True, slots=True)
class ScrapeRequest:
    """Asks how many have these torrents (BEP 48)."""

    info_hashes: tuple[bytes, ...]

    def serialize(self) -> str:
        """The message's text."""
        return write_object({"action": "scrape", "info_hash": [write_id(each) for each in self.info_hashes]})


@dataclass(frozen=True, slots=True)
class SwarmCounts:
    """Who has a torrent: seeders, those who ever completed it, leechers; None is what the tracker did not say."""

    info_hash: bytes
    complete: int | None
    downloaded: int | None
    incomplete: int | None


@dataclass(frozen=True, slots=True)
class ScrapeResponse:
    """The answer to a scrape: maybe not of all that were asked for, maybe of others too."""

    swarms: tuple[SwarmCounts, ...]


TrackerMessage = AnnounceResponse | RemoteOffer | RemoteAnswer | Failure | ScrapeResponse


def parse_message(text: str) -> TrackerMessage:
    """What the tracker says. Raises `TrackerError` for anything that is not its protocol."""
    message = read_object(text)
    # Some trackers write `null` for what a message lacks.
    if message.get("failure reason") is not None:
        info_hash = read_id(message, "info_hash") if message.get("info_hash") is not None else None
        return Failure(info_hash, _parse_reason(message, "failure reason"))
    action = message.get("action")
    if action == "scrape":
        return _parse_scrape(message)
    if action != "announce":
        raise TrackerError("a message with an unknown action")
    info_hash = read_id(message, "info_hash")
    if message.get("offer") is not None:
        peer_id, offer_id = read_id(message, "peer_id"), read_id(message, "offer_id")
        return RemoteOffer(info_hash, peer_id, offer_id, read_sdp(message, "offer"))
    if message.get("answer") is not None:
        peer_id, offer_id = read_id(message, "peer_id"), read_id(message, "offer_id")
        return RemoteAnswer(info_hash, peer_id, offer_id, read_sdp(message, "answer"))
    return AnnounceResponse(
        info_hash=info_hash,
        interval=_parse_interval(message),
        complete=_parse_count(message, "complete"),
        incomplete=_parse_count(message, "incomplete"),
        warning=_parse_reason(message, "warning message") if message.get("warning message") is not None else None,
    )


def _parse_scrape(message: Fields) -> ScrapeResponse:
    files = message.get("files")
    if not isinstance(files, dict):
        raise TrackerError("an answer to a scrape without files")
    swarms = []
    for name, counts in files.items():
        if not isinstance(counts, dict):
            raise TrackerError("an answer to a scrape with malformed counts")
        values = (_parse_count(counts, key) for key in ("complete", "downloaded", "incomplete"))
        swarms.append(SwarmCounts(read_id({"info_hash": name}, "info_hash"), *values))
    return ScrapeResponse(tuple(swarms))


def _parse_reason(message: Fields, key: str) -> str:
    value = message[key]
    if not isinstance(value, str):
        raise TrackerError(f"a message with a malformed {key}")
    return "".join(character if character.isprintable() else " " for character in value[:_REASON_LENGTH_LIMIT])


def _parse_interval(message: Fields) -> float | None:
    # As in BEP 3 clients, `min interval` stands in where the tracker gives no other.
    value = message.get("interval") or message.get("min interval")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _COUNT_LIMIT and isfinite(value) else None


def _parse_count(message: Fields, key: str) -> int | None:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < _COUNT_LIMIT else None
