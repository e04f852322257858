"""Between the page's mirrors and the API's objects.

The page calls by name (`Bridge.call`, answered with `settle` or `fail`). What changes goes to it in batches:

    {"client": {...}, "torrents": [[key, {...}], ...], "files": [[key, index, {...}], ...],
     "wires": [[key, id, {...}], ...], "events": [[key, name, arguments], [key, name, arguments, wire's id], ...]}

State holds only values that have changed since they were last told, and comes before the events that tell
of it. A batch leaves at once when none has left for `INTERVAL`, later ones wait; never are two under way, so
a busy page gets fewer and larger ones. The state of connections is told only of torrents that the page watches.
"""

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from webtorrent_py.api import File, Torrent, WebTorrent, Wire
from webtorrent_py.api.host import StorePlan
from webtorrent_py.api.reader import RandomReader, Reader
from webtorrent_py.browser import convert, schema
from webtorrent_py.browser.declaration import Event, Mirror
from webtorrent_py.browser.host import Blob
from webtorrent_py.browser.options import SEED_OPTIONS, TORRENT_OPTIONS
from webtorrent_py.browser.torrent_ids import read_torrent_id
from webtorrent_py.client.diagnosis import Diagnosis, Facts, diagnose
from webtorrent_py.errors import (
    DestroyedError,
    DuplicateTorrentError,
    StorageError,
    UnknownTorrentError,
    WebTorrentError,
    WireError,
)

INTERVAL = 0.1
"""Seconds between two batches: what a person sees as continuous."""

IDLE_INTERVAL = 0.5
"""Seconds between looks at speeds that sink while nothing happens."""

MAX_BACKLOG = 1024 * 1024
"""Bytes of extensions' messages that wait for the page, of one peer."""

MAX_FAILURES = 64
"""Torrents that failed, of which is remembered why: pages ask when it is too late to ask the torrent."""

MESSAGE_COST = 64
"""What one message is counted besides its bytes: empty ones take room as well."""

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
        self._watched: set[int] = set()
        self._backlog: dict[int, int] = {}
        self._failures: dict[int, Diagnosis] = {}
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

    async def _add(self, key: int, torrent_id: Any, options: dict[str, Any], data: bytes = b"") -> None:
        source = read_torrent_id(torrent_id, data)
        given = TORRENT_OPTIONS.keywords(options)
        if given.get("store") == StorePlan("page"):
            given["store"] = StorePlan("page", key)
        await self._register(key, self._client.add(source, **given))

    async def _seed(self, key: int, items: list[tuple[str | None, int, int]], options: dict[str, Any]) -> None:
        try:
            files = [(name, Blob(source, length)) for name, source, length in items]
            await self._register(key, self._client.seed(files, **SEED_OPTIONS.keywords(options)))
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

    async def _find(self, torrent_id: Any, data: bytes = b"") -> int | None:
        found = await self._client.get(read_torrent_id(torrent_id, data))
        return self._keys.get(found) if found else None

    async def _command(self, key: int | None, file: int | None, name: str, arguments: list[Any]) -> None:
        if key is None:
            _COMMANDS[schema.CLIENT.name][name](self._client, *arguments)
            return
        torrent = self._torrent(key)
        if file is None:
            _COMMANDS[schema.TORRENT.name][name](torrent, *arguments)
        else:
            _COMMANDS[schema.FILE.name][name](self._file(key, file), *arguments)

    async def _wire_command(self, key: int, wire: int, name: str, arguments: list[Any], data: bytes = b"") -> None:
        found = self._torrent(key).wire(wire)
        extra = [data] if data else []
        _COMMANDS[schema.WIRE.name][name](found, *map(convert.from_tagged, arguments), *extra)

    async def _watch_wires(self, key: int) -> None:
        self._torrent(key)
        self._watched.add(key)

    async def _announce_options(self, key: int, options: dict[str, Any]) -> None:
        self._torrent(key).set_announce_extras(options)

    async def _add_peer(self, key: int, initiator: bool) -> int | None:
        return self._torrent(key).introduce_peer(initiator)

    async def _remove_peer(self, key: int, peer: int | str) -> None:
        self._torrent(key).remove_peer(peer)

    async def _diagnose(self, key: int) -> dict[str, Any]:
        diagnosis = self._failures.get(key) or self._torrent(key).diagnose()
        return {"cause": diagnosis.cause, "message": diagnosis.message, **diagnosis.details}

    async def _rescan(self, key: int) -> None:
        await self._torrent(key).check()

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
        torrent.on("wire", lambda wire: self._listen_to_wire(key, wire))
        torrent.on("file_done", lambda index: self._note(key, schema.FILE_DONE, index))
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

    def _listen_to_wire(self, key: int, wire: Wire) -> None:
        def note(name: str, *arguments: Any) -> None:
            self._events.append([key, name, list(arguments), wire.id])
            self._schedule(0.0)

        def note_message(name: str, payload: bytes) -> None:
            # What the page has not taken yet is kept here, and the peer decides how much it sends.
            backlog = self._backlog[wire.id] = self._backlog.get(wire.id, 0) + len(payload) + MESSAGE_COST
            if backlog <= MAX_BACKLOG:
                note("extended", name, payload)
            elif not wire.destroyed:
                wire.torrent.emit("warning", WireError(f"a peer sends more messages of '{name}' than the page takes"))
                wire.destroy()

        def note_close(_: str) -> None:
            self._told.pop((key, "wire", wire.id), None)
            self._backlog.pop(wire.id, None)
            note("close")

        wire.on("extended", note_message)
        wire.on("extended_handshake", lambda ids, fields: note("handshake", ids, schema.handshake_fields(fields)))
        wire.on("close", note_close)

    def _note_files(self, key: int, indices: range) -> None:
        self._changed_files.update((key, index) for index in indices)

    def _forget(self, key: int, torrent: Torrent) -> None:
        del self._torrents[key], self._keys[torrent]
        self._watched.discard(key)
        if torrent.error is not None:
            self._failures[key] = diagnose(
                Facts(age=0.0, error=str(torrent.error), is_storage_error=isinstance(torrent.error, StorageError))
            )
            if len(self._failures) > MAX_FAILURES:
                del self._failures[next(iter(self._failures))]
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
            "wires": [
                (key, wire.id, changes)
                for key in self._watched
                for wire in self._torrents[key].wires
                if (changes := self._changes((key, "wire", wire.id), schema.WIRE, wire))
            ],
            "events": self._events,
        }
        self._changed_files.clear()
        self._backlog.clear()
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
        if self._client.destroyed:
            return False
        return bool(self._client.download_speed or self._client.upload_speed) or any(
            self._torrents[key].wires for key in self._watched
        )

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
    "wire_command": Bridge._wire_command,
    "watch_wires": Bridge._watch_wires,
    "announce_options": Bridge._announce_options,
    "diagnose": Bridge._diagnose,
    "rescan": Bridge._rescan,
    "add_peer": Bridge._add_peer,
    "remove_peer": Bridge._remove_peer,
    "open_reader": Bridge._open_reader,
    "open_random": Bridge._open_random,
    "locate": Bridge._locate,
    "close_reader": Bridge._close_reader,
}
