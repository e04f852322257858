"""The web seeds of one torrent (BEP 19): which there are, and what becomes of those that fail.

Each is a source of the downloader, like a peer. One that cannot be reached is tried again, less and less often, and
then dropped. One that sends wrong bytes is dropped at once: others would download them again and again.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import sha1

from webtorrent_py.codec.metainfo import Metainfo
from webtorrent_py.codec.spans import FileSpans
from webtorrent_py.errors import WebSeedError
from webtorrent_py.events import PeerConnected, PeerDisconnected, TorrentWarning
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.torrent.downloader import Downloader
from webtorrent_py.torrent.ranges import is_web_seed
from webtorrent_py.torrent.webrun import FetchFailedError
from webtorrent_py.torrent.webseed import MAX_FAILURES, WebSeed
from webtorrent_py.wire.messages import Piece

# Seeds asked at the same time; torrents with more are rare. The others take the places of those that fail.
MAX_WEB_SEEDS = 16


class WebSeeds:
    """All web seeds of a torrent that is active. `max_conns` is for each of them."""

    def __init__(
        self,
        torrent: int,
        *,
        metainfo: Metainfo,
        downloader: Downloader,
        max_conns: int,
        handles: Handles,
        outbox: Outbox,
    ) -> None:
        self._torrent = torrent
        self._metainfo = metainfo
        self._downloader = downloader
        self._max_conns = max_conns
        self._handles = handles
        self._outbox = outbox
        self._spans = FileSpans(metainfo.files)
        self._seeds: dict[int, WebSeed] = {}
        self._reserve: deque[str] = deque()
        self.errors: dict[str, str] = {}
        """URL → why nothing comes from there now."""

    def __iter__(self) -> Iterator[WebSeed]:
        return iter(self._seeds.values())

    def __len__(self) -> int:
        return len(self._seeds)

    def __contains__(self, handle: int) -> bool:
        return handle in self._seeds

    @property
    def is_busy(self) -> bool:
        """Whether `tick` is needed."""
        return any(seed.is_busy for seed in self)

    def add(self, url: str, now: float) -> None:
        """Ask a server too, or keep it in reserve. A URL that is no web seed's is only warned of."""
        if not is_web_seed(url):
            self._warn(f"{url} is no web seed: its URL must begin with http:// or https://")
        elif url in self._reserve or any(seed.url == url for seed in self):
            return
        elif len(self) >= MAX_WEB_SEEDS:
            self._reserve.append(url)
        else:
            seed = WebSeed(
                self._handles.new(),
                url,
                torrent=self._torrent,
                metainfo=self._metainfo,
                spans=self._spans,
                wants=self._downloader,
                max_conns=self._max_conns,
                handles=self._handles,
                outbox=self._outbox,
                now=now,
            )
            self._seeds[seed.handle] = seed
            self._outbox.tell(PeerConnected(self._torrent, seed.handle, sha1(url.encode()).digest(), "webSeed"))
            self._downloader.add_peer(seed, now)

    def remove(self, url: str, now: float) -> None:
        """Ask a server no more."""
        self.errors.pop(url, None)
        if url in self._reserve:
            self._reserve.remove(url)
        for seed in [each for each in self if each.url == url]:
            self._drop(seed, "the web seed was removed", now)

    def close(self, reason: str, now: float) -> None:
        """Ask none of them any more."""
        self._reserve.clear()
        for seed in list(self):
            self._drop(seed, reason, now)

    def punish(self, handle: int, error: str, now: float) -> None:
        """A seed sent wrong bytes."""
        seed = self._seeds[handle]
        if seed.hides_ranges:
            error += (
                "; perhaps not those that it was asked for, but its Content-Range cannot be seen without the header"
                " Access-Control-Expose-Headers: Content-Range"
            )
        self._give_up(seed, error, now)

    # --- what comes of fetches -------------------------------------------------------------------

    def range_started(self, fetch: int, status: int, content_range: str | None, now: float) -> None:
        """A server answers."""
        if (seed := self._waiting_for(fetch)) is not None:
            try:
                places = seed.started(fetch, status, content_range, now)
            except FetchFailedError as failure:
                self._handle_failure(seed, failure, now)
            else:
                if places:
                    self._downloader.release(seed, places, now)
                self._lose_wasteful(seed, now)

    def range_received(self, fetch: int, data: bytes | memoryview, now: float) -> None:
        """Bytes of a body came."""
        if (seed := self._waiting_for(fetch)) is not None:
            try:
                self._deliver(seed, seed.received(fetch, data, now), now)
            except FetchFailedError as failure:
                self._handle_failure(seed, failure, now)
            else:
                if not seed.owns(fetch):
                    self._go_on(seed, now)

    def range_ended(self, fetch: int, now: float) -> None:
        """A body is at its end."""
        if (seed := self._waiting_for(fetch)) is not None:
            try:
                seed.ended(fetch, now)
            except FetchFailedError as failure:
                self._handle_failure(seed, failure, now)
            else:
                self._go_on(seed, now)

    def range_failed(self, fetch: int, reason: str, now: float) -> None:
        """A server cannot be reached, or the connection broke."""
        if (seed := self._waiting_for(fetch)) is not None:
            self._handle_failure(seed, FetchFailedError(reason, None), now)

    def tick(self, now: float) -> None:
        """Give up on silent servers, and try those again that rested."""
        for seed in list(self):
            seed.wake(now)
            try:
                seed.check(now)
            except FetchFailedError as failure:
                self._handle_failure(seed, failure, now)
            else:
                self._go_on(seed, now)

    # --- what becomes of them --------------------------------------------------------------------

    def _waiting_for(self, fetch: int) -> WebSeed | None:
        return next((seed for seed in self if seed.owns(fetch)), None)

    def _deliver(self, seed: WebSeed, blocks: Iterable[Piece], now: float) -> None:
        for block in blocks:
            self.errors.pop(seed.url, None)
            self._downloader.block_received(seed, block, now)

    def _go_on(self, seed: WebSeed, now: float) -> None:
        """After an input: what has become ready in a seed, and what it may be asked for next."""
        self._deliver(seed, seed.take_padding(now), now)
        self._lose_wasteful(seed, now)
        if seed.handle in self:
            self._downloader.unchoked(seed, now)

    def _handle_failure(self, seed: WebSeed, failure: FetchFailedError, now: float) -> None:
        self.errors[seed.url] = str(failure)
        failures, places = seed.rest(failure.file, now)
        self._downloader.release(seed, places, now)
        if failures == 1:
            self._warn(f"web seed {seed.url}: {failure}; it is tried again")
        if failures < MAX_FAILURES:
            # It may have other files still.
            self._downloader.unchoked(seed, now)
        elif failure.file is None:
            self._give_up(seed, f"{failure}, {failures} times in a row", now)
        else:
            self._lose_file(seed, failure.file, str(failure), now)

    def _lose_wasteful(self, seed: WebSeed, now: float) -> None:
        for file in seed.take_wasteful():
            if seed.handle in self:
                self._lose_file(seed, file, "the server ignores ranges, and it is too large to be read whole", now)

    def _lose_file(self, seed: WebSeed, file: int, reason: str, now: float) -> None:
        """Ask a seed for all files but this one."""
        self._downloader.remove_peer(seed, now)
        seed.close()
        seed.lose_file(file)
        reason = f"{self._metainfo.files[file].path_string}: {reason}"
        assert seed.bitfield is not None
        if seed.bitfield.none:
            self._give_up(seed, reason, now)
        else:
            self._warn(f"web seed {seed.url} does not give us {reason}")
            self._downloader.add_peer(seed, now)

    def _give_up(self, seed: WebSeed, reason: str, now: float) -> None:
        self._drop(seed, reason, now)
        self.errors[seed.url] = reason
        self._warn(f"web seed {seed.url} is given up: {reason}")
        if self._reserve:
            self.add(self._reserve.popleft(), now)

    def _drop(self, seed: WebSeed, reason: str, now: float) -> None:
        del self._seeds[seed.handle]
        self._downloader.remove_peer(seed, now)
        seed.close()
        self._outbox.tell(PeerDisconnected(self._torrent, seed.handle, reason))

    def _warn(self, message: str) -> None:
        self._outbox.tell(TorrentWarning(self._torrent, WebSeedError(message)))
