"""Who is too slow for what is urgent."""

from dataclasses import dataclass, field

from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.torrent.pace import Pace

PIECES = 10


@dataclass
class FakePeer:
    handle: int
    rate: float
    pieces: set[int] = field(default_factory=lambda: set(range(PIECES)))
    snubbed: bool = False
    requests: dict = field(default_factory=dict)

    def __post_init__(self):
        self.download = RateMeter()
        for tenth in range(100):
            self.download.add(int(self.rate / 10), tenth / 10)

    def may_request(self, index):
        return index in self.pieces


def left_to_others(pace, peer, urgent=(0, 1, 2)):
    left = pace.left_to_faster(peer.handle, urgent, PIECES)
    return None if left is None else list(left.indices())


def compared(*peers):
    pace = Pace()
    pace.compare(peers, 10.0)
    return pace


def test_a_slow_peer_leaves_to_a_fast_one_what_that_has():
    slow, fast = FakePeer(1, 1e4), FakePeer(2, 1e5, {1, 2, 7})
    pace = compared(slow, fast)
    assert left_to_others(pace, slow) == [1, 2]
    assert left_to_others(pace, fast) is None


def test_peers_that_are_nearly_as_fast_take_everything():
    peers = [FakePeer(number, rate) for number, rate in enumerate((1e5, 5e4, 3e4))]
    pace = compared(*peers)
    assert all(left_to_others(pace, peer) is None for peer in peers)


def test_all_are_asked_when_nobody_is_fast_or_was_compared():
    idle = FakePeer(1, 0.0)
    assert left_to_others(compared(idle, FakePeer(2, 0.0)), idle) is None
    assert left_to_others(Pace(), idle) is None


def test_one_who_was_never_asked_is_given_a_chance_and_one_who_does_not_answer_is_not():
    fast, fresh, silent = FakePeer(1, 1e5), FakePeer(2, 0.0), FakePeer(3, 0.0, requests={(0, 0): 1.0})
    pace = compared(fast, fresh, silent)
    assert left_to_others(pace, fresh) is None
    assert left_to_others(pace, silent) == [0, 1, 2]


def test_a_snubbed_or_absent_peer_is_not_fast():
    slow, fast = FakePeer(1, 1e4), FakePeer(2, 1e5, snubbed=True)
    assert left_to_others(compared(slow, fast), slow) is None
    fast.snubbed = False
    pace = compared(slow, fast)
    pace.forget(2)
    assert left_to_others(pace, slow) == []
    pace.forget(1)
    assert left_to_others(pace, slow) is None
