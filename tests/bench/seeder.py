"""Seeds one torrent with libtorrent in a process of its own, so that it takes no time from the bench's driver.

Usage: python -m tests.bench.seeder TORRENT_FILE FOLDER TRACKER. Prints a line once the tracker knows it; ends when its
standard input is closed.
"""

import sys
from pathlib import Path

from tests.peers.libtorrent_peer import LibtorrentPeer


def main(torrent: str, folder: str, tracker: str) -> None:
    """Seed until standard input is closed."""
    with LibtorrentPeer(Path(torrent).read_bytes(), Path(folder), tracker) as seeder:
        seeder.wait_until_announced()
        print("seeding", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
