"""Answers with the files of a folder that `build.py` made, as docs/hosting.md tells other hosts to."""

import re
from pathlib import Path
from typing import Final

from aiohttp import web

# What browsers insist on, whatever the system's own table says.
CONTENT_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"

# The build puts a hash of the content into the names of these files.
IMMUTABLE: Final = re.compile(r"/assets/[^/]+-[0-9A-Z]{8}\.")
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_FIRST: Final = "no-cache"


def file_response(request: web.Request, file: Path) -> web.FileResponse:
    """The answer with this file. aiohttp sends the `.br` or `.gz` beside it to browsers that take it."""
    headers = {
        "Cache-Control": FOREVER if IMMUTABLE.search(request.path) else ASK_FIRST,
        "Content-Type": CONTENT_TYPES.get(file.suffix, DEFAULT_CONTENT_TYPE),
        "Vary": "Accept-Encoding",
    }
    return web.FileResponse(file, headers=headers)
