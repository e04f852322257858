"""Magnet links (BEP 9, BEP 53), both ways.

Links are typed, pasted and mangled by hand, so reading is lenient: what cannot be understood is left out, and only a
link without a usable info hash is refused. Writing spells a link as the original's `magnetURI` does.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from webtorrent_py.errors import InvalidTorrentIdError, MagnetError

MAX_URI_LENGTH = 64 * 1024
"""Characters of a link. Some hundred trackers fit; it bounds everything that a link can hold."""

_ANY_CASE = re.IGNORECASE | re.ASCII  # without ASCII, other letters count as the same (the long s as an s)
_SCHEME = re.compile(r"(?:stream-)?magnet:\?", _ANY_CASE)
_KEY = re.compile(r"(xt|dn|tr|ws|as|xs|so|x\.pe)(?:\.\d+)?")  # `tr.1=…` numbers what may also just be repeated
_BTIH = re.compile(r"urn:btih:(?:([0-9a-f]{40})|([a-z2-7]{32}))", _ANY_CASE)
_BTMH = re.compile(r"urn:btmh:", _ANY_CASE)
_BARE_HASH = re.compile(r"[0-9a-f]{40}|[a-z2-7]{32}", _ANY_CASE)
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")

# What JavaScript's encodeURIComponent leaves as it is, apart from what quote() always does.
_UNESCAPED = "!~*'()"


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet link says."""

    info_hash: bytes
    """20 bytes: SHA-1 of the info dictionary."""
    name: str | None = None
    """`dn`, to be shown until the metadata is known. It has not been made safe as a path."""
    trackers: tuple[str, ...] = ()
    """`tr`: announce URLs."""
    web_seeds: tuple[str, ...] = ()
    """`ws` and `as`: URLs of the content (BEP 19)."""
    exact_sources: tuple[str, ...] = ()
    """`xs`: URLs of the torrent file."""
    select_only: tuple[tuple[int, int], ...] | None = None
    """`so`: the files to download, as rising separate inclusive ranges of file indices. None: all (BEP 53)."""
    peers: tuple[str, ...] = ()
    """`x.pe`: `host:port` of peers."""

    def to_uri(self) -> str:
        """The link. `parse_magnet` gives an equal value back."""
        parameters = [f"xt=urn:btih:{self.info_hash.hex()}"]
        if self.name:
            parameters.append("dn=" + _escape(self.name).replace("%20", "+"))
        parameters.extend(f"tr={_escape(url)}" for url in self.trackers)
        parameters.extend(f"ws={_escape(url)}" for url in self.web_seeds)
        parameters.extend(f"xs={_escape(url)}" for url in self.exact_sources)
        if self.select_only is not None:
            ranges = (str(first) if first == last else f"{first}-{last}" for first, last in self.select_only)
            parameters.append("so=" + ",".join(ranges))
        parameters.extend("x.pe=" + quote(peer, safe=":[]") for peer in self.peers)
        return "magnet:?" + "&".join(parameters)


def parse_magnet(uri: str) -> Magnet:
    """Read a magnet link. Raises `MagnetError` when it has no v1 info hash or is far too long."""
    if len(uri) > MAX_URI_LENGTH:
        raise MagnetError(f"magnet link is {len(uri)} characters long, over the limit of {MAX_URI_LENGTH}")
    uri = uri.strip()
    scheme = _SCHEME.match(uri)
    if scheme is None:
        raise MagnetError("not a magnet link: it does not begin with 'magnet:?'")
    values: dict[str, list[str]] = {}
    for key, value in _parameters(uri[scheme.end() :]):
        values.setdefault(key, []).append(value)
    return Magnet(
        info_hash=_info_hash(values.get("xt", [])),
        name=next(iter(values.get("dn", [])), None),
        trackers=_unique(values.get("tr", [])),
        web_seeds=_unique(values.get("ws", [])),
        exact_sources=_unique(values.get("xs", [])),
        select_only=_select_only(values.get("so", [])),
        peers=_unique(values.get("x.pe", [])),
    )


def parse_torrent_id(text: str) -> Magnet:
    """Read a magnet link or a bare info hash (40 hex or 32 base32 digits).

    Raises `MagnetError` for a bad link, `InvalidTorrentIdError` for what is neither.
    """
    text = text.strip()
    if _BARE_HASH.fullmatch(text):
        return Magnet(_info_hash([f"urn:btih:{text}"]))
    if _SCHEME.match(text) is None:
        raise InvalidTorrentIdError("neither a magnet link nor an info hash of 40 hex or 32 base32 digits")
    return parse_magnet(text)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    """The parameters that we know and that have a value, unescaped."""
    for parameter in query.split("&"):
        key, _, value = parameter.partition("=")
        known = _KEY.fullmatch(unquote(key).strip().lower())
        if known is None:
            continue
        name = "ws" if known[1] == "as" else known[1]
        # A plus sign is a blank in a name. In an address it is a plus sign.
        value = unquote_plus(value) if name == "dn" else unquote(value).strip()
        if value:
            yield name, value


def _info_hash(topics: list[str]) -> bytes:
    for topic in topics:
        if match := _BTIH.fullmatch(topic):
            return bytes.fromhex(match[1]) if match[1] else base64.b32decode(match[2].upper())
    if any(_BTMH.match(topic) for topic in topics):
        raise MagnetError("magnet link has only a BitTorrent v2 info hash (btmh); v2 is not supported yet")
    if topics:
        raise MagnetError("magnet link has no 'xt=urn:btih:' with an info hash of 40 hex or 32 base32 digits")
    raise MagnetError("magnet link has no info hash (xt)")


def _select_only(lists: list[str]) -> tuple[tuple[int, int], ...] | None:
    """Ranges sorted and joined. None without any that can be read: then nothing was chosen."""
    ranges = []
    for item in ",".join(lists).split(","):
        if match := _RANGE.fullmatch(item.strip()):
            first, last = int(match[1]), int(match[2] or match[1])
            if first <= last:
                ranges.append((first, last))
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined) or None


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _escape(text: str) -> str:
    return quote(text, safe=_UNESCAPED, errors="replace")
