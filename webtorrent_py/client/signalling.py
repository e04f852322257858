"""Connections that are not open yet: offers made, sent, answered; and the offers of others.

Strategy: making an offer takes from milliseconds to seconds (ICE asks STUN servers), so offers are made
when an announce is due and the announce waits for them, but not long: `GATHER_TIME` after the first one is
there it goes out with what there is, and what comes later is kept for the next announce of any torrent.

Rules: one pool serves all torrents, since an offer does not say what for it is until it is announced. Browsers
allow some hundreds of connections per page, so the pool has an end. What nobody answers is closed.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from webtorrent_py.actions import AcceptAnswer, AcceptOffer, ClosePeer, CreateOffer
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.timers import Timers
from webtorrent_py.tracker.protocol import Offer, RemoteAnswer, RemoteOffer

# Chrome allows about 500 RTCPeerConnections in a page, and closed ones may count until they are collected.
MAX_CONNECTIONS = 300
# A page that has not made an offer by then will not: candidates are found within a few seconds, or never.
MAKING_TIMEOUT = 15.0
# Stock closes what is not answered within 50 s.
ANSWER_TIMEOUT = 50.0
CONNECT_TIMEOUT = 25.0
# Seconds that an announce waits for the first offer, and then for the others.
FIRST_OFFER_TIME = 4.0
GATHER_TIME = 0.15


class Stage(Enum):
    """How far a connection has come."""

    MAKING = auto()
    READY = auto()
    ANNOUNCED = auto()
    ANSWERING = auto()
    CONNECTING = auto()


@dataclass(slots=True)
class Dial:
    """A connection that is being made. `info_hash` and `peer_id` are known once it is for something.

    `offer_id` is empty when no tracker had a part in it.
    """

    handle: int
    stage: Stage
    offer_id: bytes
    outgoing: bool
    sdp: str = ""
    info_hash: bytes | None = None
    peer_id: bytes | None = None
    url: str = ""


@dataclass(slots=True)
class Gathering:
    """An announce that waits for offers."""

    url: str
    info_hash: bytes
    wanted: int
    deadline: float
    offers: list[Dial] = field(default_factory=list)


@dataclass(slots=True)
class Attempts:
    """What became of a torrent's attempts to connect: offers that were sent and that nobody took, connections that
    opened and that failed after both sides had agreed to them.
    """

    offered: int = 0
    unanswered: int = 0
    opened: int = 0
    failed: int = 0


class Signalling:
    """The offer pool and all connections that are under way."""

    def __init__(self, outbox: Outbox, random: Random, handles: Handles) -> None:
        self._outbox = outbox
        self._random = random
        self._handles = handles
        self._dials: dict[int, Dial] = {}
        self._by_offer: dict[bytes, Dial] = {}
        self._ready: deque[Dial] = deque()
        self._making = 0
        self._attempts: dict[bytes, Attempts] = {}
        self._gatherings: deque[Gathering] = deque()
        self._timers: Timers[int] = Timers()

    def attempts(self, info_hash: bytes) -> Attempts:
        """What became of the attempts for this torrent since it was added."""
        return self._attempts.setdefault(info_hash, Attempts())

    def connecting(self, info_hash: bytes) -> int:
        """How many connections for this torrent are answered but not open yet."""
        return sum(
            1
            for dial in self._dials.values()
            if dial.info_hash == info_hash and dial.stage in (Stage.ANSWERING, Stage.CONNECTING)
        )

    # --- our offers ----------------------------------------------------------------------------

    def gather(self, url: str, info_hash: bytes, wanted: int, open_connections: int, now: float) -> None:
        """An announce is due that wants so many offers. It comes out of `take_gathered`."""
        promised = sum(gathering.wanted - len(gathering.offers) for gathering in self._gatherings)
        spare = max(len(self._ready) + self._making - promised, 0)
        room = max(MAX_CONNECTIONS - open_connections - len(self._dials), 0)
        wanted = min(wanted, spare + room)
        self._gatherings.append(Gathering(url, info_hash, wanted, now + FIRST_OFFER_TIME))
        for _ in range(wanted - spare):
            dial = Dial(self._handles.new(), Stage.MAKING, self._random.randbytes(20), outgoing=True)
            self._dials[dial.handle] = self._by_offer[dial.offer_id] = dial
            self._making += 1
            self._timers.set(dial.handle, now + MAKING_TIMEOUT)
            self._outbox.do(CreateOffer(dial.handle))

    def take_gathered(self, now: float) -> list[Gathering]:
        """The announces that wait no longer, each with the offers that it takes."""
        gathered = []
        for gathering in list(self._gatherings):
            while self._ready and len(gathering.offers) < gathering.wanted:
                gathering.offers.append(self._ready.popleft())
                if len(gathering.offers) == 1:
                    gathering.deadline = min(gathering.deadline, now + GATHER_TIME)
            hopeless = not self._making and not self._ready
            if len(gathering.offers) == gathering.wanted or now >= gathering.deadline or hopeless:
                self._gatherings.remove(gathering)
                gathered.append(gathering)
        return gathered

    def announced(self, gathering: Gathering, now: float) -> tuple[Offer, ...]:
        """The offers of a gathering, from here on waiting for an answer."""
        for dial in gathering.offers:
            dial.stage = Stage.ANNOUNCED
            dial.info_hash = gathering.info_hash
            self._timers.set(dial.handle, now + ANSWER_TIMEOUT)
        if gathering.offers:
            self.attempts(gathering.info_hash).offered += len(gathering.offers)
        return tuple(Offer(dial.offer_id, dial.sdp) for dial in gathering.offers)

    def give_back(self, gathering: Gathering) -> None:
        """The announce could not be made: its offers are free for others."""
        for dial in gathering.offers:
            dial.stage = Stage.READY
            dial.info_hash = None
            self._ready.append(dial)

    def offer_created(self, handle: int, sdp: str, now: float) -> None:
        """The host made an offer."""
        dial = self._dials.get(handle)
        if dial is not None and dial.stage is Stage.MAKING:
            self._making -= 1
            dial.stage = Stage.READY
            dial.sdp = sdp
            self._ready.append(dial)
            self._timers.set(handle, now + ANSWER_TIMEOUT)

    def answer_received(self, answer: RemoteAnswer, wanted: bool, now: float) -> None:
        """Somebody took one of our offers; `wanted` says whether we still want that peer."""
        dial = self._by_offer.get(answer.offer_id)
        if dial is None or dial.stage is not Stage.ANNOUNCED or dial.info_hash != answer.info_hash:
            return
        if not wanted:
            self.close(dial.handle)
            return
        dial.stage = Stage.CONNECTING
        dial.peer_id = answer.peer_id
        self._timers.set(dial.handle, now + CONNECT_TIMEOUT)
        self._outbox.do(AcceptAnswer(dial.handle, answer.sdp))

    # --- others' offers ------------------------------------------------------------------------

    def offer_received(self, url: str, offer: RemoteOffer, open_connections: int, now: float) -> None:
        """Somebody whom we want made an offer; we take it if there is room."""
        if open_connections + len(self._dials) >= MAX_CONNECTIONS:
            return
        dial = Dial(
            self._handles.new(),
            Stage.ANSWERING,
            offer.offer_id,
            outgoing=False,
            info_hash=offer.info_hash,
            peer_id=offer.peer_id,
            url=url,
        )
        self._dials[dial.handle] = dial
        self._timers.set(dial.handle, now + CONNECT_TIMEOUT)
        self._outbox.do(AcceptOffer(dial.handle, offer.sdp))

    def answer_created(self, handle: int, now: float) -> Dial | None:
        """The host made our answer; it goes to the `peer_id` of the dial through the tracker at its `url`."""
        dial = self._dials.get(handle)
        if dial is None or dial.stage is not Stage.ANSWERING:
            return None
        dial.stage = Stage.CONNECTING
        self._timers.set(handle, now + CONNECT_TIMEOUT)
        return dial

    # --- neither ours nor others' ---------------------------------------------------------------

    def introduced(self, info_hash: bytes, initiator: bool, open_connections: int, now: float) -> int | None:
        """A connection to somebody that is made without us, and will open or fail: its handle, if there is room.

        `initiator`: the offer was made on this side.
        """
        if open_connections + len(self._dials) >= MAX_CONNECTIONS:
            return None
        dial = Dial(self._handles.new(), Stage.CONNECTING, b"", outgoing=initiator, info_hash=info_hash)
        self._dials[dial.handle] = dial
        self._timers.set(dial.handle, now + CONNECT_TIMEOUT)
        return dial.handle

    # --- ends ----------------------------------------------------------------------------------

    def opened(self, handle: int) -> Dial | None:
        """The channel is open: the connection is not under way any more."""
        dial = self._forget(handle)
        if dial is None or dial.info_hash is None:
            return None
        self.attempts(dial.info_hash).opened += 1
        return dial

    def failed(self, handle: int) -> Dial | None:
        """The host says that nothing comes of it; what it was."""
        dial = self._forget(handle)
        if dial is not None:
            self._count_failure(dial)
        return dial

    def close(self, handle: int) -> None:
        """Give a connection up."""
        if self._forget(handle) is not None:
            self._outbox.do(ClosePeer(handle))

    def torrent_removed(self, info_hash: bytes) -> None:
        """Nothing is to be connected for this torrent any more."""
        for gathering in [each for each in self._gatherings if each.info_hash == info_hash]:
            self._gatherings.remove(gathering)
            self.give_back(gathering)
        for dial in [each for each in self._dials.values() if each.info_hash == info_hash]:
            self.close(dial.handle)
        self._attempts.pop(info_hash, None)

    def close_all(self) -> None:
        """Give everything up."""
        self._gatherings.clear()
        for handle in list(self._dials):
            self.close(handle)

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next."""
        earliest = self._timers.next()
        for gathering in self._gatherings:
            if earliest is None or gathering.deadline < earliest:
                earliest = gathering.deadline
        return earliest

    def handle_timer(self, now: float) -> None:
        """Close what was not answered, or did not open, in time."""
        for handle in self._timers.take_due(now):
            self._count_failure(self._dials[handle])
            self.close(handle)

    def _count_failure(self, dial: Dial) -> None:
        if dial.info_hash is None:
            return
        if dial.stage is Stage.ANNOUNCED:
            self.attempts(dial.info_hash).unanswered += 1
        elif dial.stage in (Stage.ANSWERING, Stage.CONNECTING):
            self.attempts(dial.info_hash).failed += 1

    def _forget(self, handle: int) -> Dial | None:
        dial = self._dials.pop(handle, None)
        if dial is None:
            return None
        self._timers.set(handle, None)
        self._by_offer.pop(dial.offer_id, None)
        if dial.stage is Stage.MAKING:
            self._making -= 1
        elif dial.stage is Stage.READY:
            if dial in self._ready:
                self._ready.remove(dial)
            for gathering in self._gatherings:
                if dial in gathering.offers:
                    gathering.offers.remove(dial)
        return dial
