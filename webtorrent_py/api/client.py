"""The client: torrents, and the turn that drives them.

After every input (`handle`) the core's actions are performed, its events are passed on, and the host's one
timer is armed. Whatever the host reports, and whatever the user asks for, takes this way.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from webtorrent_py import events
from webtorrent_py.api.emitter import Emitter
from webtorrent_py.api.host import Content, Host, StorePlan
from webtorrent_py.api.seeding import CREATION_OPTIONS, DEFAULT_TRACKERS, Files, create
from webtorrent_py.api.torrent import Torrent, check_rate
from webtorrent_py.client import Client
from webtorrent_py.codec.magnet import Magnet, parse_torrent_id
from webtorrent_py.codec.metainfo import Metainfo, parse_torrent
from webtorrent_py.errors import (
    DestroyedError,
    InvalidTorrentIdError,
    MetainfoError,
    UnknownTorrentError,
    WebTorrentError,
)
from webtorrent_py.limits import UNLIMITED

TorrentId = str | bytes | Metainfo | Magnet
"""A magnet link, an info hash (hex or base32), an http(s) URL of a torrent file, or its bytes."""

MAX_TORRENT_FILE = 32 * 1024 * 1024
"""Bytes of a torrent file that is fetched: far above those of the largest torrents there are."""

PEER_ID_PREFIX = b"-WP0010-"
"""Azureus style: client and version. Twelve letters and digits follow."""

_PEER_ID_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class WebTorrent(Emitter):
    """Torrents over one host. Emits `add`, `torrent` (ready), `remove`, and `error` (torrent, error)."""

    def __init__(
        self,
        host: Host,
        *,
        peer_id: bytes | None = None,
        max_conns: int = 55,
        download_limit: float = UNLIMITED,
        upload_limit: float = UNLIMITED,
        trackers: Sequence[str] | None = (),
        core: Client | None = None,
    ) -> None:
        """`trackers` are announced to for every torrent; None: use no tracker at all, not even a torrent's own.

        The limits are bytes a second; 0: nothing, negative: no limit. `core` is there for tests.
        """
        super().__init__()
        self.host = host
        self.peer_id = peer_id or PEER_ID_PREFIX + bytes(host.random.choices(_PEER_ID_DIGITS, k=12))
        self.core = core or Client(
            peer_id=self.peer_id,
            random=host.random,
            max_conns=max_conns,
            download_limit=check_rate(download_limit),
            upload_limit=check_rate(upload_limit),
            trackers=trackers,
            dials_addresses=host.dials_addresses,
            listen_port=host.listen_port,
        )
        self.destroyed = False
        self._trackers = trackers
        self._torrents: dict[int, Torrent] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._events: deque[events.Event] = deque()
        self._is_dispatching = False
        self._alarm: float | None = None

    # For users.

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """All torrents, in the order in which they were added."""
        return tuple(self._torrents.values())

    @property
    def download_speed(self) -> float:
        """Bytes a second, of all torrents."""
        return sum(torrent.download_speed for torrent in self.torrents)

    @property
    def upload_speed(self) -> float:
        """Bytes a second, of all torrents."""
        return sum(torrent.upload_speed for torrent in self.torrents)

    @property
    def progress(self) -> float:
        """Verified part of all torrents that are not complete, from 0 to 1."""
        torrents = [torrent for torrent in self.torrents if torrent.progress < 1]
        length = sum(torrent.length for torrent in torrents)
        return sum(torrent.downloaded for torrent in torrents) / length if length else 0.0

    @property
    def ratio(self) -> float:
        """Uploaded bytes for each received one, over all torrents."""
        received = sum(torrent.received for torrent in self.torrents)
        return sum(torrent.uploaded for torrent in self.torrents) / (received or 1)

    async def add(self, torrent_id: TorrentId, *, store: StorePlan | None = None, **options: Any) -> Torrent:
        """Start a torrent. `options` are those of `webtorrent_py.client.Client.add`.

        `store` says where its bytes are kept: on disk by default, where the host has one.

        With `deselect`, nothing is downloaded until something is selected or read.
        Raises `InvalidTorrentIdError` and `FormatError`, `FetchError`, `DuplicateTorrentError`, `DestroyedError`.
        """
        return self._add(await self._parse(torrent_id), store=store, **options)

    async def seed(
        self,
        files: Files,
        *,
        announce: Sequence[str | Sequence[str]] | None = None,
        **options: Any,
    ) -> Torrent:
        """Make a torrent of `files` (names, which may hold `/`, and contents) and serve it.

        Without `announce` and without trackers of the client, some public trackers are used. `options` are those of
        `seeding.create` (`name`, `version`, `piece_length`, `private`, `comment` and so on) and of `add`.
        Raises `InvalidOptionError`, `StorageError` when something cannot be read, `DuplicateTorrentError`.
        """
        trackers = DEFAULT_TRACKERS if announce is None and not self._trackers else announce or ()
        creation = {key: value for key, value in options.items() if key in CREATION_OPTIONS}
        others = {key: value for key, value in options.items() if key not in CREATION_OPTIONS}
        new = await create(self.host, files, announce=trackers, **creation)
        return self._add(new.metainfo, contents=new.contents, alignment=new.alignment, have_all=True, **others)

    async def get(self, torrent_id: TorrentId) -> Torrent | None:
        """The torrent with this id. None when there is none, or when it is no id that tells its info hash."""
        if isinstance(torrent_id, str) and _is_url(torrent_id):
            return None
        try:
            source = await self._parse(torrent_id)
        except WebTorrentError:
            return None  # as the original has it: what is no id is in no client
        found = next(filter(None, map(self.core.get, source.swarm_hashes)), None)
        return self._torrents.get(found.id) if found else None

    async def remove(self, torrent: Torrent) -> None:
        """Stop a torrent and forget all of it. Raises `UnknownTorrentError`."""
        if self._torrents.get(torrent.core_torrent.id) is not torrent:
            raise UnknownTorrentError("the torrent is not in this client")
        self._remove(torrent, None)

    def throttle_download(self, rate: float) -> None:
        """Receive no more than `rate` bytes a second, of all torrents; 0: nothing, negative: no limit.

        Raises `InvalidOptionError`.
        """
        self.handle(self.core.throttle_download, check_rate(rate))

    def throttle_upload(self, rate: float) -> None:
        """Send no more than `rate` bytes a second, of all torrents; 0: nothing, negative: no limit.

        Raises `InvalidOptionError`.
        """
        self.handle(self.core.throttle_upload, check_rate(rate))

    async def destroy(self) -> None:
        """Remove all torrents and close all connections. Nothing can be added afterwards."""
        if self.destroyed:
            raise DestroyedError("the client was destroyed already")
        for torrent in self.torrents:
            self._remove(torrent, None)
        self.handle(self.core.close)
        for task in self._tasks:
            task.cancel()
        self.destroyed = True
        self.host.arm_timer(None)

    def find(self, handle: int) -> Torrent | None:
        """The torrent with this handle of the core."""
        return self._torrents.get(handle)

    # For the host.

    def handle(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the core with `args` and the time; then do what it wants done, and say what happened."""
        result = method(*args, self.host.now())
        self._turn()
        return result

    def handle_timer(self) -> None:
        """The time asked for with `arm_timer` has come."""
        self._alarm = None
        deadline = self.core.get_timer()
        if deadline is not None and deadline <= self.host.now():
            self.core.handle_timer(self.host.now())
        self._turn()

    def _turn(self) -> None:
        if actions := self.core.actions_to_perform():
            self.host.perform(actions)
        self._events.extend(self.core.events_received())
        self._dispatch()
        deadline = self.core.get_timer()
        # An alarm that comes too early is cheap; moving it at every turn is not.
        if deadline is not None and not self.destroyed and (self._alarm is None or deadline < self._alarm):
            self._alarm = deadline
            self.host.arm_timer(max(0.0, deadline - self.host.now()))

    def _dispatch(self) -> None:
        if self._is_dispatching:
            return  # a listener called back in: the outer loop keeps the order
        self._is_dispatching = True
        try:
            while self._events:
                event = self._events.popleft()
                if torrent := self._torrents.get(event.torrent):
                    self._handle_event(torrent, event)
        finally:
            self._is_dispatching = False

    def _handle_event(self, torrent: Torrent, event: events.Event) -> None:
        torrent.handle_event(event)
        if isinstance(event, events.TorrentReady):
            self.emit("torrent", torrent)
        elif isinstance(event, events.TorrentFailed):
            self._remove(torrent, event.error)
            self.emit("error", torrent, event.error)

    async def _parse(self, torrent_id: TorrentId) -> Metainfo | Magnet:
        if isinstance(torrent_id, Metainfo | Magnet):
            return torrent_id
        if isinstance(torrent_id, bytes):
            if not torrent_id.startswith(b"d"):
                raise InvalidTorrentIdError("Invalid torrent identifier: these bytes are no torrent file")
            return parse_torrent(torrent_id)
        if not isinstance(torrent_id, str):
            raise InvalidTorrentIdError(f"Invalid torrent identifier: {type(torrent_id).__name__} is none")
        if _is_url(torrent_id):
            return parse_torrent(await self.host.fetch(torrent_id.strip(), MAX_TORRENT_FILE))
        try:
            return parse_torrent_id(torrent_id)
        except InvalidTorrentIdError as error:
            raise InvalidTorrentIdError(f"Invalid torrent identifier: {error}") from error

    def _add(
        self,
        source: Metainfo | Magnet,
        *,
        contents: Sequence[Content] | None = None,
        alignment: int = 1,
        store: StorePlan | None = None,
        **options: Any,
    ) -> Torrent:
        if self.destroyed:
            raise DestroyedError("the client was destroyed")
        core_torrent = self.core.add(source, self.host.now(), **options)
        torrent = Torrent(self, core_torrent, source)
        self._torrents[core_torrent.id] = torrent
        if contents is not None:
            self.host.attach(core_torrent.id, contents, alignment)
        else:
            self.host.plan_store(core_torrent.id, store or StorePlan())
        self.emit("add", torrent)
        # Not now: whoever added it shall be able to listen before anything happens.
        asyncio.get_running_loop().call_soon(self._turn)
        if isinstance(source, Magnet):
            self._fetch_metainfo(torrent, source.exact_sources)
        return torrent

    def _fetch_metainfo(self, torrent: Torrent, urls: Sequence[str]) -> None:
        """Ask the exact sources of a link (BEP 9) for the torrent file; peers are asked for the metadata meanwhile."""

        async def fetch(url: str) -> None:
            try:
                metainfo = parse_torrent(await self.host.fetch(url, MAX_TORRENT_FILE))
                if not torrent.core_torrent.is_named_by(metainfo):
                    raise MetainfoError(f"{url} is another torrent than the link names")
            except WebTorrentError as error:
                torrent.emit("warning", error)
            else:
                if not torrent.destroyed:
                    self.handle(self.core.set_metainfo, torrent.core_torrent.id, metainfo)

        for url in filter(_is_url, urls):
            task = asyncio.get_running_loop().create_task(fetch(url))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _remove(self, torrent: Torrent, error: WebTorrentError | None) -> None:
        handle = torrent.core_torrent.id
        del self._torrents[handle]
        torrent.handle_removed(error)
        self.handle(self.core.remove, handle)
        self.emit("remove", torrent)


def _is_url(text: str) -> bool:
    return text.strip().lower().startswith(("http://", "https://"))
