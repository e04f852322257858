"""The lines between nodes: how long bytes take, and in which order they come.

Each open channel has two ends. What an end sends waits in a queue of its own; the queues of a node share its uplink,
one message of each in turn, as the flows of a real line do. A short message on an idle channel does not wait.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from webtorrent_py.wire.parser import WireParser

if TYPE_CHECKING:
    from tests.simulation.network import Network, Node

# Bytes that fit between two packets of somebody else.
SHORT = 1200
# The share of messages that arrive in two parts, and of those that wait a moment for what follows, to arrive joined.
CUT = 0.1
JOINED = 0.1
JOIN_TIME = 0.01


@dataclass(slots=True)
class Uplink:
    """What a node sends to all others goes through this: `rate` bytes per second."""

    network: "Network"
    rate: float
    waiting: "deque[Line]" = field(default_factory=deque)
    busy: bool = False

    def send(self, line: "Line") -> None:
        """A line has a message to send."""
        self.waiting.append(line)
        if not self.busy:
            self.busy = True
            self._next()

    def _next(self) -> None:
        while self.waiting:
            line = self.waiting.popleft()
            if line.queue:
                data = line.queue[0][0]
                self.network.after(len(data) / min(self.rate, line.rate), lambda line=line: self._sent(line))
                return
        self.busy = False

    def _sent(self, line: "Line") -> None:
        if line.queue:
            line.deliver(*line.queue.popleft())
            if line.queue:
                self.waiting.append(line)
        self._next()


class Line:
    """One open channel, seen from the end that sends.

    `rate` is what one channel carries per second at most. With an uplink, messages wait for that instead.
    """

    def __init__(self, network: "Network", rate: float, uplink: Uplink | None) -> None:
        self.network = network
        self.rate = rate
        self.other: tuple[Node, int] | None = None
        self.parser = WireParser()
        self.queue: deque[tuple[bytes, int, Callable[[], None] | None]] = deque()
        self.open = True
        self._uplink = uplink
        self._free_at = 0.0
        self._joining: list[tuple[bytes, int]] = []

    def send(self, data: bytes, payload: int = 0, sent: Callable[[], None] | None = None) -> None:
        """Put a message on the line, with `payload` bytes of blocks in it; `sent` is called when it is out."""
        if not data:
            # All of it was kept back.
            if sent is not None:
                self.network.after(0.0, sent)
            return
        if self._uplink is not None:
            if not self.queue and len(data) <= SHORT:
                self.deliver(data, payload, sent)
                return
            self.queue.append((data, payload, sent))
            if len(self.queue) == 1:
                self._uplink.send(self)
            return
        self._free_at = max(self.network.now, self._free_at) + len(data) / self.rate
        if sent is not None:
            self.network.at(self._free_at, sent)
        self._arrive(self._free_at, data, payload)

    def deliver(self, data: bytes, payload: int, sent: Callable[[], None] | None) -> None:
        """The message is out."""
        if self.open:
            self._arrive(self.network.now, data, payload)
            if sent is not None:
                self.network.after(0.0, sent)

    def close(self) -> None:
        """Nothing more comes out of the queue."""
        self.open = False
        self.queue.clear()

    def _arrive(self, out_at: float, data: bytes, payload: int) -> None:
        network = self.network
        when = out_at + network.latency
        if network.random.random() < CUT and len(data) > 1:
            cut = network.random.randrange(1, len(data))
            first, data = data[:cut], data[cut:]
            network.at(when, lambda: self._landed(first, 0))
        network.at(when, lambda: self._landed(data, payload))

    def _landed(self, data: bytes, payload: int) -> None:
        if self._joining:
            self._joining.append((data, payload))
        elif self.network.random.random() < JOINED:
            self._joining.append((data, payload))
            self.network.after(JOIN_TIME, self._join)
        elif self.other is not None:
            node, handle = self.other
            node.data_arrived(handle, data, payload)

    def _join(self) -> None:
        parts, self._joining = self._joining, []
        if self.other is not None:
            node, handle = self.other
            node.data_arrived(handle, b"".join(data for data, _ in parts), sum(payload for _, payload in parts))
