"""The offer pool: late, failed and forgotten offers, bounds, and that nothing is left over."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from webtorrent_py.actions import AcceptAnswer, AcceptOffer, ClosePeer, CreateOffer
from webtorrent_py.client.signalling import (
    ANSWER_TIMEOUT,
    CONNECT_TIMEOUT,
    FIRST_OFFER_TIME,
    GATHER_TIME,
    MAKING_TIMEOUT,
    MAX_CONNECTIONS,
    Attempts,
    Signalling,
)
from webtorrent_py.handles import Handles
from webtorrent_py.outbox import Outbox
from webtorrent_py.tracker.protocol import RemoteAnswer, RemoteOffer

ONE, OTHER = b"1" * 20, b"2" * 20
URL = "wss://tracker.test"
PEER_ID = b"p" * 20


class Pool:
    """Signalling, its host, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.outbox = Outbox()
        self.signalling = Signalling(self.outbox, Random(0), Handles())
        self.making: list[int] = []
        self.closed: list[int] = []
        self.accepted: list[object] = []

    def settle(self) -> None:
        for action in self.outbox.take_actions():
            match action:
                case CreateOffer(peer):
                    self.making.append(peer)
                case ClosePeer(peer):
                    assert peer not in self.closed
                    self.closed.append(peer)
                case _:
                    self.accepted.append(action)

    def gather(self, wanted, info_hash=ONE, open_connections=0):
        self.signalling.gather(URL, info_hash, wanted, open_connections, self.now)
        self.settle()

    def make(self, count=1):
        """The host makes offers."""
        for _ in range(count):
            peer = self.making.pop(0)
            self.signalling.offer_created(peer, f"sdp {peer}", self.now)
        self.settle()

    def gathered(self):
        """The announces that are ready: each as its info hash and offers."""
        return [
            (each.info_hash, self.signalling.announced(each, self.now))
            for each in self.signalling.take_gathered(self.now)
        ]

    def pass_time(self, seconds):
        end = self.now + seconds
        while (due := self.signalling.get_timer()) is not None and due <= end:
            self.now = max(due, self.now)
            self.signalling.handle_timer(self.now)
            self.settle()
            if self.signalling.get_timer() == due:  # an announce that is ready, which the owner takes
                break
        self.now = end


def answer_to(offer, info_hash=ONE):
    return RemoteAnswer(info_hash, PEER_ID, offer.offer_id, "answer")


# --- gathering -------------------------------------------------------------------------------------


def test_an_announce_goes_out_when_its_offers_are_there():
    pool = Pool()
    pool.gather(3)
    assert len(pool.making) == 3 and pool.gathered() == []
    pool.make(3)
    ((info_hash, offers),) = pool.gathered()
    assert info_hash == ONE and len({offer.offer_id for offer in offers}) == len(offers) == 3
    assert all(len(offer.offer_id) == 20 for offer in offers)
    assert pool.gathered() == []


def test_an_announce_without_offers_goes_out_at_once():
    pool = Pool()
    pool.gather(0)
    assert pool.gathered() == [(ONE, ())]


def test_an_announce_waits_only_a_moment_for_the_rest():
    pool = Pool()
    pool.gather(3)
    pool.pass_time(1.0)
    pool.make()
    assert pool.gathered() == []
    assert pool.signalling.get_timer() == 1.0 + GATHER_TIME
    pool.pass_time(GATHER_TIME)
    ((_, offers),) = pool.gathered()
    assert len(offers) == 1


def test_an_announce_goes_out_without_offers_when_none_is_made():
    pool = Pool()
    pool.gather(3)
    pool.pass_time(FIRST_OFFER_TIME)
    assert pool.gathered() == [(ONE, ())]


def test_an_announce_goes_out_as_soon_as_nothing_more_can_come():
    pool = Pool()
    pool.gather(2)
    pool.make()
    assert pool.gathered() == []
    pool.signalling.failed(pool.making.pop())
    ((_, offers),) = pool.gathered()
    assert len(offers) == 1


def test_what_comes_late_is_kept_for_the_next_announce_of_any_torrent():
    pool = Pool()
    pool.gather(2)
    pool.pass_time(FIRST_OFFER_TIME)
    assert pool.gathered() == [(ONE, ())]
    pool.make(2)
    pool.gather(3, OTHER)
    assert len(pool.making) == 1
    pool.make()
    ((info_hash, offers),) = pool.gathered()
    assert info_hash == OTHER and len(offers) == 3


def test_two_announces_do_not_share_offers():
    pool = Pool()
    pool.gather(2)
    pool.gather(2, OTHER)
    pool.make()
    assert pool.gathered() == []
    pool.gather(1, OTHER)
    assert len(pool.making) == 4
    pool.make(4)
    offers = [offer.offer_id for _, each in pool.gathered() for offer in each]
    assert len(offers) == len(set(offers)) == 5


def test_offers_that_are_never_made_do_not_stand_in_the_way():
    pool = Pool()
    pool.gather(5)
    pool.pass_time(FIRST_OFFER_TIME)
    pool.gathered()
    lost = list(pool.making)
    pool.making.clear()
    pool.pass_time(MAKING_TIMEOUT)
    assert sorted(pool.closed) == sorted(lost)
    pool.gather(5)
    assert len(pool.making) == 5
    # The host comes back after all: too late.
    pool.signalling.offer_created(lost[0], "sdp", pool.now)
    assert pool.gathered() == []


def test_what_could_not_be_announced_serves_another():
    pool = Pool()
    pool.gather(2)
    pool.make(2)
    (gathering,) = pool.signalling.take_gathered(pool.now)
    pool.signalling.announced(gathering, pool.now)
    pool.signalling.give_back(gathering)
    pool.gather(2, OTHER)
    assert pool.making == []
    ((info_hash, offers),) = pool.gathered()
    assert info_hash == OTHER and len(offers) == 2


# --- answers ---------------------------------------------------------------------------------------


def announced(pool, count=1, info_hash=ONE):
    pool.gather(count, info_hash)
    pool.make(count)
    ((_, offers),) = pool.gathered()
    return offers


def test_an_answer_is_accepted_and_the_connection_opens():
    pool = Pool()
    (offer,) = announced(pool)
    pool.signalling.answer_received(answer_to(offer), True, pool.now)
    pool.settle()
    (accepted,) = pool.accepted
    assert accepted == AcceptAnswer(accepted.peer, "answer")
    assert pool.signalling.connecting(ONE) == 1
    dial = pool.signalling.opened(accepted.peer)
    assert (dial.outgoing, dial.info_hash, dial.peer_id, dial.offer_id) == (True, ONE, PEER_ID, offer.offer_id)
    assert pool.signalling.connecting(ONE) == 0 and pool.signalling.get_timer() is None
    assert pool.signalling.opened(accepted.peer) is None


@pytest.mark.parametrize("flaw", ["unknown", "other torrent", "twice", "unwanted", "too early"])
def test_answers_that_lead_nowhere(flaw):
    pool = Pool()
    if flaw == "too early":
        pool.gather(2)
        pool.make()
        pool.signalling.take_gathered(pool.now)
        offer_id = next(iter(pool.signalling._by_offer))
        pool.signalling.answer_received(RemoteAnswer(ONE, PEER_ID, offer_id, "answer"), True, pool.now)
    else:
        (offer,) = announced(pool)
        answer = answer_to(offer)
        if flaw == "unknown":
            answer = RemoteAnswer(ONE, PEER_ID, b"?" * 20, "answer")
        elif flaw == "other torrent":
            answer = RemoteAnswer(OTHER, PEER_ID, offer.offer_id, "answer")
        elif flaw == "twice":
            pool.signalling.answer_received(answer, True, pool.now)
            pool.settle()
            assert len(pool.accepted) == 1
            pool.accepted.clear()
        pool.signalling.answer_received(answer, flaw != "unwanted", pool.now)
    pool.settle()
    assert pool.accepted == []
    assert len(pool.closed) == (flaw == "unwanted")


def test_an_offer_that_nobody_answers_is_closed():
    pool = Pool()
    (offer,) = announced(pool)
    pool.pass_time(ANSWER_TIMEOUT + 1)
    assert len(pool.closed) == 1 and pool.signalling.get_timer() is None
    pool.signalling.answer_received(answer_to(offer), True, pool.now)
    pool.settle()
    assert pool.accepted == []


def test_a_connection_that_does_not_open_is_closed():
    pool = Pool()
    (offer,) = announced(pool)
    pool.pass_time(ANSWER_TIMEOUT - 1)
    pool.signalling.answer_received(answer_to(offer), True, pool.now)
    pool.pass_time(CONNECT_TIMEOUT - 1)
    assert not pool.closed
    pool.pass_time(2)
    assert len(pool.closed) == 1 and pool.signalling.get_timer() is None


# --- others' offers --------------------------------------------------------------------------------


def incoming(pool, number=0, open_connections=0, info_hash=ONE):
    offer = RemoteOffer(info_hash, PEER_ID, bytes([number]) * 20, "offer")
    pool.signalling.offer_received(URL, offer, open_connections, pool.now)
    pool.settle()
    return pool.accepted.pop().peer if pool.accepted else None


def test_an_offer_is_answered_through_the_tracker_that_brought_it():
    pool = Pool()
    peer = incoming(pool, 7)
    assert pool.signalling.connecting(ONE) == 1
    dial = pool.signalling.answer_created(peer, pool.now)
    assert (dial.url, dial.peer_id, dial.offer_id, dial.outgoing) == (URL, PEER_ID, bytes([7]) * 20, False)
    assert pool.signalling.answer_created(peer, pool.now) is None
    assert pool.signalling.opened(peer) is dial


@pytest.mark.parametrize("answered", [True, False])
def test_an_offer_of_which_nothing_comes_is_closed(answered):
    pool = Pool()
    peer = incoming(pool)
    if answered:
        pool.signalling.answer_created(peer, pool.now)
    pool.pass_time(CONNECT_TIMEOUT + 1)
    assert pool.closed == [peer] and pool.signalling.connecting(ONE) == 0


def test_incoming_offers_have_a_bound():
    pool = Pool()
    assert incoming(pool, open_connections=MAX_CONNECTIONS - 1) is not None
    assert incoming(pool, open_connections=MAX_CONNECTIONS - 1) is None
    assert incoming(pool, open_connections=0) is not None


# --- bounds and ends -------------------------------------------------------------------------------


def test_the_pool_has_a_bound_over_all_torrents():
    pool = Pool()
    for number in range(200):
        pool.gather(10, bytes([number]) * 20, open_connections=100)
    assert len(pool.making) == MAX_CONNECTIONS - 100
    pool.make(len(pool.making))
    offers = [offer for _, each in pool.gathered() for offer in each]
    assert len(offers) == MAX_CONNECTIONS - 100
    pool.gather(10, open_connections=100)
    assert pool.making == [] and pool.gathered() == [(ONE, ())]


def test_a_torrent_that_leaves_takes_its_offers_with_it():
    pool = Pool()
    mine = announced(pool, 2)
    others = announced(pool, 2, OTHER)
    pool.gather(2)
    pool.make(1)
    pool.signalling.take_gathered(pool.now)
    pool.signalling.torrent_removed(ONE)
    pool.settle()
    assert len(pool.closed) == 2
    for offer in mine:
        pool.signalling.answer_received(answer_to(offer), True, pool.now)
    pool.signalling.answer_received(answer_to(others[0], OTHER), True, pool.now)
    pool.settle()
    assert len(pool.accepted) == 1
    # What was made for it, and not announced, is for anybody.
    pool.gather(2, OTHER)
    assert len(pool.making) == 1


def test_at_the_end_everything_is_closed():
    pool = Pool()
    announced(pool, 3)
    pool.gather(3)
    pool.make(1)
    incoming(pool)
    pool.signalling.close_all()
    pool.settle()
    assert len(pool.closed) == 3 + 3 + 1 and pool.signalling.get_timer() is None and pool.gathered() == []


# --- everything in any order -----------------------------------------------------------------------


class Signals(RuleBasedStateMachine):
    """Whatever host, trackers and owner do: bounded, accounted for, and in the end nothing is left."""

    @initialize()
    def start(self):
        self.pool = Pool()
        self.live: set[int] = set()
        self.offers: list[tuple[bytes, object]] = []
        self.open = 0

    def settle(self):
        self.pool.settle()
        for closed in self.pool.closed:
            if closed in self.pool.making:
                self.pool.making.remove(closed)

    @rule(wanted=st.integers(0, 40), info_hash=st.sampled_from([ONE, OTHER]))
    def an_announce_is_due(self, wanted, info_hash):
        self.pool.gather(wanted, info_hash, self.open)

    @precondition(lambda self: self.pool.making)
    @rule(made=st.booleans())
    def the_host_is_done(self, made):
        if made:
            self.pool.make()
        else:
            self.pool.signalling.failed(self.pool.making.pop(0))

    @rule(sent=st.booleans())
    def announces_go_out(self, sent):
        for gathering in self.pool.signalling.take_gathered(self.pool.now):
            assert len(gathering.offers) <= gathering.wanted
            offers = self.pool.signalling.announced(gathering, self.pool.now)
            if sent:
                self.offers += [(gathering.info_hash, offer) for offer in offers]
            else:
                self.pool.signalling.give_back(gathering)

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), wanted=st.booleans())
    def somebody_answers(self, data, wanted):
        info_hash, offer = data.draw(st.sampled_from(self.offers))
        self.pool.signalling.answer_received(answer_to(offer, info_hash), wanted, self.pool.now)
        self.settle()

    @rule(number=st.integers(0, 99), info_hash=st.sampled_from([ONE, OTHER]))
    def somebody_offers(self, number, info_hash):
        self.pool.signalling.offer_received(
            URL, RemoteOffer(info_hash, PEER_ID, bytes([number]) * 20, "offer"), self.open, self.pool.now
        )
        self.settle()

    @precondition(lambda self: self.pool.accepted)
    @rule(outcome=st.sampled_from(["opened", "failed", "answered"]))
    def a_connection_goes_on(self, outcome):
        action = self.pool.accepted.pop(0)
        if outcome == "opened":
            self.open += self.pool.signalling.opened(action.peer) is not None
        elif outcome == "failed":
            self.pool.signalling.failed(action.peer)
        elif isinstance(action, AcceptOffer):
            self.pool.signalling.answer_created(action.peer, self.pool.now)

    @rule(info_hash=st.sampled_from([ONE, OTHER]))
    def a_torrent_leaves(self, info_hash):
        self.pool.signalling.torrent_removed(info_hash)
        self.settle()
        assert self.pool.signalling.connecting(info_hash) == 0

    @rule(seconds=st.floats(0.0, 60.0))
    def time_passes(self, seconds):
        self.pool.pass_time(seconds)
        self.settle()

    @invariant()
    def there_are_not_too_many(self):
        signalling = self.pool.signalling
        assert len(signalling._dials) + self.open <= MAX_CONNECTIONS
        assert signalling._making == len(set(self.pool.making) & set(signalling._dials)) >= 0

    def teardown(self):
        if hasattr(self, "pool"):
            for _ in range(3):
                self.pool.signalling.take_gathered(self.pool.now)
                self.pool.pass_time(ANSWER_TIMEOUT + 1)
                self.pool.settle()
            assert not self.pool.signalling._dials and not self.pool.signalling._by_offer
            assert not self.pool.signalling._ready and self.pool.signalling.get_timer() is None


TestSignals = Signals.TestCase
TestSignals.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- what becomes of attempts ----------------------------------------------------------------------


def test_attempts_are_counted_by_what_became_of_them():
    pool = Pool()
    pool.gather(3)
    pool.make(3)
    ((_, offers),) = pool.gathered()
    for offer in offers[:2]:
        pool.signalling.answer_received(answer_to(offer), True, pool.now)
    pool.settle()
    first, second = (action.peer for action in pool.accepted)
    pool.signalling.opened(first)
    pool.signalling.failed(second)
    pool.pass_time(ANSWER_TIMEOUT)
    assert pool.signalling.attempts(ONE) == Attempts(offered=3, unanswered=1, opened=1, failed=1)
    assert pool.signalling.attempts(OTHER) == Attempts()
    pool.signalling.torrent_removed(ONE)
    assert pool.signalling.attempts(ONE) == Attempts()


def test_an_introduced_connection_opens_or_is_given_up():
    pool = Pool()
    handles = [pool.signalling.introduced(ONE, initiator, 0, pool.now) for initiator in (True, False)]
    assert pool.signalling.connecting(ONE) == 2
    dial = pool.signalling.opened(handles[0])
    assert dial is not None and (dial.info_hash, dial.outgoing, dial.peer_id) == (ONE, True, None)
    pool.pass_time(CONNECT_TIMEOUT)
    assert pool.closed == handles[1:] and pool.signalling.attempts(ONE) == Attempts(opened=1, failed=1)
    assert pool.signalling.introduced(ONE, True, MAX_CONNECTIONS, pool.now) is None
