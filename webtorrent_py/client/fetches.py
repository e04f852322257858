"""What a host says of the HTTP ranges that it fetches, brought to the torrent that wants them."""

from collections.abc import Callable, Mapping

from webtorrent_py.torrent.torrent import Torrent
from webtorrent_py.torrent.webseeds import WebSeeds


class Fetches:
    """The inputs that answer `FetchRange`, each one turn of the client. `settle` ends the turn."""

    def __init__(self, torrents: Mapping[int, Torrent], settle: Callable[[Torrent, float], None]) -> None:
        self._torrents = torrents
        self._settle = settle

    def range_started(self, torrent: int, fetch: int, status: int, content_range: str | None, now: float) -> None:
        """The response's head is here. `content_range` is None where the host cannot see that header."""
        self._tell(torrent, now, lambda seeds: seeds.range_started(fetch, status, content_range, now))

    def range_received(self, torrent: int, fetch: int, data: bytes | memoryview, now: float) -> None:
        """Bytes of the body came, cut in any way."""
        self._tell(torrent, now, lambda seeds: seeds.range_received(fetch, data, now))

    def range_ended(self, torrent: int, fetch: int, now: float) -> None:
        """The body is at its end."""
        self._tell(torrent, now, lambda seeds: seeds.range_ended(fetch, now))

    def range_failed(self, torrent: int, fetch: int, reason: str, now: float) -> None:
        """There was no answer, or it broke off."""
        self._tell(torrent, now, lambda seeds: seeds.range_failed(fetch, reason, now))

    def _tell(self, torrent: int, now: float, tell: Callable[[WebSeeds], None]) -> None:
        found = self._torrents.get(torrent)
        if found is not None and found.web_seeds is not None:
            tell(found.web_seeds)
            self._settle(found, now)
