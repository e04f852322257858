"""The messages between a client and a WebSocket tracker, as values ↔ JSON text.

There is no BEP for it; this is what WebTorrent's trackers and clients speak. Info hashes, peer ids and offer
ids are 20 bytes, written as strings of 20 characters, one for each byte (Latin-1). Offers and answers of
other peers arrive as they sent them: the tracker vouches for none of it, so everything is checked here.
"""

import json
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from webtorrent_py.errors import TrackerError

ID_LENGTH: Final = 20
SDP_SIZE_LIMIT: Final = 64 * 1024
"""Bytes of an offer or answer in UTF-8; libtorrent's limit. Browsers' have one to five kilobytes."""

_TEXT_LENGTH_LIMIT: Final = 512 * 1024  # an SDP in which every character is escaped, and room for the rest
_BRACKET_LIMIT: Final = 1000  # a message is nested two deep; the JSON reader recurses
_REASON_LENGTH_LIMIT: Final = 300
_COUNT_LIMIT: Final = 2**53  # beyond it JavaScript's numbers, and so most trackers', are not exact

AnnounceEvent = Literal["started", "completed", "stopped"]


@dataclass(frozen=True, slots=True)
class Stats:
    """Bytes moved by a torrent so far, and lacking (None: its size is unknown)."""

    uploaded: int
    downloaded: int
    left: int | None


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
            "info_hash": self.info_hash.decode("latin-1"),
            "peer_id": self.peer_id.decode("latin-1"),
            "uploaded": self.stats.uploaded,
            "downloaded": self.stats.downloaded,
        }
        # Stock sends `null` for an unknown size, which trackers take for 0 and so count a seeder.
        if self.stats.left is not None:
            message["left"] = self.stats.left
        if self.event is not None:
            message["event"] = self.event
        message["numwant"] = len(self.offers)
        if self.event != "stopped":
            message["offers"] = [
                {"offer_id": offer.offer_id.decode("latin-1"), "offer": {"type": "offer", "sdp": offer.sdp}}
                for offer in self.offers
            ]
        return _to_text(message)


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
        return _to_text(
            {
                "action": "announce",
                "info_hash": self.info_hash.decode("latin-1"),
                "peer_id": self.peer_id.decode("latin-1"),
                "to_peer_id": self.to_peer_id.decode("latin-1"),
                "offer_id": self.offer_id.decode("latin-1"),
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
class Ignored:
    """A message that needs no attention, such as the answer to a scrape."""


TrackerMessage = AnnounceResponse | RemoteOffer | RemoteAnswer | Failure | Ignored


def parse_message(text: str) -> TrackerMessage:
    """What the tracker says. Raises `TrackerError` for anything that is not its protocol."""
    message = _from_text(text)
    if "failure reason" in message:
        info_hash = _parse_id(message, "info_hash") if "info_hash" in message else None
        return Failure(info_hash, _parse_reason(message, "failure reason"))
    action = message.get("action")
    if action == "scrape":
        return Ignored()
    if action != "announce":
        raise TrackerError("the tracker sent a message with an unknown action")
    info_hash = _parse_id(message, "info_hash")
    # Trackers pass on `null` for what a message lacks.
    if message.get("offer") is not None:
        peer_id, offer_id = _parse_id(message, "peer_id"), _parse_id(message, "offer_id")
        return RemoteOffer(info_hash, peer_id, offer_id, _parse_sdp(message, "offer"))
    if message.get("answer") is not None:
        peer_id, offer_id = _parse_id(message, "peer_id"), _parse_id(message, "offer_id")
        return RemoteAnswer(info_hash, peer_id, offer_id, _parse_sdp(message, "answer"))
    return AnnounceResponse(
        info_hash=info_hash,
        interval=_parse_interval(message),
        complete=_parse_count(message, "complete"),
        incomplete=_parse_count(message, "incomplete"),
        warning=_parse_reason(message, "warning message") if message.get("warning message") is not None else None,
    )


def _to_text(message: dict[str, object]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _from_text(text: str) -> dict[str, object]:
    if len(text) > _TEXT_LENGTH_LIMIT:
        raise TrackerError(f"the tracker sent a message of {len(text)} characters")
    if text.count("[") + text.count("{") > _BRACKET_LIMIT:
        raise TrackerError("the tracker sent a message that is too deeply nested")
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TrackerError("the tracker sent something that is not JSON") from error
    if not isinstance(message, dict):
        raise TrackerError("the tracker sent JSON that is not an object")
    return message


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _parse_id(message: dict[str, object], key: str) -> bytes:
    value = message.get(key)
    if isinstance(value, str) and len(value) == ID_LENGTH:
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise TrackerError(f"the tracker sent a malformed {key}") from error
    raise TrackerError(f"the tracker sent a malformed {key}")


def _parse_sdp(message: dict[str, object], kind: Literal["offer", "answer"]) -> str:
    description = message[kind]
    sdp = description.get("sdp") if isinstance(description, dict) and description.get("type") == kind else None
    if not isinstance(sdp, str):
        raise TrackerError(f"a peer sent a malformed {kind}")
    try:
        size = len(sdp.encode())
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise TrackerError(f"a peer sent a malformed {kind}") from error
    if size > SDP_SIZE_LIMIT:
        raise TrackerError(f"a peer sent an {kind} of {size} bytes")
    return sdp


def _parse_reason(message: dict[str, object], key: str) -> str:
    value = message[key]
    if not isinstance(value, str):
        raise TrackerError(f"the tracker sent a malformed {key}")
    return "".join(character if character.isprintable() else " " for character in value[:_REASON_LENGTH_LIMIT])


def _parse_interval(message: dict[str, object]) -> float | None:
    # As in BEP 3 clients, `min interval` stands in where the tracker gives no other.
    value = message.get("interval") or message.get("min interval")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _COUNT_LIMIT and isfinite(value) else None


def _parse_count(message: dict[str, object], key: str) -> int | None:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < _COUNT_LIMIT else None
