"""Compares our client with stock webtorrent: `python -m tests.bench --help`."""
