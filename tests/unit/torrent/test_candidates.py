"""The queue of peers to connect to."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from webtorrent_py.codec.address import Address
from webtorrent_py.torrent.bans import Bans
from webtorrent_py.torrent.candidates import (
    FIRST_REST,
    LASTING,
    MAX_CANDIDATES,
    MAX_FAILURES,
    MAX_REST,
    Candidates,
    Source,
)

NAMED, HEARD = Source.NAMED, Source.HEARD
A, B, C = (Address(f"10.0.0.{number}", 6881) for number in range(3))


def make(*addresses, source=NAMED):
    candidates = Candidates(Bans(), Random(1))
    for address in addresses:
        candidates.add(address, source)
    return candidates


def test_first_come_first_tried_and_each_once():
    candidates = make(A, B, A, C)
    assert candidates.ready and candidates.get_timer() == float("-inf")
    assert [candidates.take(0.0) for _ in range(4)] == [A, B, C, None]
    candidates.add(A, NAMED)
    assert candidates.take(1e9) is None and candidates.get_timer() is None


def test_who_fails_rests_longer_each_time_and_comes_back_for_ever():
    candidates, now, rests = make(A), 0.0, []
    for _ in range(20):
        assert candidates.take(now) == A
        candidates.ended(A, now)
        assert candidates.take(now) is None
        due = candidates.get_timer()
        rests.append(due - now)
        now = due
    for number, rest in enumerate(rests):
        assert 0.5 <= rest / min(FIRST_REST * 2**number, MAX_REST) <= 1.5
    # Those who failed together do not come back together.
    assert len(set(rests[8:])) > 5


def test_who_is_only_heard_of_is_given_up():
    candidates, now = make(A, source=HEARD), 0.0
    for _ in range(MAX_FAILURES):
        assert candidates.take(now) == A
        candidates.ended(A, now)
        now = candidates.get_timer() or 0.0
    assert len(candidates) == 0 and candidates.get_timer() is None


def test_a_connection_that_held_makes_up_for_failures():
    candidates, now = make(A, source=HEARD), 0.0
    for _ in range(MAX_FAILURES * 3):
        candidates.take(now)
        candidates.ended(A, now, lasted=LASTING)
        now = candidates.get_timer()
    assert candidates.take(now) == A
    candidates.ended(A, now, lasted=LASTING - 1)
    assert candidates.get_timer() - now > FIRST_REST * 0.9


def test_what_was_heard_of_and_then_named_is_kept():
    candidates, now = make(A, source=HEARD), 0.0
    candidates.add(A, NAMED)
    candidates.add(A, HEARD)
    candidates.keep_named()
    for _ in range(2 * MAX_FAILURES):
        assert candidates.take(now) == A
        candidates.ended(A, now)
        now = candidates.get_timer()


def test_who_came_to_us_is_not_called_until_it_is_gone():
    candidates = make(A)
    candidates.occupy(A)
    candidates.occupy(B)
    assert candidates.take(0.0) is None
    candidates.ended(A, 0.0, lasted=100.0)
    candidates.ended(B, 0.0, lasted=100.0)
    candidates.ended(C, 0.0)
    assert {candidates.take(100.0), candidates.take(100.0)} == {A, B}


def test_the_banned_are_neither_kept_nor_tried():
    bans = Bans()
    candidates = Candidates(bans, Random(1))
    for address in (A, B, C):
        candidates.add(address, NAMED)
    bans.ban_address(A)
    candidates.avoid(B)
    assert candidates.take(0.0) == C and candidates.take(0.0) is None
    candidates.add(A, NAMED)
    candidates.occupy(B)
    assert len(candidates) == 1


def test_what_is_kept_is_bounded_and_makes_room_only_by_those_who_failed():
    candidates = make(*(Address("10.0.0.1", port) for port in range(1, MAX_CANDIDATES + 1)))
    candidates.add(A, HEARD)
    assert A not in candidates
    failed = candidates.take(0.0)
    candidates.ended(failed, 0.0)
    candidates.add(A, HEARD)
    assert A in candidates and failed not in candidates and len(candidates) == MAX_CANDIDATES


def test_a_private_torrent_forgets_what_it_heard():
    candidates = make(A, B, source=HEARD)
    candidates.add(C, NAMED)
    assert candidates.take(0.0) == A
    candidates.keep_named()
    assert A in candidates and B not in candidates
    assert candidates.take(100.0) == C and candidates.take(100.0) is None
    candidates.ended(A, 100.0, lasted=100.0)
    assert A not in candidates


class Queue(RuleBasedStateMachine):
    """Whatever happens in whatever order, nobody is called twice at a time, and nobody who was named is lost."""

    addresses = st.sampled_from([A, B, C])

    @initialize()
    def start(self):
        self.bans = Bans()
        self.candidates = Candidates(self.bans, Random(1))
        self.now = 0.0
        self.named: set[Address] = set()
        self.busy: set[Address] = set()

    @rule(address=addresses, source=st.sampled_from(Source))
    def hear(self, address, source):
        self.candidates.add(address, source)
        if source is NAMED and not self.bans.has_address(address):
            self.named.add(address)

    @rule(address=addresses)
    def somebody_comes(self, address):
        self.candidates.occupy(address)
        if not self.bans.has_address(address):
            self.busy.add(address)

    @rule()
    def call(self):
        address = self.candidates.take(self.now)
        assert address not in self.busy
        if address is not None:
            assert not self.bans.has_address(address)
            self.busy.add(address)

    @rule(address=addresses, lasted=st.sampled_from([0.0, LASTING]))
    def hang_up(self, address, lasted):
        self.candidates.ended(address, self.now, lasted=lasted)
        self.busy.discard(address)

    @rule(seconds=st.sampled_from([1.0, 10.0, 1000.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(address=addresses)
    def ban(self, address):
        self.candidates.avoid(address)
        self.named.discard(address)
        self.busy.discard(address)

    @invariant()
    def the_parts_agree(self):
        if not hasattr(self, "candidates"):
            return
        known = self.candidates._known
        assert self.named <= known.keys()
        assert {address for address, each in known.items() if each.busy} == self.busy & known.keys()
        waiting = set(self.candidates._ready) | set(self.candidates._resting._deadlines)
        assert waiting == {address for address, each in known.items() if not each.busy}
        assert not set(self.candidates._ready) & set(self.candidates._resting._deadlines)
        assert set(self.candidates._failing) <= known.keys()


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_bans_of_hosts_are_of_all_their_ports():
    bans = Bans()
    bans._ban(b"p" * 20, A.host)
    assert bans.has_address(A) and bans.has_address(Address(A.host, 1)) and not bans.has_address(B)
    assert bans.has_id(b"p" * 20)


@pytest.mark.parametrize("kind", ["address", "host"])
def test_bans_are_bounded(kind):
    bans = Bans()
    for number in range(5000):
        if kind == "address":
            bans.ban_address(Address("10.0.0.1", number))
        else:
            bans._ban(number.to_bytes(20, "big"), str(number))
    assert max(len(bans._ids), len(bans._hosts), len(bans._addresses)) == 1024
    assert bans.has_host("4999") or bans.has_address(Address("10.0.0.1", 4999))
