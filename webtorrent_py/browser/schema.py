"""The API that pages see, declared once (its options are in `options`).

A page has a mirror of each of our objects. The tables below say which properties, methods and events each
has; `bridge` sends the properties' values and the events from them, and the build writes the JavaScript
side and the type declarations from them (`webtorrent_py.browser.generate`). A new property is one line here.

- A property with `read` is pushed to the page whenever its value has changed. One without is kept by the
  page itself (`page/torrent.js` and its neighbours) and stands here for the type declarations.
- A method with `call` is a command: it goes to Python and returns nothing. One without is the page's own.
- An event with `source` comes from the event of that name of `webtorrent_py.api`; `args` makes its arguments
  out of that event's. One without is emitted by the page itself. With `merge`, those of one batch become one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from webtorrent_py.browser.declaration import Event, Method, Mirror, Property
from webtorrent_py.errors import WebTorrentError


def error_fields(error: WebTorrentError) -> dict[str, str]:
    """An error as it crosses to the page."""
    return {"name": type(error).__name__, "code": error.code, "message": str(error)}


def file_fields(files: Sequence[Any]) -> list[dict[str, Any]]:
    """What the page knows of a torrent's files for good."""
    return [
        {
            "name": file.name,
            "path": file.path,
            "length": file.length,
            "offset": file.offset,
            "type": file.type,
            "pieces": file.pieces,
        }
        for file in files
    ]


def wire_fields(wire: Any) -> dict[str, Any]:
    """What the page knows of a connection for good."""
    return {"id": wire.id, "peerId": wire.peer_id, "type": wire.kind, "peerExtensions": dict(wire.features)}


def handshake_fields(value: Any) -> Any:
    """A bencoded value for the page: keys are text, strings stay bytes."""
    if isinstance(value, Mapping):
        return {key.decode(errors="replace"): handshake_fields(each) for key, each in value.items()}
    return [handshake_fields(each) for each in value] if isinstance(value, list) else value


CLIENT = Mirror(
    "WebTorrent",
    "A client: its torrents and its connections.",
    properties=(
        Property("torrents", "Torrent[]", "All torrents of the client."),
        Property("ready", "boolean", "Whether the engine is up. Calls made before are queued."),
        Property("destroyed", "boolean", "Whether `destroy` was called."),
        Property("peerId", "string", "20 bytes, as 40 hexadecimal digits."),
        Property("nodeId", "string", "20 bytes, as 40 hexadecimal digits. There is no DHT in a browser."),
        Property("maxConns", "number", "Peers of one torrent at the same time."),
        Property("downloadSpeed", "number", "Bytes a second.", 0, lambda client: client.download_speed),
        Property("uploadSpeed", "number", "Bytes a second.", 0, lambda client: client.upload_speed),
        Property("progress", "number", "Of all incomplete torrents, from 0 to 1.", 0, lambda client: client.progress),
        Property("ratio", "number", "Uploaded bytes for each received one.", 0, lambda client: client.ratio),
    ),
    methods=(
        Method(
            "add",
            "torrentId: TorrentId, ...rest: OptionsAndCallback<TorrentOptions, (torrent: Torrent) => void>",
            "Torrent",
            "Start downloading. The callback comes when the torrent is ready, at once for one that is there already.",
        ),
        Method(
            "seed",
            "input: SeedInput, ...rest: OptionsAndCallback<SeedOptions, (torrent: Torrent) => void>",
            "Torrent",
            "Make a torrent and serve it. The callback comes when it is being seeded.",
        ),
        Method("get", "torrentId: TorrentId | Torrent", "Promise<Torrent | null>", "The torrent with this id."),
        Method(
            "remove",
            "torrentId: TorrentId | Torrent, ...rest: OptionsAndCallback<DestroyOptions, (error?: Error) => void>",
            "Promise<void>",
            "Remove a torrent. Rejects when there is none with this id.",
        ),
        Method(
            "throttleDownload",
            "rate: number",
            "void",
            "Receive no more bytes a second, of all torrents; 0: none, -1: no limit.",
            lambda client, rate: client.throttle_download(rate),
        ),
        Method(
            "throttleUpload",
            "rate: number",
            "void",
            "Send no more bytes a second, of all torrents; 0: none, -1: no limit.",
            lambda client, rate: client.throttle_upload(rate),
        ),
        Method("destroy", "callback?: (error?: Error) => void", "Promise<void>", "Remove all and close everything."),
    ),
    events=(
        Event("add", "torrent: Torrent", "A torrent was added."),
        Event("torrent", "torrent: Torrent", "A torrent is ready."),
        Event("seed", "torrent: Torrent", "A torrent is being seeded."),
        Event("remove", "torrent: Torrent", "A torrent was removed."),
        Event("ready", "", "The engine is up."),
        Event(
            "warning", "error: Error", "A torrent was added that is there already, and nobody listens for its `error`."
        ),
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
        Property("private", "boolean", "Peers from its own trackers only.", False, lambda torrent: torrent.private),
        Property("comment", "string | null", "What its maker said of it.", None, lambda torrent: torrent.comment),
        Property("createdBy", "string | null", "What made it.", None, lambda torrent: torrent.created_by),
        Property("created", "Date | null", "When it was made.", None, lambda torrent: torrent.creation_date),
        Property("maxWebConns", "number", "As the option says."),
        Property("path", "string", "As the option says; nothing is stored there."),
        Property("wires", "Wire[]", "The connected peers."),
    ),
    methods=(
        Method(
            "pause", "", "void", "Neither ask peers nor serve them.", lambda torrent: torrent.pause(), {"paused": True}
        ),
        Method("resume", "", "void", "Go on after `pause`.", lambda torrent: torrent.resume(), {"paused": False}),
        Method(
            "throttleDownload",
            "rate: number",
            "void",
            "Receive no more bytes a second of this torrent; 0: none, -1: no limit of its own.",
            lambda torrent, rate: torrent.throttle_download(rate),
        ),
        Method(
            "throttleUpload",
            "rate: number",
            "void",
            "Send no more bytes a second of this torrent; 0: none, -1: no limit of its own.",
            lambda torrent, rate: torrent.throttle_upload(rate),
        ),
        Method(
            "addWebSeed",
            "url: string",
            "void",
            "Download from a web server too.",
            lambda torrent, url: torrent.add_web_seed(url),
        ),
        Method(
            "select",
            "start: number, end: number, priority?: number | boolean, notify?: () => void",
            "void",
            "Download these pieces, both inclusive. `notify` is called for each that has come.",
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
            "critical",
            "start: number, end: number",
            "void",
            "Download these pieces, both inclusive, before all others.",
            lambda torrent, first, last: torrent.critical(first, last),
        ),
        Method(
            "addPeer",
            "peer: string | PeerLike",
            "boolean",
            "Take a peer that was found without a tracker, as a `simple-peer`. false for an address: pages reach none.",
        ),
        Method("removePeer", "peer: string | PeerLike", "void", "Drop a peer, named by its id or as it was added."),
        Method(
            "rescanFiles", "callback?: (error?: Error | null) => void", "void", "Check all pieces that are there again."
        ),
        Method(
            "diagnose",
            "",
            "Promise<Diagnosis>",
            "Ours alone: why it has no peers or makes no progress, as data and as a sentence.",
        ),
        Method(
            "destroy",
            "...rest: OptionsAndCallback<DestroyOptions, (error?: Error) => void>",
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
            "wire: Wire, address?: string",
            "A peer is connected.",
            "wire",
            lambda wire: (wire_fields(wire),),
        ),
        Event("done", "", "All that is selected is there.", "done", lambda: ()),
        Event("idle", "", "Nothing is left to download.", "idle", lambda: ()),
        Event("seed", "", "It is being seeded."),
        Event(
            "noPeers",
            "announceType: 'tracker'",
            "No peer was found: every 30 s, or as the option says.",
            "no_peers",
            lambda: ("tracker",),
        ),
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
        Property("torrent", "Torrent", "The torrent that it is of."),
        Property("type", "string", "MIME type by its extension."),
        Property("downloaded", "number", "Verified bytes.", 0, lambda file: file.downloaded),
        Property("progress", "number", "Verified part, from 0 to 1.", 0, lambda file: file.progress),
        Property("done", "boolean", "Whether all of it is verified.", False, lambda file: file.done),
    ),
    methods=(
        Method(
            "select",
            "priority?: number",
            "void",
            "Download it.",
            lambda file, priority=0: file.select(1 + int(priority or 0)),
        ),
        Method("deselect", "", "void", "Do not download it.", lambda file: file.deselect()),
        Method("includes", "piece: number", "boolean", "Whether the piece holds bytes of it."),
        Method("createReadStream", "range?: Range", "ReadStream", "Its bytes, as a readable stream of Node's kind."),
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
        Method("getBlob", "callback: (error: Error | null, blob?: Blob) => void", "void", "As webtorrent 0 had it."),
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

FILE_DONE = Event(
    "fileDone", "index: number", "A file's `done`, among the events of its torrent: they keep their order."
)

WIRE = Mirror(
    "Wire",
    "One connection to one peer, as bittorrent-protocol has it, but for what drives the protocol: the engine does.",
    properties=(
        Property("peerId", "string", "20 bytes, as 40 hexadecimal digits."),
        Property("type", "'webrtc' | 'webSeed'", "The kind of connection."),
        Property("remoteAddress", "undefined", "Pages do not learn the addresses of peers."),
        Property("remotePort", "undefined", "The same."),
        Property("destroyed", "boolean", "Whether it is closed."),
        Property("amChoking", "boolean", "We serve it nothing.", True, lambda wire: wire.am_choking),
        Property("amInterested", "boolean", "It has what we want.", False, lambda wire: wire.am_interested),
        Property("peerChoking", "boolean", "It serves us nothing.", True, lambda wire: wire.peer_choking),
        Property("peerInterested", "boolean", "We have what it wants.", False, lambda wire: wire.peer_interested),
        Property("peerPieces", "Bitfield", "What it has.", b"", lambda wire: wire.pieces),
        Property("peerExtensions", "Features", "What its handshake said it can do."),
        Property("peerExtendedHandshake", "Record<string, unknown>", "What it said of its extensions."),
        Property("peerExtendedMapping", "Record<string, number>", "Its extensions, and the ids of their messages."),
        Property("extendedHandshake", "Record<string, unknown>", "What extensions add to ours."),
        Property("uploaded", "number", "Bytes to it.", 0, lambda wire: wire.uploaded),
        Property("downloaded", "number", "Bytes from it.", 0, lambda wire: wire.downloaded),
        Property(
            "uploadSpeed", "Speed", "Bytes a second: a number, and a function.", 0, lambda wire: wire.upload_speed
        ),
        Property("downloadSpeed", "Speed", "The same.", 0, lambda wire: wire.download_speed),
    ),
    methods=(
        Method(
            "use",
            "extension: ExtensionClass",
            "void",
            "Add a protocol extension (BEP 10), written as for bittorrent-protocol.",
            lambda wire, name, fields: wire.use(name, fields),
        ),
        Method(
            "extended",
            "name: string, payload: Uint8Array | object | string | number",
            "void",
            "Send a message of an extension. What is not a Uint8Array is bencoded.",
            lambda wire, name, payload: wire.extended(name, payload),
        ),
        Method("destroy", "", "void", "Close the connection. The peer may come back.", lambda wire: wire.destroy()),
        Method("setKeepAlive", "enable: boolean", "void", "No effect: the engine keeps connections alive."),
        Method("setTimeout", "milliseconds: number", "void", "No effect: the engine watches over requests."),
    ),
    events=(
        Event(
            "handshake", "infoHash: string, peerId: string, extensions: Features", "Right after the torrent's `wire`."
        ),
        Event(
            "extended", "name: string, payload: unknown", "An extension's message; named `handshake`: the peer's own."
        ),
        Event("choke", "", "It serves us no more."),
        Event("unchoke", "", "It serves us."),
        Event("interested", "", "We have what it wants."),
        Event("uninterested", "", "We have nothing that it wants."),
        Event("bitfield", "pieces: Bitfield", "It told what it has."),
        Event("have", "index: number", "It has one more piece."),
        Event("download", "bytes: number", "Bytes came from it."),
        Event("upload", "bytes: number", "Bytes went to it."),
        Event("close", "", "The connection is closed."),
    ),
)

MIRRORS = (CLIENT, TORRENT, FILE, WIRE)
