"""Our core and libtorrent, over TCP on loopback."""
