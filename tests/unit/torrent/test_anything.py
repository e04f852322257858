"""A torrent among peers that say anything at any time, with a slow store and a restless user.

`Scene` checks after each input that all is as it must be. Here it is only made sure that everything happens.
"""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.unit.torrent.scene import BLOCK, Scene
from webtorrent_py.torrent.readers import Reader
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import ExtendedHandshake, MetadataData, MetadataReject, MetadataRequest

PIECES = 5
PIECE_LENGTH = 3 * BLOCK
LENGTH = PIECES * PIECE_LENGTH - 100

indices = st.integers(0, PIECES - 1)
begins = st.integers(0, 2).map(lambda number: number * BLOCK)
payloads = st.one_of(
    st.builds(lambda piece: MetadataRequest(piece).serialize(), st.integers(0, 1)),
    st.builds(lambda piece: MetadataReject(piece).serialize(), st.integers(0, 1)),
    st.just(MetadataData(0, 5, b"wrong").serialize()),
)
polite = st.one_of(
    st.sampled_from([m.KeepAlive(), m.Choke(), m.Unchoke(), m.Unchoke(), m.Interested(), m.NotInterested()]),
    st.builds(m.Have, indices),
    st.builds(m.Request, indices, begins, st.integers(1, 100)),
    st.builds(m.Cancel, indices, begins, st.integers(1, 100)),
    st.builds(m.AllowedFast, indices),
    st.builds(m.Extended, st.just(1), payloads),
    st.builds(m.Reject, indices, begins, st.just(BLOCK)),
)
rude = st.one_of(
    st.builds(m.Have, st.integers(0, 2 * PIECES)),
    st.builds(m.BitfieldMessage, st.binary(min_size=1, max_size=2)),
    st.sampled_from([m.HaveAll(), m.HaveNone()]),
    st.builds(m.Request, st.integers(0, PIECES), st.integers(0, 4 * BLOCK), st.integers(0, 2**18)),
    st.builds(m.Piece, st.integers(0, PIECES), st.integers(0, 3).map(lambda n: n * BLOCK // 2), st.binary(max_size=9)),
    st.builds(m.Unknown, st.integers(30, 255), st.binary(max_size=9)),
)


class Anything(RuleBasedStateMachine):
    """Peers are told apart by their place in the list of those that are still there."""

    @initialize(resolving=st.booleans(), deselect=st.booleans(), sequential=st.booleans(), seed=st.integers(0, 99))
    def start(self, resolving, deselect, sequential, seed):
        self.scene = Scene(
            piece_length=PIECE_LENGTH,
            length=LENGTH,
            resolving=resolving,
            deselect=deselect,
            sequential=sequential,
            slow_store=True,
            seed=seed,
            max_conns=8,
        )
        self.readers: list[int] = []
        self.handles = count(1000)

    @property
    def here(self):
        return [remote for remote in self.scene.remotes.values() if not remote.closed]

    def somebody(self, data):
        return data.draw(st.sampled_from(self.here))

    @precondition(lambda self: len(self.here) < 6)
    @rule(fast=st.booleans(), twin=st.booleans(), data=st.data(), have=st.sets(indices) | st.just(set(range(PIECES))))
    def a_peer_comes(self, fast, twin, data, have):
        peer_id = self.somebody(data).peer_id if twin and self.here else None
        offer_id = data.draw(st.sampled_from([b"a" * 20, b"b" * 20]))
        remote = self.scene.channel(peer_id, fast=fast, outgoing=data.draw(st.booleans()), offer_id=offer_id)
        bits = sum(0x80 >> index for index in have)
        remote.send(remote.handshake.serialize() + m.BitfieldMessage(bytes([bits])).serialize())
        remote.say(m.Unchoke())

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def a_peer_goes(self, data):
        self.scene.do(self.scene.torrent.drop, self.somebody(data).connection, "it went")

    @precondition(lambda self: self.here)
    @rule(data=st.data(), messages=st.lists(polite, min_size=1, max_size=4), joined=st.booleans())
    def a_peer_says_something(self, data, messages, joined):
        remote = self.somebody(data)
        if not remote.connection.fast:
            messages = [each for each in messages if not isinstance(each, m.AllowedFast | m.Reject)]
        if joined:
            remote.send(b"".join(message.serialize() for message in messages))
        else:
            remote.say(*messages)

    @precondition(lambda self: self.here)
    @rule(data=st.data(), message=rude)
    def a_peer_is_rude(self, data, message):
        self.somebody(data).say(message)

    @precondition(lambda self: any(remote.connection.requests for remote in self.here))
    @rule(data=st.data(), count=st.integers(1, 8), honest=st.booleans())
    def a_peer_serves(self, data, count, honest):
        remote = data.draw(st.sampled_from([each for each in self.here if each.connection.requests]))
        for index, begin in list(remote.connection.requests)[:count]:
            length = min(BLOCK, self.scene.metainfo.piece_size(index) - begin)
            block = remote.block(index, begin, length)
            remote.say(block if honest else m.Piece(index, begin, bytes(length)))

    @precondition(lambda self: any(remote.connection.requests for remote in self.here))
    @rule(data=st.data())
    def a_peer_rejects(self, data):
        remote = data.draw(st.sampled_from([each for each in self.here if each.connection.requests]))
        index, begin = next(iter(remote.connection.requests))
        if remote.connection.fast:
            remote.say(m.Reject(index, begin, BLOCK))

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def a_peer_has_the_metadata(self, data):
        remote = self.somebody(data)
        remote.offer_metadata()
        remote.send_metadata()

    @precondition(lambda self: self.here)
    @rule(data=st.data(), size=st.sampled_from([1, 5, 20_000]))
    def a_peer_lies_about_the_metadata(self, data, size):
        ids = {"ut_metadata": 3}
        self.somebody(data).say(m.Extended(0, ExtendedHandshake(ids=ids, metadata_size=size).serialize()))

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def a_channel_has_room(self, data):
        self.scene.do(self.scene.torrent.writable, self.somebody(data).connection)

    @rule()
    def the_store_goes_on(self):
        self.scene.finish_hashing()

    @rule(seconds=st.sampled_from([0.3, 2.0, 25.0, 130.0]))
    def time_passes(self, seconds):
        self.scene.pass_time(seconds)

    @rule(paused=st.booleans())
    def the_user_pauses(self, paused):
        self.scene.do(self.scene.torrent.pause if paused else self.scene.torrent.resume)

    @rule(span=st.tuples(indices, indices).map(sorted), priority=st.sampled_from([0, 1, 255]))
    def the_user_selects(self, span, priority):
        if priority:
            self.scene.do(self.scene.torrent.select, *span, priority)
        else:
            self.scene.do(self.scene.torrent.deselect, *span)

    @precondition(lambda self: self.scene.torrent.ready)
    @rule(span=st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(sorted))
    def the_user_reads(self, span):
        self.readers.append(next(self.handles))
        self.scene.do(self.scene.torrent.open_reader, Reader(self.readers[-1], *span))

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), position=st.integers(0, LENGTH), close=st.booleans())
    def the_user_seeks(self, data, position, close):
        reader = data.draw(st.sampled_from(self.readers))
        if close:
            self.readers.remove(reader)
            self.scene.do(self.scene.torrent.close_reader, reader)
        else:
            self.scene.do(self.scene.torrent.advance_reader, reader, position)
            start, end = self.scene.torrent.reader_available(reader)
            have = self.scene.torrent.bitfield
            assert all(have[index] for index in range(start // PIECE_LENGTH, -(-end // PIECE_LENGTH)) if start < end)

    def teardown(self):
        """Whatever happened, an honest seed completes the torrent, if the user wants it."""
        if not hasattr(self, "scene"):
            return
        scene = self.scene
        scene.slow_store = False
        scene.finish_hashing()
        for remote in self.here:
            scene.do(scene.torrent.drop, remote.connection, "the end")
        scene.do(scene.torrent.resume)
        seed = scene.channel(b"an honest seed".ljust(20))
        seed.say(seed.handshake, m.HaveAll(), m.Unchoke())
        if not scene.torrent.ready:
            seed.offer_metadata()
            seed.send_metadata()
        scene.do(scene.torrent.select, 0, PIECES - 1, 1)
        while requests := seed.requests():
            seed.serve(requests)
        assert scene.torrent.complete and not seed.closed
        assert b"".join(data for _, data in sorted(scene.stored.items())) == scene.content


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
