"""Whom to serve.

Strategy while downloading (BEP 3, tit for tat): those that give us most. A peer that was asked and has sent
nothing for a minute has lost its claim (anti-snubbing).

Strategy once there is nothing to get: everybody in turn, so that nobody gets it all without passing it on. A slot
is kept for `TURN` seconds; then those that wait go first, the longest waiting before all. Among those that had
their turn the ones that take fastest come first: they spread it best.

In both cases one of several slots goes to somebody at random for `OPTIMISTIC_ROUNDS` rounds, newcomers being three
times as likely, so that better partners are found. Slots that would stay empty are filled at once, not at the
next round: somebody who waits for a free slot helps nobody. Who gives more than one that is served, and wants
something again, has its slot back at once.
"""

from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Protocol

ROUND = 10.0
"""Seconds between two rounds."""
RATED_ROUNDS = 2
"""Rounds over which it is counted what a peer gives: BEP 3's 20 seconds. In a shorter time luck decides."""
OPTIMISTIC_ROUNDS = 3
UPLOAD_SLOTS = 10
"""The same number as stock's `uploads`."""
TURN = 60.0
"""Seconds that a slot is kept while others wait for it and there is nothing to get in return."""
NEW = 60.0
"""Seconds for which a peer is new: it has nothing to give yet."""
NEW_WEIGHT = 3


class Meter(Protocol):
    """What flows one way."""

    @property
    def total(self) -> int:
        """Bytes so far."""


class Candidate(Protocol):
    """What the choker must know of a peer."""

    @property
    def handle(self) -> int:
        """The connection's handle."""

    @property
    def opened_at(self) -> float:
        """Since when it is connected."""

    @property
    def am_choking(self) -> bool:
        """Whether it is not served."""

    @property
    def peer_interested(self) -> bool:
        """Whether it wants anything of us."""

    @property
    def upload_only(self) -> bool:
        """Whether it says that it wants no pieces (BEP 21), whatever else it says."""

    @property
    def is_seed(self) -> bool:
        """Whether it has everything."""

    @property
    def download(self) -> Meter:
        """What it gives us."""

    @property
    def upload(self) -> Meter:
        """What it takes."""

    def is_snubbing(self, now: float) -> bool:
        """Whether it was asked, and has sent nothing for a minute."""


class Choker:
    """Decides which of the interested peers are served, `slots` at most.

    `choke_seeders`: a peer that has everything is never served, whatever it says of its interest.
    """

    def __init__(self, random: Random, slots: int = UPLOAD_SLOTS, *, choke_seeders: bool = True) -> None:
        self._random = random
        self._slots = slots
        self._choke_seeders = choke_seeders
        self._round = 0
        self._optimistic: int | None = None
        # Peer → bytes that it had given and taken at each of the last rounds.
        self._history: deque[dict[int, tuple[int, int]]] = deque(maxlen=RATED_ROUNDS)
        # Peer → since when it has a slot by its turn, or waits for one.
        self._turns: dict[int, float] = {}
        self._waiting: dict[int, float] = {}

    def may_serve(self, peer: Candidate) -> bool:
        """Whether there is any reason to serve this peer."""
        return peer.peer_interested and not peer.upload_only and not (self._choke_seeders and peer.is_seed)

    def choose(self, peers: Iterable[Candidate], *, seeding: bool, now: float) -> set[int]:
        """A new round: the handles of the peers to unchoke; all others are to be choked."""
        peers = list(peers)
        chosen = self._choose([peer for peer in peers if self.may_serve(peer)], seeding, now)
        self._history.append({peer.handle: (peer.download.total, peer.upload.total) for peer in peers})
        return chosen

    def fill(self, peers: Iterable[Candidate], now: float) -> list[int]:
        """Between two rounds: the handles of those who may have a slot that is free."""
        waiting = []
        free = self._slots
        for peer in peers:
            if not peer.am_choking:
                free -= 1
            elif self.may_serve(peer) and not peer.is_snubbing(now):
                waiting.append(peer.handle)
        return waiting[: max(free, 0)]

    def outbid(self, newcomer: Candidate, peers: Iterable[Candidate]) -> int | None:
        """Between two rounds, with all slots taken: the handle of the one to serve no more for the newcomer's sake.

        Partners often want nothing for a moment; who took the slot meanwhile gives it back (BEP 3).
        """
        served = [peer for peer in peers if not peer.am_choking and peer.handle != self._optimistic]
        worst = min(served, key=self._given, default=newcomer)
        return worst.handle if self._given(worst) < self._given(newcomer) else None

    def _choose(self, interested: list[Candidate], seeding: bool, now: float) -> set[int]:
        if not self._slots:
            return set()
        self._random.shuffle(interested)
        self._keep_time(interested, now)
        regular = [peer for peer in interested if seeding or not peer.is_snubbing(now)]
        if seeding:
            regular.sort(key=lambda peer: self._turn(peer, now), reverse=True)
        else:
            regular.sort(key=self._given, reverse=True)
        chosen = {peer.handle for peer in regular[: max(self._slots - 1, 1)]}
        self._turns = {handle: self._turns.get(handle, now) for handle in chosen}
        if len(chosen) == self._slots:
            return chosen
        rest = [peer for peer in interested if peer.handle not in chosen]
        if all(peer.handle != self._optimistic for peer in rest) or self._round % OPTIMISTIC_ROUNDS == 0:
            self._optimistic = self._pick(rest, now)
        self._round += 1
        return chosen if self._optimistic is None else chosen | {self._optimistic}

    def _keep_time(self, interested: list[Candidate], now: float) -> None:
        for peer in interested:
            # A slot that was free between two rounds begins a turn as well.
            if not peer.am_choking and peer.handle != self._optimistic:
                self._turns.setdefault(peer.handle, now)
        self._waiting = {
            peer.handle: self._waiting.get(peer.handle, now) for peer in interested if peer.handle not in self._turns
        }

    def _turn(self, peer: Candidate, now: float) -> tuple[int, float]:
        if peer.handle in self._waiting:
            return 1, now - self._waiting[peer.handle]
        lasts = now - self._turns[peer.handle] < TURN
        return (2, 0.0) if lasts else (0, self._taken(peer))

    def _given(self, peer: Candidate) -> int:
        """Bytes that the peer gave us over the last rounds."""
        return peer.download.total - self._before(peer)[0]

    def _taken(self, peer: Candidate) -> int:
        return peer.upload.total - self._before(peer)[1]

    def _before(self, peer: Candidate) -> tuple[int, int]:
        return self._history[0].get(peer.handle, (0, 0)) if self._history else (0, 0)

    def _pick(self, peers: list[Candidate], now: float) -> int | None:
        if not peers:
            return None
        weights = [NEW_WEIGHT if now - peer.opened_at < NEW else 1 for peer in peers]
        return self._random.choices(peers, weights)[0].handle
