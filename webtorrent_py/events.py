"""What happened, for whoever uses the client: values taken with `Client.events_received()`.

`torrent` is the torrent's handle, as in `webtorrent_py.actions`. Events come in the order in which
things happened; the state they tell of can already be read from the client when they are taken.
"""

from dataclasses import dataclass

from webtorrent_py.errors import WebTorrentError


@dataclass(frozen=True, slots=True)
class MetadataReceived:
    """The info dictionary is known and verified; the store is being made ready."""

    torrent: int


@dataclass(frozen=True, slots=True)
class TorrentReady:
    """The torrent can be read and downloaded: metadata is known, existing pieces are counted."""

    torrent: int


@dataclass(frozen=True, slots=True)
class Downloaded:
    """`count` payload bytes arrived from peers (verified or not, as the original counts them)."""

    torrent: int
    count: int


@dataclass(frozen=True, slots=True)
class Uploaded:
    """`count` payload bytes were handed to a peer's channel."""

    torrent: int
    count: int


@dataclass(frozen=True, slots=True)
class PieceVerified:
    """Piece `index` is verified and stored."""

    torrent: int
    index: int


@dataclass(frozen=True, slots=True)
class PieceLost:
    """Piece `index`, which was verified, was found to be wrong or gone. It is got again if it is selected."""

    torrent: int
    index: int


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """`checked` of the `total` pieces that are looked at in the store have been."""

    torrent: int
    checked: int
    total: int


@dataclass(frozen=True, slots=True)
class CheckDone:
    """The store was looked through; what is right in it is verified."""

    torrent: int


@dataclass(frozen=True, slots=True)
class FileDone:
    """All pieces of the file with this index are verified."""

    torrent: int
    file: int


@dataclass(frozen=True, slots=True)
class TorrentDone:
    """All selected pieces are verified and stored."""

    torrent: int


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A peer finished its handshake. `peer_id` is its 20 bytes.

    Web seeds count as peers: their `kind` is "webSeed", and the SHA-1 of their URL stands for an id.
    """

    torrent: int
    peer: int
    peer_id: bytes
    kind: str = "webrtc"


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """A peer that had finished its handshake is gone. `reason` is fit to be shown."""

    torrent: int
    peer: int
    reason: str


@dataclass(frozen=True, slots=True)
class ExtendedHandshakeReceived:
    """A peer told, perhaps anew, which extensions it speaks (BEP 10)."""

    torrent: int
    peer: int


@dataclass(frozen=True, slots=True)
class ExtensionMessage:
    """A peer sent a message of an extension that was asked for with `Client.use_extension`."""

    torrent: int
    peer: int
    name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class TrackerAnnounced:
    """A tracker answered an announce with its count of seeders and leechers (None: not told)."""

    torrent: int
    url: str
    complete: int | None
    incomplete: int | None


@dataclass(frozen=True, slots=True)
class TrackerScraped:
    """A tracker answered a scrape: seeders, those who ever completed it, leechers (None: not told)."""

    torrent: int
    url: str
    complete: int | None
    downloaded: int | None
    incomplete: int | None


@dataclass(frozen=True, slots=True)
class NoPeers:
    """No peer is connected, some time after the last announce."""

    torrent: int


@dataclass(frozen=True, slots=True)
class ReaderAdvanced:
    """More verified bytes can be read from this reader than when it was last asked."""

    torrent: int
    reader: int


@dataclass(frozen=True, slots=True)
class TorrentWarning:
    """Something went wrong that the torrent survives (a bad peer, a tracker out of reach)."""

    torrent: int
    error: WebTorrentError


@dataclass(frozen=True, slots=True)
class TorrentFailed:
    """Something went wrong that the torrent does not survive; it has been stopped."""

    torrent: int
    error: WebTorrentError


Event = (
    MetadataReceived
    | TorrentReady
    | Downloaded
    | Uploaded
    | PieceVerified
    | PieceLost
    | CheckProgress
    | CheckDone
    | FileDone
    | TorrentDone
    | PeerConnected
    | PeerDisconnected
    | ExtendedHandshakeReceived
    | ExtensionMessage
    | TrackerAnnounced
    | TrackerScraped
    | NoPeers
    | ReaderAdvanced
    | TorrentWarning
    | TorrentFailed
)
