"""The receiving half of a connection: what the peer told us, and how each of its messages changes that.

Rules:
- Nothing but a handshake may come first (BEP 3).
- Until the number of pieces is known (a magnet), what the peer says it has is kept as it came, bounded,
  and checked in `set_piece_count`.
- A message that the protocol forbids raises `WireError`; the caller then drops the peer.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.errors import FormatError, WireError
from webtorrent_py.peer.extensions import Extensions
from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.peer.requests import MAX_REQUESTS, Requests
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import LT_DONTHAVE, OUR_IDS, parse_dont_have
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.hashes import Hashes, HashReject, HashRequest
from webtorrent_py.wire.parser import WireParser

# BEP 3: a peer that was asked and has sent nothing for a minute has snubbed us.
SNUBBING_TIME = 60.0
# How many hints of a peer are kept, the latest.
MAX_SUGGESTED = 16
# What stock webtorrent may ask for at once; larger requests are an attack on memory.
MAX_REQUEST_LENGTH = 128 * 1024
# How often a peer may tell of all its pieces; each time costs as much as the torrent has pieces.
MAX_CLAIMS = 4
# Clients allow some ten pieces (BEP 6); all that are allowed are looked through for each request while we are choked.
MAX_ALLOWED_FAST = 100
# How many of our requests a peer may hold when it does not say so itself. Common clients take 250.
DEFAULT_REQUEST_QUEUE = 250
# Requests go out once this share of the depth is free: one message for many instead of one for each.
REFILL_SHARE = 4
# The torrent with the most pieces has 10 MB of metadata, all of it hashes. Bounds what is kept of early `have`s.
MAX_PIECES = 8 * m.BITFIELD_LENGTH_LIMIT

Block = tuple[int, int, int]
"""A block of a piece: index of the piece, offset in the piece, length; both in bytes."""


class IncomingState:
    """What is known of a peer, brought up to date by the bytes that it sends.

    `peer_id` is the remote's 20 bytes once its handshake came (before that, what the tracker said of it, or None).
    """

    def __init__(
        self,
        info_hash: bytes,
        peer_id: bytes | None,
        now: float,
        names: tuple[bytes, ...] = (),
        v2: bytes | None = None,
    ) -> None:
        self.peer_id = peer_id
        self.handshaken = False
        self.last_received = now
        self.last_block = now
        self.last_wait = 0.0
        """Seconds between our request and the block that came last."""

        self.peer_choking = True
        self.peer_interested = False
        self.fast = False
        self.dht = False
        self.extended = False
        """Whether the peer's handshake said that it speaks the extension protocol (BEP 10)."""
        self.extensions = Extensions()
        self.upload_only = False
        """The peer says that it wants no pieces (BEP 21)."""
        self.request_limit = DEFAULT_REQUEST_QUEUE
        """How many requests the peer holds for us (its `reqq`, BEP 10)."""

        self.bitfield: Bitfield | None = None
        self.allowed_fast: set[int] = set()
        """Pieces that the peer serves even while it chokes (BEP 6)."""
        self.suggested: dict[int, None] = {}
        """Pieces that the peer would like to be asked for (BEP 6), oldest first."""
        self.requests = Requests()
        self.snubbed = False
        self.upload_queue: deque[Block] = deque()
        self.download = RateMeter()

        self.speaks_hashes = False
        """Whether it takes the hash messages of BEP 52: one of us called the torrent by its v2 info hash."""

        self._info_hash = info_hash
        self._names = names or (info_hash,)
        self._v2 = v2
        self._said_hash = b""
        self._parser = WireParser()
        self._claims = 0
        self._piece_count: int | None = None
        self._early_claim: m.BitfieldMessage | m.HaveAll | m.HaveNone | None = None
        self._early_haves: Bitfield | None = None
        self._early_losses: Bitfield | None = None

    def receive_data(self, data: bytes, now: float) -> Iterator[m.Message | Handshake]:
        """Take bytes as they came; yield the messages that concern the torrent. Raises `WireError`.

        A message is applied only once the one before it was dealt with, so that the state is always as it was
        when the message was sent, however many came at once.
        """
        self.last_received = now
        for message in self._parser.receive_data(data):
            if self._claims and isinstance(message, m.BitfieldMessage | m.HaveAll | m.HaveNone):
                yield from self._claimed_again(message, now)
            elif self._HANDLERS[type(message)](self, message, now):
                yield message

    def set_piece_count(self, count: int) -> None:
        """The metadata is known: check and apply what the peer said before. Raises `WireError`."""
        self._piece_count = count
        self._parser.set_piece_count(count)
        if not self.handshaken:
            return
        match self._early_claim:
            case m.BitfieldMessage(data=data):
                self.bitfield = self._parse_bitfield(data)
            case m.HaveAll():
                self.bitfield = Bitfield(count)
                self.bitfield.fill()
            case _:
                self.bitfield = Bitfield(count)
        for index in self._early_haves.indices() if self._early_haves else ():
            self._check_index(index)
            self.bitfield.set(index)
        for index in self._early_losses.indices() if self._early_losses else ():
            self._check_index(index)
            self.bitfield.clear(index)
        self._early_claim = self._early_haves = self._early_losses = None

    def _handle_handshake(self, message: Handshake, now: float) -> bool:
        if message.info_hash not in self._names and not self._may_be_v1_name(message):
            raise WireError("the peer's handshake is for another torrent")
        self._said_hash = message.info_hash
        self.speaks_hashes = self._v2 is not None and self._v2 in (self._info_hash, message.info_hash)
        self.handshaken = True
        self.peer_id = message.peer_id
        self.fast = message.fast
        self.dht = message.dht
        self.extended = message.extensions
        if self._piece_count is not None:
            self.bitfield = Bitfield(self._piece_count)
        return True

    def _may_be_v1_name(self, handshake: Handshake) -> bool:
        """Whether it may mean our torrent, of which we know the v2 info hash only.

        A hybrid's v1 hash is not known before the metadata. libtorrent sends it (with the v2 bit) on data channels
        that the v2 swarm made, and zeros where there is none.
        """
        return self._names == (self._v2,) and (handshake.v2 or not any(handshake.info_hash))

    def set_names(self, names: tuple[bytes, ...], v2: bytes | None) -> None:
        """The metadata is known, and so are all names of the torrent. Raises `WireError` if the peer used another."""
        self._names, self._v2 = names, v2
        if any(self._said_hash) and self._said_hash not in names:
            raise WireError("the peer's handshake was for another torrent")

    def _handle_choke(self, message: m.Choke, now: float) -> bool:
        if self.peer_choking:
            return False
        self.peer_choking = True
        return True

    def _handle_unchoke(self, message: m.Unchoke, now: float) -> bool:
        if not self.peer_choking:
            return False
        self.peer_choking = False
        return True

    def _handle_interested(self, message: m.Interested, now: float) -> bool:
        self.peer_interested = True
        return True

    def _handle_not_interested(self, message: m.NotInterested, now: float) -> bool:
        self.peer_interested = False
        return True

    def _handle_have(self, message: m.Have, now: float) -> bool:
        self._claims = max(self._claims, 1)
        if self.bitfield is None:
            self._note_early(message.index, has=True)
            return False
        self._check_index(message.index)
        if self.bitfield[message.index]:
            return False
        self.bitfield.set(message.index)
        return True

    def _note_early(self, index: int, has: bool) -> None:
        if index >= MAX_PIECES:
            raise WireError(f"the peer named piece {index}; no torrent has so many")
        if self._early_haves is None or self._early_losses is None:
            self._early_haves, self._early_losses = Bitfield(MAX_PIECES), Bitfield(MAX_PIECES)
        (self._early_haves if has else self._early_losses).set(index)
        (self._early_losses if has else self._early_haves).clear(index)

    def _handle_claim(self, message: m.BitfieldMessage | m.HaveAll | m.HaveNone, now: float) -> bool:
        if not isinstance(message, m.BitfieldMessage):
            self._check_fast()
        self._claims = 1
        if self.bitfield is None:
            self._early_claim = message
            return False
        self.bitfield = self._pieces_of(message)
        return True

    def _claimed_again(self, message: m.BitfieldMessage | m.HaveAll | m.HaveNone, now: float) -> Iterator[m.Message]:
        """Take a further claim as a `have` of each piece that is new in it.

        BEP 3 wants one claim, and first. Stock peers repeat it once they have looked through their store.
        """
        self._claims += 1
        if self._claims > MAX_CLAIMS:
            raise WireError(f"the peer told more than {MAX_CLAIMS} times of all its pieces")
        if not isinstance(message, m.BitfieldMessage):
            self._check_fast()
        if self.bitfield is None:
            self._early_claim = message
            return
        for index in self._pieces_of(message).indices():
            have = m.Have(index)
            if self._handle_have(have, now):
                yield have

    def _pieces_of(self, claim: m.BitfieldMessage | m.HaveAll | m.HaveNone) -> Bitfield:
        assert self._piece_count is not None
        if isinstance(claim, m.BitfieldMessage):
            return self._parse_bitfield(claim.data)
        pieces = Bitfield(self._piece_count)
        if isinstance(claim, m.HaveAll):
            pieces.fill()
        return pieces

    def _handle_request(self, message: m.Request, now: float) -> bool:
        if not 0 < message.length <= MAX_REQUEST_LENGTH:
            raise WireError(f"the peer asked for a block of {message.length} bytes; at most {MAX_REQUEST_LENGTH}")
        if self._piece_count is None:
            return False
        self._check_index(message.index)
        return True

    def _handle_piece(self, message: m.Piece, now: float) -> bool:
        length = len(message.data)
        self.download.add(length, now)
        sent_at = self.requests.answered((message.index, message.begin), length)
        if sent_at is not None:
            self.last_wait = now - sent_at
        self.last_block = now
        return True

    def _handle_cancel(self, message: m.Cancel, now: float) -> bool:
        return (message.index, message.begin, message.length) in self.upload_queue

    def _handle_reject(self, message: m.Reject, now: float) -> bool:
        self._check_fast()
        return self.requests.rejected((message.index, message.begin))

    def _handle_allowed_fast(self, message: m.AllowedFast, now: float) -> bool:
        self._check_fast()
        # Before the number of pieces is known nothing could be asked for.
        if self._piece_count is None:
            return False
        self._check_index(message.index)
        if message.index in self.allowed_fast or len(self.allowed_fast) >= MAX_ALLOWED_FAST:
            return False
        self.allowed_fast.add(message.index)
        return True

    def _handle_suggest(self, message: m.Suggest, now: float) -> bool:
        self._check_fast()
        if self._piece_count is not None:
            self._check_index(message.index)
            self.suggested[message.index] = None
            if len(self.suggested) > MAX_SUGGESTED:
                del self.suggested[next(iter(self.suggested))]
        return False

    def _handle_ignored(self, message: m.Message, now: float) -> bool:
        return False

    def _handle_extended(self, message: m.Extended, now: float) -> bool:
        if message.id == 0:
            told = self.extensions.handshake_received(message.payload)
            self.request_limit = min(told.reqq, MAX_REQUESTS) if told.reqq else DEFAULT_REQUEST_QUEUE
            if told.upload_only is not None:
                self.upload_only = told.upload_only
        elif message.id == OUR_IDS[LT_DONTHAVE]:
            return self._handle_dont_have(parse_dont_have(message.payload))
        return True

    def _handle_hashes(self, message: HashRequest | Hashes | HashReject, now: float) -> bool:
        return True

    def _handle_dont_have(self, index: int) -> bool:
        if self.bitfield is None:
            self._note_early(index, has=False)
            return False
        self._check_index(index)
        if self.bitfield.all:
            self._claims += 1
            if self._claims > MAX_CLAIMS:
                raise WireError(f"the peer had everything, and then not, more than {MAX_CLAIMS} times")
        self.allowed_fast.discard(index)
        self.suggested.pop(index, None)
        return self.bitfield.clear(index)

    _HANDLERS: ClassVar[dict[type, Callable[[Any, Any, float], bool]]] = {
        Handshake: _handle_handshake,
        m.KeepAlive: _handle_ignored,
        m.Choke: _handle_choke,
        m.Unchoke: _handle_unchoke,
        m.Interested: _handle_interested,
        m.NotInterested: _handle_not_interested,
        m.Have: _handle_have,
        m.BitfieldMessage: _handle_claim,
        m.HaveAll: _handle_claim,
        m.HaveNone: _handle_claim,
        m.Request: _handle_request,
        m.Piece: _handle_piece,
        m.Cancel: _handle_cancel,
        m.Reject: _handle_reject,
        m.AllowedFast: _handle_allowed_fast,
        m.Suggest: _handle_suggest,
        m.Port: _handle_ignored,
        m.Unknown: _handle_ignored,
        m.Extended: _handle_extended,
        HashRequest: _handle_hashes,
        Hashes: _handle_hashes,
        HashReject: _handle_hashes,
    }

    def _check_fast(self) -> None:
        if not self.fast:
            raise WireError("the peer used the fast extension without having offered it")

    def _check_index(self, index: int) -> None:
        if self._piece_count is None or index >= self._piece_count:
            raise WireError(f"the peer named piece {index} of a torrent with {self._piece_count} pieces")

    def _parse_bitfield(self, data: bytes) -> Bitfield:
        assert self._piece_count is not None
        try:
            return Bitfield.from_bytes(data, self._piece_count)
        except FormatError as error:
            raise WireError(f"the peer's bitfield is malformed: {error}") from error

    # --- what it is like ----------------------------------------------------------

    prefers_runs: ClassVar[bool] = False
    """Blocks of any pieces cost it the same."""

    def room(self, depth: int) -> int:
        """How many blocks to ask for now, so that `depth` are under way; none until enough of them came."""
        if self.peer_choking and not self.allowed_fast:
            return 0
        depth = min(depth, self.request_limit)
        outstanding = len(self.requests)
        return depth - outstanding if outstanding <= depth - max(depth // REFILL_SHARE, 1) else 0

    @property
    def has_told_pieces(self) -> bool:
        """Whether the peer has said anything of what it has."""
        return self._claims > 0

    @property
    def is_seed(self) -> bool:
        """Whether the peer has every piece."""
        return self.bitfield is not None and self.bitfield.all

    def is_snubbing(self, now: float) -> bool:
        """Whether the peer was asked, could answer, and has sent nothing for a minute (BEP 3)."""
        return self.snubbed and not self.peer_choking and now - self.last_block > SNUBBING_TIME

    def may_request(self, index: int) -> bool:
        """Whether the peer has the piece and would serve it now (unchoked, or allowed fast, BEP 6)."""
        if self.bitfield is None or not self.bitfield[index]:
            return False
        return not self.peer_choking or index in self.allowed_fast

    def has_extension(self, name: str) -> bool:
        """Whether the peer takes messages of this extension (BEP 10)."""
        return name in self.extensions.names

    @property
    def requestable(self) -> Bitfield:
        """The pieces for which `may_request` holds. The number of pieces is known."""
        assert self.bitfield is not None
        if not self.peer_choking:
            return self.bitfield
        allowed = Bitfield(len(self.bitfield))
        for index in self.allowed_fast:
            if self.bitfield[index]:
                allowed.set(index)
        return allowed
