"""The hashes of a v2 torrent between us and its peers (BEP 52): asked for, given, and what waits for them.

A piece that is complete before its hash is known waits here with its digests. A piece that is wrong, with blocks of
several peers, is questioned: the hashes of its blocks are asked for, which tell the wrong ones and so who lied.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from webtorrent_py.codec.merkle import HASH_SIZE
from webtorrent_py.errors import WireError
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.torrent.hash_requests import HashRequests
from webtorrent_py.torrent.hashes import PieceHashes
from webtorrent_py.wire.hashes import Hashes, HashQuery, HashReject, HashRequest

# Seconds after which a piece is got anew without knowing what was wrong: enough to ask two peers.
QUESTION_TIMEOUT = 15.0
# Bytes of hashes that a peer may be given, as a multiple of what there is: it may have to ask again, but an answer is
# hundreds of times as long as a request.
MAX_COPIES = 16


@dataclass(slots=True)
class _Question:
    """A piece that is wrong: its own leaves, what is not answered yet, the blocks found to be wrong."""

    leaves: bytes
    unanswered: set[HashQuery]
    deadline: float
    wrong: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answered:
    """What can go on: digests of pieces whose hash is known now, and questioned pieces with their wrong blocks.

    None in place of blocks: nobody told which they are.
    """

    judgeable: tuple[tuple[int, bytes], ...] = ()
    questioned: tuple[tuple[int, list[int] | None], ...] = ()


class HashExchange:
    """Of one torrent. Pieces are named by their index in it."""

    def __init__(self, hashes: PieceHashes, peers: Mapping[int, PeerConnection], now: float) -> None:
        self._hashes = hashes
        self._peers = peers
        self._now = now
        self._requests = HashRequests(self._send)
        self._waiting: dict[int, bytes] = {}
        self._questions: dict[int, _Question] = {}
        self._questioned_by: defaultdict[HashQuery, set[int]] = defaultdict(set)
        self._given: dict[int, int] = {}
        self._requests.want(hashes.missing(), now)

    def peer_added(self, peer: PeerConnection, now: float) -> None:
        """A peer finished its handshake."""
        if peer.speaks_hashes:
            self._now = now
            self._requests.add_peer(peer.handle, now)

    def peer_removed(self, peer: PeerConnection, now: float) -> None:
        """A peer is gone."""
        self._now = now
        self._given.pop(peer.handle, None)
        self._requests.remove_peer(peer.handle, now)

    # --- what waits ----------------------------------------------------------------------------

    def wait(self, index: int, digests: bytes, now: float) -> None:
        """Keep the digests of a piece until its hash is known."""
        self._now = now
        self._waiting[index] = digests
        query = self._hashes.query_for(index)
        if query is not None:
            self._requests.want([query], now, urgent=True)

    def question(self, index: int, leaves: bytes, now: float) -> bool:
        """Find out which blocks of a wrong piece are wrong. False if nobody can be asked."""
        if not leaves or self._hashes.piece_root(index) is None or not self._requests.any_peer:
            return False  # what peers told could not be proven, or there is nobody to ask
        queries = self._hashes.leaf_queries(index)
        if not queries:
            return False
        self._now = now
        self._questions[index] = _Question(leaves, set(queries), now + QUESTION_TIMEOUT)
        for query in queries:
            self._questioned_by[query].add(index)
        self._requests.want(queries, now, urgent=True)
        return True

    def tick(self, now: float) -> Answered:
        """About a second has passed."""
        self._now = now
        self._requests.tick(now)
        late = [index for index, question in self._questions.items() if question.deadline <= now]
        for index in late:
            self._forget(index)
        return Answered(questioned=tuple((index, None) for index in late))

    # --- messages ------------------------------------------------------------------------------

    def received(self, peer: int, message: Hashes, now: float) -> Answered:
        """Hashes came. Raises `WireError` if they are wrong, or were not asked for."""
        self._now = now
        query = message.query
        if not self._requests.received(peer, query):
            return Answered()
        try:
            if query not in self._questioned_by:
                self._hashes.add(message)
                answered = self._judgeable()
            else:
                answered = self._judge_blocks(message)
        except WireError:
            self._requests.want([query], now, urgent=True)
            raise
        self._requests.go_on(now)
        return answered

    def rejected(self, peer: int, message: HashReject, now: float) -> None:
        """The peer will not tell."""
        self._now = now
        self._requests.rejected(peer, message.query, now)

    def requested(self, peer: PeerConnection, message: HashRequest, now: float) -> None:
        """The peer asks for hashes. Raises `WireError` when it does so again and again."""
        answer = self._hashes.answer(message.query)
        if answer is None:
            peer.send_hashes(HashReject(message.query), now)
            return
        given = self._given.get(peer.handle, 0) + len(answer.hashes)
        if given > MAX_COPIES * self._hashes.size:
            raise WireError("the peer asks for the hashes again and again")
        self._given[peer.handle] = given
        peer.send_hashes(answer, now)

    def _judgeable(self) -> Answered:
        known = [index for index in self._waiting if self._hashes.piece_root(index) is not None]
        return Answered(judgeable=tuple((index, self._waiting.pop(index)) for index in known))

    def _judge_blocks(self, message: Hashes) -> Answered:
        query = message.query
        done = []
        for index in tuple(self._questioned_by[query]):
            right = self._hashes.check_leaves(index, message)
            question = self._questions[index]
            question.unanswered.discard(query)
            first = self._hashes.first_block(query)
            for at in range(0, len(right), HASH_SIZE):
                start = first * HASH_SIZE + at
                leaf = question.leaves[start : start + HASH_SIZE]
                if leaf and leaf != right[at : at + HASH_SIZE]:
                    question.wrong.append(start // HASH_SIZE)
            if not question.unanswered:
                done.append((index, question.wrong))
        del self._questioned_by[query]
        for index, _ in done:
            self._forget(index)
        return Answered(questioned=tuple(done))

    def _forget(self, index: int) -> None:
        for query in self._questions.pop(index).unanswered:
            self._questioned_by[query].discard(index)
            if not self._questioned_by[query]:
                del self._questioned_by[query]
                self._requests.give_up([query])

    def _send(self, handle: int, query: HashQuery) -> None:
        self._peers[handle].send_hashes(HashRequest(query), self._now)
