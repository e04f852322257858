"""Bytes ↔ messages of the peer wire protocol: BEP 3, 6 (fast), 9 (metadata), 10 (extensions), 52 (hashes).

Values and one incremental parser; nothing here knows what a message means for a torrent.
"""
