"""What the core wants done: values that a host carries out.

The core (rows 0-5) does no I/O. Each input to `webtorrent_py.client.Client` may leave actions in its
outbox; the host takes them with `actions_to_perform()` right after the input and carries them out in
order. What comes of an action is handed back through the input method that its docstring names.

Handles are small positive integers chosen by the core and never reused within a client: `peer` is one
connection to one remote peer, `socket` one tracker socket, `torrent` one torrent of the client, `fetch` one
HTTP request. A host ignores an action for a handle that it has already closed, and the core ignores an input for one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Connect a WebSocket. → `socket_opened`, then `socket_received` each text, last `socket_closed`.

    Also a failure to connect ends in `socket_closed`, with the reason.
    """

    socket: int
    url: str


@dataclass(frozen=True, slots=True)
class SendText:
    """Send one text message on an open tracker socket."""

    socket: int
    text: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close a tracker socket. No `socket_closed` follows; the handle is dead at once."""

    socket: int


@dataclass(frozen=True, slots=True)
class CreateOffer:
    """Make an RTCPeerConnection with one ordered data channel and its SDP offer, candidates included.

    → `offer_created(peer, sdp)` or `connection_failed(peer, reason)`. Once the two sides meet:
    `channel_opened(peer)`.
    """

    peer: int


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Make an RTCPeerConnection from a remote offer. → `answer_created` or `connection_failed`."""

    peer: int
    sdp: str


@dataclass(frozen=True, slots=True)
class AcceptAnswer:
    """Give the remote answer to the connection that `CreateOffer` made. → `channel_opened`."""

    peer: int
    sdp: str


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """Connect to a TCP port, of a host by name or by number. → `channel_opened(peer)` or `connection_failed`.

    Only where the client was told that its host `dials_addresses`. From then on the peer's stream is used like a
    data channel.
    """

    peer: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes on the peer's open channel, as one or more messages (the wire is a byte stream)."""

    peer: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SendBlock:
    """Send `header` followed by `length` stored bytes at `offset` from the start of the torrent.

    The payload goes from the store to the channel without passing through the core. When the host has
    handed everything of a batch to the channel and the channel's buffer has run low again, it calls
    `writable(peer)` once; until then the core holds further blocks back.
    """

    peer: int
    header: bytes
    torrent: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """Close the connection and forget it. No `channel_closed` follows; the handle is dead at once."""

    peer: int


@dataclass(frozen=True, slots=True)
class OpenStore:
    """Get ready to keep `length` bytes in pieces of `piece_length` (the last one may be shorter)."""

    torrent: int
    length: int
    piece_length: int


@dataclass(frozen=True, slots=True)
class HashPiece:
    """Hash a complete piece and hold it. → `piece_hashed(torrent, index, digests)`.

    `digests` are, joined: the SHA-1 of the piece, if `sha1`; then the SHA-256 of each 16 KiB block of its first
    `leaf_bytes`, the last of which may be shorter (`codec.merkle.piece_digests`).

    The buffer is the host's from here on. Nothing of the piece may be read by anyone before
    `StorePiece`; exactly one of `StorePiece` and `DropPiece` follows, unless the store is closed first.
    """

    torrent: int
    index: int
    data: bytearray
    sha1: bool = True
    leaf_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StorePiece:
    """Keep the held piece, whose hash was right. → `piece_stored`, `storage_full` or `storage_failed`."""

    torrent: int
    index: int


@dataclass(frozen=True, slots=True)
class DropPiece:
    """Forget the held piece, whose hash was wrong."""

    torrent: int
    index: int


@dataclass(frozen=True, slots=True)
class CheckPiece:
    """Read `length` stored bytes at `offset`, a piece, and hash them. → `piece_checked(torrent, index, digests)`.

    `digests` as for `HashPiece`; None if they are not all there.
    """

    torrent: int
    index: int
    offset: int
    length: int
    sha1: bool = True
    leaf_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FetchRange:
    """GET bytes of a URL over HTTP: `length` of them from `start`, asked for as `Range: bytes=first-last`.

    No other header is set: a page would have to ask the server's leave first (a CORS preflight). → `range_started`
    with the status and the `Content-Range`, if it can be seen; `range_received` for the bytes of the body as they come,
    whatever the status of it is; last `range_ended`. At any time instead `range_failed`, with a reason to be shown.
    """

    fetch: int
    torrent: int
    url: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class CancelFetch:
    """Fetch no further. No input follows; the handle is dead at once."""

    fetch: int


@dataclass(frozen=True, slots=True)
class CloseStore:
    """The torrent is gone: free all that is kept for it."""

    torrent: int


Action = (
    OpenSocket
    | SendText
    | CloseSocket
    | CreateOffer
    | AcceptOffer
    | AcceptAnswer
    | OpenConnection
    | Send
    | SendBlock
    | ClosePeer
    | OpenStore
    | HashPiece
    | StorePiece
    | DropPiece
    | CheckPiece
    | FetchRange
    | CancelFetch
    | CloseStore
)
