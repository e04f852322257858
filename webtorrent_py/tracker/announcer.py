"""One tracker URL: its socket, and the announces of all torrents that use it.

Strategy: the socket is wanted as long as there is a torrent, and `_TRANSITIONS` says what follows from what.
When a torrent's announce is due the owner is told so (`AnnounceDue`) and calls `announce` with the offers that
it has by then, so that a slow or failed offer holds back nothing. Answers and warnings come out as events.

Rules:
- `started` goes out first on every socket: trackers forget a peer when its socket closes. Then `completed`
  once, if it ever is, and `stopped` when the torrent is removed.
- Trackers and the proxies before them drop silent sockets, and pages cannot ping; so something is announced
  before that. A socket on which an announce remains unanswered is given up.
- Lost sockets come back after a delay that doubles until a tracker answers, with jitter: when a tracker
  restarts, not all its clients shall return at once.
- What a tracker says of one torrent has no effect on the others.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import Final, TypeVar

from webtorrent_py.errors import LocalError, TrackerError
from webtorrent_py.timers import Timers
from webtorrent_py.tracker.outputs import (
    AnnounceDue,
    Command,
    Connect,
    Disconnect,
    TrackerEvent,
    TrackerState,
    TrackerWarning,
    Transmit,
)
from webtorrent_py.tracker.protocol import (
    AnnounceEvent,
    AnnounceRequest,
    AnnounceResponse,
    AnswerRequest,
    Failure,
    Offer,
    RemoteAnswer,
    ScrapeRequest,
    ScrapeResponse,
    Stats,
    parse_message,
)
from webtorrent_py.tracker.url import normalize_url

OFFERS_PER_ANNOUNCE: Final = 5
"""As many as stock; some trackers take no more than 10, or 16 KiB in all."""

SCRAPED_AT_ONCE: Final = 50
"""Torrents in one scrape: as many as UDP trackers take (BEP 15), and far below what any frame holds."""

CONNECT_TIMEOUT: Final = 25.0
RESPONSE_TIMEOUT: Final = 60.0
KEEP_ALIVE_INTERVAL: Final = 80.0
"""Seconds of silence after which something is announced; common limits are 100 s and more."""

GATHER_TIMEOUT: Final = 30.0
"""Seconds after which the owner is asked again for an announce that it did not make."""

DEFAULT_INTERVAL: Final = 60.0
MIN_INTERVAL: Final = 15.0
MAX_INTERVAL: Final = 1800.0
ANNOUNCE_GAP: Final = 5.0
"""Least seconds between two announces of a torrent by `announce_now`."""

FIRST_RETRY_DELAY: Final = 2.0
MAX_RETRY_DELAY: Final = 180.0
WARNING_INTERVAL: Final = 60.0
"""At most one warning in so many seconds for each torrent, and for the tracker as a whole."""

_REMEMBERED_OFFERS: Final = 100
"""Per torrent and direction; an offer is answered, or given up, long before a hundred others were made."""


class _State(Enum):
    IDLE = auto()  # no torrents, no socket
    CONNECTING = auto()
    OPEN = auto()
    WAITING = auto()  # to connect again


class _Cause(Enum):
    WANTED = auto()  # the first torrent came
    OPENED = auto()
    LOST = auto()  # the socket closed, or was given up
    RETRY = auto()
    UNWANTED = auto()  # the last torrent left


_TRANSITIONS: Final = {
    (_State.IDLE, _Cause.WANTED): _State.CONNECTING,
    (_State.CONNECTING, _Cause.OPENED): _State.OPEN,
    (_State.CONNECTING, _Cause.LOST): _State.WAITING,
    (_State.CONNECTING, _Cause.UNWANTED): _State.IDLE,
    (_State.OPEN, _Cause.LOST): _State.WAITING,
    (_State.OPEN, _Cause.UNWANTED): _State.IDLE,
    (_State.WAITING, _Cause.RETRY): _State.CONNECTING,
    (_State.WAITING, _Cause.UNWANTED): _State.IDLE,
}


class _Alarm(Enum):
    CONNECT = auto()  # connecting took too long
    RETRY = auto()
    KEEP_ALIVE = auto()
    RESPONSE = auto()  # an announce was not answered


@dataclass(slots=True)
class _Swarm:
    """What is known of one torrent at this tracker."""

    started: bool = False  # on the present socket
    completed: bool = False  # to be told at the next announce
    completed_sent: bool = False
    asked: bool = False  # the owner was told that an announce is due
    interval: float = DEFAULT_INTERVAL
    announced_at: float | None = None
    our_offers: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    their_offers: OrderedDict[tuple[bytes, bytes], None] = field(default_factory=OrderedDict)
    response: AnnounceResponse | None = None
    refused: tuple[float, str] | None = None


class Tracker:
    """Announces torrents to the tracker at `url` for the peer `peer_id` (20 bytes).

    After each input the owner takes `commands_to_perform()`, `events_received()` and `get_timer()`. Inputs
    about a socket are about the one that the last `Connect` asked for; none may follow a `Disconnect`, and
    `LocalError` is raised if one does.
    """

    def __init__(self, url: str, peer_id: bytes, random: Random) -> None:
        self.url: Final = normalize_url(url)
        self._peer_id = peer_id
        self._random = random
        self._state = _State.IDLE
        self._swarms: dict[bytes, _Swarm] = {}
        self._timers: Timers[bytes | _Alarm] = Timers()
        self._retries = 0  # since the tracker last took an announce
        self._unanswered = False  # an announce, and all since
        self._useful = False  # the present socket: an announce was taken
        self._warned_at: dict[bytes | None, float] = {}
        self._failing: tuple[float, str] | None = None
        self._commands: list[Command] = []
        self._events: list[TrackerEvent] = []

    # Outputs

    def commands_to_perform(self) -> list[Command]:
        """What to do with the socket, in order, since the last call."""
        commands, self._commands = self._commands, []
        return commands

    def events_received(self) -> list[TrackerEvent]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def get_timer(self) -> float | None:
        """When `handle_timer` is to be called; None if nothing waits."""
        return self._timers.next()

    @property
    def connected(self) -> bool:
        """Whether an announce or answer would be sent now."""
        return self._state is _State.OPEN

    def state(self, info_hash: bytes) -> TrackerState:
        """How a torrent that is announced here fares."""
        swarm = self._swarms[info_hash]
        since, reason = self._failing or swarm.refused or (None, None)
        response = swarm.response
        counts = (response.complete, response.incomplete) if response else (None, None)
        return TrackerState(response is not None, *counts, since, reason)

    # Inputs from the owner

    def add_torrent(self, info_hash: bytes, now: float) -> None:
        """Announce this torrent from now on. Nothing happens if it is announced already."""
        if info_hash in self._swarms:
            return
        swarm = self._swarms[info_hash] = _Swarm()
        if self._state is _State.IDLE:
            self._connect(_Cause.WANTED, now)
        elif self.connected:
            self._ask(info_hash, swarm, now)

    def remove_torrent(self, info_hash: bytes, stats: Stats, now: float) -> None:
        """Announce this torrent no more, and tell the tracker so. Nothing happens if it is unknown."""
        swarm = self._swarms.pop(info_hash, None)
        if swarm is None:
            return
        if self.connected and swarm.started:
            self._send_announce(info_hash, stats, "stopped", (), now)
        self._timers.set(info_hash, None)
        self._warned_at.pop(info_hash, None)
        if not self._swarms:
            if self._state is not _State.WAITING:
                self._commands.append(Disconnect())
            self._leave(_Cause.UNWANTED)

    def complete(self, info_hash: bytes, now: float) -> None:
        """The torrent was downloaded to its end: tell the tracker, once."""
        swarm = self._swarms[info_hash]
        if not swarm.completed_sent:
            swarm.completed = True
            if self.connected and not swarm.asked:
                self._ask(info_hash, swarm, now)

    def announce_now(self, info_hash: bytes, now: float) -> None:
        """Announce sooner than the tracker asks for, because more peers are wanted."""
        swarm = self._swarms[info_hash]
        if not self.connected or swarm.asked:
            return
        earliest = now if swarm.announced_at is None else swarm.announced_at + ANNOUNCE_GAP
        if earliest <= now:
            self._ask(info_hash, swarm, now)
        else:
            self._timers.set(info_hash, earliest)

    def announce(self, info_hash: bytes, stats: Stats, offers: tuple[Offer, ...], now: float) -> bool:
        """Announce the torrent with these offers, usually upon `AnnounceDue`.

        Only `OFFERS_PER_ANNOUNCE` offers are sent. False if nothing was sent, because the torrent was removed
        or the socket lost meanwhile; the offers can then be used elsewhere.
        """
        swarm = self._swarms.get(info_hash)
        if swarm is None or not self.connected:
            return False
        event: AnnounceEvent | None = None
        if not swarm.started:
            swarm.started = True
            event = "started"
        elif swarm.completed:
            swarm.completed, swarm.completed_sent = False, True
            event = "completed"
        offers = offers[:OFFERS_PER_ANNOUNCE]
        for offer in offers:
            _remember(swarm.our_offers, offer.offer_id)
        self._send_announce(info_hash, stats, event, offers, now)
        swarm.asked = False
        swarm.announced_at = now
        if swarm.completed:
            self._ask(info_hash, swarm, now)
        else:
            self._timers.set(info_hash, now + swarm.interval)
        return True

    def scrape(self, info_hashes: Iterable[bytes], now: float) -> None:
        """Ask for the counts of torrents that are announced here (BEP 48), if the socket is open."""
        known = [each for each in info_hashes if each in self._swarms]
        for first in range(0, len(known) if self.connected else 0, SCRAPED_AT_ONCE):
            self._send(ScrapeRequest(tuple(known[first : first + SCRAPED_AT_ONCE])).serialize(), now)

    def answer(self, info_hash: bytes, to_peer_id: bytes, offer_id: bytes, sdp: str, now: float) -> None:
        """Send our answer to a `RemoteOffer`; it is dropped if there is no socket (the peer offers again)."""
        if info_hash in self._swarms and self.connected:
            self._send(AnswerRequest(info_hash, self._peer_id, to_peer_id, offer_id, sdp).serialize(), now)

    # Inputs from the host

    def socket_opened(self, now: float) -> None:
        """The socket can be sent on."""
        self._move(_Cause.OPENED)
        self._timers.set(_Alarm.CONNECT, None)
        for info_hash, swarm in self._swarms.items():
            self._ask(info_hash, swarm, now)

    def receive_text(self, text: str, now: float) -> None:
        """The tracker sent a text message."""
        if not self.connected:
            raise LocalError("text from a tracker whose socket is not open")
        try:
            message = parse_message(text)
        except TrackerError as error:
            self._warn(None, str(error), now)
            return
        if isinstance(message, ScrapeResponse):
            self._events += [each for each in message.swarms if each.info_hash in self._swarms]
            return
        self._unanswered = False
        self._timers.set(_Alarm.RESPONSE, None)
        if isinstance(message, Failure):
            if message.info_hash is None or message.info_hash in self._swarms:
                concerned = self._swarms.values() if message.info_hash is None else [self._swarms[message.info_hash]]
                for each in concerned:
                    each.refused = (each.refused[0] if each.refused else now, message.reason)
                self._warn(message.info_hash, message.reason, now)
            return
        swarm = self._swarms.get(message.info_hash)
        if swarm is None:
            return
        if isinstance(message, AnnounceResponse):
            self._handle_response(message, swarm, now)
        elif message.peer_id == self._peer_id:
            return
        elif isinstance(message, RemoteAnswer):
            if message.offer_id in swarm.our_offers:
                del swarm.our_offers[message.offer_id]
                self._events.append(message)
        elif _remember(swarm.their_offers, (message.peer_id, message.offer_id)):
            self._events.append(message)

    def socket_closed(self, reason: str, now: float) -> None:
        """The socket is gone, or could not be opened."""
        self._lose(reason, now)

    def handle_timer(self, now: float) -> None:
        """`get_timer()` has come."""
        due = self._timers.take_due(now)
        for key in sorted(due, key=lambda each: each not in (_Alarm.CONNECT, _Alarm.RESPONSE)):
            if isinstance(key, bytes):
                self._ask(key, self._swarms[key], now)
            elif key is _Alarm.RETRY:
                self._retries += 1
                self._connect(_Cause.RETRY, now)
            elif key is _Alarm.KEEP_ALIVE:
                self._timers.set(key, now + GATHER_TIMEOUT)
                info_hash, swarm = min(self._swarms.items(), key=lambda item: item[1].announced_at or 0.0)
                if not swarm.asked:
                    self._ask(info_hash, swarm, now)
            else:
                what = "it did not answer" if key is _Alarm.RESPONSE else "it could not be reached in time"
                self._commands.append(Disconnect())
                self._lose(what, now)
                return  # what else was due is of the socket that is gone

    # Internals

    def _handle_response(self, response: AnnounceResponse, swarm: _Swarm, now: float) -> None:
        self._retries = 0
        self._useful = True
        self._failing = swarm.refused = None
        swarm.response = response
        if response.interval is not None:
            swarm.interval = min(max(response.interval, MIN_INTERVAL), MAX_INTERVAL)
            if not swarm.asked and swarm.announced_at is not None:
                self._timers.set(response.info_hash, max(now, swarm.announced_at + swarm.interval))
        if response.warning is not None:
            self._warn(response.info_hash, response.warning, now)
        self._events.append(response)

    def _ask(self, info_hash: bytes, swarm: _Swarm, now: float) -> None:
        swarm.asked = True
        self._timers.set(info_hash, now + GATHER_TIMEOUT)
        wants_offers = not (swarm.started and swarm.completed)
        self._events.append(AnnounceDue(info_hash, OFFERS_PER_ANNOUNCE if wants_offers else 0))

    def _send_announce(
        self, info_hash: bytes, stats: Stats, event: AnnounceEvent | None, offers: tuple[Offer, ...], now: float
    ) -> None:
        request = AnnounceRequest(info_hash, self._peer_id, stats, event, offers)
        self._send(request.serialize(), now)
        if event != "stopped" and not self._unanswered:
            self._unanswered = True
            self._timers.set(_Alarm.RESPONSE, now + RESPONSE_TIMEOUT)

    def _send(self, text: str, now: float) -> None:
        self._commands.append(Transmit(text))
        self._timers.set(_Alarm.KEEP_ALIVE, now + KEEP_ALIVE_INTERVAL)

    def _connect(self, cause: _Cause, now: float) -> None:
        self._move(cause)
        self._commands.append(Connect(self.url))
        self._timers.set(_Alarm.CONNECT, now + CONNECT_TIMEOUT)

    def _lose(self, reason: str, now: float) -> None:
        useful = self._useful
        self._failing = (self._failing[0] if self._failing else now, reason)
        self._leave(_Cause.LOST)
        delay = min(FIRST_RETRY_DELAY * 2**self._retries, MAX_RETRY_DELAY) * self._random.uniform(0.5, 1.0)
        self._timers.set(_Alarm.RETRY, now + delay)
        # Trackers close sockets for many a reason; it is worth a word only if the next one is no better.
        if not useful:
            self._warn(None, f"{reason}; trying again in {delay:.0f} s", now)

    def _leave(self, cause: _Cause) -> None:
        self._move(cause)
        self._unanswered = self._useful = False
        for alarm in _Alarm:
            self._timers.set(alarm, None)
        for info_hash, swarm in self._swarms.items():
            swarm.started = swarm.asked = False
            self._timers.set(info_hash, None)

    def _move(self, cause: _Cause) -> None:
        state = _TRANSITIONS.get((self._state, cause))
        if state is None:
            raise LocalError(f"tracker socket: {cause.name.lower()} while {self._state.name.lower()}")
        self._state = state

    def _warn(self, info_hash: bytes | None, reason: str, now: float) -> None:
        last = self._warned_at.get(info_hash)
        if last is None or now - last >= WARNING_INTERVAL:
            self._warned_at[info_hash] = now
            self._events.append(TrackerWarning(info_hash, TrackerError(f"{self.url}: {reason}")))


_Key = TypeVar("_Key")


def _remember(memory: OrderedDict[_Key, None], key: _Key) -> bool:
    """Add `key`, forgetting the oldest beyond the limit. False if it was there already."""
    if key in memory:
        return False
    memory[key] = None
    if len(memory) > _REMEMBERED_OFFERS:
        memory.popitem(last=False)
    return True
