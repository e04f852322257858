"""The API that pages see, declared once.

A page has a mirror of each of our objects. The tables below say which properties, methods and events each
has; `bridge` sends the properties' values and the events from them, and the build writes the JavaScript
side from them (`python -m webtorrent_py.browser.schema <file>`). A new property is one line here.

- A property with `read` is pushed to the page whenever its value has changed. One without is kept by the
  page itself (`page/torrent.js` and its neighbours) and stands here for the type declarations.
- A method with `call` is a command: it goes to Python and returns nothing. One without is the page's own.
- An event with `source` comes from the event of that name of `webtorrent_py.api`; `args` makes its arguments
  out of that event's. One without is emitted by the page itself. With `merge`, those of one batch become one.

Types are TypeScript's.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtorrent_py import __version__
from webtorrent_py.errors import WebTorrentError


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a mirror."""

    name: str
    type: str
    doc: str
    initial: Any = None
    """Its value until the engine has told one."""
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a mirror."""

    name: str
    parameters: str
    returns: str
    doc: str
    call: Callable[..., Any] | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """Properties that a command sets: they show at once, before the engine has done it."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a mirror."""

    name: str
    parameters: str
    doc: str
    source: str | None = None
    args: Callable[..., Sequence[Any]] = lambda *args: args
    merge: Callable[[Any, Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Mirror:
    """A class of the page's API."""

    name: str
    doc: str
    properties: tuple[Property, ...]
    methods: tuple[Method, ...]
    events: tuple[Event, ...]


def error_fields(error: WebTorrentError) -> dict[str, str]:
    """An error as it crosses to the page."""
    return {"name": type(error).__name__, "code": error.code, "message": str(error)}


def file_fields(files: Sequence[Any]) -> list[dict[str, Any]]:
    """What the page knows of a torrent's files for good."""
    return [
        {"name": file.name, "path": file.path, "length": file.length, "offset": file.offset, "type": file.type}
        for file in files
    ]


CLIENT = Mirror(
    "WebTorrent",
    "A client: its torrents and its connections.",
    properties=(
        Property("torrents", "Torrent[]", "All torrents of the client."),
        Property("ready", "boolean", "Whether the engine is up. Calls made before are queued."),
        Property("destroyed", "boolean", "Whether `destroy` was called."),
        Property("peerId", "string", "20 bytes, as 40 hexadecimal digits; empty until `ready`.", ""),
        Property("downloadSpeed", "number", "Bytes a second.", 0, lambda client: client.download_speed),
        Property("uploadSpeed", "number", "Bytes a second.", 0, lambda client: client.upload_speed),
        Property("progress", "number", "Of all incomplete torrents, from 0 to 1.", 0, lambda client: client.progress),
        Property("ratio", "number", "Uploaded bytes for each received one.", 0, lambda client: client.ratio),
    ),
    methods=(
        Method(
            "add",
            "torrentId: TorrentId, options?: TorrentOptions, callback?: (torrent: Torrent) => void",
            "Torrent",
            "Start downloading. The callback comes when the torrent is ready.",
        ),
        Method(
            "seed",
            "input: SeedInput, options?: SeedOptions, callback?: (torrent: Torrent) => void",
            "Torrent",
            "Make a torrent and serve it. The callback comes when it is being seeded.",
        ),
        Method("get", "torrentId: TorrentId | Torrent", "Promise<Torrent | null>", "The torrent with this id."),
        Method(
            "remove",
            "torrentId: TorrentId | Torrent, options?: object, callback?: (error?: Error) => void",
            "Promise<void>",
            "Remove a torrent. Rejects when there is none with this id.",
        ),
        Method("destroy", "callback?: (error?: Error) => void", "Promise<void>", "Remove all and close everything."),
    ),
    events=(
        Event("add", "torrent: Torrent", "A torrent was added."),
        Event("torrent", "torrent: Torrent", "A torrent is ready."),
        Event("seed", "torrent: Torrent", "A torrent is being seeded."),
        Event("remove", "torrent: Torrent", "A torrent was removed."),
        Event("ready", "", "The engine is up."),
        Event("error", "error: Error", "Something failed that no torrent's `error` listener was there to take."),
    ),
)

TORRENT = Mirror(
    "Torrent",
    "One torrent of a client.",
    properties=(
        Property("client", "WebTorrent", "The client it is in."),
        Property("destroyed", "boolean", "Whether it was removed or failed."),
        Property("infoHash", "string", "40 hexadecimal digits.", None, lambda torrent: torrent.info_hash),
        Property("name", "string", "From the metadata, before that from the link.", None, lambda torrent: torrent.name),
        Property("magnetURI", "string", "A magnet link with its trackers.", None, lambda torrent: torrent.magnet_uri),
        Property("torrentFile", "Uint8Array", "A torrent file.", None, lambda torrent: torrent.torrent_file),
        Property("torrentFileBlob", "Blob", "The same as a Blob."),
        Property("announce", "string[]", "URLs of its trackers.", (), lambda torrent: torrent.announce),
        Property("urlList", "string[]", "URLs of its web seeds.", (), lambda torrent: torrent.web_seeds),
        Property("files", "File[]", "Its files, once the metadata is known.", (), lambda torrent: torrent.files),
        Property("pieces", "(Piece | null)[]", "One `{ length }` for each piece; null when it is verified."),
        Property("length", "number", "In bytes.", 0, lambda torrent: torrent.length),
        Property("pieceLength", "number", "In bytes.", 0, lambda torrent: torrent.piece_length),
        Property("lastPieceLength", "number", "In bytes."),
        Property("progress", "number", "Verified part, from 0 to 1.", 0, lambda torrent: torrent.progress),
        Property("downloaded", "number", "Verified bytes.", 0, lambda torrent: torrent.downloaded),
        Property("received", "number", "Bytes from peers, verified or not.", 0, lambda torrent: torrent.received),
        Property("uploaded", "number", "Bytes to peers.", 0, lambda torrent: torrent.uploaded),
        Property("downloadSpeed", "number", "Bytes a second.", 0, lambda torrent: torrent.download_speed),
        Property("uploadSpeed", "number", "Bytes a second.", 0, lambda torrent: torrent.upload_speed),
        Property("ratio", "number", "Uploaded bytes for each received one.", 0, lambda torrent: torrent.ratio),
        Property("numPeers", "number", "Connected peers.", 0, lambda torrent: torrent.num_peers),
        Property(
            "timeRemaining",
            "number",
            "Milliseconds at the present speed.",
            float("inf"),
            lambda torrent: torrent.time_remaining * 1000,
        ),
        Property("ready", "boolean", "Whether it can be read.", False, lambda torrent: torrent.ready),
        Property("done", "boolean", "Whether all that is selected is there.", False, lambda torrent: torrent.done),
        Property("paused", "boolean", "Whether `pause` holds.", False, lambda torrent: torrent.paused),
    ),
    methods=(
        Method(
            "pause", "", "void", "Neither ask peers nor serve them.", lambda torrent: torrent.pause(), {"paused": True}
        ),
        Method("resume", "", "void", "Go on after `pause`.", lambda torrent: torrent.resume(), {"paused": False}),
        Method(
            "addWebSeed",
            "url: string",
            "void",
            "Download from a web server too.",
            lambda torrent, url: torrent.add_web_seed(url),
        ),
        Method(
            "select",
            "start: number, end: number, priority?: number",
            "void",
            "Download these pieces, both inclusive.",
            lambda torrent, first, last, priority=0: torrent.select(first, last, 1 + int(priority or 0)),
        ),
        Method(
            "deselect",
            "start: number, end: number",
            "void",
            "Do not download these pieces, both inclusive.",
            lambda torrent, first, last: torrent.deselect(first, last),
        ),
        Method(
            "destroy",
            "options?: object, callback?: (error?: Error) => void",
            "Promise<void>",
            "Remove it from the client.",
        ),
    ),
    events=(
        Event("infoHash", "infoHash: string", "The info hash is known.", "added", lambda info_hash: (info_hash,)),
        Event("metadata", "", "The metadata is known.", "metadata", lambda: ()),
        Event("ready", "", "It can be read and downloaded.", "ready", lambda: ()),
        Event("verified", "index: number", "A piece is verified.", "verified"),
        Event("download", "bytes: number", "Bytes came from peers.", "download", merge=lambda a, b: a + b),
        Event("upload", "bytes: number", "Bytes went to peers.", "upload", merge=lambda a, b: a + b),
        Event(
            "wire",
            "wire: { peerId: string, type: string }",
            "A peer is connected.",
            "peer",
            lambda peer_id, kind: ({"peerId": peer_id.hex(), "type": kind},),
        ),
        Event("done", "", "All that is selected is there.", "done", lambda: ()),
        Event("seed", "", "It is being seeded."),
        Event("noPeers", "announceType: string", "No peer was found.", "no_peers", lambda: ("tracker",)),
        Event(
            "trackerAnnounce",
            "announce: { url: string, complete: number | null, incomplete: number | null }",
            "A tracker answered.",
            "announced",
            lambda url, complete, incomplete: ({"url": url, "complete": complete, "incomplete": incomplete},),
        ),
        Event("warning", "error: Error", "Something it survives.", "warning", lambda error: (error_fields(error),)),
        Event("error", "error: Error", "It failed and was removed.", "error", lambda error: (error_fields(error),)),
        Event("close", "", "It was removed."),
    ),
)

FILE = Mirror(
    "File",
    "One file of a torrent. Byte ranges are `{ start, end }`, both inclusive.",
    properties=(
        Property("name", "string", "The last component of the path."),
        Property("path", "string", "With the folders of the torrent, joined with `/`."),
        Property("length", "number", "In bytes."),
        Property("size", "number", "The same."),
        Property("offset", "number", "In bytes from the start of the torrent."),
        Property("type", "string", "MIME type by its extension."),
        Property("downloaded", "number", "Verified bytes.", 0, lambda file: file.downloaded),
        Property("progress", "number", "Verified part, from 0 to 1.", 0, lambda file: file.progress),
        Property("done", "boolean", "Whether all of it is verified.", False, lambda file: file.done),
    ),
    methods=(
        Method("select", "priority?: number", "void", "Download it.", lambda file, _priority=None: file.select()),
        Method("deselect", "", "void", "Do not download it.", lambda file: file.deselect()),
        Method("arrayBuffer", "range?: Range", "Promise<ArrayBuffer>", "Its bytes."),
        Method("blob", "range?: Range", "Promise<Blob>", "Its bytes."),
        Method("stream", "range?: Range", "ReadableStream<Uint8Array>", "Its bytes, in order, as they come."),
        Method("[Symbol.asyncIterator]", "range?: Range", "AsyncIterableIterator<Uint8Array>", "The same, to iterate."),
        Method(
            "getBuffer",
            "callback: (error: Error | null, buffer?: Uint8Array) => void",
            "void",
            "As webtorrent 1 had it.",
        ),
        Method(
            "getBlobURL", "callback: (error: Error | null, url?: string) => void", "void", "As webtorrent 1 had it."
        ),
        Method(
            "appendTo",
            "target: string | Element, options?: RenderOptions, callback?: RenderCallback",
            "void",
            "Show it in an element made for it.",
        ),
        Method(
            "renderTo",
            "element: string | Element, options?: RenderOptions, callback?: RenderCallback",
            "void",
            "Show it in this element.",
        ),
    ),
    events=(Event("done", "", "All of it is verified."),),
)

MIRRORS = (CLIENT, TORRENT, FILE)


def javascript() -> str:
    """The module from which the page makes its mirrors."""
    parts = [
        "// Written by webtorrent_py/browser/schema.py. Do not edit.\n",
        f"export const version = {json.dumps(__version__)}\n",
    ]
    for mirror in MIRRORS:
        table = {
            "state": {each.name: each.initial for each in mirror.properties if each.read},
            "commands": {each.name: each.outcome for each in mirror.methods if each.call},
            "events": [each.name for each in mirror.events],
        }
        parts.append(f"export const {mirror.name} = {json.dumps(table, indent=2)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(javascript(), encoding="utf-8")
