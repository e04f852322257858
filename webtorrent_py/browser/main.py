"""Starts the engine in a worker: what `web/src/worker/boot.js` calls once Python is up."""

import random
from typing import Any

from webtorrent_py.api import WebTorrent
from webtorrent_py.browser import convert
from webtorrent_py.browser.bridge import Bridge
from webtorrent_py.browser.host import BrowserHost
from webtorrent_py.browser.options import CLIENT_OPTIONS
from webtorrent_py.browser.schema import error_fields
from webtorrent_py.errors import WebTorrentError


def start(options: str, io: Any) -> str:
    """Make the client. `options` is JSON of what `CLIENT_OPTIONS` has, `io` what `web/src/worker/io.js` makes.

    Returns JSON: `peerId`, or `error`.
    """
    # A memory snapshot was taken of one and the same state for all pages.
    random.seed()
    host = BrowserHost(io)
    try:
        client = WebTorrent(host, **CLIENT_OPTIONS.keywords(convert.from_json(options)))
    except WebTorrentError as error:
        return convert.to_json({"error": error_fields(error)})
    bridge = Bridge(client, io)
    host.connect(client, call=bridge.call, updated=bridge.updated)
    return convert.to_json({"peerId": client.peer_id.hex()})
