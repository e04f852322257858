"""What pages hand to `add`, `get` and `remove`, as the API takes it."""

from collections.abc import Mapping
from typing import Any

from webtorrent_py.api.client import TorrentId
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.codec.metainfo import Metainfo, parse_info
from webtorrent_py.errors import InvalidTorrentIdError, MetainfoError


def read_torrent_id(given: str | Mapping[str, Any] | None, data: bytes) -> TorrentId:
    """Text; or None and a torrent file; or what parse-torrent made, with the bytes of its info dictionary, if any.

    Raises `FormatError`, `InvalidTorrentIdError`.
    """
    if isinstance(given, str):
        return given
    return data if given is None else _read_parsed(given, data)


def _read_parsed(parsed: Mapping[str, Any], info: bytes) -> Metainfo | Magnet:
    info_hash = _info_hash(parsed)
    announce, web_seeds = _texts(parsed.get("announce")), _texts(parsed.get("urlList"))
    if info:
        metainfo = parse_info(
            info,
            announce=[(url,) for url in announce],
            web_seeds=web_seeds,
            comment=_text(parsed.get("comment")),
            created_by=_text(parsed.get("createdBy")),
        )
        if metainfo.info_hash != info_hash:
            raise MetainfoError("the parsed torrent's infoHash is not that of its info")
        return metainfo
    return Magnet(
        info_hash,
        name=_text(parsed.get("name")),
        trackers=announce,
        web_seeds=web_seeds,
        exact_sources=_texts(parsed.get("xs")),
        select_only=_ranges(parsed.get("so")),
        peers=_texts(parsed.get("peerAddresses")),
    )


def _info_hash(parsed: Mapping[str, Any]) -> bytes:
    try:
        info_hash = bytes.fromhex(parsed["infoHash"])
    except (KeyError, TypeError, ValueError):
        info_hash = b""
    if len(info_hash) != 20:
        raise InvalidTorrentIdError("Invalid torrent identifier: its infoHash has not 40 hexadecimal digits")
    return info_hash


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them; what is not text is left out, as with a link."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(each for each in values if isinstance(each, str)))


def _ranges(value: Any) -> tuple[tuple[int, int], ...] | None:
    """Indices of files, as rising separate inclusive ranges."""
    indices = {each for each in value if isinstance(each, int) and each >= 0} if isinstance(value, list) else set()
    ranges: list[tuple[int, int]] = []
    for index in sorted(indices):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], index)
        else:
            ranges.append((index, index))
    return tuple(ranges) or None
