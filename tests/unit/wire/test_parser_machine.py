"""The parser of one connection against a plain list of what was sent, whatever the order, the cuts and the lies.

The model is the stream itself: what was sent whole must have come out, what was not must not; and after a message
whose length its kind cannot have, nothing comes any more.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.wire.test_messages import messages
from webtorrent_py.errors import WireError
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.handshake import HANDSHAKE_LENGTH, Handshake
from webtorrent_py.wire.parser import WireParser

HANDSHAKE = Handshake.ours(b"i" * 20, b"p" * 20)
PIECES = 20
BITFIELD_LENGTH = 3


def owned(message):
    return m.Piece(message.index, message.begin, bytes(message.data)) if isinstance(message, m.Piece) else message


class Stream(RuleBasedStateMachine):
    """`line` holds what was sent and has not arrived, `due` each message with the bytes until its end."""

    @initialize()
    def open(self):
        self.parser = WireParser()
        self.line = b""
        self.due: list[tuple[int, object]] = []
        self.arrived = 0
        self.sent = 0
        self.counted = False
        self.broken_at: int | None = None
        self.failed = False
        self.say(HANDSHAKE)

    def say(self, message):
        data = message.serialize()
        self.line += data
        self.sent += len(data)
        self.due.append((self.sent, message))

    @precondition(lambda self: self.broken_at is None)
    @rule(message=messages)
    def send(self, message):
        # One whose length fits only other torrents would be a lie from here on.
        if not isinstance(message, m.BitfieldMessage):
            self.say(message)

    @precondition(lambda self: self.broken_at is None)
    @rule(data=st.binary(min_size=BITFIELD_LENGTH, max_size=BITFIELD_LENGTH))
    def send_bitfield(self, data):
        self.say(m.BitfieldMessage(data))

    @precondition(lambda self: self.broken_at is None)
    @rule(kind=st.sampled_from(sorted(m.LENGTH_RANGES)), beyond=st.booleans(), data=st.data())
    def send_what_cannot_be(self, kind, beyond, data):
        least, greatest = m.LENGTH_RANGES[kind]
        length = data.draw(st.integers(greatest + 1, 2**32 - 1) if beyond or least == 1 else st.integers(1, least - 1))
        # The length is enough to know, once the kind is there.
        self.line += length.to_bytes(4, "big") + bytes([kind])
        self.broken_at = self.sent + 5

    @precondition(lambda self: self.broken_at is None and self.counted)
    @rule(length=st.integers(0, 100).filter(lambda length: length != BITFIELD_LENGTH))
    def send_a_bitfield_of_another_torrent(self, length):
        self.line += m.BitfieldMessage(bytes(length)).serialize()
        self.broken_at = self.sent + 5

    @precondition(lambda self: self.broken_at is not None)
    @rule(message=messages)
    def send_more_after_a_lie(self, message):
        self.line += message.serialize()

    @precondition(lambda self: not self.counted)
    @rule()
    def the_number_of_pieces_is_known(self):
        self.counted = True
        self.parser.set_piece_count(PIECES)

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def arrive(self, data):
        length = data.draw(st.one_of(st.just(len(self.line)), st.integers(1, len(self.line))))
        part, self.line = self.line[:length], self.line[length:]
        self.arrived += length
        expected = [message for end, message in self.due if end <= self.arrived]
        self.due = self.due[len(expected) :]
        try:
            came = [owned(message) for message in self.parser.receive_data(part)]
        except WireError:
            assert self.failed or self.broken_at is not None
            self.failed = True
        else:
            assert not self.failed and came == expected
            # It may be refused as soon as its length is there, and must be when the kind is.
            assert self.broken_at is None or self.arrived < self.broken_at

    @invariant()
    def no_more_is_kept_than_one_message(self):
        if hasattr(self, "parser"):
            assert len(self.parser._kept) <= max(HANDSHAKE_LENGTH, 4 + self.parser.max_message_length)
            assert not (self.failed and self.parser._kept)


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
