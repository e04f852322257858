"""The options that pages give, declared once; how Python takes each, and which it does not take at all.

Those without a meaning in a browser are here too: pages that give them work, and the types know them.
"""

from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any

from webtorrent_py.api.host import StorePlan
from webtorrent_py.browser.declaration import Option, Options
from webtorrent_py.errors import InvalidOptionError


def _number(name: str, value: Any, *, least: float = 0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < least:
        raise InvalidOptionError(f"{name} is a number of at least {least}, not {value!r}")
    return value


def _whole(name: str, value: Any, *, least: int = 0) -> int:
    return int(_number(name, value, least=least))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidOptionError(f"{name} is text, not {type(value).__name__}")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """One text, a list of them, or a list of lists."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise InvalidOptionError(f"{name} is text or a list of it, not {type(value).__name__}")
    return tuple(text for each in value for text in _texts(name, each))


def _tiers(name: str, value: Any) -> tuple[str | tuple[str, ...], ...]:
    """One text, a list of them, or a list of lists, which stay together."""
    if not isinstance(value, list):
        return _texts(name, value)
    return tuple(each if isinstance(each, str) else _texts(name, each) for each in value)


def _peer_id(value: Any) -> bytes:
    try:
        peer_id = bytes.fromhex(value)
    except (TypeError, ValueError):
        peer_id = b""
    if len(peer_id) != 20:
        raise InvalidOptionError("peerId is 20 bytes, as 40 hexadecimal digits or a Uint8Array")
    return peer_id


def _trackers(value: Any) -> tuple[str, ...] | None:
    """Of the option `tracker`: false is none at all."""
    if value is False:
        return None
    announce = value.get("announce") if isinstance(value, dict) else None
    return () if announce is None else _texts("tracker.announce", announce)


def _store(value: Any) -> StorePlan:
    """The page has put "page" in the place of a store that it keeps itself."""
    if value not in ("disk", "memory", "page"):
        raise InvalidOptionError("store is 'disk', 'memory', or the constructor of a chunk store")
    return StorePlan(value)


def _named(check: Callable[..., Any], name: str, **limits: float) -> Callable[[Any], Any]:
    return partial(check, name, **limits)


_NODE_ONLY = "No effect in a browser."

CLIENT_OPTIONS = Options(
    "ClientOptions",
    "What a client is made with.",
    (
        Option(
            "tracker",
            "boolean | TrackerOptions",
            "false: use no trackers at all.",
            "trackers",
            _trackers,
        ),
        Option(
            "maxConns",
            "number",
            "Peers of one torrent at the same time; 55 by default.",
            "max_conns",
            lambda value: _whole("maxConns", value) or 55,
        ),
        Option(
            "downloadLimit",
            "number",
            "Bytes a second of all torrents; 0: none, -1: no limit.",
            "download_limit",
            _named(_number, "downloadLimit", least=-1),
        ),
        Option(
            "uploadLimit",
            "number",
            "Bytes a second of all torrents; 0: none, -1: no limit.",
            "upload_limit",
            _named(_number, "uploadLimit", least=-1),
        ),
        Option("peerId", "string | Uint8Array", "20 bytes; by default made up.", "peer_id", _peer_id),
        Option("nodeId", "string | Uint8Array", "What `nodeId` tells; there is no DHT in a browser."),
        Option("dht", "unknown", _NODE_ONLY),
        Option("lsd", "boolean", _NODE_ONLY),
        Option("utPex", "boolean", _NODE_ONLY),
        Option("natUpnp", "boolean | string", _NODE_ONLY),
        Option("natPmp", "boolean", _NODE_ONLY),
        Option("utp", "boolean", _NODE_ONLY),
        Option("secure", "number", _NODE_ONLY + " Data channels are encrypted anyway."),
        Option("blocklist", "string | string[]", _NODE_ONLY + " Pages do not learn the addresses of peers."),
        Option("torrentPort", "number", _NODE_ONLY),
        Option("dhtPort", "number", _NODE_ONLY),
        Option("userAgent", "string", _NODE_ONLY),
        Option("relayChannels", "boolean", "Ours alone, for tests: as if channels could not be transferred."),
    ),
)

_ADD = (
    Option(
        "announce",
        "string | string[] | string[][]",
        "Further trackers.",
        "announce",
        _named(_texts, "announce"),
    ),
    Option(
        "getAnnounceOpts",
        "() => object",
        "More to tell the trackers. Asked when the torrent is added and after each announce, for the next one.",
    ),
    Option("private", "boolean", "Instead of what the torrent says.", "private", bool),
    Option("paused", "boolean", "Do not start yet.", "paused", bool),
    Option("deselect", "boolean", "Download nothing until something is selected or read.", "deselect", bool),
    Option(
        "strategy",
        "'rarest' | 'sequential'",
        "Which pieces to get first; the rarest by default.",
        "strategy",
        _named(_text, "strategy"),
    ),
    Option(
        "noPeersIntervalTime",
        "number",
        "Seconds between two `noPeers`; 30 by default.",
        "no_peers_interval",
        _named(_number, "noPeersIntervalTime", least=1),
    ),
    Option(
        "urlList",
        "string | string[]",
        "Web seeds.",
        "web_seeds",
        _named(_texts, "urlList"),
    ),
    Option(
        "maxWebConns",
        "number",
        "Requests to one web seed at the same time; 4 by default.",
        "max_web_conns",
        lambda value: _whole("maxWebConns", value) or 4,
    ),
    Option(
        "uploads",
        "number | false",
        "Peers served at the same time; 10 by default, false: none.",
        "upload_slots",
        lambda value: 0 if value is False else _whole("uploads", value),
    ),
    Option(
        "alwaysChokeSeeders",
        "boolean",
        "Never serve a peer that has everything; on by default.",
        "choke_seeders",
        bool,
    ),
    Option("path", "string", "What `path` tells. " + _NODE_ONLY),
    Option("addUID", "boolean", _NODE_ONLY),
)

TORRENT_OPTIONS = Options(
    "TorrentOptions",
    "What a torrent is added with.",
    (
        *_ADD,
        Option(
            "store",
            "'disk' | 'memory' | ChunkStoreConstructor",
            "Where its bytes are kept; on disk by default, where the browser has one for pages.",
            "store",
            _store,
        ),
        Option("storeOpts", "object", "More to tell the constructor of a chunk store."),
        Option("preloadedStore", "ChunkStore", "A chunk store that is there already."),
    ),
)

SEED_OPTIONS = Options(
    "SeedOptions",
    "What a torrent is made and added with.",
    (
        *_ADD,
        Option("name", "string", "Of the torrent.", "name", _named(_text, "name")),
        Option(
            "announceList",
            "string[][]",
            "Its trackers, in tiers; in place of `announce`.",
            "announce",
            _named(_tiers, "announceList"),
        ),
        Option("source", "string", "Keeps apart the same files on two trackers.", "source", _named(_text, "source")),
        Option(
            "version",
            "'v1' | 'v2' | 'hybrid'",
            "Of the torrent; v1 by default, as the original makes.",
            "version",
            _named(_text, "version"),
        ),
        Option("comment", "string", "What to say of it.", "comment", _named(_text, "comment")),
        Option("createdBy", "string", "The program that makes it.", "created_by", _named(_text, "createdBy")),
        Option(
            "creationDate",
            "Date | number",
            "In milliseconds since 1970; now by default.",
            "creation_date",
            lambda value: -(-_whole("creationDate", value) // 1000),
        ),
        Option(
            "pieceLength",
            "number",
            "In bytes; by default as the size demands.",
            "piece_length",
            _named(_whole, "pieceLength", least=1),
        ),
        Option(
            "maxPieceLength",
            "number",
            "The most that is chosen; 4 MiB by default.",
            "max_piece_length",
            _named(_whole, "maxPieceLength", least=1),
        ),
        Option("info", "object", "Further entries of the info dictionary.", "extra_info"),
        Option(
            "filterJunkFiles", "boolean", "Leave out files such as `.DS_Store`; on by default.", "filter_junk", bool
        ),
    ),
)

OPTIONS = (CLIENT_OPTIONS, TORRENT_OPTIONS, SEED_OPTIONS)
