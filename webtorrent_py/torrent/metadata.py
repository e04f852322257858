"""Getting the info dictionary from peers, and giving it to them (BEP 9).

Strategy: all peers that name the same size are asked for different pieces of the dictionary at once. If
the whole does not have the info hash, somebody lied: from then on one peer at a time is asked for all of
it, and one whose dictionary is wrong is out.

Rules: nothing is allocated for a size that no metadata has; every piece is kept once; only a dictionary
with the right hash leaves this module.
"""

import hashlib
from collections.abc import Callable

from webtorrent_py.errors import WireError
from webtorrent_py.wire.extensions import MetadataData, MetadataReject, MetadataRequest

METADATA_PIECE = 16 * 1024
# Seconds until somebody else is asked for a piece. Stock webtorrent answers at once or never.
ANSWER_TIMEOUT = 10.0
# Requests to one peer at a time: a browser's answer is small and quick, and others may take a share.
PIPELINE = 4

Send = Callable[[int, bytes], None]
"""Sends a `ut_metadata` payload to the peer with this handle."""


class MetadataDownload:
    """Collects the info dictionary with the given hash. Peers are named by their handles."""

    def __init__(self, info_hash: bytes, send: Send) -> None:
        self._info_hash = info_hash
        self._send = send
        self._sizes: dict[int, int] = {}
        # (peer, piece) → until when an answer is waited for, or the peer is not asked again.
        self._asked: dict[tuple[int, int], float] = {}
        self._refused: dict[tuple[int, int], float] = {}
        self._size = 0
        self._pieces: dict[int, bytes] = {}
        self._sources: set[int] = set()
        self._only: int | None = None
        self._distrust = False

    def add_peer(self, peer: int, size: int, now: float) -> None:
        """A peer offers metadata of `size` bytes."""
        self._sizes[peer] = size
        self._ask(now)

    def remove_peer(self, peer: int, now: float) -> None:
        """A peer is gone or of no use."""
        self._sizes.pop(peer, None)
        self._asked = {key: until for key, until in self._asked.items() if key[0] != peer}
        self._refused = {key: until for key, until in self._refused.items() if key[0] != peer}
        if peer == self._only:
            self._restart(now)
        else:
            self._ask(now)

    def rejected(self, peer: int, message: MetadataReject, now: float) -> None:
        """A peer will not send a piece now; it is asked again only after a while."""
        self._asked.pop((peer, message.piece), None)
        self._refuse(peer, message.piece, now)
        if peer == self._only:
            self._restart(now)
        else:
            self._ask(now)

    def received(self, peer: int, message: MetadataData, now: float) -> bytes | None:
        """Take a piece. The verified dictionary when it is whole.

        Raises `WireError` if this peer alone sent a wrong dictionary, or a piece of a wrong length.
        """
        if self._asked.pop((peer, message.piece), None) is None or self._sizes.get(peer) != self._size:
            return None
        if len(message.data) != min(METADATA_PIECE, self._size - message.piece * METADATA_PIECE):
            raise WireError(f"the peer sent a metadata piece of {len(message.data)} bytes")
        self._pieces.setdefault(message.piece, bytes(message.data))
        self._sources.add(peer)
        if len(self._pieces) < self._piece_count:
            self._ask(now)
            return None
        info = b"".join(self._pieces[number] for number in range(self._piece_count))
        if hashlib.sha1(info).digest() == self._info_hash:
            return info
        sources = self._sources
        self._distrust = True
        self._restart(now, ask=len(sources) > 1)
        if len(sources) == 1:
            raise WireError("the peer sent metadata that does not match the info hash")
        return None

    def get_timer(self) -> float | None:
        """When to call `handle_timer` next."""
        return min((*self._asked.values(), *self._refused.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Ask others for what was not answered in time."""
        late = {key for key, until in self._asked.items() if until <= now}
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        for key in late:
            del self._asked[key]
            self._refuse(*key, now)
        if self._only in {peer for peer, _ in late}:
            self._restart(now)
        else:
            self._ask(now)

    @property
    def _piece_count(self) -> int:
        return -(-self._size // METADATA_PIECE)

    def _refuse(self, peer: int, piece: int, now: float) -> None:
        self._refused[peer, piece] = now + ANSWER_TIMEOUT
        self._to_the_end(peer)

    def _to_the_end(self, peer: int) -> None:
        """Ask all others before this peer, so that everybody's turn comes."""
        if peer in self._sizes:
            self._sizes[peer] = self._sizes.pop(peer)

    def _restart(self, now: float, ask: bool = True) -> None:
        self._size = 0
        self._pieces.clear()
        self._sources = set()
        self._asked.clear()
        self._only = None
        if ask:
            self._ask(now)

    def _ask(self, now: float) -> None:
        if self._size:
            self._ask_chosen(now)
        if not self._asked:
            # Nothing was settled yet, or nobody of those that were settled on answers: begin anew.
            self._size = 0
            self._pieces.clear()
            self._sources = set()
            self._only = None
            if self._choose():
                self._ask_chosen(now)

    def _ask_chosen(self, now: float) -> None:
        asked_by_anyone = {number for _, number in self._asked}
        for peer, size in self._sizes.items():
            if size != self._size or (self._only is not None and peer != self._only):
                continue
            free = PIPELINE - sum(1 for each, _ in self._asked if each == peer)
            for number in range(self._piece_count):
                if free <= 0:
                    break
                if number in self._pieces or number in asked_by_anyone or (peer, number) in self._refused:
                    continue
                free -= 1
                asked_by_anyone.add(number)
                self._asked[peer, number] = now + ANSWER_TIMEOUT
                self._send(peer, MetadataRequest(number).serialize())

    def _choose(self) -> bool:
        """Settle on a size, and in distrust on one peer: one that has refused nothing lately."""
        refusers = {peer for peer, _ in self._refused}
        usable = [peer for peer in self._sizes if peer not in refusers]
        if not usable:
            return False
        if self._distrust:
            self._only = usable[0]
            self._to_the_end(self._only)
            self._size = self._sizes[self._only]
        else:
            sizes = [self._sizes[peer] for peer in usable]
            self._size = max(set(sizes), key=sizes.count)
        return True


def metadata_answer(info: bytes, request: MetadataRequest) -> bytes:
    """The payload that answers a request for a piece of our info dictionary."""
    start = request.piece * METADATA_PIECE
    if start >= len(info):
        return MetadataReject(request.piece).serialize()
    return MetadataData(request.piece, len(info), info[start : start + METADATA_PIECE]).serialize()
