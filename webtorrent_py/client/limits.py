"""The client's limits of speed: for all torrents together, and the turns that torrents take under them."""

from collections.abc import Mapping

from webtorrent_py.limits import Throttle
from webtorrent_py.torrent.torrent import Torrent


class Limits:
    """Both directions. Rates are bytes per second; 0: nothing moves, negative: no limit."""

    def __init__(self, download: float, upload: float) -> None:
        self.download = Throttle(download)
        self.upload = Throttle(upload)

    def take_turns(self, torrents: Mapping[int, Torrent], now: float) -> None:
        """Let those move blocks that waited for it and now may."""
        while (turn := self.download.next_turn(now)) is not None:
            torrents[turn[0]].download_turn(turn[1], now)
        while (turn := self.upload.next_turn(now)) is not None:
            torrents[turn[0]].upload_turn(turn[1], now)

    def get_timer(self) -> float | None:
        """When to take turns next."""
        times = (self.download.get_timer(), self.upload.get_timer())
        return min((time for time in times if time is not None), default=None)
