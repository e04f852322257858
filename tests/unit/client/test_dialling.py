"""Peers by address: who is called, who comes, and how many at a time."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.invariants import check_client
from tests.unit.client.test_client import MAGNET, METAINFO, OTHER
from webtorrent_py import actions as a
from webtorrent_py.client import Client
from webtorrent_py.client.dialling import CONNECT_TIMEOUT, GUEST_TIMEOUT, MAX_DIALS, MAX_GUESTS
from webtorrent_py.codec.address import Address
from webtorrent_py.torrent.candidates import FIRST_REST
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.exchange import PeerExchange, PeerFlags
from webtorrent_py.wire.extensions import UT_PEX, UT_PEX_ID, ExtendedHandshake
from webtorrent_py.wire.handshake import ROUTE_LENGTH, Handshake
from webtorrent_py.wire.parser import WireParser

OWN_ID = b"c" * 20


class Desk:
    """A client whose calls and guests a test plays."""

    def __init__(self, source=METAINFO, *, max_conns=55, listen_port=4000, dials=True, **options):
        self.client = Client(
            peer_id=OWN_ID, random=Random(0), max_conns=max_conns, dials_addresses=dials, listen_port=listen_port
        )
        self.now = 0.0
        self.torrent = self.client.add(source, 0.0, **options)
        self.calls: dict[int, Address] = {}
        self.sent: dict[int, bytes] = {}
        self.closed: list[int] = []

    def settle(self):
        """Let everything happen that is due."""
        while True:
            for action in self.client.actions_to_perform():
                match action:
                    case a.OpenConnection(peer, host, port):
                        self.calls[peer] = Address(host, port)
                    case a.Send(peer, data):
                        self.sent[peer] = self.sent.get(peer, b"") + data
                    case a.ClosePeer(peer):
                        self.closed.append(peer)
            check_client(self.client)
            due = self.client.get_timer()
            if due is None or due > self.now:
                return
            self.client.handle_timer(self.now)

    def do(self, method, *args):
        result = method(*args, self.now)
        self.settle()
        return result

    def add(self, *addresses):
        for address in addresses:
            self.do(self.client.add_peer, self.torrent.id, address)

    def wait(self, seconds):
        end = self.now + seconds
        while (due := self.client.get_timer()) is not None and due <= end:
            self.now = max(due, self.now)
            self.do(self.client.handle_timer)
        self.now = end

    def called(self):
        """The calls since this was last asked, by address."""
        calls, self.calls = self.calls, {}
        return {address: peer for peer, address in calls.items()}

    def heard(self, peer):
        """What we said to a peer, parsed."""
        return WireParser().receive_data(self.sent.pop(peer, b""))

    def greet(self, peer, peer_id=b"r" * 20, port=None, *, exchanges=False):
        """The peer says hello, and how it can be reached."""
        ids = {UT_PEX: 9} if exchanges else {}
        data = Handshake.ours(self.torrent.info_hash, peer_id).serialize()
        data += m.Extended(0, ExtendedHandshake(ids, port=port).serialize()).serialize()
        self.do(self.client.receive_data, peer, data)

    def answer(self, address, peer_id=b"r" * 20, **options):
        """A call is answered."""
        peer = self.called()[address]
        self.do(self.client.channel_opened, peer)
        self.greet(peer, peer_id, **options)
        return peer

    def guest(self, host="10.9.9.9", **options):
        """Somebody comes and says hello."""
        peer = self.do(self.client.connection_accepted, host, 50000)
        self.greet(peer, **options)
        return peer


def at(number, port=6881):
    return Address(f"10.0.0.{number}", port)


def test_a_peer_is_called_and_met():
    desk = Desk()
    desk.add(at(1))
    peer = desk.answer(at(1))
    assert desk.torrent.num_peers == 1
    hello, _, extended = desk.heard(peer)[:3]
    assert hello.info_hash == METAINFO.info_hash and hello.peer_id == OWN_ID
    said = ExtendedHandshake.parse(extended.payload)
    assert said.port == 4000 and said.ids[UT_PEX] == UT_PEX_ID


def test_a_host_without_tcp_keeps_no_addresses():
    desk = Desk(MAGNET, dials=False)
    assert desk.do(desk.client.add_peer, desk.torrent.id, at(1)) is False
    assert len(desk.torrent.candidates) == 0 and not desk.calls


def test_a_links_peers_are_called():
    desk = Desk(replace(MAGNET, peers=("10.0.0.1:1", "nonsense", "[::1]:2", "name.test:3")))
    desk.settle()
    assert set(desk.called()) == {at(1, 1), Address("::1", 2), Address("name.test", 3)}


def test_who_cannot_be_reached_is_called_again_later():
    desk = Desk()
    desk.add(at(1))
    desk.do(desk.client.connection_failed, desk.called()[at(1)], "refused")
    assert not desk.called()
    desk.wait(FIRST_REST * 1.5)
    desk.do(desk.client.channel_closed, desk.called()[at(1)])
    desk.wait(FIRST_REST * 0.9)
    assert not desk.called()
    desk.wait(FIRST_REST * 2.1)
    assert desk.called()


def test_a_call_that_nobody_takes_is_given_up():
    desk = Desk()
    desk.add(at(1))
    peer = desk.called()[at(1)]
    desk.wait(CONNECT_TIMEOUT)
    assert desk.closed == [peer]
    desk.do(desk.client.channel_opened, peer)
    assert desk.torrent.peers == {}


def test_a_lost_peer_is_called_again():
    desk = Desk()
    desk.add(at(1))
    peer = desk.answer(at(1))
    desk.do(desk.client.channel_closed, peer)
    desk.wait(FIRST_REST * 1.5)
    assert list(desk.called()) == [at(1)]


def test_connections_under_way_and_open_in_both_directions_count_together():
    desk = Desk(max_conns=3)
    desk.add(*(at(number) for number in range(1, 6)))
    calls = desk.called()
    assert set(calls) == {at(1), at(2), at(3)}
    # Full: those under way count.
    assert desk.guest(peer_id=b"g" * 20) in desk.closed
    desk.do(desk.client.connection_failed, calls[at(1)], "refused")
    guest_or_call = desk.called()
    assert set(guest_or_call) == {at(4)}
    desk.do(desk.client.channel_opened, calls[at(2)])
    desk.greet(calls[at(2)], b"2" * 20)
    assert not desk.called()
    desk.do(desk.client.channel_closed, calls[at(2)])
    assert set(desk.called()) == {at(5)}


def test_calls_of_all_torrents_are_bounded_and_each_gets_its_turn():
    desk = Desk(max_conns=1000)
    other = desk.client.add(OTHER, 0.0)
    desk.add(*(at(number) for number in range(1, MAX_DIALS + 10)))
    desk.do(desk.client.add_peer, other.id, at(99))
    calls = desk.called()
    assert len(calls) == MAX_DIALS and at(99) not in calls
    for peer in list(calls.values())[:2]:
        desk.do(desk.client.connection_failed, peer, "refused")
    assert at(99) in desk.called()
    desk.do(desk.client.remove, desk.torrent.id)
    assert len(desk.client._dialling._dials) == 1


def test_we_do_not_stay_connected_to_ourselves_nor_try_again():
    desk = Desk()
    desk.add(at(1))
    desk.answer(at(1), OWN_ID)
    assert desk.torrent.peers == {}
    desk.wait(1000.0)
    desk.add(at(1))
    assert not desk.called()


def test_a_banned_host_is_neither_called_nor_let_in():
    desk = Desk()
    desk.add(at(1))
    peer = desk.answer(at(1))
    desk.do(desk.client.receive_data, peer, b"\0\0\0\x09\0garbage!")
    assert desk.torrent.num_peers == 0 and desk.torrent.bans.has_host("10.0.0.1")
    desk.add(at(1, 7000))
    desk.wait(1000.0)
    assert not desk.called()
    assert desk.guest("10.0.0.1", peer_id=b"n" * 20) in desk.closed
    desk.guest("10.0.0.2", peer_id=b"n" * 20)
    assert desk.torrent.num_peers == 1


def test_a_guest_is_led_to_the_torrent_that_it_asks_for():
    desk = Desk()
    other = desk.client.add(OTHER, 0.0)
    peer = desk.do(desk.client.connection_accepted, "::ffff:10.0.0.7", 50000)
    desk.do(desk.client.receive_data, peer, Handshake.ours(OTHER.info_hash, b"r" * 20).serialize())
    assert other.num_peers == 1 and desk.torrent.num_peers == 0
    assert other.peers[peer].address == Address("10.0.0.7", 50000)


@given(cuts=st.lists(st.integers(0, 68), max_size=5))
def test_it_does_not_matter_how_a_guests_handshake_is_cut(cuts):
    desk = Desk()
    peer = desk.do(desk.client.connection_accepted, "10.0.0.7", 50000)
    data = Handshake.ours(METAINFO.info_hash, b"r" * 20).serialize() + m.Have(1).serialize()
    bounds = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(bounds):
        if start < end:
            desk.do(desk.client.receive_data, peer, data[start:end])
        assert len(desk.client._dialling._guests.get(peer).said if end < ROUTE_LENGTH and end else b"") < ROUTE_LENGTH
    assert desk.torrent.num_peers == 1 and desk.torrent.peers[peer].bitfield[1]


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n", Handshake.ours(b"u" * 20, b"r" * 20).serialize(), b"\x13BitTorrent protocoX"],
)
def test_a_guest_for_nothing_of_ours_is_sent_away(said):
    desk = Desk()
    peer = desk.do(desk.client.connection_accepted, "10.0.0.7", 50000)
    desk.do(desk.client.receive_data, peer, said)
    assert desk.closed == [peer] and not desk.client._dialling._guests
    desk.do(desk.client.receive_data, peer, b"more")
    desk.do(desk.client.channel_closed, peer)
    assert desk.closed == [peer]


def test_silent_guests_hold_their_places_for_a_short_time_only():
    desk = Desk()
    guests = [desk.do(desk.client.connection_accepted, "10.0.0.7", port) for port in range(MAX_GUESTS)]
    assert None not in guests
    assert desk.do(desk.client.connection_accepted, "10.0.0.8", 1) is None
    desk.wait(GUEST_TIMEOUT)
    assert desk.closed == guests
    assert desk.do(desk.client.connection_accepted, "10.0.0.8", 1) is not None


def test_a_guest_that_goes_leaves_its_place():
    desk = Desk()
    peer = desk.do(desk.client.connection_accepted, "10.0.0.7", 1)
    desk.do(desk.client.channel_closed, peer)
    assert desk.client._dialling.get_timer() is None and not desk.client._dialling._guests


def test_a_guest_is_called_back_where_it_listens_when_it_is_lost():
    desk = Desk()
    peer = desk.guest("10.0.0.7", port=None)
    assert len(desk.torrent.candidates) == 0
    desk.do(desk.client.channel_closed, peer)
    peer = desk.do(desk.client.connection_accepted, "10.0.0.7", 50001)
    desk.greet(peer, port=6999)
    desk.add(Address("10.0.0.7", 6999))
    assert not desk.called()
    desk.do(desk.client.channel_closed, peer)
    desk.wait(FIRST_REST * 1.5)
    assert list(desk.called()) == [Address("10.0.0.7", 6999)]


def test_who_is_connected_twice_is_not_called_when_one_connection_goes():
    desk = Desk()
    desk.add(at(1))
    called = desk.called()[at(1)]
    guest = desk.do(desk.client.connection_accepted, "10.0.0.1", 50000)
    desk.greet(guest, b"r" * 20, port=6881)
    desk.do(desk.client.channel_opened, called)
    desk.greet(called, b"r" * 20, port=6881)
    assert desk.torrent.num_peers == 1 and len(desk.closed) == 1
    desk.wait(30.0)
    assert not desk.called()


def test_a_paused_torrent_calls_nobody_until_it_goes_on():
    desk = Desk(paused=True)
    desk.add(at(1))
    assert not desk.called()
    desk.do(desk.client.resume, desk.torrent.id)
    assert list(desk.called()) == [at(1)]


def test_removing_and_closing_give_up_what_is_under_way():
    desk = Desk()
    desk.add(at(1))
    guest = desk.do(desk.client.connection_accepted, "10.0.0.7", 1)
    call = desk.called()[at(1)]
    desk.do(desk.client.remove, desk.torrent.id)
    assert desk.closed == [call]
    desk.do(desk.client.close)
    assert desk.closed == [call, guest] and desk.client.get_timer() is None


def tell(desk, peer, *addresses):
    message = PeerExchange(tuple((address, PeerFlags(0)) for address in addresses))
    desk.do(desk.client.receive_data, peer, m.Extended(UT_PEX_ID, message.serialize()).serialize())
    desk.wait(1.0)


def test_peers_that_a_peer_tells_of_are_called_but_not_more_often_than_it_may_tell():
    desk = Desk()
    desk.add(at(1))
    peer = desk.answer(at(1))
    tell(desk, peer, at(2), Address("0.0.0.0", 1), at(3, 0))
    assert list(desk.called()) == [at(2)]
    tell(desk, peer, at(4))
    assert not desk.called()
    desk.wait(60.0)
    tell(desk, peer, at(5))
    assert list(desk.called())[-1:] == [at(5)] and at(4) not in desk.torrent.candidates


def test_a_peer_is_told_of_others_once_and_of_those_who_left():
    desk = Desk(have_all=True)
    desk.add(at(1), at(2))
    calls = desk.called()
    for number in (1, 2):
        desk.do(desk.client.channel_opened, calls[at(number)])
        desk.greet(calls[at(number)], bytes([number]) * 20, exchanges=number == 1)
    guest = desk.guest("10.0.0.3", peer_id=b"3" * 20, port=6999)
    desk.guest("10.0.0.4", peer_id=b"4" * 20)
    desk.wait(2.0)

    def told():
        return [PeerExchange.parse(each.payload) for each in desk.heard(calls[at(1)]) if getattr(each, "id", 0) == 9]

    (first,) = told()
    assert dict(first.added) == {at(2): PeerFlags.REACHABLE, Address("10.0.0.3", 6999): PeerFlags(0)}
    assert first.dropped == ()
    desk.sent[calls[at(1)]] = Handshake.ours(b"i" * 20, b"p" * 20).serialize()
    desk.do(desk.client.channel_closed, guest)
    desk.wait(50.0)
    assert told() == []
    desk.sent[calls[at(1)]] = Handshake.ours(b"i" * 20, b"p" * 20).serialize()
    desk.wait(10.0)
    assert told() == [PeerExchange(dropped=(Address("10.0.0.3", 6999),))]
    assert not any(getattr(each, "id", 0) == 9 for each in desk.heard(calls[at(2)]))


def test_a_private_torrent_neither_tells_nor_hears():
    private = replace(METAINFO, private=True)
    desk = Desk(private)
    desk.add(at(1), at(2))
    calls = desk.called()
    for number in (1, 2):
        desk.do(desk.client.channel_opened, calls[at(number)])
        desk.greet(calls[at(number)], bytes([number]) * 20, exchanges=True)
    tell(desk, calls[at(1)], at(3))
    assert at(3) not in desk.torrent.candidates and not desk.called()
    for peer in calls.values():
        said = desk.heard(peer)
        offers = [ExtendedHandshake.parse(each.payload).ids for each in said if getattr(each, "id", 1) == 0]
        assert [ids[UT_PEX] for ids in offers] == [0]
        assert not any(getattr(each, "id", 0) == 9 for each in said)


def test_a_link_that_turns_out_private_takes_back_what_it_offered():
    private = replace(METAINFO, private=True)
    desk = Desk(MAGNET)
    desk.add(at(1))
    peer = desk.answer(at(1), exchanges=True)
    tell(desk, peer, at(2))
    call = desk.called()[at(2)]
    desk.do(desk.client.set_metainfo, desk.torrent.id, private)
    desk.do(desk.client.connection_failed, call, "refused")
    assert at(2) not in desk.torrent.candidates and at(1) in desk.torrent.candidates
    offers = [ExtendedHandshake.parse(each.payload).ids for each in desk.heard(peer) if getattr(each, "id", 1) == 0]
    assert [ids[UT_PEX] for ids in offers] == [UT_PEX_ID, 0]
