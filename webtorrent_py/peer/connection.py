"""One connection to one peer: the state that BEP 3, 6 and 10 keep per wire, and the bytes that follow.

Strategy: bytes come in through `receive_data` (`incoming.py`), which applies one message after the other to the
state and yields those that somebody else must know of, already checked against that state. What is to be sent
is called by name (`send_request`, `send_choke` …) and leaves through the outbox. The connection knows
its peer, not the torrent: it decides nothing about what to ask for or whom to serve.
"""

from collections.abc import Iterable, Mapping

from webtorrent_py.actions import ClosePeer, Send, SendBlock
from webtorrent_py.codec.address import Address
from webtorrent_py.codec.bencode import Encodable
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.errors import UnknownExtensionError
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.incoming import Block, IncomingState
from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.peer.requests import MAX_REQUESTS
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import LT_DONTHAVE, OUR_IDS, serialize_dont_have
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.hashes import Hashes, HashReject, HashRequest

__all__ = ["MAX_QUEUED_REQUESTS", "Block", "PeerConnection"]

# How many requests of theirs we hold, announced as `reqq` (BEP 10). The same number as libtorrent's.
MAX_QUEUED_REQUESTS = MAX_REQUESTS


class PeerConnection(IncomingState):
    """The wire to one peer.

    `handle` names it to the host, `outgoing` tells whether we made the offer. Both ends send their handshake at
    once (BEP 3); ours has `info_hash`, theirs any of `names`, of which `v2` is that of the v2 swarm (BEP 52).
    `address` is the other end of a TCP connection, `offer_id` names a data channel.
    """

    def __init__(
        self,
        handle: int,
        *,
        info_hash: bytes,
        own_id: bytes,
        outgoing: bool,
        offer_id: bytes = b"",
        outbox: Outbox,
        now: float,
        peer_id: bytes | None = None,
        address: Address | None = None,
        names: tuple[bytes, ...] = (),
        v2: bytes | None = None,
    ) -> None:
        super().__init__(info_hash, peer_id, now, names, v2)
        self.handle = handle
        self.outgoing = outgoing
        self.address = address
        self.offer_id = offer_id
        self.closed = False
        self.opened_at = now
        self.last_sent = now

        self.am_choking = True
        self.am_interested = False
        self.am_upload_only = False
        """Whether our last extended handshake said that we want no pieces (BEP 21)."""
        self.allowed_to_peer: dict[int, int] = {}
        """Piece that we serve even while choking → bytes of it that are left to be served so (BEP 6)."""
        self.writable = True
        self.upload = RateMeter()

        self._own_id = own_id
        self._outbox = outbox

    def send_handshake(self, now: float) -> None:
        """Open the conversation (BEP 3)."""
        is_upgradable = self._v2 not in (None, self._info_hash)
        self._send(Handshake.ours(self._info_hash, self._own_id, v2=is_upgradable).serialize(), now)

    def send_pieces(self, have: Bitfield | None, now: float) -> None:
        """Tell what we have, as the first message after the handshakes (BEP 3, BEP 6)."""
        if have is None or have.none:
            if self.fast:
                self._send(m.HaveNone().serialize(), now)
        elif have.all and self.fast:
            self._send(m.HaveAll().serialize(), now)
        else:
            self._send(m.BitfieldMessage(have.to_bytes()).serialize(), now)

    def send_extended_handshake(
        self,
        metadata_size: int | None,
        now: float,
        *,
        ids: Mapping[str, int] = OUR_IDS,
        port: int | None = None,
        upload_only: bool = False,
    ) -> None:
        """Name our extensions (BEP 10); sent again when the metadata's size or `upload_only` (BEP 21) has changed."""
        self.am_upload_only = upload_only
        self.extensions.announced(ids, port=port, metadata_size=metadata_size, upload_only=upload_only)
        if self.extended:
            self._send(m.Extended(0, self.extensions.to_send(MAX_QUEUED_REQUESTS)).serialize(), now)

    def send_metadata(self, payload: bytes, now: float) -> None:
        """Send a `ut_metadata` message, if the peer takes any."""
        if self.extensions.metadata_id is not None:
            self._send(m.Extended(self.extensions.metadata_id, payload).serialize(), now)

    def use_extension(self, name: str, fields: Mapping[str, Encodable], now: float) -> None:
        """Take messages of an extension, and tell the peer so, with `fields` in the handshake. Raises `LocalError`."""
        if not self.extended:
            raise UnknownExtensionError("the peer does not speak the extension protocol (BEP 10)")
        self.extensions.use(name, fields)
        self._send(m.Extended(0, self.extensions.to_send(MAX_QUEUED_REQUESTS)).serialize(), now)

    def send_extended(self, name: str, payload: bytes, now: float) -> None:
        """Send a message of an extension. Raises `UnknownExtensionError`, `InvalidOptionError`."""
        self._send(m.Extended(*self.extensions.message(name, payload)).serialize(), now)

    def send_extension(self, name: str, payload: bytes, now: float) -> None:
        """Send an extension's message under the id that the peer gave it, if it takes any."""
        if name in self.extensions.names:
            self._send(m.Extended(self.extensions.names[name], payload).serialize(), now)

    def send_haves(self, haves: bytes, now: float) -> None:
        """Tell of pieces that we have now, in `have` messages that are serialized once for all peers."""
        self._send(haves, now)

    def send_hashes(self, message: HashRequest | Hashes | HashReject, now: float) -> None:
        """Ask for hashes, or answer who asks (BEP 52)."""
        self._send(message.serialize(), now)

    def send_dont_have(self, index: int, now: float) -> None:
        """Tell that we have lost piece `index` (BEP 54), as far as the peer understands it, and serve it no more."""
        self.allowed_to_peer.pop(index, None)
        for block in [block for block in self.upload_queue if block[0] == index]:
            self.refuse_queued(block)
        self.send_extension(LT_DONTHAVE, serialize_dont_have(index), now)

    def send_allowed_fast(self, index: int, budget: int, now: float) -> None:
        """Let the peer have up to `budget` bytes of piece `index` even while it is choked (BEP 6)."""
        self.allowed_to_peer[index] = budget
        self._send(m.AllowedFast(index).serialize(), now)

    def send_interested(self, interested: bool, now: float) -> None:
        """Tell whether we want anything, unless that was the last thing told."""
        if interested != self.am_interested:
            self.am_interested = interested
            self._send((m.Interested() if interested else m.NotInterested()).serialize(), now)

    def send_choke(self, choke: bool, now: float) -> None:
        """Choke or unchoke. Choking answers what is queued with rejects, but for pieces that are allowed (BEP 6)."""
        if choke == self.am_choking:
            return
        self.am_choking = choke
        self._send((m.Choke() if choke else m.Unchoke()).serialize(), now)
        if choke:
            for block in [block for block in self.upload_queue if block[0] not in self.allowed_to_peer]:
                self.refuse_queued(block)

    def send_requests(self, blocks: list[Block], now: float) -> None:
        """Ask for blocks, all in one message of the channel."""
        if not self.requests:
            # The wait for an answer begins now, not with the last block of an earlier batch.
            self.last_block = now
            self.snubbed = False
        for index, begin, _ in blocks:
            self.requests[index, begin] = now
        self._send(m.serialize_requests(blocks), now)

    def send_cancels(self, blocks: Iterable[Block], now: float) -> None:
        """Take requests back.

        They are forgotten, although BEP 6 promises an answer to each: stock peers answer no cancel at all.
        """
        parts = []
        for block in blocks:
            self.requests.cancel(block[:2])
            parts.append(m.Cancel(*block).serialize())
        if parts:
            self._send(b"".join(parts), now)

    def send_block(self, block: Block, torrent: int, offset: int, now: float, stored: int | None = None) -> None:
        """Let the host send a stored block, `offset` bytes from the start of the torrent.

        If less of it is `stored`, zeros follow.
        """
        index, begin, length = block
        self.upload.add(length, now)
        self.last_sent = now
        stored = length if stored is None else stored
        self._outbox.do(SendBlock(self.handle, m.piece_header(index, begin, length), torrent, offset, stored))
        if stored < length:
            self._outbox.do(Send(self.handle, bytes(length - stored)))

    def send_keep_alive(self, now: float) -> None:
        """Show that we are still here (BEP 3)."""
        self._send(m.KeepAlive().serialize(), now)

    def close(self) -> None:
        """Drop the connection; nothing is sent or taken any more."""
        if not self.closed:
            self.closed = True
            self._outbox.do(ClosePeer(self.handle))

    def refuse(self, block: Block) -> None:
        """Do not serve a request: with a reject where the peer knows it, else silently (BEP 6)."""
        if self.fast:
            self._send(m.Reject(*block).serialize(), self.last_sent)

    def refuse_queued(self, block: Block) -> None:
        """Do not serve a request that waits in the queue."""
        self.upload_queue.remove(block)
        self.refuse(block)

    def _send(self, data: bytes, now: float) -> None:
        self.last_sent = now
        self._outbox.do(Send(self.handle, data))
