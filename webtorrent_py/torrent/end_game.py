"""The end game: all that is missing is asked for, and who has nothing left to do helps the slowest.

Strategy: take over the blocks that the peer with the longest queue will send last; they are the least likely to be on
their way already. When a block comes, the other request for it is cancelled (BEP 3), so that little comes twice. Nobody
helps who would not be clearly sooner, and at most `MAX_REQUESTERS` peers are asked for the same block.
"""

import math
from collections.abc import Iterable

from webtorrent_py.peer.connection import Block
from webtorrent_py.torrent.pieces import BLOCK_LENGTH, PiecesInProgress
from webtorrent_py.torrent.source import Source

MAX_REQUESTERS = 2
# A peer takes over this many blocks at a time: it would be wasteful to double everything.
MAX_DUPLICATES = 16
# A helper must be this many times sooner.
SOONER = 2.0
# A helper that has not sent anything yet is taken to be as fast as the fastest, and tried with this many blocks.
TRIAL = 4
# Bytes per second that are expected of a peer that has stopped sending, and seconds until nothing is expected.
UNKNOWN_RATE = float(BLOCK_LENGTH)
PATIENCE = 2.0
# Of the slowest peers, this many are looked at for one helper.
MAX_HELPED = 4


def take_over(
    helper: Source, sources: Iterable[Source], pieces: PiecesInProgress, count: int, now: float
) -> list[Block]:
    """Up to `count` blocks that others are asked for, from here on asked of `helper` too."""
    others = [each for each in sources if each is not helper]
    rate = max(helper.download.rate(now), UNKNOWN_RATE)
    count = min(count, MAX_DUPLICATES)
    if not helper.download.total:
        rate = max((rate, *(each.download.rate(now) for each in others)))
        count = min(count, TRIAL)
    waits = [(_seconds_left(each, now), each) for each in others if each.requests]
    waits.sort(key=lambda each: each[0], reverse=True)
    blocks: list[Block] = []
    for left, slow in waits[:MAX_HELPED]:
        share = left / len(slow.requests)
        for place, (index, begin) in enumerate(reversed(slow.requests)):
            due = left if math.isinf(left) else left - place * share
            arrival = (len(helper.requests) + len(blocks) + 1) * BLOCK_LENGTH / rate
            if len(blocks) >= count or arrival * SOONER > due:
                break
            piece = pieces.get(index)
            number = begin // BLOCK_LENGTH
            if piece is None or piece.exclusive or not helper.may_request(index):
                continue
            handles = piece.requested.get(number)
            if handles is not None and len(handles) < MAX_REQUESTERS and helper.handle not in handles:
                blocks.append(pieces.take_duplicate(piece, number, helper.handle))
    # A web seed wants what follows each other together.
    return sorted(blocks)


def _seconds_left(source: Source, now: float) -> float:
    """Until the source has sent all that it is asked for."""
    rate = 0.0 if source.snubbed else source.download.rate(now)
    if rate < 1.0:
        if source.snubbed or now - source.last_block > PATIENCE:
            return math.inf
        rate = UNKNOWN_RATE
    return len(source.requests) * BLOCK_LENGTH / rate
