"""WebTorrent in Python: the protocol core, and the hosts that run it in a browser or on a desktop."""

__version__ = "0.1.0"
