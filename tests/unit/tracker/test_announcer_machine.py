"""Any order of inputs to an announcer, legal ones, with junk from the tracker: what must hold throughout."""

import json
from collections import Counter
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from webtorrent_py.tracker import announcer
from webtorrent_py.tracker.announcer import Tracker
from webtorrent_py.tracker.outputs import AnnounceDue, Connect, Disconnect, TrackerEvent, Transmit
from webtorrent_py.tracker.protocol import AnnounceResponse, Offer, RemoteAnswer, RemoteOffer, Stats

US = "u" * 20
HASHES = [b"a" * 20, b"\xff" * 20, b"\x00" * 20]
hashes = st.sampled_from(HASHES)
peers = st.sampled_from([US, "t" * 20, "s" * 20])
offer_ids = st.sampled_from(["1" * 20, "2" * 20, "3" * 20])
numbers = st.none() | st.integers(-5, 5000) | st.floats() | st.text(max_size=3)


class Announcing(RuleBasedStateMachine):
    """The owner, the host and the tracker at once; `socket` is what the host has."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.tracker = Tracker("ws://tracker.example", US.encode(), Random(0))
        self.torrents: set[bytes] = set()
        self.socket = "none"
        self.last_sent = 0.0
        self.started: set[bytes] = set()
        self.completed: Counter[bytes] = Counter()
        self.offered: set[tuple[bytes, bytes]] = set()

    def settle(self, *, expected_answers: int = 0, expected_announces: int = 0) -> list[TrackerEvent]:
        """Carry out the commands as a host does, and check each; return the events."""
        answers = announces = 0
        for command in self.tracker.commands_to_perform():
            match command:
                case Connect(url):
                    assert self.socket == "none" and self.torrents
                    assert url == "ws://tracker.example"
                    self.socket = "connecting"
                case Disconnect():
                    assert self.socket != "none"
                    self.close()
                case Transmit(text):
                    assert self.socket == "open"
                    self.last_sent = self.now
                    message = json.loads(text)
                    if "answer" in message:
                        answers += 1
                    else:
                        announces += 1
                        self.check_announce(message)
        assert (answers, announces) == (expected_answers, expected_announces)
        events = self.tracker.events_received()
        for event in events:
            if isinstance(event, AnnounceDue):
                assert self.socket == "open" and event.info_hash in self.torrents
            elif isinstance(event, AnnounceResponse | RemoteOffer | RemoteAnswer):
                assert event.info_hash in self.torrents
        return events

    def check_announce(self, message: dict[str, object]) -> None:
        info_hash = str(message["info_hash"]).encode("latin-1")
        event = message.get("event")
        if event == "stopped":
            assert info_hash in self.started and info_hash not in self.torrents
            self.started.remove(info_hash)
            return
        assert info_hash in self.torrents
        assert (event == "started") == (info_hash not in self.started)
        self.started.add(info_hash)
        if event == "completed":
            self.completed[info_hash] += 1
            assert self.completed[info_hash] == 1
        offers = message["offers"]
        assert isinstance(offers, list) and len(offers) == message["numwant"]
        assert len(offers) <= announcer.OFFERS_PER_ANNOUNCE

    def close(self) -> None:
        self.socket = "none"
        self.started.clear()

    @rule(info_hash=hashes)
    def adds(self, info_hash: bytes) -> None:
        if info_hash not in self.torrents:
            self.completed[info_hash] = 0
            self.offered = {(of, offer) for of, offer in self.offered if of != info_hash}
        self.torrents.add(info_hash)
        self.tracker.add_torrent(info_hash, self.now)
        self.settle()

    @rule(info_hash=hashes)
    def removes(self, info_hash: bytes) -> None:
        self.torrents.discard(info_hash)
        self.tracker.remove_torrent(info_hash, Stats(0, 0, None), self.now)
        self.settle(expected_announces=info_hash in self.started)

    @precondition(lambda self: self.torrents)
    @rule(data=st.data())
    def completes(self, data: st.DataObject) -> None:
        self.tracker.complete(data.draw(st.sampled_from(sorted(self.torrents))), self.now)
        self.settle()

    @precondition(lambda self: self.torrents)
    @rule(data=st.data())
    def wants_peers(self, data: st.DataObject) -> None:
        self.tracker.announce_now(data.draw(st.sampled_from(sorted(self.torrents))), self.now)
        self.settle()

    @rule(info_hash=hashes, ids=st.lists(offer_ids, max_size=7, unique=True))
    def announces(self, info_hash: bytes, ids: list[str]) -> None:
        offers = tuple(Offer(offer_id.encode(), "sdp") for offer_id in ids)
        can_be_sent = self.socket == "open" and info_hash in self.torrents
        assert self.tracker.announce(info_hash, Stats(0, 0, 0), offers, self.now) == can_be_sent
        self.settle(expected_announces=can_be_sent)
        if can_be_sent:
            self.offered |= {(info_hash, offer.offer_id) for offer in offers}

    @rule(info_hash=hashes, peer=peers, offer_id=offer_ids)
    def answers(self, info_hash: bytes, peer: str, offer_id: str) -> None:
        can_be_sent = self.socket == "open" and info_hash in self.torrents
        self.tracker.answer(info_hash, peer.encode(), offer_id.encode(), "sdp", self.now)
        self.settle(expected_answers=can_be_sent)

    @precondition(lambda self: self.socket == "connecting")
    @rule()
    def socket_opens(self) -> None:
        self.socket = "open"
        self.last_sent = self.now
        self.tracker.socket_opened(self.now)
        events = self.settle()
        due = [event.info_hash for event in events if isinstance(event, AnnounceDue)]
        assert sorted(due) == sorted(self.torrents)

    @precondition(lambda self: self.socket != "none")
    @rule()
    def socket_closes(self) -> None:
        self.close()
        self.tracker.socket_closed("closed", self.now)
        self.settle()

    @precondition(lambda self: self.socket == "open")
    @rule(text=st.text())
    def hears_junk(self, text: str) -> None:
        self.tracker.receive_text(text, self.now)
        assert len(self.settle()) <= 1

    @precondition(lambda self: self.socket == "open")
    @rule(info_hash=hashes, interval=numbers, count=numbers)
    def hears_a_response(self, info_hash: bytes, interval: object, count: object) -> None:
        message = {"action": "announce", "info_hash": info_hash.decode("latin-1"), "interval": interval}
        self.tracker.receive_text(json.dumps(message | {"complete": count}), self.now)
        assert len(self.settle()) <= 1

    @precondition(lambda self: self.socket == "open")
    @rule(info_hash=hashes, peer=peers, offer_id=offer_ids, kind=st.sampled_from(["offer", "answer"]))
    def hears_of_a_peer(self, info_hash: bytes, peer: str, offer_id: str, kind: str) -> None:
        message = {"action": "announce", "info_hash": info_hash.decode("latin-1"), "peer_id": peer}
        description = {"offer_id": offer_id, kind: {"type": kind, "sdp": "sdp"}}
        self.tracker.receive_text(json.dumps(message | description), self.now)
        for event in self.settle():
            assert peer != US
            if isinstance(event, RemoteAnswer):
                assert (info_hash, event.offer_id) in self.offered

    @rule(seconds=st.floats(0, 200))
    def time_passes(self, seconds: float) -> None:
        """The host calls each timer when it has come."""
        end = self.now + seconds
        calls = 0
        while (when := self.tracker.get_timer()) is not None and when <= end:
            assert when >= self.now
            self.now = when
            self.tracker.handle_timer(when)
            for event in self.settle():
                if isinstance(event, AnnounceDue):
                    self.tracker.announce(event.info_hash, Stats(0, 0, 0), (), self.now)
                    self.settle(expected_announces=1)
            calls += 1
            assert calls < 200
        self.now = end

    @invariant()
    def something_is_always_awaited_while_there_are_torrents(self) -> None:
        assert (self.tracker.get_timer() is not None) == bool(self.torrents)

    @invariant()
    def socket_is_there_only_for_torrents_and_never_silent_for_long(self) -> None:
        assert self.socket == "none" or self.torrents
        assert self.tracker.connected == (self.socket == "open")
        if self.socket == "open":
            assert self.now - self.last_sent <= announcer.KEEP_ALIVE_INTERVAL + announcer.GATHER_TIMEOUT


TestAnnouncing = Announcing.TestCase
