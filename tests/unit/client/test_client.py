"""The client's face: what can be asked of it, what it refuses, and inputs for what is gone."""

import json
from dataclasses import replace
from random import Random

import pytest

from tests.invariants import check_client
from tests.simulation.network import make_content, make_metainfo
from webtorrent_py import actions as a
from webtorrent_py.client import Client
from webtorrent_py.codec.magnet import Magnet
from webtorrent_py.errors import DuplicateTorrentError, InvalidRangeError, UnknownTorrentError
from webtorrent_py.events import MetadataReceived, TorrentDone, TorrentFailed, TorrentReady
from webtorrent_py.tracker.fields import write_id
from webtorrent_py.wire.handshake import Handshake

CONTENT = make_content(100_000)
METAINFO = make_metainfo(CONTENT, trackers=("wss://own.test",))
MAGNET = Magnet(METAINFO.info_hash, "called so", ("wss://own.test",))
OTHER = make_metainfo(make_content(50_000, seed=1), trackers=("wss://own.test",))


def make_client(**options):
    return Client(peer_id=b"c" * 20, random=Random(0), **options)


def opened_urls(client):
    return [action.url for action in client.actions_to_perform() if isinstance(action, a.OpenSocket)]


def test_a_torrent_is_found_by_its_hash_and_by_its_handle():
    client = make_client()
    torrent = client.add(METAINFO, 0.0)
    assert client.get(METAINFO.info_hash) is torrent and client.torrents[torrent.id] is torrent
    assert torrent.ready and torrent.name == "content"
    assert client.get(b"x" * 20) is None


def test_before_the_metadata_the_name_is_the_magnets():
    torrent = make_client().add(MAGNET, 0.0)
    assert not torrent.ready and torrent.name == "called so" and torrent.left is None


def test_the_same_torrent_twice_is_refused_with_the_handle_of_the_first():
    client = make_client()
    torrent = client.add(METAINFO, 0.0)
    with pytest.raises(DuplicateTorrentError) as caught:
        client.add(MAGNET, 0.0)
    assert caught.value.torrent == torrent.id
    client.remove(torrent.id, 1.0)
    again = client.add(MAGNET, 2.0)
    assert again.id != torrent.id


def test_trackers_of_the_torrent_the_call_and_the_client_are_announced_to_once_each():
    client = make_client(trackers=("wss://all.test", "wss://own.test"))
    client.add(METAINFO, 0.0, announce=["wss://call.test", "wss://own.test", "udp://unusable.test"])
    assert opened_urls(client) == ["wss://own.test", "wss://call.test", "wss://all.test"]


def test_a_seed_is_done_and_never_announces_that_it_completed():
    client = make_client()
    torrent = client.add(METAINFO, 0.0, have_all=True)
    assert torrent.done and torrent.complete and torrent.left == 0
    assert [type(event) for event in client.events_received() if isinstance(event, TorrentDone)] == [TorrentDone]
    (socket,) = [action.socket for action in client.actions_to_perform() if isinstance(action, a.OpenSocket)]
    client.socket_opened(socket, 0.0)
    for now in range(1, 200):
        client.handle_timer(float(now))
    sent = [json.loads(action.text) for action in client.actions_to_perform() if isinstance(action, a.SendText)]
    assert sent[0]["event"] == "started" and sent[0]["left"] == 0
    assert "completed" not in [message.get("event") for message in sent]


def test_metadata_from_elsewhere_is_taken_once_and_only_for_its_torrent():
    client = make_client()
    torrent = client.add(MAGNET, 0.0)
    client.set_metainfo(torrent.id, OTHER, 1.0)
    assert not torrent.ready
    more = replace(METAINFO, announce=(("wss://more.test",),))
    client.actions_to_perform()
    client.set_metainfo(torrent.id, more, 1.0)
    client.set_metainfo(torrent.id, more, 1.0)
    assert torrent.ready and opened_urls(client) == ["wss://more.test"]
    kinds = [type(event) for event in client.events_received()]
    assert kinds.count(MetadataReceived) == kinds.count(TorrentReady) == 1
    assert torrent.metainfo is not None and torrent.metainfo.announce == (("wss://own.test",), ("wss://more.test",))


def test_a_magnets_files_are_all_that_is_wanted():
    client = make_client()
    torrent = client.add(replace(MAGNET, select_only=((5, 9),)), 0.0)
    client.set_metainfo(torrent.id, METAINFO, 0.0)
    assert torrent.done and not torrent.complete


@pytest.mark.parametrize("span", [(-1, 0), (0, 4), (3, 2), (4, 4)])
def test_ranges_of_pieces_must_be_in_the_torrent(span):
    client = make_client()
    torrent = client.add(METAINFO, 0.0)
    assert METAINFO.piece_count == 4
    with pytest.raises(InvalidRangeError):
        client.select(torrent.id, *span, 1, 0.0)


@pytest.mark.parametrize("span", [(-1, 0), (0, 100_001), (2, 1)])
def test_ranges_of_bytes_must_be_in_the_torrent(span):
    client = make_client()
    torrent = client.add(METAINFO, 0.0)
    with pytest.raises(InvalidRangeError):
        client.open_reader(torrent.id, *span, 0.0)


def test_nothing_can_be_read_or_selected_before_the_metadata():
    client = make_client()
    torrent = client.add(MAGNET, 0.0)
    with pytest.raises(InvalidRangeError):
        client.open_reader(torrent.id, 0, 0, 0.0)
    with pytest.raises(InvalidRangeError):
        client.select(torrent.id, 0, 0, 1, 0.0)


def test_a_seed_can_read_everything_at_once():
    client = make_client()
    torrent = client.add(METAINFO, 0.0, have_all=True)
    reader = client.open_reader(torrent.id, 10, 90_000, 0.0)
    assert client.reader_available(reader) == (10, 90_000)
    client.advance_reader(reader, 500, 0.0)
    assert client.reader_available(reader) == (500, 90_000)
    client.close_reader(reader, 0.0)
    client.close_reader(reader, 0.0)
    with pytest.raises(UnknownTorrentError):
        client.reader_available(reader)


def test_calls_for_what_is_gone_are_refused():
    client = make_client()
    torrent = client.add(METAINFO, 0.0)
    reader = client.open_reader(torrent.id, 0, 10, 0.0)
    client.remove(torrent.id, 0.0)
    for call in (
        lambda: client.remove(torrent.id, 0.0),
        lambda: client.pause(torrent.id, 0.0),
        lambda: client.resume(torrent.id, 0.0),
        lambda: client.select(torrent.id, 0, 0, 1, 0.0),
        lambda: client.select_file(torrent.id, 0, True, 0.0),
        lambda: client.set_metainfo(torrent.id, METAINFO, 0.0),
        lambda: client.open_reader(torrent.id, 0, 1, 0.0),
        lambda: client.reader_available(reader),
        lambda: client.advance_reader(reader, 0, 0.0),
    ):
        with pytest.raises(UnknownTorrentError):
            call()


def test_inputs_for_what_is_gone_are_ignored():
    client = make_client()
    torrent = client.add(METAINFO, 0.0)
    client.remove(torrent.id, 0.0)
    client.actions_to_perform()
    for handle in (torrent.id, 12345):
        client.socket_opened(handle, 1.0)
        client.socket_received(handle, "nonsense", 1.0)
        client.socket_closed(handle, "gone", 1.0)
        client.offer_created(handle, "sdp", 1.0)
        client.answer_created(handle, "sdp", 1.0)
        client.connection_failed(handle, "why", 1.0)
        client.channel_opened(handle, 1.0)
        client.receive_data(handle, b"nonsense", 1.0)
        client.writable(handle, 1.0)
        client.channel_closed(handle, 1.0)
        client.piece_hashed(handle, 0, b"", 1.0)
        client.piece_stored(handle, 0, 1.0)
        client.storage_failed(handle, "full", 1.0)
        client.close_reader(handle, 1.0)
    client.handle_timer(1e9)
    assert client.actions_to_perform() == [] and client.get_timer() is None
    check_client(client)


class Host:
    """A client with an open tracker socket and one peer."""

    def __init__(self, **options):
        self.client = make_client()
        self.torrent = self.client.add(METAINFO, 0.0, **options)
        (self.socket,) = [each.socket for each in self.take(a.OpenSocket)]
        self.client.socket_opened(self.socket, 0.0)
        # Nobody makes offers here: the announce goes out without.
        self.making = self.take(a.CreateOffer)
        self.client.handle_timer(5.0)

    def take(self, kind):
        return [action for action in self.client.actions_to_perform() if isinstance(action, kind)]

    def connect(self, number=0):
        """A peer offers, and the channel opens."""
        message = {
            "action": "announce",
            "info_hash": write_id(METAINFO.info_hash),
            "peer_id": f"peer {number}".ljust(20),
            "offer_id": f"offer {number}".ljust(20),
            "offer": {"type": "offer", "sdp": "v=0"},
        }
        self.client.actions_to_perform()
        self.client.socket_received(self.socket, json.dumps(message), 1.0)
        (accept,) = self.take(a.AcceptOffer)
        self.client.answer_created(accept.peer, "v=0", 1.0)
        assert "to_peer_id" in json.loads(self.take(a.SendText)[0].text)
        self.client.channel_opened(accept.peer, 1.0)
        check_client(self.client)
        return accept.peer


def test_a_connection_comes_and_goes():
    host = Host()
    peer = host.connect()
    assert [action.data[:20] for action in host.take(a.Send)] == [b"\x13BitTorrent protocol"]
    host.client.receive_data(peer, Handshake.ours(METAINFO.info_hash, b"peer 0".ljust(20)).serialize(), 2.0)
    assert host.torrent.num_peers == 1
    host.client.channel_closed(peer, 3.0)
    host.client.receive_data(peer, b"more", 3.0)
    assert host.torrent.num_peers == 0 and host.take(a.ClosePeer) == [a.ClosePeer(peer)]
    host.client.channel_closed(peer, 4.0)
    assert host.take(a.ClosePeer) == []
    check_client(host.client)


def test_a_peer_that_is_dropped_is_closed_and_forgotten():
    host = Host()
    peer = host.connect()
    host.client.receive_data(peer, b"nonsense", 2.0)
    assert host.take(a.ClosePeer) == [a.ClosePeer(peer)]
    check_client(host.client)
    host.client.channel_closed(peer, 3.0)
    assert host.take(a.ClosePeer) == []


def test_a_torrent_that_fails_leaves_the_swarm_and_can_be_removed():
    host = Host()
    peer = host.connect()
    host.client.actions_to_perform()
    host.client.storage_failed(host.torrent.id, "full", 2.0)
    actions = host.client.actions_to_perform()
    assert a.ClosePeer(peer) in actions and a.CloseSocket(host.socket) in actions
    assert any('"stopped"' in action.text for action in actions if isinstance(action, a.SendText))
    assert [type(event) for event in host.client.events_received()][-1] is TorrentFailed
    check_client(host.client)
    host.client.resume(host.torrent.id, 3.0)
    host.client.remove(host.torrent.id, 4.0)
    assert host.take(a.CloseStore) == [a.CloseStore(host.torrent.id)]
    assert host.client.actions_to_perform() == []


def test_a_paused_torrent_takes_no_peers():
    host = Host(paused=True)
    message = {
        "action": "announce",
        "info_hash": write_id(METAINFO.info_hash),
        "peer_id": "r" * 20,
        "offer_id": "o" * 20,
        "offer": {"type": "offer", "sdp": "v=0"},
    }
    assert not host.making
    host.client.socket_received(host.socket, json.dumps(message), 1.0)
    assert host.client.actions_to_perform() == []
    host.client.resume(host.torrent.id, 20.0)
    assert host.take(a.CreateOffer)


def test_a_torrent_is_announced_at_once_where_a_socket_is_open():
    host = Host()
    for offer in host.making:
        host.client.connection_failed(offer.peer, "no network", 5.5)
    host.client.actions_to_perform()
    torrent = host.client.add(OTHER, 6.0)
    offers = host.take(a.CreateOffer)
    assert offers
    for offer in offers:
        host.client.offer_created(offer.peer, "v=0", 6.1)
    (announce,) = [json.loads(action.text) for action in host.take(a.SendText)]
    assert announce["info_hash"] == write_id(torrent.info_hash) and announce["event"] == "started"
    assert len(announce["offers"]) == len(offers)


def test_closing_ends_everything():
    host = Host()
    peer = host.connect()
    host.client.add(OTHER, 2.0)
    host.client.actions_to_perform()
    host.client.close(3.0)
    actions = host.client.actions_to_perform()
    assert a.ClosePeer(peer) in actions and a.CloseSocket(host.socket) in actions
    assert sum(isinstance(action, a.CloseStore) for action in actions) == 2
    assert host.client.get_timer() is None and not host.client.torrents
    check_client(host.client)
