"""Every exception that webtorrent_py raises, in one tree.

Three branches tell whose mistake it was, because that decides what happens next:

- `LocalError`: the caller's. Nothing is dropped; the call is refused.
- `FormatError`: the bytes or text that were handed in are not what they should be. Whoever
  handed them in decides: a torrent is refused, a peer that sent them is dropped.
- `RemoteProtocolError`: a peer, tracker or web seed broke its protocol. That remote alone is
  dropped; the torrent goes on.

`code` is stable and machine-readable: it crosses to JavaScript as `error.code`. The message names
what was wrong and, where the reader can do something, what to do.
"""

from typing import ClassVar


class WebTorrentError(Exception):
    """Base of all errors of this package. `str(error)` is fit to be shown to a user."""

    code: ClassVar[str] = "ERR_WEBTORRENT"


class LocalError(WebTorrentError):
    """The caller asked for something that cannot be done."""

    code = "ERR_LOCAL"


class InvalidTorrentIdError(LocalError):
    """What was given to `add` is no magnet link, info hash, torrent file or URL of one."""

    code = "ERR_INVALID_TORRENT_ID"


class InvalidOptionError(LocalError):
    """An option has a value of the wrong type or out of its range."""

    code = "ERR_INVALID_OPTION"


class DuplicateTorrentError(LocalError):
    """A torrent with this info hash is already in the client; `torrent` is its handle."""

    code = "ERR_DUPLICATE_TORRENT"

    def __init__(self, message: str, torrent: int) -> None:
        super().__init__(message)
        self.torrent = torrent


class UnknownTorrentError(LocalError):
    """No torrent, file or reader with this name is in the client (it may have been removed)."""

    code = "ERR_UNKNOWN_TORRENT"


class UnknownExtensionError(LocalError):
    """The peer takes no messages of this extension (BEP 10)."""

    code = "ERR_UNKNOWN_EXTENSION"


class InvalidRangeError(LocalError):
    """A byte or piece range lies outside of what it addresses."""

    code = "ERR_INVALID_RANGE"


class DestroyedError(LocalError):
    """The client, torrent or reader was destroyed before or during the call."""

    code = "ERR_DESTROYED"


class FetchError(WebTorrentError):
    """A torrent file could not be fetched over HTTP."""

    code = "ERR_FETCH"


class StorageError(WebTorrentError):
    """The store could not keep or give back bytes (full, closed, refused by the browser)."""

    code = "ERR_STORAGE"


class StorageFullError(StorageError):
    """There is no room for more: the torrent was paused, and nothing of it is lost. Make room, then resume it."""

    code = "ERR_STORAGE_FULL"


class FormatError(WebTorrentError):
    """Bytes or text that do not have the form they should have."""

    code = "ERR_FORMAT"


class BencodeError(FormatError):
    """Not canonical bencoding, or over a limit of size or depth (BEP 3)."""

    code = "ERR_BENCODE"


class MetainfoError(FormatError):
    """Well-formed bencoding that is not a usable torrent (BEP 3)."""

    code = "ERR_METAINFO"


class MagnetError(FormatError):
    """A magnet link without a usable info hash, or otherwise malformed (BEP 9)."""

    code = "ERR_MAGNET"


class AddressError(FormatError):
    """Text that is no address of a peer (`host:port`)."""

    code = "ERR_ADDRESS"


class StateError(FormatError):
    """What was kept of a torrent cannot be restored: damaged, of another version, or of another torrent."""

    code = "ERR_STATE"


class RemoteProtocolError(WebTorrentError):
    """The other side broke the protocol."""

    code = "ERR_REMOTE_PROTOCOL"


class WireError(RemoteProtocolError):
    """A peer sent what the peer wire protocol does not allow (BEP 3, 6, 9, 10)."""

    code = "ERR_WIRE"


class TrackerError(RemoteProtocolError):
    """A tracker answered nonsense, refused the announce, or cannot be reached."""

    code = "ERR_TRACKER"


class WebSeedError(RemoteProtocolError):
    """A web seed cannot be reached, lacks a file, or sends what it was not asked for (BEP 19)."""

    code = "ERR_WEB_SEED"
