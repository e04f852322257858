"""Web servers that are only computed: what they answer to a range, right or wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from webtorrent_py.codec.metainfo import Metainfo


@dataclass
class Response:
    """What a server sends. `content_range` is None also where a page could not see it."""

    status: int
    content_range: str | None = None
    body: bytes = b""


@dataclass
class WebServer:
    """Files by URL.

    `tamper` changes an answer. With `ignores_ranges` everything is sent whole; `sent` counts the bytes of all bodies.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ignores_ranges: bool = False
    tamper: Callable[[str, Response], Response] = lambda _, response: response
    requests: list[tuple[str, int, int]] = field(default_factory=list)

    def get(self, url: str, start: int, length: int) -> Response:
        """Answer `Range: bytes=start-…`."""
        self.requests.append((url, start, length))
        if url not in self.files:
            return self.tamper(url, Response(404))
        file = self.files[url]
        if self.ignores_ranges:
            return self.tamper(url, Response(200, None, file))
        if start >= len(file):
            return self.tamper(url, Response(416, f"bytes */{len(file)}"))
        body = file[start : start + length]
        return self.tamper(url, Response(206, f"bytes {start}-{start + len(body) - 1}/{len(file)}", body))

    def add(self, folder: str, metainfo: Metainfo, content: bytes) -> str:
        """Have a torrent's files in a folder, whose URL ends in a slash; `content` has them where the torrent does."""
        for entry in metainfo.files:
            if not entry.is_padding:
                path = "/".join(quote(component, safe="") for component in entry.web_path)
                self.files[_plain(folder + path)] = content[entry.offset : entry.offset + entry.length]
        return folder


def _plain(url: str) -> str:
    """The spelling in which a client asks: what need not be escaped is not."""
    for character in "!~*'()":
        url = url.replace(quote(character, safe=""), character)
    return url
