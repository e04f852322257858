"""Asking peers for hashes of a v2 torrent (BEP 52).

Strategy: what is missing stands in one queue, what somebody waits for at its front. Every peer that knows of hashes
has a few requests at a time. What it rejects or does not answer in time goes to the end of the queue, for others, and
the peer rests for a while, so that everybody's turn comes.

Rules: an answer is taken only from whom it was asked of, once; what it says is for the caller to prove, and a peer
that said something else is dropped.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from webtorrent_py.wire.hashes import HashQuery

# Seconds until somebody else is asked.
ANSWER_TIMEOUT = 10.0
# Requests to one peer at a time: an answer has up to 18 kB.
PIPELINE = 2

Send = Callable[[int, HashQuery], None]
"""Asks the peer with this handle."""


class HashRequests:
    """What is asked of whom. Peers are named by their handles."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: OrderedDict[HashQuery, None] = OrderedDict()
        self._wanted: set[HashQuery] = set()
        # Peer → what it is asked for, and until when the answer is waited for.
        self._asked: dict[int, dict[HashQuery, float]] = {}
        # Peers that rejected or were late → until when they are not asked.
        self._resting: dict[int, float] = {}

    @property
    def any_peer(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._asked)

    def want(self, queries: Iterable[HashQuery], now: float, *, urgent: bool = False) -> None:
        """Ask for these, before all others if it is urgent."""
        for query in queries:
            if query not in self._wanted:
                self._wanted.add(query)
                self._queue[query] = None
            if urgent and query in self._queue:
                self._queue.move_to_end(query, last=False)
        self._ask(now)

    def give_up(self, queries: Iterable[HashQuery]) -> None:
        """Nobody waits for these any more."""
        for query in queries:
            self._wanted.discard(query)
            self._queue.pop(query, None)

    def add_peer(self, peer: int, now: float) -> None:
        """A peer that knows of hashes is there."""
        self._asked[peer] = {}
        self._ask(now)

    def remove_peer(self, peer: int, now: float) -> None:
        """A peer is gone; others are asked for what it was asked for."""
        self._resting.pop(peer, None)
        self._requeue(self._asked.pop(peer, {}))
        self._ask(now)

    def received(self, peer: int, query: HashQuery) -> bool:
        """An answer came. Whether it is one that is still wanted; then it is not asked for again."""
        if self._asked.get(peer, {}).pop(query, None) is None or query not in self._wanted:
            return False
        self._wanted.remove(query)
        return True

    def rejected(self, peer: int, query: HashQuery, now: float) -> None:
        """The peer will not answer."""
        until = self._asked.get(peer, {}).pop(query, None)
        if until is not None:
            self._requeue([query])
            self._resting[peer] = now + ANSWER_TIMEOUT
            self._ask(now)

    def go_on(self, now: float) -> None:
        """An answer was dealt with: ask for more."""
        self._ask(now)

    def tick(self, now: float) -> None:
        """Ask others for what was not answered in time."""
        if not self._wanted:
            return
        self._resting = {peer: until for peer, until in self._resting.items() if until > now}
        for peer, asked in self._asked.items():
            late = [query for query, until in asked.items() if until <= now]
            for query in late:
                del asked[query]
            if late:
                self._requeue(late)
                self._resting[peer] = now + ANSWER_TIMEOUT
        self._ask(now)

    def _requeue(self, queries: Iterable[HashQuery]) -> None:
        self._queue.update((query, None) for query in queries if query in self._wanted)

    def _ask(self, now: float) -> None:
        for peer, asked in self._asked.items():
            while self._queue and len(asked) < PIPELINE and peer not in self._resting:
                query, _ = self._queue.popitem(last=False)
                asked[query] = now + ANSWER_TIMEOUT
                self._send(peer, query)
