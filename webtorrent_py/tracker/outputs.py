"""What a `Tracker` wants done with its socket (commands), and what it tells its owner (events)."""

from dataclasses import dataclass

from webtorrent_py.errors import TrackerError
from webtorrent_py.tracker.protocol import AnnounceResponse, RemoteAnswer, RemoteOffer, SwarmCounts


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a WebSocket to the URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send a text message on the open socket."""

    text: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the socket once what was sent is out. Nothing more is to be heard of it."""


Command = Connect | Transmit | Disconnect


@dataclass(frozen=True, slots=True)
class AnnounceDue:
    """Call `announce` for this torrent soon, with at most so many offers."""

    info_hash: bytes
    offers_wanted: int


@dataclass(frozen=True, slots=True)
class TrackerWarning:
    """The tracker cannot be reached, or refused something (of one torrent, if `info_hash` is not None)."""

    info_hash: bytes | None
    error: TrackerError


TrackerEvent = AnnounceDue | AnnounceResponse | RemoteOffer | RemoteAnswer | TrackerWarning | SwarmCounts


@dataclass(frozen=True, slots=True)
class TrackerState:
    """How one torrent fares at one tracker: what it counted last, and since when and why it is of no use."""

    answered: bool = False
    complete: int | None = None
    incomplete: int | None = None
    failing_since: float | None = None
    reason: str | None = None
