"""Every message both ways, through the parser, however the bytes are cut."""

from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webtorrent_py.errors import WireError
from webtorrent_py.wire import messages as m
from webtorrent_py.wire.handshake import Handshake
from webtorrent_py.wire.hashes import MAX_HASHES, MAX_LAYERS, Hashes, HashQuery, HashReject, HashRequest
from webtorrent_py.wire.ids import MessageId
from webtorrent_py.wire.parser import WireParser

HANDSHAKE = Handshake.ours(b"i" * 20, b"p" * 20)
QUERY = HashQuery(b"r" * 32, 3, 6, 2, 1)
QUERY_HEX = "72" * 32 + "00000003000000060000000200000001"

uint32 = st.integers(0, 2**32 - 1)
short_bytes = st.binary(max_size=40)
known_ids = frozenset(MessageId)

queries = st.builds(
    lambda root, base, part, size, proofs: HashQuery(root, base, part << size, 1 << size, proofs),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 64),
    st.integers(0, 100),
    st.integers(1, 9),
    st.integers(0, 64),
)
any_queries = st.builds(HashQuery, st.binary(min_size=32, max_size=32), uint32, uint32, uint32, uint32)
hashes = queries.map(lambda query: Hashes(query, bytes(range(32)) * (query.length + query.proof_count)))

messages = st.one_of(
    st.sampled_from(
        [
            m.KeepAlive(),
            m.Choke(),
            m.Unchoke(),
            m.Interested(),
            m.NotInterested(),
            m.HaveAll(),
            m.HaveNone(),
        ]
    ),
    st.builds(m.Have, uint32),
    st.builds(m.BitfieldMessage, short_bytes),
    st.builds(m.Request, uint32, uint32, uint32),
    st.builds(m.Piece, uint32, uint32, short_bytes),
    st.builds(m.Cancel, uint32, uint32, uint32),
    st.builds(m.Port, st.integers(0, 65535)),
    st.builds(m.Suggest, uint32),
    st.builds(m.Reject, uint32, uint32, uint32),
    st.builds(m.AllowedFast, uint32),
    st.builds(m.Extended, st.integers(0, 255), short_bytes),
    st.builds(HashRequest, any_queries),
    st.builds(HashReject, any_queries),
    hashes,
    st.builds(m.Unknown, st.integers(0, 255).filter(lambda number: number not in known_ids), short_bytes),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in parts, cut at each of `places` (taken modulo its length)."""
    at = sorted({place % (len(data) + 1) for place in places})
    return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]


def receive(parts: list[bytes], parser: WireParser | None = None) -> list[Handshake | m.Message]:
    parser = parser or WireParser()
    return [message for part in parts for message in parser.receive_data(part)]


@given(st.lists(messages), st.lists(st.integers(min_value=0)))
def test_cutting_the_stream_anywhere_changes_nothing(sent: list[m.Message], places: list[int]) -> None:
    data = HANDSHAKE.serialize() + b"".join(message.serialize() for message in sent)
    assert receive(cut(data, places)) == [HANDSHAKE, *sent]


@given(st.lists(messages, max_size=8))
def test_stream_may_come_whole_or_byte_by_byte(sent: list[m.Message]) -> None:
    data = HANDSHAKE.serialize() + b"".join(message.serialize() for message in sent)
    assert receive([data]) == [HANDSHAKE, *sent]
    assert receive([bytes([byte]) for byte in data]) == [HANDSHAKE, *sent]


@given(messages, messages)
def test_incomplete_message_waits_for_its_end(first: m.Message, second: m.Message) -> None:
    parser = WireParser()
    receive([HANDSHAKE.serialize()], parser)
    data = second.serialize()
    assert parser.receive_data(first.serialize() + data[:-1]) == [first]
    assert parser.receive_data(data[-1:]) == [second]


@given(messages)
def test_serialized_message_is_its_length_and_then_as_much(message: m.Message) -> None:
    data = message.serialize()
    assert int.from_bytes(data[:4], "big") == len(data) - 4


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (m.KeepAlive(), "00000000"),
        (m.Choke(), "0000000100"),
        (m.Unchoke(), "0000000101"),
        (m.Interested(), "0000000102"),
        (m.NotInterested(), "0000000103"),
        (m.Have(1), "000000050400000001"),
        (m.BitfieldMessage(b"\xa0"), "0000000205a0"),
        (m.Request(1, 2, 3), "0000000d06000000010000000200000003"),
        (m.Piece(1, 2, b"\xff"), "0000000a070000000100000002ff"),
        (m.Cancel(1, 2, 3), "0000000d08000000010000000200000003"),
        (m.Port(6881), "00000003091ae1"),
        (m.Suggest(1), "000000050d00000001"),
        (m.HaveAll(), "000000010e"),
        (m.HaveNone(), "000000010f"),
        (m.Reject(1, 2, 3), "0000000d10000000010000000200000003"),
        (m.AllowedFast(1), "000000051100000001"),
        (m.Extended(3, b"\xff"), "000000031403ff"),
        (HashRequest(QUERY), "0000003115" + QUERY_HEX),
        (HashReject(QUERY), "0000003117" + QUERY_HEX),
        (Hashes(QUERY, b"\xee" * 96), "0000009116" + QUERY_HEX + "ee" * 96),
    ],
)
def test_bytes_are_those_of_the_specifications(message: m.Message, data: str) -> None:
    assert message.serialize().hex() == data


@given(st.lists(st.tuples(uint32, uint32, uint32)))
def test_joined_requests_are_the_single_ones(blocks: list[tuple[int, int, int]]) -> None:
    assert m.serialize_requests(blocks) == b"".join(m.Request(*block).serialize() for block in blocks)


@given(uint32, uint32, short_bytes)
def test_header_and_block_make_a_piece_message(index: int, begin: int, block: bytes) -> None:
    header = m.piece_header(index, begin, len(block))
    assert header + block == m.Piece(index, begin, block).serialize()
    assert receive([HANDSHAKE.serialize(), header, block])[1:] == [m.Piece(index, begin, block)]


BAD_LENGTHS = [
    (message_id, length)
    for message_id, (least, greatest) in m.LENGTH_RANGES.items()
    for length in {least - 1, greatest + 1, 2**32 - 1} - {0}
] + [(200, 2 + m.UNKNOWN_LENGTH_LIMIT)]


@pytest.mark.parametrize(("message_id", "length"), BAD_LENGTHS)
def test_wrong_length_is_refused_before_its_bytes_come(message_id: int, length: int) -> None:
    parser = WireParser()
    receive([HANDSHAKE.serialize()], parser)
    with pytest.raises(WireError, match=f"of length {length}"):
        parser.receive_data(length.to_bytes(4, "big") + bytes([message_id]))
    with pytest.raises(WireError):
        parser.receive_data(m.KeepAlive().serialize())


def test_wrong_length_is_refused_by_name() -> None:
    with pytest.raises(WireError, match="not-interested of length 2, not 1"):
        receive([HANDSHAKE.serialize(), b"\x00\x00\x00\x02\x03"])


def test_length_beyond_every_message_is_refused_before_the_id_comes() -> None:
    parser = WireParser()
    receive([HANDSHAKE.serialize()], parser)
    with pytest.raises(WireError, match="more than"):
        parser.receive_data((parser.max_message_length + 1).to_bytes(4, "big"))


@pytest.mark.parametrize("size", [16 * 1024, m.BLOCK_LENGTH_LIMIT])
@pytest.mark.parametrize("part", [100, 13, 16 * 1024, 64 * 1024])
def test_large_block_comes_in_parts_among_others(size: int, part: int) -> None:
    sent = [m.Piece(number, 0, bytes([number]) * size) for number in range(3)]
    data = b"".join(message.serialize() for message in sent)
    parts = [data[start : start + part] for start in range(0, len(data), part)]
    assert receive([HANDSHAKE.serialize(), *parts])[1:] == sent


def test_block_is_a_view_of_what_arrived() -> None:
    block = m.Piece(1, 2, bytes(range(256)))
    data = block.serialize()
    (whole,) = receive([HANDSHAKE.serialize(), data])[1:]
    (split,) = receive([HANDSHAKE.serialize(), data[:13], data[13:]])[1:]
    assert isinstance(whole, m.Piece) and isinstance(split, m.Piece)
    assert isinstance(whole.data, memoryview) and whole.data.obj is data
    assert isinstance(split.data, memoryview) and bytes(split.data.obj) == block.data
    assert whole == split == block


def test_large_message_in_small_parts_takes_linear_time() -> None:
    parser = WireParser()
    size = 4 * 2**20
    parser.set_piece_count(8 * size)
    receive([HANDSHAKE.serialize()], parser)
    data = m.BitfieldMessage(bytes(size)).serialize()
    parts = [data[start : start + 64] for start in range(0, len(data), 64)]
    started = process_time()
    assert receive(parts, parser) == [m.BitfieldMessage(bytes(size))]
    # 65,000 parts: milliseconds. If each part copied all before it, 130 GB would be copied.
    assert process_time() - started < 5


@pytest.mark.parametrize(("count", "length"), [(1, 1), (8, 1), (9, 2), (4_000_000, 500_000)])
def test_bitfield_fits_the_piece_count_once_it_is_known(count: int, length: int) -> None:
    for wrong in (length - 1, length + 1):
        parser = WireParser()
        parser.set_piece_count(count)
        with pytest.raises(WireError, match="bitfield"):
            receive([HANDSHAKE.serialize(), m.BitfieldMessage(bytes(wrong)).serialize()], parser)
    parser = WireParser()
    parser.set_piece_count(count)
    received = receive([HANDSHAKE.serialize(), m.BitfieldMessage(bytes(length)).serialize()], parser)
    assert received[1:] == [m.BitfieldMessage(bytes(length))]


@given(st.binary(), st.lists(st.integers(min_value=0)))
@example(b"\x00\x00\x00\x00\x00\x00\x00", [4])
@example(b"\x00\x00\x00\x05\x04\x00\x00\x00\x01\xff\xff\xff\xff", [3])
def test_garbage_gives_the_same_messages_and_the_same_refusal_however_it_is_cut(data: bytes, places: list[int]) -> None:
    def outcome(parts: list[bytes]) -> tuple[list[object], bool]:
        parser = WireParser()
        received: list[object] = []
        try:
            for part in parts:
                received += parser.receive_data(part)
        except WireError:
            with pytest.raises(WireError):
                parser.receive_data(b"")
            return received, True
        return received, False

    data = HANDSHAKE.serialize() + data
    cut_received, cut_refused = outcome(cut(data, places))
    byte_received, byte_refused = outcome([bytes([byte]) for byte in data])
    assert cut_refused == byte_refused
    # What comes with the fault in one part is lost; all else is the same.
    assert cut_received == byte_received[: len(cut_received)]
    assert cut_refused or cut_received == byte_received


@pytest.mark.parametrize(
    ("query", "count"),
    [
        # As many as BEP 52 has it: the part itself proves the first log2(length) - 1 layers.
        (HashQuery(b"r" * 32, 0, 0, 2, 0), 2),
        (HashQuery(b"r" * 32, 0, 0, 2, 1), 3),
        (HashQuery(b"r" * 32, 0, 4, 4, 1), 4),
        (HashQuery(b"r" * 32, 0, 4, 4, 3), 6),
        (HashQuery(b"r" * 32, 5, 512, 512, 8), 512),
        (HashQuery(b"r" * 32, 5, 512, 512, 10), 514),
    ],
)
def test_hashes_are_as_many_as_asked_for(query: HashQuery, count: int) -> None:
    right = Hashes(query, bytes(32 * count))
    received = receive([HANDSHAKE.serialize(), right.serialize()])
    assert received[1:] == [right]
    assert len(right.part) == 32 * query.length and len(right.proof) == count - query.length
    for wrong in (count - 1, count + 1):
        with pytest.raises(WireError, match="hashes message with"):
            receive([HANDSHAKE.serialize(), Hashes(query, bytes(32 * wrong)).serialize()])


@pytest.mark.parametrize(
    ("base_layer", "index", "length", "proof_layers"),
    [
        (0, 0, 1, 0),
        (0, 0, 3, 0),
        (0, 2, 4, 0),
        (0, 0, 2 * MAX_HASHES, 0),
        (0, 0, 0, 0),
        (MAX_LAYERS + 1, 0, 2, 0),
        (0, 0, 2, MAX_LAYERS + 1),
        (0, 0, 2**31, 2**32 - 1),
    ],
)
def test_impossible_hashes(base_layer: int, index: int, length: int, proof_layers: int) -> None:
    query = HashQuery(b"r" * 32, base_layer, index, length, proof_layers)
    assert not query.is_possible
    # Asking for them is answered with a reject; sending them breaks the protocol.
    assert receive([HANDSHAKE.serialize(), HashRequest(query).serialize()])[1:] == [HashRequest(query)]
    with pytest.raises(WireError, match="hashes message with"):
        receive([HANDSHAKE.serialize(), Hashes(query, bytes(64)).serialize()])
