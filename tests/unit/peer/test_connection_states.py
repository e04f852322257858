"""A connection against a model that is kept by the rules of BEP 3 and 6, whatever either side does."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.peer.pair import FAST, PLAIN, End
from webtorrent_py.errors import WireError
from webtorrent_py.peer.incoming import MAX_CLAIMS, MAX_REQUEST_LENGTH
from webtorrent_py.wire import messages as m

PIECES = 9
BLOCK = 16384

indices = st.integers(0, PIECES)  # the last one is out of range
blocks = st.builds(lambda index, number: (index, number * BLOCK, BLOCK), st.integers(0, 2), st.integers(0, 3))


class Conversation(RuleBasedStateMachine):
    """The model: what each side said so far. After a violation the next peer comes."""

    @initialize(fast=st.booleans(), metadata=st.booleans())
    def meet(self, fast, metadata):
        self.fast = fast
        self.metadata = metadata
        self.end = End(pieces=PIECES if metadata else None)
        self.end.tell(FAST if fast else PLAIN)
        self.have: set[int] = set()
        self.told: set[int] = set()
        self.claims = 0
        self.peer_choking = True
        self.peer_interested = False
        self.asked: set[tuple[int, int, int]] = set()
        self.queue: list[tuple[int, int, int]] = []
        self.now = 0.0

    def say(self, message, allowed=True):
        """The peer sends a message. How many were handed on; None if it ended the connection, as it should."""
        self.now += 1
        try:
            count = len(self.end.tell(message, now=self.now))
        except WireError:
            assert not allowed
            self.meet(not self.fast, self.metadata)
            return None
        assert allowed
        return count

    @precondition(lambda self: not self.metadata)
    @rule()
    def metadata_comes(self):
        self.metadata = True
        try:
            self.end.connection.set_piece_count(PIECES)
        except WireError:
            assert PIECES in self.have
            self.meet(not self.fast, True)
        else:
            assert PIECES not in self.have

    @rule(choke=st.booleans())
    def peer_chokes(self, choke):
        assert self.say(m.Choke() if choke else m.Unchoke()) == (choke != self.peer_choking)
        self.peer_choking = choke

    @rule(interested=st.booleans())
    def peer_is_interested(self, interested):
        self.say(m.Interested() if interested else m.NotInterested())
        self.peer_interested = interested

    @rule(index=indices)
    def peer_has(self, index):
        count = self.say(m.Have(index), index < PIECES or not self.metadata)
        if count is not None:
            assert count == (self.metadata and index not in self.have)
            self.have.add(index)
            self.told.add(index)
            self.claims = max(self.claims, 1)

    @rule(have=st.sets(st.integers(0, PIECES - 1)), spare=st.booleans())
    def peer_sends_bitfield(self, have, spare):
        data = sum(1 << (15 - index) for index in (have | {PIECES} if spare else have))
        allowed = self.claims < MAX_CLAIMS and not (self.metadata and spare)
        if self.say(m.BitfieldMessage(data.to_bytes(2, "big")), allowed) is not None:
            self.claim(have | {PIECES} if spare else have)

    @rule(everything=st.booleans())
    def peer_sends_short_claim(self, everything):
        allowed = self.fast and self.claims < MAX_CLAIMS
        if self.say(m.HaveAll() if everything else m.HaveNone(), allowed) is not None:
            self.claim(set(range(PIECES)) if everything else set())

    def claim(self, pieces):
        """Before the metadata the last claim holds; after it, a further one only adds."""
        self.claims += 1
        self.have = pieces | (self.have if self.metadata else self.told)

    @rule(block=blocks)
    def peer_sends_block(self, block):
        assert self.say(m.Piece(block[0], block[1], bytes(BLOCK))) == 1
        self.asked.discard(block)

    @rule(block=blocks)
    def peer_rejects(self, block):
        count = self.say(m.Reject(*block), self.fast)
        if count is not None:
            assert count == (block in self.asked)
            self.asked.discard(block)

    @rule(index=indices, length=st.sampled_from([0, 1, MAX_REQUEST_LENGTH, MAX_REQUEST_LENGTH + 1]))
    def peer_requests(self, index, length):
        allowed = 0 < length <= MAX_REQUEST_LENGTH and (index < PIECES or not self.metadata)
        count = self.say(m.Request(index, 0, length), allowed)
        if count is not None:
            assert count == self.metadata

    @rule(block=blocks)
    def peer_cancels(self, block):
        queued = block in self.queue
        assert self.say(m.Cancel(*block)) == queued
        if queued:
            self.end.connection.refuse_queued(block)
        assert self.end.take_messages() == [m.Reject(*block)] * (self.fast and queued)
        if queued:
            self.queue.remove(block)

    @rule(message=st.sampled_from([m.Suggest(0), m.AllowedFast(PIECES - 1), m.Port(1), m.Unknown(99, b"?")]))
    def peer_sends_hints(self, message):
        self.say(message, self.fast or not isinstance(message, m.Suggest | m.AllowedFast))

    @rule(data=st.sampled_from([b"\0\0\0\2\0\0", b"\xff\xff\xff\xff", b"\0\0\0\4\x14\x00d", b"\0\0\0\0"]))
    def peer_sends_odd_bytes(self, data):
        self.say(_Raw(data + b"\0\0\0\0"), data == b"\0\0\0\0")

    @rule(block=blocks)
    def we_request(self, block):
        self.end.connection.send_requests([block], self.now)
        assert self.end.take_messages() == [m.Request(*block)]
        self.asked.add(block)

    @rule(block=blocks)
    def we_cancel(self, block):
        self.end.connection.send_cancels([block], self.now)
        assert self.end.take_messages() == [m.Cancel(*block)]
        self.asked.discard(block)

    @rule(block=blocks)
    def we_queue(self, block):
        if block not in self.queue:
            self.end.connection.upload_queue.append(block)
            self.queue.append(block)

    @rule(choke=st.booleans())
    def we_choke(self, choke):
        changes = choke != self.end.connection.am_choking
        self.end.connection.send_choke(choke, self.now)
        sent = self.end.take_messages()
        if not changes:
            assert sent == []
        elif choke:
            assert sent == [m.Choke(), *[m.Reject(*block) for block in self.queue if self.fast]]
            self.queue.clear()
        else:
            assert sent == [m.Unchoke()]

    @invariant()
    def the_connection_knows_what_was_said(self):
        connection = self.end.connection
        assert connection.peer_choking == self.peer_choking
        assert connection.peer_interested == self.peer_interested
        assert set(connection.requests) == {block[:2] for block in self.asked}
        assert list(connection.upload_queue) == self.queue
        assert not connection.closed
        if self.metadata:
            assert connection.bitfield is not None and set(connection.bitfield.indices()) == self.have
            for index in range(PIECES - 1):
                assert connection.may_request(index) == (index in self.have and not self.peer_choking)
        else:
            assert connection.bitfield is None


class _Raw:
    """Bytes in the place of a message."""

    def __init__(self, data: bytes) -> None:
        self.serialize = lambda: data


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
