"""What the tests take from npm: stock WebTorrent and the reference tracker, run by Node."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Self
from urllib.request import urlopen

HERE = Path(__file__).parent
NODE_MODULES = Path(os.environ.get("WEBTORRENT_NODE_MODULES") or HERE.parent.parent / "web" / "node_modules")
STOCK_DIST = NODE_MODULES / "webtorrent" / "dist"


def find_node() -> str:
    """The Node executable: `WEBTORRENT_NODE`, else the one on the path."""
    node = os.environ.get("WEBTORRENT_NODE") or shutil.which("node")
    if node is None:
        raise RuntimeError("no Node found; set WEBTORRENT_NODE to the executable")
    return node


class ReferenceTracker:
    """The npm tracker in a process of its own; a context manager. `url` is where clients announce."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [find_node(), str(HERE / "tracker_server.mjs"), str(NODE_MODULES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Ends when its standard input is closed, which `communicate` does.
        self._process.communicate()

    def stats(self) -> dict[str, object]:
        """The tracker's own count of torrents, seeders and leechers."""
        with urlopen(f"http://127.0.0.1:{self.port}/stats.json") as response:
            stats: dict[str, object] = json.load(response)
        return stats
