"""The Python API: `WebTorrent`, `Torrent`, `File`, `Wire`, on whatever host runs them."""

from webtorrent_py.api.client import WebTorrent
from webtorrent_py.api.file import File
from webtorrent_py.api.host import Host
from webtorrent_py.api.torrent import Torrent
from webtorrent_py.api.wire import Wire

__all__ = ["File", "Host", "Torrent", "WebTorrent", "Wire"]
