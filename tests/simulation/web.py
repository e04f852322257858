"""Web servers on the simulated network: answers take a latency, and bodies share the server's rate."""

from typing import TYPE_CHECKING

from tests.web import Response, WebServer
from webtorrent_py.actions import FetchRange

if TYPE_CHECKING:
    from tests.simulation.network import Network, Node

PART = 32 * 1024


class Web:
    """All servers of a network, by the beginning of their URLs."""

    def __init__(self, network: "Network") -> None:
        self._network = network
        self.servers: dict[str, tuple[WebServer, float]] = {}
        self._free_at: dict[str, float] = {}

    def add(self, origin: str, *, rate: float = 1e6) -> WebServer:
        """A server of so many bytes per second."""
        server = WebServer()
        self.servers[origin] = server, rate
        return server

    def fetch(self, node: "Node", action: FetchRange) -> None:
        """Carry out a node's action."""
        network = self._network
        origin = next((each for each in self.servers if action.url.startswith(each)), None)
        if origin is None:
            network.after(network.latency, lambda: node.tell_fetch("range_failed", action, "no such server"))
        else:
            network.after(network.latency, lambda: self._answer(node, action, origin))

    def _answer(self, node: "Node", action: FetchRange, origin: str) -> None:
        network = self._network
        server, rate = self.servers[origin]
        response: Response = server.get(action.url, action.start, action.length)
        at = max(network.now, self._free_at.get(origin, 0.0))
        node.tell_fetch("range_started", action, response.status, response.content_range, at=network.latency)
        for start in range(0, len(response.body), PART):
            part = response.body[start : start + PART]
            at += len(part) / rate
            node.tell_fetch("range_received", action, part, at=at + network.latency - network.now)
        self._free_at[origin] = at
        node.tell_fetch("range_ended", action, at=at + network.latency - network.now)
