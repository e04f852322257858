"""What a first visit brings over the wire, from the requests that a page makes until its client is up."""

import gzip
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.request import urlopen

from tests.bench.lab import Lab, wait_for
from tests.peers.hosts import DIST
from tests.peers.npm import find_node

SCRIPTS = {"ours": "/dist/webtorrent-py.js", "stock": "/stock/webtorrent.min.js"}

# Node's zlib has brotli in its best quality by default; Python's standard library has none.
BROTLI = """
const parts = []
process.stdin.on('data', part => parts.push(part))
process.stdin.on('end', () => process.stdout.write(require('zlib').brotliCompressSync(Buffer.concat(parts))))
"""


def first_visit(lab: Lab, subject: str, _: int) -> Mapping[str, float]:
    """Bodies only: headers are the host's."""
    lab.site.requests.clear()
    with lab.page(subject) as page:
        wait_for(page, "bench.ready")
    paths = {path for path in lab.site.requests if path.startswith(("/dist/", "/stock/"))}
    return {
        "brotli, MB": sum(size(lab, path, "br") for path in paths) / 1e6,
        "gzip, MB": sum(size(lab, path, "gz") for path in paths) / 1e6,
        "the page's own script, brotli, kB": size(lab, SCRIPTS[subject], "br") / 1e3,
    }


def size(lab: Lab, path: str, encoding: str) -> int:
    """As the build compressed it, else as a host would."""
    precompressed = Path(f"{DIST / path.removeprefix('/dist/')}.{encoding}")
    if path.startswith("/dist/") and precompressed.exists():
        return precompressed.stat().st_size
    with urlopen(lab.site.url + path) as response:
        return len(compress(response.read(), encoding))


@cache
def compress(data: bytes, encoding: str) -> bytes:
    """In the best quality."""
    if encoding == "gz":
        return gzip.compress(data, 9)
    return subprocess.run([find_node(), "-e", BROTLI], input=data, capture_output=True, check=True).stdout
