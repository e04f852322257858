"""Starts the engine in a worker: what `web/src/worker/boot.js` calls once Python is up."""

from typing import Any

import webtorrent_io  # registered by web/src/worker/boot.js

from webtorrent_py.api import WebTorrent
from webtorrent_py.browser import convert
from webtorrent_py.browser.bridge import Bridge
from webtorrent_py.browser.host import BrowserHost


def start(options: str) -> str:
    """Make the client. `options` (JSON): `trackers` (URLs, or null for none), `maxConns`, `peerId` (hex or null).

    Returns JSON: `peerId`.
    """
    given: dict[str, Any] = convert.from_json(options)
    host = BrowserHost(webtorrent_io)
    client = WebTorrent(
        host,
        peer_id=bytes.fromhex(given["peerId"]) if given.get("peerId") else None,
        max_conns=given.get("maxConns", 55),
        trackers=given.get("trackers", ()),
    )
    bridge = Bridge(client, webtorrent_io)
    host.connect(client, call=bridge.call, updated=bridge.updated)
    return convert.to_json({"peerId": client.peer_id.hex()})
