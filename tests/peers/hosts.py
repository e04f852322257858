"""Static sites and scripted trackers, served by aiohttp from one background thread."""

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import WSMsgType, web

from webtorrent_py.desktop.static import file_response

T = TypeVar("T")

# The built site, or the one to try instead.
DIST = Path(os.environ.get("WEBTORRENT_DIST") or Path(__file__).parent.parent.parent / "dist")

# What jsDelivr, unpkg and their like send with every file.
CDN_HEADERS = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


class Background:
    """An event loop in a thread; `run` runs a coroutine on it from the tests' thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hosts", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to completion and return the result; what it raises is raised here."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


class Host:
    """An HTTP server on a free port of the loopback interface, that is: an origin of its own."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._runner: web.AppRunner | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._background.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._runner is not None
        self._background.run(self._runner.cleanup())

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._respond)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError


class Site(Host):
    """A static site with a CDN's headers.

    `folders` maps URL prefixes to folders, `pages` URL paths to HTML. A path that ends in one of `missing` is
    answered with 404; what has a key of `changed` in its path is first changed by its value. `requests` collects the
    paths that were asked for.
    """

    def __init__(
        self, background: Background, folders: Mapping[str, Path], pages: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(background)
        self._folders = {prefix: folder.resolve() for prefix, folder in folders.items()}
        self.pages = dict(pages or {})
        self.missing: set[str] = set()
        self.changed: dict[str, Callable[[bytes], bytes]] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, prefix: str, folder: Path) -> None:
        """Serve one more folder."""
        self._folders[prefix] = folder.resolve()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path)
        if request.path in self.pages:
            return web.Response(text=self.pages[request.path], content_type="text/html", headers=CDN_HEADERS)
        file = self._find(request.path)
        if file is None or any(map(request.path.endswith, self.missing)):
            raise web.HTTPNotFound(headers=CDN_HEADERS)
        response: web.StreamResponse = file_response(request, file)
        for part, change in self.changed.items():
            if part in request.path:
                response = web.Response(body=change(file.read_bytes()), content_type=response.content_type)
        response.headers.update(CDN_HEADERS)
        return response

    def _find(self, path: str) -> Path | None:
        for prefix, folder in self._folders.items():
            file = folder / path.removeprefix(prefix).lstrip("/")
            if path.startswith(prefix) and file.is_file():
                return file
        return None


Script = Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]]


class ScriptedTracker(Host):
    """A WebSocket tracker that does whatever `script(socket, message)` does with each JSON message it gets.

    `messages` collects what clients sent.
    """

    def __init__(self, background: Background, script: Script) -> None:
        super().__init__(background)
        self._script = script
        self.messages: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Where clients announce."""
        return f"ws://127.0.0.1:{self.port}"

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                message = json.loads(frame.data)
                self.messages.append(message)
                await self._script(socket, message)
        return socket


class WebSeed(Host):
    """Files of a folder over HTTP, as web seeds have them.

    Without `ranges` every file is sent whole; without `cors` no page may read anything, without `exposed` none can see
    which range it got. `requests` collects paths and `Range` headers.
    """

    def __init__(
        self, background: Background, root: Path, *, ranges: bool = True, cors: bool = True, exposed: bool = True
    ) -> None:
        super().__init__(background)
        self._root = root
        self._ranges = ranges
        self._headers = {"Access-Control-Allow-Origin": "*"} if cors else {}
        if exposed:
            self._headers["Access-Control-Expose-Headers"] = "Content-Range"
        self.requests: list[tuple[str, str | None]] = []
        self.sent = 0

    @property
    def url(self) -> str:
        """The folder, with a slash at its end."""
        return f"http://127.0.0.1:{self.port}/"

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        header = request.headers.get("Range")
        self.requests.append((request.path, header))
        file = self._root / request.path.lstrip("/")
        if not file.is_file():
            raise web.HTTPNotFound(headers=self._headers)
        data = file.read_bytes()
        if not self._ranges or header is None:
            self.sent += len(data)
            return web.Response(body=data, headers=self._headers)
        first, last = map(int, header.removeprefix("bytes=").split("-"))
        body = data[first : last + 1]
        self.sent += len(body)
        headers = {**self._headers, "Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(data)}"}
        return web.Response(status=206, body=body, headers=headers)
