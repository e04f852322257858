"""Bytes ↔ messages of the peer wire protocol: BEP 3, BEP 6 (fast), BEP 10 (extensions), BEP 9 (metadata).

Values and one incremental parser; nothing here knows what a message means for a torrent.
"""
