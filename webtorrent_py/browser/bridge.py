"""Between the page's mirrors and the API's objects.

The page calls by name (`Bridge.call`, answered with `settle` or `fail`). What changes goes to it in batches:

    {"client": {...}, "torrents": [[key, {...}], ...], "files": [[key, index, {...}], ...],
     "events": [[key, name, arguments], ...]}

State holds only values that have changed since they were last told, and comes before the events that tell
of it. A batch leaves at once when none has left for `INTERVAL`, later ones wait; never are two under way, so
a busy page gets fewer and larger ones.
"""

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from webtorrent_py.api import File, Torrent, WebTorrent
from webtorrent_py.api.reader import RandomReader, Reader
from webtorrent_py.browser import convert, schema
from webtorrent_py.browser.host import Blob
from webtorrent_py.browser.schema import Event, Mirror
from webtorrent_py.errors import DestroyedError, DuplicateTorrentError, UnknownTorrentError, WebTorrentError

INTERVAL = 0.1
"""Seconds between two batches: what a person sees as continuous."""

IDLE_INTERVAL = 0.5
"""Seconds between looks at speeds that sink while nothing happens."""

_READ: dict[str, tuple[tuple[str, Any, Callable[[Any], Any]], ...]] = {
    mirror.name: tuple((each.name, each.initial, each.read) for each in mirror.properties if each.read)
    for mirror in schema.MIRRORS
}
_COMMANDS: dict[str, dict[str, Callable[..., Any]]] = {
    mirror.name: {each.name: each.call for each in mirror.methods if each.call} for mirror in schema.MIRRORS
}
_ADDED = next(event for event in schema.TORRENT.events if event.source == "added")


class Bridge:
    """Serves one page. `io` is the JavaScript module of the worker."""

    def __init__(self, client: WebTorrent, io: Any) -> None:
        self._client = client
        self._io = io
        self._torrents: dict[int, Torrent] = {}
        self._keys: dict[Torrent, int] = {}
        self._adding: dict[int, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: dict[int, Reader | RandomReader] = {}
        self._last_reader = 0
        self._told: dict[object, dict[str, Any]] = {}
        self._changed_files: set[tuple[int, int]] = set()
        self._events: list[list[Any]] = []
        self._merged: dict[tuple[int, str], list[Any]] = {}
        self._flush_timer: asyncio.Handle | None = None
        self._flush_at = 0.0
        self._last_flush = -INTERVAL
        self._is_updating = False

    # Calls of the page.

    def call(self, number: int, name: str, arguments: str, data: Any = None) -> None:
        """Do what `_METHODS` has under this name, and answer the call with this number.

        `arguments` is JSON; `data` goes with it where bytes are concerned.
        """
        extra = [] if data is None else [convert.to_bytes(data)]
        task = asyncio.ensure_future(self._answer(number, name, convert.from_json(arguments) + extra))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, number: int, name: str, arguments: list[Any]) -> None:
        try:
            result = await _METHODS[name](self, *arguments)
        except asyncio.CancelledError:
            self._fail(number, DestroyedError("the torrent was removed before it was added"))
        except WebTorrentError as error:
            self._fail(number, error)
        except Exception:  # noqa: BLE001
            # A mistake of ours must not leave the page waiting; it is shown with where it happened.
            fields = {"name": "InternalError", "code": "ERR_INTERNAL", "message": traceback.format_exc()}
            self._io.fail(number, convert.to_json(fields))
        else:
            self._io.settle(number, convert.to_json(result))
        self._schedule()

    def _fail(self, number: int, error: WebTorrentError) -> None:
        fields: dict[str, Any] = dict(schema.error_fields(error))
        if isinstance(error, DuplicateTorrentError) and (existing := self._client.find(error.torrent)):
            fields["existing"] = self._keys.get(existing)
        self._io.fail(number, convert.to_json(fields))

    async def _add(self, key: int, torrent_id: str | None, options: dict[str, Any], data: bytes = b"") -> None:
        add = self._client.add(
            data if torrent_id is None else torrent_id,
            announce=options.get("announce", ()),
            web_seeds=options.get("webSeeds") or (),
            max_web_conns=options.get("maxWebConns") or 4,
            paused=options.get("paused", False),
            deselect=options.get("deselect", False),
            strategy=options.get("strategy", "rarest"),
        )
        await self._register(key, add)

    async def _seed(self, key: int, items: list[tuple[str | None, int, int]], options: dict[str, Any]) -> None:
        seed = self._client.seed(
            [(name, Blob(source, length)) for name, source, length in items],
            name=options.get("name"),
            announce=options.get("announce"),
            piece_length=options.get("pieceLength"),
            private=options.get("private"),
            source=options.get("source"),
            comment=options.get("comment"),
            created_by=options.get("createdBy"),
            creation_date=options.get("creationDate"),
            web_seeds=options.get("webSeeds") or (),
            version=options.get("version") or "v1",
        )
        try:
            await self._register(key, seed)
        finally:
            for _, source, _ in items:
                self._io.dropSource(source)

    async def _register(self, key: int, adding: Coroutine[Any, Any, Torrent]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._adding[key] = task
        try:
            torrent = await adding
        finally:
            del self._adding[key]
        self._torrents[key] = torrent
        self._keys[torrent] = key
        self._listen(key, torrent)
        self._note(key, _ADDED, torrent.info_hash)

    async def _remove(self, key: int) -> None:
        if key in self._adding:
            self._adding[key].cancel()
        else:
            await self._client.remove(self._torrent(key))

    async def _destroy(self) -> None:
        for task in self._adding.values():
            task.cancel()
        await self._client.destroy()

    async def _find(self, torrent_id: str | None, data: bytes = b"") -> int | None:
        found = await self._client.get(data if torrent_id is None else torrent_id)
        return self._keys.get(found) if found else None

    async def _command(self, key: int, file: int | None, name: str, arguments: list[Any]) -> None:
        torrent = self._torrent(key)
        if file is None:
            _COMMANDS[schema.TORRENT.name][name](torrent, *arguments)
        else:
            _COMMANDS[schema.FILE.name][name](self._file(key, file), *arguments)

    async def _open_reader(self, key: int, file: int, start: int, end: int) -> int:
        return self._keep_reader(self._file(key, file).open(start, end))

    async def _open_random(self, key: int, file: int) -> int:
        return self._keep_reader(self._file(key, file).open_random())

    async def _locate(self, number: int, *span: int) -> tuple[int, int, int] | None:
        """Where the next bytes (or those of `span`) are: torrent, offset and length. None at the end."""
        reader = self._readers.get(number)
        if reader is None:
            raise DestroyedError("the reader was closed")
        location = await reader.locate(*span)
        return None if location is None else (reader.torrent.core_torrent.id, *location)

    async def _close_reader(self, number: int) -> None:
        if reader := self._readers.pop(number, None):
            reader.close()

    def _keep_reader(self, reader: Reader | RandomReader) -> int:
        self._last_reader += 1
        self._readers[self._last_reader] = reader
        return self._last_reader

    def _torrent(self, key: int) -> Torrent:
        try:
            return self._torrents[key]
        except KeyError:
            raise UnknownTorrentError("the torrent is not in this client") from None

    def _file(self, key: int, index: int) -> File:
        return self._torrent(key).files[index]

    # News for the page.

    def _listen(self, key: int, torrent: Torrent) -> None:
        for event in schema.TORRENT.events:
            if event.source:
                torrent.on(event.source, lambda *args, event=event: self._note(key, event, *args))
        torrent.on("metadata", lambda: self._note_files(key, range(len(torrent.files))))
        torrent.on("verified", lambda index: self._note_files(key, torrent.files_of_piece(index)))
        torrent.on("ready", lambda: self._note_files(key, range(len(torrent.files))))
        torrent.on("peer_left", lambda _: self._schedule())
        torrent.on("close", lambda: self._forget(key, torrent))

    def _note(self, key: int, event: Event, *args: Any) -> None:
        arguments = event.args(*args)
        merged = self._merged.get((key, event.name))
        if event.merge and merged:
            merged[2] = [event.merge(old, new) for old, new in zip(merged[2], arguments, strict=True)]
        else:
            entry = [key, event.name, list(arguments)]
            self._events.append(entry)
            if event.merge:
                self._merged[key, event.name] = entry
        self._schedule()

    def _note_files(self, key: int, indices: range) -> None:
        self._changed_files.update((key, index) for index in indices)

    def _forget(self, key: int, torrent: Torrent) -> None:
        del self._torrents[key], self._keys[torrent]
        self._told = {told: state for told, state in self._told.items() if told != key and not _is_file_of(told, key)}
        self._changed_files = {(each, index) for each, index in self._changed_files if each != key}

    def _schedule(self, interval: float = INTERVAL) -> None:
        if self._is_updating or (self._flush_timer and self._flush_at <= self._last_flush + interval):
            return  # Every block comes by here, and nearly always a batch is due already.
        loop = asyncio.get_running_loop()
        now = loop.time()
        when = max(now, self._last_flush + interval)
        if self._flush_timer and self._flush_at > when:
            self._flush_timer.cancel()
            self._flush_timer = None
        if not self._flush_timer:
            # Not `call_at`: by the time it looks, now may be the past, which Pyodide's loop refuses.
            self._flush_timer = loop.call_later(when - now, self._flush)
            self._flush_at = when

    def _flush(self) -> None:
        self._flush_timer = None
        self._last_flush = asyncio.get_running_loop().time()
        batch = {
            "client": self._changes("client", schema.CLIENT, self._client),
            "torrents": [
                (key, changes)
                for key, torrent in self._torrents.items()
                if (changes := self._changes(key, schema.TORRENT, torrent))
            ],
            "files": [
                (key, index, changes)
                for key, index in sorted(self._changed_files)
                if (changes := self._changes((key, index), schema.FILE, self._torrents[key].files[index]))
            ],
            "events": self._events,
        }
        self._changed_files.clear()
        self._events, self._merged = [], {}
        if any(batch.values()):
            self._is_updating = True
            self._io.update(convert.to_plain(batch))
        elif self._is_moving():
            self._schedule(IDLE_INTERVAL)

    def updated(self) -> None:
        """The page has taken the last batch."""
        self._is_updating = False
        if self._events or self._changed_files:
            self._schedule()
        elif self._is_moving():
            self._schedule(IDLE_INTERVAL)

    def _is_moving(self) -> bool:
        return not self._client.destroyed and bool(self._client.download_speed or self._client.upload_speed)

    def _changes(self, told_key: object, mirror: Mirror, subject: Any) -> dict[str, Any]:
        told = self._told.setdefault(told_key, {})
        changes = {}
        for name, initial, read in _READ[mirror.name]:
            value = read(subject)
            if value != told.get(name, initial):
                told[name] = value
                changes[name] = schema.file_fields(value) if name == "files" else value
        return changes


def _is_file_of(told: object, key: int) -> bool:
    return isinstance(told, tuple) and told[0] == key


_METHODS: dict[str, Callable[..., Any]] = {
    "add": Bridge._add,
    "seed": Bridge._seed,
    "remove": Bridge._remove,
    "destroy": Bridge._destroy,
    "find": Bridge._find,
    "command": Bridge._command,
    "open_reader": Bridge._open_reader,
    "open_random": Bridge._open_random,
    "locate": Bridge._locate,
    "close_reader": Bridge._close_reader,
}
