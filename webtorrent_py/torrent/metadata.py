"""Getting the info dictionary from peers, and giving it to them (BEP 9).

Strategy: peers that name the same size are asked for different pieces of the dictionary at once, and each size
is an attempt of its own beside the others: whoever lies about the size holds up nobody. If the whole of what
several peers sent does not have the info hash, one of them lied: from then on each of them is an attempt of its
own, and one whose dictionary is wrong is out.

Rules: nothing is allocated for a size that no metadata has; a peer that rejects or is late rests for a while,
and what it was asked for is asked of others; only a dictionary with the right hash leaves this module.
"""

import hashlib
from collections.abc import Callable
from itertools import islice

from webtorrent_py.errors import WireError
from webtorrent_py.wire.extensions import MetadataData, MetadataReject, MetadataRequest

METADATA_PIECE = 16 * 1024
# Seconds until somebody else is asked for a piece. Stock webtorrent answers at once or never.
ANSWER_TIMEOUT = 10.0
# Requests to one peer at a time: a browser's answer is small and quick, and others may take a share.
PIPELINE = 4
# Attempts at a time: each may come to hold 10 MB before it is found to be wrong.
MAX_ATTEMPTS = 8

Send = Callable[[int, bytes], None]
"""Sends a `ut_metadata` payload to the peer with this handle."""

Key = tuple[int, int | None]
"""What is common to the peers of an attempt: the size, and the peer if it is alone."""


class _Attempt:
    """A dictionary of `size` bytes that is being put together from what `peers` send."""

    __slots__ = ("asked", "peers", "pieces", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        # In the order in which they are asked.
        self.peers: list[int] = []
        # (peer, piece) → until when the answer is waited for.
        self.asked: dict[tuple[int, int], float] = {}
        # Piece → who sent it, and its bytes.
        self.pieces: dict[int, tuple[int, bytes]] = {}

    @property
    def piece_count(self) -> int:
        return -(-self.size // METADATA_PIECE)

    def forget_requests(self, peer: int) -> None:
        self.asked = {key: until for key, until in self.asked.items() if key[0] != peer}


class MetadataDownload:
    """Collects the info dictionary with the given hash, or hashes. Peers are named by their handles."""

    def __init__(self, info_hash: bytes, send: Send, info_hash_v2: bytes | None = None) -> None:
        self._info_hash = info_hash
        self._info_hash_v2 = info_hash_v2
        self._send = send
        self._attempts: dict[Key, _Attempt] = {}
        self._key_of: dict[int, Key] = {}
        self._distrusted: set[int] = set()
        # Peers that rejected or were late → until when they are not asked.
        self._resting: dict[int, float] = {}

    def add_peer(self, peer: int, size: int, now: float) -> None:
        """A peer offers metadata of `size` bytes."""
        self._join(peer, size)
        self._ask(now)

    def remove_peer(self, peer: int, now: float) -> None:
        """A peer is gone or of no use."""
        self._resting.pop(peer, None)
        key = self._key_of.pop(peer, None)
        if key is not None:
            attempt = self._attempts[key]
            attempt.peers.remove(peer)
            attempt.forget_requests(peer)
            if not attempt.peers:
                del self._attempts[key]
            self._ask(now)

    def rejected(self, peer: int, message: MetadataReject, now: float) -> None:
        """A peer will not send a piece; it is asked again only after a while."""
        key = self._key_of.get(peer)
        if key is not None and self._attempts[key].asked.pop((peer, message.piece), None) is not None:
            self._rest(peer, now)
            self._ask(now)

    def received(self, peer: int, message: MetadataData, now: float) -> bytes | None:
        """Take a piece. The verified dictionary when it is whole.

        Raises `WireError` if this peer alone sent a wrong dictionary, or a piece of a wrong length.
        """
        key = self._key_of.get(peer)
        if key is None:
            return None
        attempt = self._attempts[key]
        if attempt.asked.pop((peer, message.piece), None) is None and peer not in self._resting:
            return None
        if len(message.data) != min(METADATA_PIECE, attempt.size - message.piece * METADATA_PIECE):
            raise WireError(f"the peer sent a metadata piece of {len(message.data)} bytes")
        attempt.pieces[message.piece] = peer, message.data
        if len(attempt.pieces) < attempt.piece_count:
            self._ask(now)
            return None
        info = b"".join(attempt.pieces[number][1] for number in range(attempt.piece_count))
        if self._is_right(info):
            return info
        sources = {source for source, _ in attempt.pieces.values()}
        attempt.pieces.clear()
        if sources == {peer}:
            raise WireError("the peer sent metadata that does not match the info hash")
        self._distrusted.add(attempt.size)
        del self._attempts[key]
        for each in attempt.peers:
            self._join(each, attempt.size)
        self._ask(now)
        return None

    def _is_right(self, info: bytes) -> bool:
        """Whether it has every hash that is known: SHA-1 (BEP 3), SHA-256 (BEP 52)."""
        v2 = self._info_hash_v2
        if v2 is not None and hashlib.sha256(info).digest() != v2:
            return False
        return (v2 is not None and v2.startswith(self._info_hash)) or hashlib.sha1(info).digest() == self._info_hash

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next."""
        times = [until for attempt in self._attempts.values() for until in attempt.asked.values()]
        return min((*times, *self._resting.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Ask others for what was not answered in time."""
        self._resting = {peer: until for peer, until in self._resting.items() if until > now}
        for attempt in list(self._attempts.values()):
            for peer in {peer for (peer, _), until in attempt.asked.items() if until <= now}:
                attempt.forget_requests(peer)
                self._rest(peer, now)
        self._ask(now)

    def _join(self, peer: int, size: int) -> None:
        key = self._key_of[peer] = size, peer if size in self._distrusted else None
        self._attempts.setdefault(key, _Attempt(size)).peers.append(peer)

    def _rest(self, peer: int, now: float) -> None:
        """Ask others first, so that everybody's turn comes."""
        self._resting[peer] = now + ANSWER_TIMEOUT
        key = self._key_of[peer]
        attempt = self._attempts[key]
        attempt.peers.remove(peer)
        attempt.peers.append(peer)
        if not attempt.asked and len(self._attempts) > MAX_ATTEMPTS:
            attempt.pieces.clear()
            self._attempts[key] = self._attempts.pop(key)

    def _ask(self, now: float) -> None:
        for attempt in islice(self._attempts.values(), MAX_ATTEMPTS):
            missing = set(range(attempt.piece_count)) - attempt.pieces.keys() - {piece for _, piece in attempt.asked}
            for peer in attempt.peers:
                if not missing or peer in self._resting:
                    continue
                free = PIPELINE - sum(1 for each, _ in attempt.asked if each == peer)
                for piece in sorted(missing)[:free]:
                    missing.discard(piece)
                    attempt.asked[peer, piece] = now + ANSWER_TIMEOUT
                    self._send(peer, MetadataRequest(piece).serialize())


def metadata_answer(info: bytes, request: MetadataRequest) -> bytes:
    """The payload that answers a request for a piece of our info dictionary."""
    start = request.piece * METADATA_PIECE
    if start >= len(info):
        return MetadataReject(request.piece).serialize()
    return MetadataData(request.piece, len(info), info[start : start + METADATA_PIECE]).serialize()
