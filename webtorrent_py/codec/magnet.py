"""Magnet links (BEP 9, BEP 52, BEP 53), both ways.

Links are typed, pasted and mangled by hand, so reading is lenient: what cannot be understood is left out, and only a
link without a usable info hash is refused. Writing spells a link as the original's `magnetURI` does.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from webtorrent_py.codec.text import well_formed
from webtorrent_py.errors import InvalidTorrentIdError, MagnetError

MAX_URI_LENGTH = 64 * 1024
"""Characters of a link. Some hundred trackers fit; it bounds everything that a link can hold."""

_ANY_CASE = re.IGNORECASE | re.ASCII  # without ASCII, other letters count as the same (the long s as an s)
_SCHEME = re.compile(r"(?:stream-)?magnet:\?", _ANY_CASE)
_KEY = re.compile(r"(xt|dn|tr|ws|as|xs|so|x\.pe)(?:\.\d+)?")  # `tr.1=…` numbers what may also just be repeated
_BTIH = re.compile(r"urn:btih:(?:([0-9a-f]{40})|([a-z2-7]{32}))", _ANY_CASE)
_BTMH = re.compile(r"urn:btmh:1220([0-9a-f]{64})", _ANY_CASE)  # a multihash: SHA-256 (0x12) of 32 bytes (0x20)
_BARE_HASH = re.compile(r"[0-9a-f]{40}|[a-z2-7]{32}", _ANY_CASE)
_BARE_HASH_V2 = re.compile(r"[0-9a-f]{64}", _ANY_CASE)
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")

# What JavaScript's encodeURIComponent leaves as it is, apart from what quote() always does.
_UNESCAPED = "!~*'()"


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet link says."""

    info_hash: bytes
    """20 bytes: SHA-1 of the info dictionary, or the first 20 bytes of `info_hash_v2` if the link has only that."""
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
    info_hash_v2: bytes | None = None
    """32 bytes: SHA-256 of the info dictionary of a v2 or hybrid torrent (BEP 52)."""

    @property
    def swarm_hashes(self) -> tuple[bytes, ...]:
        """The 20 bytes under which its peers are found: two for a hybrid."""
        return swarm_hashes(self.info_hash, self.info_hash_v2)

    def to_uri(self) -> str:
        """The link. `parse_magnet` gives an equal value back."""
        parameters = []
        if self.info_hash_v2 is None or not self.info_hash_v2.startswith(self.info_hash):
            parameters.append(f"xt=urn:btih:{self.info_hash.hex()}")
        if self.info_hash_v2 is not None:
            parameters.append(f"xt=urn:btmh:1220{self.info_hash_v2.hex()}")
        if self.name:
            parameters.append("dn=" + _escape(self.name).replace("%20", "+"))
        parameters.extend(f"tr={_escape(url)}" for url in self.trackers)
        parameters.extend(f"ws={_escape(url)}" for url in self.web_seeds)
        parameters.extend(f"xs={_escape(url)}" for url in self.exact_sources)
        if self.select_only is not None:
            ranges = (str(first) if first == last else f"{first}-{last}" for first, last in self.select_only)
            parameters.append("so=" + ",".join(ranges))
        parameters.extend("x.pe=" + quote(peer, safe=":[]", errors="replace") for peer in self.peers)
        return "magnet:?" + "&".join(parameters)


def swarm_hashes(info_hash: bytes, info_hash_v2: bytes | None) -> tuple[bytes, ...]:
    """The 20 bytes by which trackers and handshakes name a torrent; a hybrid has two names (BEP 52)."""
    if info_hash_v2 is None or info_hash_v2.startswith(info_hash):
        return (info_hash,)
    return info_hash, info_hash_v2[: len(info_hash)]


def parse_magnet(uri: str) -> Magnet:
    """Read a magnet link. Raises `MagnetError` when it has no info hash or is far too long."""
    if len(uri) > MAX_URI_LENGTH:
        raise MagnetError(f"magnet link is {len(uri)} characters long, over the limit of {MAX_URI_LENGTH}")
    uri = well_formed(uri).strip()
    scheme = _SCHEME.match(uri)
    if scheme is None:
        raise MagnetError("not a magnet link: it does not begin with 'magnet:?'")
    values: dict[str, list[str]] = {}
    for key, value in _parameters(uri[scheme.end() :]):
        values.setdefault(key, []).append(value)
    info_hash, info_hash_v2 = _info_hashes(values.get("xt", []))
    return Magnet(
        info_hash=info_hash,
        info_hash_v2=info_hash_v2,
        name=next(iter(values.get("dn", [])), None),
        trackers=_unique(values.get("tr", [])),
        web_seeds=_unique(values.get("ws", [])),
        exact_sources=_unique(values.get("xs", [])),
        select_only=_select_only(values.get("so", [])),
        peers=_unique(values.get("x.pe", [])),
    )


def parse_torrent_id(text: str) -> Magnet:
    """Read a magnet link or a bare info hash (40 hex or 32 base32 digits; 64 hex digits for v2).

    Raises `MagnetError` for a bad link, `InvalidTorrentIdError` for what is neither.
    """
    text = text.strip()
    if _BARE_HASH_V2.fullmatch(text):
        info_hash, info_hash_v2 = _info_hashes([f"urn:btmh:1220{text}"])
        return Magnet(info_hash, info_hash_v2=info_hash_v2)
    if _BARE_HASH.fullmatch(text):
        return Magnet(_info_hashes([f"urn:btih:{text}"])[0])
    if _SCHEME.match(text) is None:
        raise InvalidTorrentIdError("neither a magnet link nor an info hash of 40 hex, 32 base32 or 64 hex digits")
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


def _info_hashes(topics: list[str]) -> tuple[bytes, bytes | None]:
    """The first usable hash of either version. Without one of v1, that of v2 is cut to stand in its place."""
    v1 = next((match for match in map(_BTIH.fullmatch, topics) if match), None)
    v2 = next((match for match in map(_BTMH.fullmatch, topics) if match), None)
    info_hash_v2 = bytes.fromhex(v2[1]) if v2 else None
    if v1:
        return bytes.fromhex(v1[1]) if v1[1] else base64.b32decode(v1[2].upper()), info_hash_v2
    if info_hash_v2 is not None:
        return info_hash_v2[:20], info_hash_v2
    if topics:
        raise MagnetError(
            "magnet link has neither 'xt=urn:btih:' with an info hash of 40 hex or 32 base32 digits"
            " nor 'xt=urn:btmh:1220' with one of 64 hex digits"
        )
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
