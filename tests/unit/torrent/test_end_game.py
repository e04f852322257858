"""The end game: who takes over what of whom."""

from dataclasses import dataclass, field

import pytest

from webtorrent_py.peer.rate import RateMeter
from webtorrent_py.torrent.end_game import MAX_DUPLICATES, MAX_REQUESTERS, TRIAL, take_over
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PiecesInProgress

BLOCKS = 40
NOW = 10.0


@dataclass
class FakePeer:
    handle: int
    rate: float = 0.0
    has: bool = True
    snubbed: bool = False
    last_block: float = NOW
    requests: dict = field(default_factory=dict)

    def __post_init__(self):
        self.download = RateMeter()
        if self.rate:
            for tenth in range(100):
                self.download.add(int(self.rate / 10), tenth / 10)

    def may_request(self, index):
        return self.has


class Scene:
    """A piece of `BLOCKS` blocks, of which a slow peer is asked for all."""

    def __init__(self, slow, exclusive=False):
        self.pieces = PiecesInProgress(1)
        if exclusive:
            self.pieces.suspect(0)
        self.piece = self.pieces.start(0, BLOCKS * BLOCK_LENGTH)
        self.slow = slow
        for index, begin, _ in self.pieces.take_free(self.piece, BLOCKS, slow.handle):
            slow.requests[index, begin] = 0.0

    def take_over(self, helper, count=100):
        blocks = take_over(helper, [self.slow, helper], self.pieces, count, NOW)
        return [begin // BLOCK_LENGTH for _, begin, _ in blocks]


def test_the_last_blocks_of_a_slow_peer_are_taken_over_first_and_not_too_many():
    scene = Scene(FakePeer(1, rate=20_000))
    helper = FakePeer(2, rate=1_000_000)
    assert scene.take_over(helper) == list(range(BLOCKS - MAX_DUPLICATES, BLOCKS))
    assert scene.take_over(FakePeer(3, rate=1_000_000), 2) == [22, 23]
    assert all(len(peers) <= MAX_REQUESTERS for peers in scene.piece.requested.values())


def test_nobody_takes_over_what_would_not_come_clearly_sooner():
    rate = 100_000
    scene = Scene(FakePeer(1, rate=rate))
    number = len(scene.take_over(FakePeer(2, rate=rate)))
    # Both would be done at about the same time.
    assert BLOCKS / 4 < number < BLOCKS / 2
    assert Scene(FakePeer(1, rate=50 * rate)).take_over(FakePeer(2, rate=rate)) == []


@pytest.mark.parametrize("slow", [FakePeer(1, rate=1e6, snubbed=True), FakePeer(1, last_block=NOW - 3)])
def test_a_peer_that_does_not_answer_is_helped_by_anybody(slow):
    assert len(Scene(slow).take_over(FakePeer(2, rate=1_000))) == MAX_DUPLICATES
    assert len(Scene(slow).take_over(FakePeer(2))) == TRIAL


def test_who_has_sent_nothing_yet_is_tried_with_a_few_blocks():
    """All may have been asked of the one that was there first; nothing would ever show that others are fast too."""
    assert Scene(FakePeer(1, rate=1_000_000)).take_over(FakePeer(2)) == list(range(BLOCKS - TRIAL, BLOCKS))


def test_some_blocks_stay_where_they_are():
    helper = FakePeer(2, rate=1e6)
    assert Scene(FakePeer(1, rate=2e4), exclusive=True).take_over(helper) == []
    assert Scene(FakePeer(1, rate=2e4)).take_over(FakePeer(2, rate=1e6, has=False)) == []
    scene = Scene(FakePeer(1, rate=2e4))
    assert scene.take_over(scene.slow) == []
