"""Which tracker URLs can be used from a browser, and when two of them name the same tracker."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from webtorrent_py.errors import TrackerError

_LENGTH_LIMIT: Final = 2048
_DEFAULT_PORTS: Final = {"ws": 80, "wss": 443}


def normalize_url(url: str) -> str:
    """The same for all spellings of a WebSocket tracker's URL. Raises `TrackerError` for any other URL."""
    if len(url) > _LENGTH_LIMIT or not url.isprintable() or any(character.isspace() for character in url):
        raise TrackerError("the tracker's URL is malformed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TrackerError(f"the tracker's URL is malformed: {url}") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise TrackerError(f"only ws: and wss: trackers can be used here, not {url}")
    if not parts.hostname:
        raise TrackerError(f"the tracker's URL has no host: {url}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user, at, _ = parts.netloc.rpartition("@")
    explicit_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return urlunsplit((parts.scheme, f"{user}{at}{host}{explicit_port}", parts.path.rstrip("/"), parts.query, ""))


def is_usable(url: str) -> bool:
    """Whether this is the URL of a WebSocket tracker; `http:` and `udp:` ones are out of a page's reach."""
    try:
        normalize_url(url)
    except TrackerError:
        return False
    return True
