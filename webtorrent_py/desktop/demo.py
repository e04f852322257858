"""The demo: one process that serves the site, introduces peers to each other, and seeds a sample.

Usage: python -m webtorrent_py.desktop.demo SITE SAMPLE [--port N] [--no-open]

The page finds what to play in `/sample.json`. The tracker answers at `/announce` of the same server.
"""

import argparse
import asyncio
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from webtorrent_py.desktop.seeder import LibtorrentSeeder
from webtorrent_py.desktop.static import file_response
from webtorrent_py.desktop.tracker import DevelopmentTracker

HOST: Final = "127.0.0.1"

# Bytes a second: several times what the video needs, and slow enough to watch the pieces come in.
UPLOAD_LIMIT: Final = 200_000

# Seconds that connections get to end by themselves.
SHUTDOWN_TIMEOUT: Final = 1.0


@asynccontextmanager
async def serving(site: Path, sample: Path, port: int) -> AsyncIterator[str]:
    """Serve the folder `site`, track and seed the folder `sample`; gives the page's address. Port 0 is any free one."""
    tracker = DevelopmentTracker()
    seeder: LibtorrentSeeder | None = None

    async def tell_sample(_: web.Request) -> web.Response:
        return web.json_response({"magnet": seeder and seeder.magnet})

    application = web.Application()
    application.router.add_get("/announce", tracker.handler)
    application.router.add_get("/sample.json", tell_sample)
    application.router.add_get("/{path:.*}", Folder(site).serve)
    runner = web.AppRunner(application, shutdown_timeout=SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        port = runner.addresses[0][1]
        seeder = LibtorrentSeeder(sample, [f"ws://{HOST}:{port}/announce"], upload_limit=UPLOAD_LIMIT)
        seeder.start()
        yield f"http://{HOST}:{port}/"
    finally:
        # The seeder comes last: it could not take leave of a tracker in its own process.
        await tracker.stop()
        await runner.cleanup()
        if seeder is not None:
            seeder.stop()


class Folder:
    """Answers with the files of a folder; `/` and folders are their `index.html`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = (self._folder / request.match_info["path"]).resolve()
        if path.is_dir():
            path /= "index.html"
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise web.HTTPNotFound
        return file_response(request, path)


def has_screen() -> bool:
    """Whether there is likely a screen on which a browser can open."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def run(site: Path, sample: Path, port: int, *, open_browser: bool) -> None:
    """Serve until the process is told to end by SIGINT or SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not a handler of the event loop, which Windows does not have.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    async with serving(site, sample, port) as address:
        print(f"\n  The demo is at {address}\n  Ctrl-C ends it.\n", flush=True)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, address)
        await ended.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m webtorrent_py.desktop.demo", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("site", type=Path, help="the folder that build.py made")
    parser.add_argument("sample", type=Path, help="the folder to seed")
    parser.add_argument("--port", type=int, default=8000, help="where to serve; 0 is any free port")
    parser.add_argument("--no-open", action="store_true", help="do not open the browser")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(run(options.site, options.sample, options.port, open_browser=has_screen() and not options.no_open))
    except OSError as error:
        sys.exit(f"cannot serve at port {options.port}: {error.strerror}. Another one: --port 0")


if __name__ == "__main__":
    main()
