"""Carries out the core's actions with the worker's JavaScript (`web/src/worker/io.js`), and takes its inputs.

All that one turn sends goes out in one call: per-call costs would otherwise exceed those of the bytes.
"""

import random
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any

from pyodide.ffi import JsException

from webtorrent_py import actions
from webtorrent_py.actions import Action, Send, SendBlock
from webtorrent_py.api.host import StorePlan
from webtorrent_py.browser import convert
from webtorrent_py.codec.metainfo import HASH_SIZE
from webtorrent_py.errors import FetchError, InvalidOptionError, StorageError

if TYPE_CHECKING:
    from webtorrent_py.api import WebTorrent

_RECORD = struct.Struct("<IIdII")
"""Head of a record for `transmit`: peer, torrent (0: no block), offset and length of the block, bytes that follow."""

_ALGORITHMS = {"SHA-1": sha1, "SHA-256": sha256}
"""Names as in Web Crypto, which is missing where the page is not a secure context."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A Blob of JavaScript to seed."""

    source: int
    """Its number there."""
    length: int
    """In bytes."""


class BrowserHost:
    """The `webtorrent_py.api.Host` of a worker. `io` is the JavaScript module."""

    # A page has no TCP.
    dials_addresses = False
    listen_port = None

    def __init__(self, io: Any) -> None:
        self.random = random.Random()
        self._io = io
        self._perform: dict[type[Action], Callable[[Any], None]] = {
            actions.OpenSocket: lambda each: io.openSocket(each.socket, each.url),
            actions.SendText: lambda each: io.sendText(each.socket, each.text),
            actions.CloseSocket: lambda each: io.closeSocket(each.socket),
            actions.CreateOffer: lambda each: io.createOffer(each.peer),
            actions.AcceptOffer: lambda each: io.acceptOffer(each.peer, each.sdp),
            actions.AcceptAnswer: lambda each: io.acceptAnswer(each.peer, each.sdp),
            actions.ClosePeer: lambda each: io.closePeer(each.peer),
            actions.OpenStore: lambda each: io.openStore(each.torrent, each.length, each.piece_length),
            # A bytearray passed like this is a proxy that ends with the call; JavaScript copies it out at once.
            actions.HashPiece: lambda each: io.hashPiece(
                each.torrent, each.index, each.data, each.sha1, each.leaf_bytes
            ),
            actions.StorePiece: lambda each: io.storePiece(each.torrent, each.index),
            actions.DropPiece: lambda each: io.dropPiece(each.torrent, each.index),
            actions.CheckPiece: lambda each: io.checkPiece(
                each.torrent, each.index, each.offset, each.length, each.sha1, each.leaf_bytes
            ),
            actions.FetchRange: lambda each: io.fetchRange(each.torrent, each.fetch, each.url, each.start, each.length),
            actions.CancelFetch: lambda each: io.cancelFetch(each.fetch),
            actions.CloseStore: lambda each: io.closeStore(each.torrent),
        }

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def connect(self, client: "WebTorrent", **handlers: Callable[..., Any]) -> None:
        """Take inputs for `client` from now on; `handlers` are further functions for JavaScript to call."""
        core, handle = client.core, client.handle

        def receive_data(peer: int, data: Any) -> None:
            handle(core.receive_data, peer, data.to_bytes())

        self._io.connect(
            convert.lasting(
                {
                    "socket_opened": lambda socket: handle(core.socket_opened, socket),
                    "socket_received": lambda socket, text: handle(core.socket_received, socket, text),
                    "socket_closed": lambda socket, reason: handle(core.socket_closed, socket, reason),
                    "offer_created": lambda peer, sdp: handle(core.offer_created, peer, sdp),
                    "answer_created": lambda peer, sdp: handle(core.answer_created, peer, sdp),
                    "connection_failed": lambda peer, reason: handle(core.connection_failed, peer, reason),
                    "channel_opened": lambda peer: handle(core.channel_opened, peer),
                    "receive_data": receive_data,
                    "writable": lambda peer: handle(core.writable, peer),
                    "channel_closed": lambda peer: handle(core.channel_closed, peer),
                    "piece_hashed": lambda torrent, index, digest: handle(
                        core.piece_hashed, torrent, index, convert.to_bytes(digest)
                    ),
                    "piece_checked": lambda torrent, index, digests: handle(
                        core.piece_checked, torrent, index, convert.to_bytes(digests) if digests else None
                    ),
                    "piece_stored": lambda torrent, index: handle(core.piece_stored, torrent, index),
                    "storage_full": lambda torrent, index, reason: handle(core.storage_full, torrent, index, reason),
                    "storage_failed": lambda torrent, reason: handle(core.storage_failed, torrent, reason),
                    **self._fetch_inputs(client),
                    "handle_timer": client.handle_timer,
                    "digest": lambda name, data: convert.from_bytes(_ALGORITHMS[name](convert.to_bytes(data)).digest()),
                    **handlers,
                }
            )
        )

    def _fetch_inputs(self, client: "WebTorrent") -> dict[str, Callable[..., Any]]:
        fetches, handle = client.core.fetches, client.handle
        return {
            "range_started": lambda torrent, fetch, status, content_range: handle(
                fetches.range_started, torrent, fetch, status, content_range or None
            ),
            "range_received": lambda torrent, fetch, data: handle(
                fetches.range_received, torrent, fetch, data.to_bytes()
            ),
            "range_ended": lambda torrent, fetch: handle(fetches.range_ended, torrent, fetch),
            "range_failed": lambda torrent, fetch, reason: handle(fetches.range_failed, torrent, fetch, reason),
        }

    def perform(self, actions: Sequence[Action]) -> None:
        """Carry out all of these, in order."""
        records: list[bytes] = []
        for action in actions:
            if isinstance(action, Send):
                records += _RECORD.pack(action.peer, 0, 0, 0, len(action.data)), action.data
            elif isinstance(action, SendBlock):
                header = action.header
                records += (
                    _RECORD.pack(action.peer, action.torrent, action.offset, action.length, len(header)),
                    header,
                )
            else:
                self._transmit(records)
                self._perform[type(action)](action)
        self._transmit(records)

    def _transmit(self, records: list[bytes]) -> None:
        if records:
            self._io.transmit(convert.from_bytes(b"".join(records)))
            records.clear()

    def arm_timer(self, delay: float | None) -> None:
        """Have `handle_timer` called in `delay` seconds. None: not at all."""
        self._io.armTimer(-1 if delay is None else delay * 1000)

    async def fetch(self, url: str, limit: int) -> bytes:
        """GET a URL. Raises `FetchError`: not found, too long, or refused for want of CORS headers."""
        try:
            return convert.to_bytes(await self._io.fetchBytes(url, limit))
        except JsException as error:
            raise FetchError(f"{url} could not be fetched: {convert.reason(error)}") from error

    async def read(self, torrent: int, offset: int, length: int) -> bytes:
        """Stored bytes. Raises `StorageError`."""
        try:
            return convert.to_bytes(await self._io.read(torrent, offset, length))
        except JsException as error:
            raise StorageError(f"stored bytes could not be read: {convert.reason(error)}") from error

    def content_length(self, content: Any) -> int:
        """Bytes of a `Blob` or of bytes."""
        if isinstance(content, Blob):
            return content.length
        if isinstance(content, bytes | bytearray | memoryview):
            return memoryview(content).nbytes
        raise InvalidOptionError(f"bytes or a Blob can be seeded, not {type(content).__name__}")

    async def hash_pieces(
        self, contents: Sequence[Any], piece_length: int, *, sha1: bool, leaves: bool, padded: bool
    ) -> tuple[bytes, bytes]:
        """The hashes of pieces and blocks. Raises `StorageError` when a file has changed or cannot be read."""
        length = sum(map(self.content_length, contents))
        end_of_pieces = HASH_SIZE * -(-length // piece_length) if sha1 else 0
        try:
            source = self._sources(contents)
            hashes = convert.to_bytes(await self._io.hashSource(source, piece_length, sha1, leaves, padded))
            return hashes[:end_of_pieces], hashes[end_of_pieces:]
        except JsException as error:
            raise StorageError(f"a file to seed could not be read: {convert.reason(error)}") from error

    def attach(self, torrent: int, contents: Sequence[Any], alignment: int = 1) -> None:
        """Serve the torrent from these contents."""
        self._io.attachSource(torrent, self._sources(contents), alignment)

    def plan_store(self, torrent: int, plan: StorePlan) -> None:
        """Keep the torrent's bytes in a store of this kind (`web/src/worker/storage.js`)."""
        self._io.planStore(torrent, plan.kind, plan.key)

    def _sources(self, contents: Sequence[Any]) -> Any:
        """What JavaScript makes one Blob of: numbers of Blobs, and bytes."""
        return convert.to_plain([each.source if isinstance(each, Blob) else bytes(each) for each in contents])
