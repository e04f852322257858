"""The torrents of one user, as one state machine without I/O."""

from webtorrent_py.client.client import Client

__all__ = ["Client"]
