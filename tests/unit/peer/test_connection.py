"""One connection: every message in every state, and two of them joined in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.peer.pair import FAST, PLAIN, End, connected, exchange
from webtorrent_py.actions import ClosePeer
from webtorrent_py.codec.bitfield import Bitfield
from webtorrent_py.errors import WireError
from webtorrent_py.peer.connection import MAX_QUEUED_REQUESTS
from webtorrent_py.peer.extensions import CLIENT
from webtorrent_py.peer.incoming import (
    DEFAULT_REQUEST_QUEUE,
    MAX_CLAIMS,
    MAX_PIECES,
    MAX_REQUEST_LENGTH,
    MAX_SUGGESTED,
)
from webtorrent_py.peer.requests import MAX_REQUESTS, MAX_UNREQUESTED_BYTES
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.extensions import LT_DONTHAVE, OUR_IDS, ExtendedHandshake, serialize_dont_have
from webtorrent_py.wire.handshake import Handshake

BLOCK = 16384


def bitfield(*indices: int, length: int = 10) -> Bitfield:
    pieces = Bitfield(length)
    for index in indices:
        pieces.set(index)
    return pieces


# --- two ends --------------------------------------------------------------------------------------


def test_two_ends_meet_and_exchange_a_piece():
    content = bytes(range(256)) * 512
    seed, leech = End("s", pieces=8, content=content), End("l", pieces=8)
    for end in (seed, leech):
        end.connection.send_handshake(0.0)
    exchange(seed, leech)
    assert [type(each) for each in seed.received] == [Handshake]
    assert leech.connection.peer_id == b"s" * 20 and seed.connection.peer_id == b"l" * 20
    assert leech.connection.fast and seed.connection.fast

    full = Bitfield(8)
    full.fill()
    seed.connection.send_pieces(full, 0.0)
    leech.connection.send_pieces(Bitfield(8), 0.0)
    for end in (seed, leech):
        end.connection.send_extended_handshake(1234, 0.0)
    exchange(seed, leech)
    assert leech.connection.bitfield == full and seed.connection.bitfield == Bitfield(8)
    assert leech.connection.extensions.handshake.metadata_size == 1234
    assert leech.connection.request_limit == MAX_QUEUED_REQUESTS
    assert leech.connection.extensions.metadata_id == seed.connection.extensions.metadata_id == 1

    leech.connection.send_interested(True, 0.0)
    exchange(seed, leech)
    assert seed.connection.peer_interested and not leech.connection.may_request(0)
    seed.connection.send_choke(False, 0.0)
    exchange(seed, leech)
    assert leech.connection.may_request(0)

    leech.connection.send_requests([(0, 0, BLOCK)], 1.0)
    exchange(seed, leech, 1.0)
    assert seed.received[-1] == m.Request(0, 0, BLOCK)
    seed.connection.send_block((0, 0, BLOCK), 7, 0, 1.5)
    exchange(seed, leech, 1.5)
    assert leech.received[-1] == m.Piece(0, 0, content[:BLOCK])
    assert leech.connection.last_wait == 0.5 and not leech.connection.requests
    assert leech.connection.download.total == seed.connection.upload.total == BLOCK


def test_a_peer_without_extensions_gets_none():
    end = connected(handshake=PLAIN)
    end.connection.send_pieces(None, 0.0)
    end.connection.send_pieces(Bitfield(10), 0.0)
    end.connection.send_extended_handshake(1, 0.0)
    end.connection.send_metadata(b"de", 0.0)
    assert end.take_messages() == []
    full = bitfield(*range(10))
    end.connection.send_pieces(full, 0.0)
    assert end.take_messages() == [m.BitfieldMessage(full.to_bytes())]


def test_what_we_have_is_told_in_the_shortest_way():
    end = connected()
    for have in (None, bitfield(), bitfield(3), bitfield(*range(10))):
        end.connection.send_pieces(have, 0.0)
    assert end.take_messages() == [m.HaveNone(), m.HaveNone(), m.BitfieldMessage(b"\x10\0"), m.HaveAll()]


def test_states_are_told_only_when_they_change():
    end = connected()
    for value in (True, True, False, False, True):
        end.connection.send_interested(value, 0.0)
    assert end.take_messages() == [m.Interested(), m.NotInterested(), m.Interested()]
    for value in (True, False, False, True):
        end.connection.send_choke(value, 0.0)
    assert end.take_messages() == [m.Unchoke(), m.Choke()]


def test_states_are_handed_on_only_when_they_change():
    end = connected()
    assert end.tell(m.Choke(), m.Unchoke(), m.Unchoke(), m.Choke(), m.KeepAlive()) == [m.Unchoke(), m.Choke()]
    assert end.tell(m.Have(1), m.Have(1), m.Have(2)) == [m.Have(1), m.Have(2)]


def test_a_closed_connection_is_closed_once():
    end = connected()
    end.connection.close()
    end.connection.close()
    assert end.outbox.take_actions() == [ClosePeer(1)]


# --- one message after the other -------------------------------------------------------------------


def test_the_state_is_that_of_the_message_at_hand_however_many_came_at_once():
    end = End(pieces=2)
    told = b"".join(
        message.serialize() for message in (FAST, m.HaveNone(), m.Have(0), m.Unchoke(), m.Have(1), m.Choke())
    )
    counts = []
    for message in end.connection.receive_data(told, 0.0):
        assert end.connection.bitfield is not None
        counts.append((type(message), end.connection.bitfield.count, end.connection.peer_choking))
    assert counts == [
        (Handshake, 0, True),
        (m.HaveNone, 0, True),
        (m.Have, 1, True),
        (m.Unchoke, 1, False),
        (m.Have, 2, False),
        (m.Choke, 2, True),
    ]


# --- what the peer has -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ((), ()),
        ((m.HaveAll(),), range(10)),
        ((m.HaveNone(),), ()),
        ((m.HaveNone(), m.Have(9)), (9,)),
        ((m.BitfieldMessage(b"\xa0\x40"),), (0, 2, 9)),
        ((m.BitfieldMessage(b"\xa0\x40"), m.Have(1), m.Have(2)), (0, 1, 2, 9)),
        ((m.Have(0), m.Have(5)), (0, 5)),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_what_the_peer_has_is_the_same_whether_the_metadata_came_before_or_after(claim, expected, early):
    end = connected(pieces=None if early else 10)
    new = end.tell(*claim)
    if early:
        assert new == [] and end.connection.bitfield is None and not end.connection.may_request(0)
        end.connection.set_piece_count(10)
    assert end.connection.bitfield == bitfield(*expected)


def test_the_piece_count_may_come_before_the_handshake():
    end = End(pieces=10)
    assert end.connection.bitfield is None
    end.tell(FAST, m.HaveAll())
    assert end.connection.bitfield is not None and end.connection.bitfield.all


@pytest.mark.parametrize(
    "claim",
    [
        m.BitfieldMessage(b"\xff"),
        m.BitfieldMessage(b"\xff\xff"),
        m.BitfieldMessage(b"\xff\xc0\x00"),
        m.Have(10),
        m.Have(MAX_PIECES - 1),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_a_claim_that_does_not_fit_the_torrent_is_found_out_once_it_can_be(claim, early):
    end = connected(pieces=None if early else 10)
    if early:
        end.tell(claim)
    with pytest.raises(WireError):
        end.connection.set_piece_count(10) if early else end.tell(claim)


def test_early_haves_are_bounded():
    end = connected(pieces=None)
    end.tell(*[m.Have(index) for index in range(MAX_PIECES - 3, MAX_PIECES)])
    with pytest.raises(WireError, match="no torrent has so many"):
        end.tell(m.Have(MAX_PIECES))


@pytest.mark.parametrize("first", [m.HaveAll(), m.HaveNone(), m.BitfieldMessage(b"\0\0"), m.Have(1)])
@pytest.mark.parametrize("second", [m.HaveAll(), m.HaveNone(), m.BitfieldMessage(b"\0\0")])
def test_a_repeated_claim_adds_pieces(first, second):
    end = connected(pieces=10)
    end.tell(first)
    before = set(end.connection.bitfield.indices())
    news = end.tell(second)
    assert all(isinstance(each, m.Have) for each in news)
    assert {each.index for each in news} == (set(range(10)) - before if second == m.HaveAll() else set())
    assert set(end.connection.bitfield.indices()) == before | {each.index for each in news}


@pytest.mark.parametrize("pieces", [None, 10])
def test_claims_are_not_repeated_for_ever(pieces):
    end = connected(pieces=pieces)
    for _ in range(MAX_CLAIMS):
        end.tell(m.HaveAll())
    with pytest.raises(WireError, match="more than"):
        end.tell(m.HaveAll())


# --- violations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [m.HaveAll(), m.HaveNone(), m.Reject(0, 0, 1), m.Suggest(0), m.AllowedFast(0)])
@pytest.mark.parametrize("pieces", [None, 10])
def test_the_fast_extension_must_be_offered_before_it_is_used(message, pieces):
    with pytest.raises(WireError, match="fast"):
        connected(pieces=pieces, handshake=PLAIN).tell(message)
    connected(pieces=pieces).tell(message)


def test_a_handshake_for_another_torrent_is_refused():
    with pytest.raises(WireError, match="another torrent"):
        End().tell(Handshake.ours(b"x" * 20, b"r" * 20))


def test_nothing_comes_before_the_handshake():
    with pytest.raises(WireError):
        End().tell(m.Unchoke(), FAST)


@pytest.mark.parametrize("length", [0, MAX_REQUEST_LENGTH + 1, 2**32 - 1])
@pytest.mark.parametrize("pieces", [None, 10])
def test_requests_have_a_bounded_length(length, pieces):
    with pytest.raises(WireError, match="asked for a block"):
        connected(pieces=pieces).tell(m.Request(0, 0, length))


def test_requests_are_of_pieces_that_exist():
    end = connected()
    assert end.tell(m.Request(9, 0, MAX_REQUEST_LENGTH)) == [m.Request(9, 0, MAX_REQUEST_LENGTH)]
    with pytest.raises(WireError, match="piece 10"):
        end.tell(m.Request(10, 0, 1))


def test_requests_before_the_metadata_concern_nobody():
    assert connected(pieces=None).tell(m.Request(2**31, 0, 1), m.AllowedFast(2**31)) == []


def test_allowed_fast_is_of_pieces_that_exist():
    end = connected()
    end.tell(m.HaveAll(), m.AllowedFast(9))
    assert end.connection.may_request(9) and not end.connection.may_request(8)
    with pytest.raises(WireError, match="piece 10"):
        end.tell(m.AllowedFast(10))


def test_a_peer_that_allows_a_piece_which_it_lacks_is_not_asked_for_it():
    end = connected()
    end.tell(m.HaveNone(), m.AllowedFast(9))
    assert not end.connection.may_request(9)


def test_a_malformed_extended_handshake_is_refused():
    with pytest.raises(WireError):
        connected().tell(m.Extended(0, b"nonsense"))


def test_extensions_can_be_renamed_and_switched_off():
    end = connected()
    for told, expected in ((3, 3), (7, 7), (0, None)):
        end.tell(m.Extended(0, ExtendedHandshake(ids={"ut_metadata": told}).serialize()))
        assert end.connection.extensions.metadata_id == expected
    end.connection.send_metadata(b"de", 0.0)
    assert end.take_messages() == []


@pytest.mark.parametrize(("told", "expected"), [(None, DEFAULT_REQUEST_QUEUE), (1, 1), (9999, MAX_QUEUED_REQUESTS)])
def test_the_peer_says_how_many_requests_it_holds(told, expected):
    end = connected()
    end.tell(m.Extended(0, ExtendedHandshake(reqq=told).serialize()))
    assert end.connection.request_limit == expected


# --- requests --------------------------------------------------------------------------------------


def block(number: int) -> m.Piece:
    return m.Piece(0, number * BLOCK, bytes(BLOCK))


def requests(*numbers: int) -> list[tuple[int, int, int]]:
    return [(0, number * BLOCK, BLOCK) for number in numbers]


def test_a_flood_of_blocks_that_nobody_asked_for_ends_the_connection():
    end = connected()
    data = block(0).serialize()
    for _ in range(MAX_UNREQUESTED_BYTES // BLOCK):
        end.receive(data)
    with pytest.raises(WireError, match="flood"):
        end.receive(data)


@pytest.mark.parametrize("handshake", [FAST, PLAIN])
def test_late_answers_to_cancelled_requests_are_no_flood(handshake):
    end = connected(handshake=handshake)
    for _ in range(2 * MAX_UNREQUESTED_BYTES // BLOCK):
        end.connection.send_requests(requests(1), 0.0)
        end.connection.send_cancels(requests(1), 0.0)
        assert not end.connection.requests
        end.tell(block(1))


def test_a_request_that_was_cancelled_and_made_again_may_be_answered_twice():
    end = connected()
    end.connection.send_requests(requests(1), 0.0)
    end.connection.send_cancels(requests(1), 0.0)
    end.connection.send_requests(requests(1), 1.0)
    assert len(end.tell(block(1), block(1), now=2.0)) == 2
    assert end.connection.last_wait == 1.0


def test_the_answer_to_a_cancel_concerns_nobody():
    end = connected()
    end.connection.send_requests(requests(1, 2), 0.0)
    end.connection.send_cancels(requests(1), 0.0)
    assert end.tell(m.Reject(*requests(1)[0])) == []
    assert end.tell(m.Reject(*requests(2)[0])) == [m.Reject(*requests(2)[0])]
    assert end.tell(m.Reject(*requests(2)[0])) == []
    assert not end.connection.requests


def test_only_so_many_cancelled_requests_are_remembered():
    end = connected(pieces=10)
    for number in range(MAX_REQUESTS + 1):
        end.connection.send_cancels(requests(number), 0.0)
    data = block(0).serialize()
    for _ in range(MAX_UNREQUESTED_BYTES // BLOCK):
        end.receive(data)
    with pytest.raises(WireError, match="flood"):
        end.receive(data)


def test_cancelling_nothing_sends_nothing():
    end = connected()
    end.connection.send_cancels([], 0.0)
    assert end.outbox.take_actions() == []


def test_the_wait_for_a_block_begins_with_the_first_request():
    end = connected()
    end.connection.send_requests(requests(1), 5.0)
    assert end.connection.last_block == 5.0
    end.connection.send_requests(requests(2), 6.0)
    assert end.connection.last_block == 5.0
    end.tell(block(1), now=7.0)
    assert end.connection.last_block == 7.0 and end.connection.last_wait == 2.0


# --- serving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("handshake", [FAST, PLAIN])
def test_choking_answers_what_is_queued(handshake):
    end = connected(handshake=handshake)
    end.connection.send_choke(False, 0.0)
    end.connection.upload_queue.extend(requests(1, 2))
    end.connection.send_choke(True, 0.0)
    rejects = [m.Reject(*each) for each in requests(1, 2)] if handshake is FAST else []
    assert end.take_messages() == [m.Unchoke(), m.Choke(), *rejects]
    assert not end.connection.upload_queue


def test_a_cancel_takes_a_request_out_of_the_queue_and_is_answered():
    end = connected()
    end.connection.upload_queue.extend(requests(1, 2))
    cancel = m.Cancel(*requests(1)[0])
    assert end.tell(cancel, m.Cancel(*requests(3)[0])) == [cancel]
    end.connection.refuse_queued(requests(1)[0])
    assert list(end.connection.upload_queue) == requests(2)
    assert end.take_messages() == [m.Reject(*requests(1)[0])]


# --- splitting -------------------------------------------------------------------------------------

indices = st.integers(0, 12)
messages = st.one_of(
    st.sampled_from([m.KeepAlive(), m.Choke(), m.Unchoke(), m.Interested(), m.NotInterested(), m.HaveAll()]),
    st.builds(m.HaveNone),
    st.builds(m.Have, indices),
    st.builds(m.BitfieldMessage, st.binary(min_size=1, max_size=3)),
    st.builds(m.Request, indices, st.integers(0, 9), st.integers(0, MAX_REQUEST_LENGTH + 1)),
    st.builds(m.Piece, indices, st.integers(0, 9), st.binary(max_size=9)),
    st.builds(m.Cancel, indices, st.integers(0, 9), st.integers(0, 9)),
    st.builds(m.Reject, indices, st.integers(0, 9), st.integers(0, 9)),
    st.builds(m.AllowedFast, indices),
    st.builds(m.Suggest, indices),
    st.builds(m.Extended, st.integers(0, 3), st.binary(max_size=9)),
    st.builds(
        m.Extended, st.just(0), st.builds(ExtendedHandshake, reqq=st.integers(1, 9)).map(lambda e: e.serialize())
    ),
    st.builds(m.Unknown, st.integers(100, 120), st.binary(max_size=4)),
)


def outcome(end: End, parts: list[bytes]) -> tuple[object, ...]:
    """All that can be seen of the connection after these bytes."""
    failed = False
    try:
        for part in parts:
            end.receive(part)
    except WireError:
        failed = True
    connection = end.connection
    return (
        end.received,
        end.take_bytes(),
        connection.bitfield,
        connection.peer_choking,
        connection.peer_interested,
        connection.allowed_fast,
        connection.extensions.handshake,
        connection.request_limit,
        connection.download.total,
        failed,
    )


@given(
    st.lists(messages, max_size=8),
    st.lists(st.integers(min_value=0), max_size=5),
    st.sampled_from([None, 10]),
    st.sampled_from([FAST, PLAIN]),
)
def test_cutting_the_stream_anywhere_changes_nothing_and_only_wire_errors_are_raised(sent, places, pieces, handshake):
    data = handshake.serialize() + b"".join(message.serialize() for message in sent)
    cuts = sorted({place % (len(data) + 1) for place in places})
    parts = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    # Message by message, since those that come in one message with a malformed one are lost with it.
    each = [message.serialize() for message in (handshake, *sent)]
    whole = outcome(End(pieces=pieces), [data])
    pieced = outcome(End(pieces=pieces), parts)
    single = outcome(End(pieces=pieces), each)
    assert whole[-1] == pieced[-1] == single[-1]
    if not single[-1]:
        assert whole == pieced == single
    else:
        assert whole[0] == single[0][: len(whole[0])]


@given(st.binary(max_size=200), st.sampled_from([None, 1, 10]))
def test_garbage_raises_only_wire_errors(garbage, pieces):
    end = connected(pieces=pieces)
    try:
        end.receive(garbage)
    except WireError:
        with pytest.raises(WireError):
            end.receive(b"\0")


# --- BEP 6, 10, 21, 54 -----------------------------------------------------------------------------


def lost(index: int) -> m.Extended:
    return m.Extended(OUR_IDS[LT_DONTHAVE], serialize_dont_have(index))


def test_a_piece_that_the_peer_lost_is_its_no_more():
    end = connected()
    end.tell(m.HaveAll(), m.Unchoke(), m.AllowedFast(3), m.Suggest(3))
    assert len(end.tell(lost(3))) == 1
    assert not end.connection.may_request(3) and 3 not in end.connection.suggested
    assert end.connection.bitfield == bitfield(*(index for index in range(10) if index != 3))
    # Once is enough, and it may come back.
    assert end.tell(lost(3)) == []
    assert end.tell(m.Have(3)) == [m.Have(3)] and end.connection.may_request(3)


def test_pieces_lost_before_the_metadata_are_lost_after_it():
    end = connected(pieces=None)
    assert end.tell(m.HaveAll(), lost(3), lost(4), m.Have(4)) == []
    end.connection.set_piece_count(10)
    assert end.connection.bitfield == bitfield(*(index for index in range(10) if index != 3))


@pytest.mark.parametrize("message", [lost(10), m.Extended(OUR_IDS[LT_DONTHAVE], b"\0\0\0")])
def test_a_loss_of_no_piece_is_a_violation(message):
    with pytest.raises(WireError):
        connected().tell(m.HaveAll(), message)


def test_one_cannot_be_a_seed_again_and_again():
    end = connected()
    end.tell(m.HaveAll(), *[lost(0), m.Have(0)] * (MAX_CLAIMS - 1))
    with pytest.raises(WireError):
        end.tell(lost(0))


def test_our_losses_are_told_to_those_who_understand():
    one, other = End("a", pieces=10), End("b", pieces=10)
    one.connection.send_handshake(0.0)
    other.connection.send_handshake(0.0)
    exchange(one, other)
    one.connection.send_dont_have(2, 0.0)
    assert one.take_messages() == []
    for end in (one, other):
        end.connection.send_pieces(Bitfield(10), 0.0)
        end.connection.send_extended_handshake(None, 0.0)
    exchange(one, other)
    one.connection.send_haves(m.Have(2).serialize(), 0.0)
    exchange(one, other)
    assert other.connection.bitfield == bitfield(2)
    one.connection.upload_queue.extend([(2, 0, BLOCK), (1, 0, BLOCK)])
    one.connection.send_dont_have(2, 0.0)
    exchange(one, other)
    assert other.connection.bitfield == bitfield() and list(one.connection.upload_queue) == [(1, 0, BLOCK)]
    assert (
        other.connection.extensions.handshake.client == CLIENT and other.connection.request_limit == MAX_QUEUED_REQUESTS
    )


def test_the_latest_hints_are_kept():
    end = connected(pieces=100)
    end.tell(*[m.Suggest(index) for index in range(MAX_SUGGESTED + 5)])
    assert list(end.connection.suggested) == list(range(5, MAX_SUGGESTED + 5))
    with pytest.raises(WireError):
        end.tell(m.Suggest(100))
    assert not connected(pieces=None).tell(m.Suggest(4_000_000_000))
