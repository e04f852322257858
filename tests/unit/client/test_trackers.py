"""One socket for each tracker, whatever the number of torrents; and none once they are gone."""

import json
from random import Random

from webtorrent_py.actions import CloseSocket, OpenSocket, SendText
from webtorrent_py.client.trackers import Trackers
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.tracker.announcer import ANNOUNCE_GAP
from webtorrent_py.tracker.outputs import AnnounceDue, TrackerWarning
from webtorrent_py.tracker.protocol import AnnounceResponse, Offer, Stats

ONE, OTHER = b"1" * 20, b"2" * 20
URL, URL2 = "wss://one.test", "wss://two.test/announce"
STATS = Stats(0, 0, 100)


class Host:
    """The trackers of a client, and its sockets."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.trackers = Trackers(b"p" * 20, self.outbox, Random(0), Handles())
        self.sockets: dict[int, str] = {}
        self.sent: list[tuple[str, dict[str, object]]] = []

    def settle(self) -> None:
        for action in self.outbox.take_actions():
            match action:
                case OpenSocket(socket, url):
                    assert socket not in self.sockets
                    self.sockets[socket] = url
                case SendText(socket, text):
                    self.sent.append((self.sockets[socket], json.loads(text)))
                case CloseSocket(socket):
                    del self.sockets[socket]

    def socket(self, url: str) -> int:
        return next(socket for socket, each in self.sockets.items() if each == url)

    def call(self, method, *arguments):
        result = method(*arguments)
        self.settle()
        return result

    def due(self):
        return [
            (url, event.info_hash) for url, event in self.trackers.events_received() if isinstance(event, AnnounceDue)
        ]

    def take_sent(self):
        sent, self.sent = self.sent, []
        return [(url, message.get("info_hash"), message.get("event")) for url, message in sent]


def started(*torrents, url=URL):
    host = Host()
    for info_hash in torrents:
        host.call(host.trackers.add_torrent, info_hash, [url], 0.0)
    host.call(host.trackers.socket_opened, host.socket(url), 0.0)
    for where, info_hash in host.due():
        host.call(host.trackers.announce, where, info_hash, STATS, (), 0.0)
    return host


def test_torrents_share_a_socket():
    host = started(ONE, OTHER)
    assert list(host.sockets.values()) == [URL]
    assert host.take_sent() == [(URL, "1" * 20, "started"), (URL, "2" * 20, "started")]
    assert host.trackers.serves(URL, ONE) and not host.trackers.serves(URL2, ONE)


def test_urls_that_mean_the_same_are_one_tracker():
    host = Host()
    host.call(host.trackers.add_torrent, ONE, [URL, URL, "wss://ONE.test", "udp://one.test", "nonsense"], 0.0)
    host.call(host.trackers.add_torrent, OTHER, ["WSS://one.test"], 0.0)
    assert list(host.sockets.values()) == [URL]


def test_a_torrent_may_get_more_trackers_later():
    host = started(ONE)
    host.call(host.trackers.add_torrent, ONE, [URL, URL2], 1.0)
    assert sorted(host.sockets.values()) == sorted([URL, URL2])


def test_the_last_torrent_that_leaves_closes_the_socket():
    host = started(ONE, OTHER)
    host.take_sent()
    host.call(host.trackers.remove_torrent, ONE, STATS, 1.0)
    assert host.take_sent() == [(URL, "1" * 20, "stopped")] and host.sockets
    host.call(host.trackers.remove_torrent, OTHER, STATS, 1.0)
    assert host.take_sent() == [(URL, "2" * 20, "stopped")]
    assert not host.sockets and host.trackers.get_timer() is None
    host.call(host.trackers.remove_torrent, OTHER, STATS, 1.0)
    assert host.take_sent() == []
    # And it can come back, on a socket with another handle.
    host.call(host.trackers.add_torrent, ONE, [URL], 2.0)
    assert list(host.sockets.values()) == [URL]


def test_what_a_tracker_says_comes_with_its_url():
    host = started(ONE)
    host.trackers.events_received()
    text = json.dumps({"action": "announce", "info_hash": "1" * 20, "interval": 60, "complete": 2, "incomplete": 3})
    host.call(host.trackers.socket_received, host.socket(URL), text, 1.0)
    assert host.trackers.events_received() == [(URL, AnnounceResponse(ONE, 60.0, 2, 3, None))]


def test_a_lost_socket_is_replaced_after_a_while():
    host = started(ONE)
    lost = host.socket(URL)
    host.call(host.trackers.socket_closed, lost, "gone", 1.0)
    del host.sockets[lost]
    assert any(isinstance(event, TrackerWarning) for _, event in host.trackers.events_received())
    due = host.trackers.get_timer()
    assert due is not None and due > 1.0
    host.call(host.trackers.handle_timer, due)
    assert list(host.sockets.values()) == [URL] and host.socket(URL) != lost
    # What is said about the old one is of no interest.
    host.call(host.trackers.socket_opened, lost, due)
    host.call(host.trackers.socket_received, lost, "{}", due)
    host.call(host.trackers.socket_closed, lost, "gone", due)
    assert host.trackers.events_received() == []


def test_completion_is_told_to_all_trackers():
    host = Host()
    host.call(host.trackers.add_torrent, ONE, [URL, URL2], 0.0)
    for url in (URL, URL2):
        host.call(host.trackers.socket_opened, host.socket(url), 0.0)
    for url, info_hash in host.due():
        host.call(host.trackers.announce, url, info_hash, STATS, (), 0.0)
    host.take_sent()
    host.trackers.complete(ONE, 5.0)
    for url, info_hash in host.due():
        host.call(host.trackers.announce, url, info_hash, STATS, (), 5.0)
    assert sorted(host.take_sent()) == [(URL, "1" * 20, "completed"), (URL2, "1" * 20, "completed")]


def test_announcing_sooner_is_asked_of_all_trackers_but_not_too_often():
    host = started(ONE)
    host.trackers.announce_now(ONE, 1.0)
    assert host.due() == []
    host.call(host.trackers.handle_timer, ANNOUNCE_GAP)
    assert host.due() == [(URL, ONE)]


def test_what_cannot_be_announced_is_said():
    host = Host()
    host.call(host.trackers.add_torrent, ONE, [URL], 0.0)
    assert not host.trackers.announce(URL, ONE, STATS, (), 0.0)
    assert not host.trackers.announce("wss://unknown.test", ONE, STATS, (), 0.0)
    host.call(host.trackers.socket_opened, host.socket(URL), 0.0)
    assert not host.trackers.announce(URL, OTHER, STATS, (), 0.0)
    assert host.trackers.announce(URL, ONE, STATS, (Offer(b"o" * 20, "sdp"),), 0.0)


def test_answers_go_through_the_tracker_that_brought_the_offer():
    host = started(ONE)
    host.sent.clear()
    host.call(host.trackers.answer, URL, ONE, b"r" * 20, b"o" * 20, "sdp", 1.0)
    host.call(host.trackers.answer, "wss://gone.test", ONE, b"r" * 20, b"o" * 20, "sdp", 1.0)
    ((url, message),) = host.sent
    assert url == URL and message["to_peer_id"] == "r" * 20 and message["answer"] == {"type": "answer", "sdp": "sdp"}


def test_texts_on_a_socket_that_is_not_open_are_ignored():
    host = Host()
    host.call(host.trackers.add_torrent, ONE, [URL], 0.0)
    host.call(host.trackers.socket_received, host.socket(URL), "{}", 0.0)
    host.call(host.trackers.socket_received, 12345, "{}", 0.0)
    assert host.trackers.events_received() == []
