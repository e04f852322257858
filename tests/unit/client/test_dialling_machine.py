"""Calls, guests and exchanges in any order: `Desk` checks after each input that all is accounted for."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.client.test_client import METAINFO, OTHER
from tests.unit.client.test_dialling import OWN_ID, Desk, at
from webtorrent_py.torrent.candidates import MAX_REST
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.exchange import PeerExchange, PeerFlags
from webtorrent_py.wire.extensions import UT_PEX, UT_PEX_ID, ExtendedHandshake
from webtorrent_py.wire.handshake import Handshake

hosts = st.integers(1, 6)
addresses = st.builds(at, hosts, st.sampled_from([6881, 6882]))
peer_ids = st.one_of(st.just(OWN_ID), hosts.map(lambda number: bytes([number]) * 20))


class Traffic(RuleBasedStateMachine):
    """`lines` are open as far as the world knows; `calls` wait for an answer."""

    @initialize(max_conns=st.integers(1, 4))
    def start(self, max_conns):
        self.desk = Desk(METAINFO, max_conns=max_conns)
        self.other = self.desk.client.add(OTHER, 0.0)
        self.calls: list[int] = []
        self.lines: dict[int, bytes] = {}

    def settle(self):
        self.calls += self.desk.calls
        self.desk.calls.clear()
        for handle in self.desk.closed:
            self.lines.pop(handle, None)
            if handle in self.calls:
                self.calls.remove(handle)
        self.desk.closed.clear()

    def torrent(self, second):
        return self.other if second else self.desk.torrent

    @rule(address=addresses, second=st.booleans())
    def somebody_is_named(self, address, second):
        torrent = self.torrent(second)
        if torrent.id in self.desk.client.torrents:
            self.desk.do(self.desk.client.add_peer, torrent.id, address)
        self.settle()

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), answered=st.booleans())
    def a_call_ends(self, data, answered):
        handle = data.draw(st.sampled_from(self.calls))
        self.calls.remove(handle)
        if answered:
            self.lines[handle] = b""
            self.desk.do(self.desk.client.channel_opened, handle)
        else:
            self.desk.do(self.desk.client.connection_failed, handle, "refused")
        self.settle()

    @rule(host=hosts)
    def somebody_comes(self, host):
        handle = self.desk.do(self.desk.client.connection_accepted, f"10.0.0.{host}", 50_000)
        if handle is not None:
            self.lines[handle] = b""
        self.settle()

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), peer_id=peer_ids, second=st.booleans(), cut=st.integers(1, 68))
    def somebody_says_hello(self, data, peer_id, second, cut):
        handle = data.draw(st.sampled_from(sorted(self.lines)))
        hello = self.lines[handle] or Handshake.ours(self.torrent(second).info_hash, peer_id).serialize()
        if hello != b"-":
            self.lines[handle] = hello[cut:] or b"-"
            self.desk.do(self.desk.client.receive_data, handle, hello[:cut])
        self.settle()

    @precondition(lambda self: b"-" in self.lines.values())
    @rule(data=st.data(), port=st.sampled_from([None, 6881, 6882]), told=st.lists(addresses, max_size=3))
    def a_peer_tells(self, data, port, told):
        handle = data.draw(st.sampled_from([each for each, left in self.lines.items() if left == b"-"]))
        exchange = PeerExchange(tuple((address, PeerFlags(0)) for address in told))
        said = m.Extended(0, ExtendedHandshake({UT_PEX: 5}, port=port).serialize()).serialize()
        said += m.Extended(UT_PEX_ID, exchange.serialize()).serialize()
        self.desk.do(self.desk.client.receive_data, handle, said)
        self.settle()

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), rude=st.booleans())
    def a_line_ends(self, data, rude):
        handle = data.draw(st.sampled_from(sorted(self.lines)))
        if rude:
            self.desk.do(self.desk.client.receive_data, handle, b"\0\0\0\x05\0never")
        else:
            self.lines.pop(handle)
            self.desk.do(self.desk.client.channel_closed, handle)
        self.settle()

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 100.0]))
    def time_passes(self, seconds):
        self.desk.wait(seconds)
        self.settle()

    @rule(paused=st.booleans())
    def the_user_pauses(self, paused):
        client = self.desk.client
        self.desk.do(client.pause if paused else client.resume, self.desk.torrent.id)
        self.settle()

    @rule()
    def the_other_torrent_is_removed(self):
        if self.other.id in self.desk.client.torrents:
            self.desk.do(self.desk.client.remove, self.other.id)
        self.settle()

    @invariant()
    def the_world_and_the_client_agree_on_what_is_open(self):
        if hasattr(self, "desk"):
            client = self.desk.client
            assert set(client._connections) | set(client._dialling._guests) == set(self.lines)
            assert set(client._dialling._dials) == set(self.calls)

    def teardown(self):
        """Whoever was named and is not banned is called, once there is room and time."""
        if not hasattr(self, "desk"):
            return
        desk = self.desk
        for handle in sorted(self.lines):
            desk.do(desk.client.channel_closed, handle)
        self.lines.clear()
        self.settle()
        desk.do(desk.client.resume, desk.torrent.id)
        fresh = at(9)
        desk.add(fresh)
        # Nobody answers, so each call ends by itself, and makes room for the next.
        desk.wait(2 * MAX_REST)
        assert fresh in desk.calls.values()


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
