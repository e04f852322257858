"""Two connections joined in memory, and one that a test plays the other end of."""

from webtorrent_py.actions import Action, ClosePeer, Send, SendBlock
from webtorrent_py.outbox import Outbox
from webtorrent_py.peer.connection import PeerConnection
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.parser import WireParser

INFO_HASH = b"h" * 20
PLAIN = Handshake(INFO_HASH, b"r" * 20)
"""The handshake of a peer without extensions."""
FAST = Handshake.ours(INFO_HASH, b"r" * 20)


class End:
    """A connection, its outbox, and the bytes that it sent. A block's payload is `content` from its offset on."""

    def __init__(self, name: str = "a", *, pieces: int | None = None, content: bytes = b"") -> None:
        self.outbox = Outbox()
        self.content = content
        self.received: list[m.Message | Handshake] = []
        self.connection = PeerConnection(
            1,
            info_hash=INFO_HASH,
            own_id=name.encode() * 20,
            outgoing=True,
            offer_id=b"o" * 20,
            outbox=self.outbox,
            now=0.0,
        )
        if pieces is not None:
            self.connection.set_piece_count(pieces)

    def receive(self, data: bytes, now: float = 0.0) -> list[m.Message | Handshake]:
        """Feed bytes; the messages that somebody must know of. Payloads are made comparable."""
        new = [
            m.Piece(each.index, each.begin, bytes(each.data)) if isinstance(each, m.Piece) else each
            for each in self.connection.receive_data(data, now)
        ]
        self.received += new
        return new

    def tell(self, *messages: m.Message | Handshake, now: float = 0.0) -> list[m.Message | Handshake]:
        """Feed messages, joined."""
        return self.receive(b"".join(message.serialize() for message in messages), now)

    def take_bytes(self) -> bytes:
        """What was sent since the last call."""
        return b"".join(self._bytes_of(action) for action in self.outbox.take_actions())

    def take_messages(self) -> list[m.Message]:
        """What was sent since the last call, parsed; not the handshake."""
        parser = WireParser()
        parser.receive_data(FAST.serialize())
        return parser.receive_data(self.take_bytes())  # type: ignore[return-value]

    def _bytes_of(self, action: Action) -> bytes:
        match action:
            case Send(1, data):
                assert data
                return data
            case SendBlock(1, header, _, offset, length):
                return header + self.content[offset : offset + length]
            case ClosePeer(1):
                return b""
        raise AssertionError(action)


def exchange(one: End, other: End, now: float = 0.0) -> None:
    """Carry bytes both ways until nobody has anything to say."""
    while (data := one.take_bytes()) + (answer := other.take_bytes()):
        other.receive(data, now)
        one.receive(answer, now)


def connected(*, pieces: int | None = 10, handshake: Handshake = FAST) -> End:
    """An end whose peer has said hello."""
    end = End(pieces=pieces)
    end.tell(handshake)
    return end
