"""Hashes of pieces: what is asked for can be answered, proves itself, and is all there is."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.network import make_v2_metainfo
from webtorrent_py.codec import merkle
from webtorrent_py.codec.creation import Version
from webtorrent_py.codec.merkle import BLOCK_LENGTH
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.errors import MetainfoError, WireError
from webtorrent_py.torrent import hashes as module
from webtorrent_py.torrent.hash_requests import ANSWER_TIMEOUT, PIPELINE, HashRequests
from webtorrent_py.torrent.hashes import PieceHashes
from webtorrent_py.wire.hashes import Hashes, HashQuery, parse_hashes


def content_of(length, seed):
    return sha256(bytes([seed])).digest() * (length // 32 + 1)


sizes = st.lists(st.integers(0, 12 * BLOCK_LENGTH), min_size=1, max_size=4).filter(any)
versions = st.sampled_from([Version.V2, Version.HYBRID])


def torrent_of(sizes, version, blocks):
    files = [content_of(size, number)[:size] for number, size in enumerate(sizes)]
    return make_v2_metainfo(files, version, blocks * BLOCK_LENGTH)


def pieces_of(metainfo, content):
    for index in range(metainfo.piece_count):
        yield index, content[index * metainfo.piece_length :][: metainfo.piece_size(index)]


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of four hashes, so that small torrents have several."""
    monkeypatch.setattr(module, "MAX_HASHES", 4)


@settings(max_examples=60, deadline=None)
@given(sizes, versions, st.sampled_from([1, 2, 4]), st.booleans())
def test_all_that_is_missing_can_be_asked_for(sizes, version, blocks, small):
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(module, "MAX_HASHES", 4)
        metainfo, content = torrent_of(sizes, version, blocks)
        giver, taker = PieceHashes(metainfo), PieceHashes(parse_info(metainfo.info))
        assert giver.complete and not giver.missing()
        assert taker.complete == (not metainfo.piece_layers)
        for query in taker.missing():
            assert query.is_possible
            answer = giver.answer(query)
            wire = answer.serialize()
            assert parse_hashes(wire, 5, len(wire)) == answer, "the parser takes what we ask for"
            taker.add(answer)
        assert taker.complete and taker.piece_layers == metainfo.piece_layers
        for index, piece in pieces_of(metainfo, content):
            used = piece[: giver.piece_bytes(index)]
            if used:
                assert taker.query_for(index) is None
                assert taker.root_of_leaves(index, merkle.leaves(used)) == taker.piece_root(index)
            else:
                assert taker.piece_root(index) is None


@settings(max_examples=60, deadline=None)
@given(sizes, versions, st.sampled_from([2, 4, 8]), st.booleans())
def test_the_leaves_of_pieces_that_we_verified_can_be_asked_for(sizes, version, blocks, small):
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(module, "MAX_HASHES", 2)
        metainfo, content = torrent_of(sizes, version, blocks)
        giver = PieceHashes(metainfo)
        for index, piece in pieces_of(metainfo, content):
            used = piece[: giver.piece_bytes(index)]
            if not used:
                continue
            leaves = merkle.leaves(used)
            queries = giver.leaf_queries(index)
            if len(leaves) > 32:
                assert queries and giver.answer(queries[0]) is None, "nothing is known of blocks yet"
            giver.keep_leaves(index, leaves)
            told = b""
            for query in queries:
                assert query.is_possible
                assert giver.first_block(query) * 32 == len(told)
                told += giver.check_leaves(index, giver.answer(query))
            assert not queries or told.startswith(leaves)


@given(st.data())
def test_wrong_hashes_are_refused(data):
    metainfo, _ = torrent_of([11 * BLOCK_LENGTH], Version.V2, 1)
    giver, taker = PieceHashes(metainfo), PieceHashes(parse_info(metainfo.info))
    (query,) = taker.missing()
    right = giver.answer(query)
    wrong = bytearray(right.hashes)
    wrong[data.draw(st.integers(0, len(wrong) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError, match="do not match the file's root"):
        taker.add(Hashes(query, bytes(wrong)))
    assert taker.missing() == [query]
    taker.add(right)
    assert taker.complete


@given(
    st.binary(min_size=32, max_size=32) | st.none(),
    st.integers(0, 6),
    st.integers(0, 40),
    st.integers(0, 20),
    st.integers(0, 9),
)
def test_any_request_is_answered_rightly_or_not_at_all(root, base_layer, index, length, proof_layers):
    metainfo, content = torrent_of([11 * BLOCK_LENGTH + 1], Version.V2, 2)
    hashes = PieceHashes(metainfo)
    for number, piece in pieces_of(metainfo, content):
        hashes.keep_leaves(number, merkle.leaves(piece))
    real = metainfo.files[0].pieces_root
    query = HashQuery(root or real, base_layer, index, length, proof_layers)
    answer = hashes.answer(query)
    if answer is not None:
        assert query.pieces_root == real and query.is_possible
        assert len(answer.part) == 32 * length and len(answer.proof) == query.proof_count
        nodes = merkle.leaves(content[: metainfo.length])
        for layer in range(base_layer):
            nodes = merkle.parents(nodes, layer)
        tree = merkle.LayerTree(nodes, base_layer)
        assert answer.part == tree.part(index, length)
        assert answer.proof == tree.proof(index, length)[: query.proof_count]


def test_a_hybrids_hashes_are_learned_from_its_pieces():
    metainfo, content = torrent_of([5 * BLOCK_LENGTH + 3, 10], Version.HYBRID, 2)
    hashes = PieceHashes(parse_info(metainfo.info))
    for index, piece in list(pieces_of(metainfo, content))[:3]:
        assert not hashes.complete
        leaves = merkle.leaves(piece[: hashes.piece_bytes(index)])
        hashes.learn(index, hashes.root_of_leaves(index, leaves))
    assert hashes.complete and hashes.piece_layers == metainfo.piece_layers
    hashes = PieceHashes(parse_info(metainfo.info))
    for index in range(2):
        hashes.learn(index, bytes(32))
    with pytest.raises(MetainfoError, match="of different bytes"):
        hashes.learn(2, bytes(32))


def test_leaves_are_kept_within_bounds(monkeypatch):
    monkeypatch.setattr(module, "MAX_LEAF_BYTES", 4 * 32)
    metainfo, content = torrent_of([8 * BLOCK_LENGTH], Version.V2, 2)
    hashes = PieceHashes(metainfo)
    for index, piece in pieces_of(metainfo, content):
        hashes.keep_leaves(index, merkle.leaves(piece))
        hashes.keep_leaves(index, merkle.leaves(piece))
    known = [hashes.answer(hashes.leaf_queries(index)[0]) is not None for index in range(4)]
    assert known == [False, False, True, True]


# Asking


QUERIES = [HashQuery(b"r" * 32, 0, 2 * number, 2, 1) for number in range(6)]


class Asked:
    def __init__(self):
        self.sent = []
        self.requests = HashRequests(lambda peer, query: self.sent.append((peer, QUERIES.index(query))))

    def take(self):
        sent, self.sent = self.sent, []
        return sent


def test_each_peer_has_a_few_requests_and_each_query_is_asked_once():
    asked = Asked()
    asked.requests.want(QUERIES, 0)
    assert not asked.take() and not asked.requests.any_peer
    for peer in (1, 2):
        asked.requests.add_peer(peer, 0)
    assert asked.take() == [(1, 0), (1, 1), (2, 2), (2, 3)]
    assert PIPELINE == 2
    assert asked.requests.received(1, QUERIES[0])
    assert not asked.requests.received(1, QUERIES[0]), "only once"
    assert not asked.requests.received(1, QUERIES[2]), "only from whom it was asked of"
    asked.requests.go_on(0)
    assert asked.take() == [(1, 4)]


def test_what_somebody_waits_for_goes_first():
    asked = Asked()
    asked.requests.want(QUERIES[:5], 0)
    asked.requests.want([QUERIES[4], QUERIES[5]], 0, urgent=True)
    asked.requests.add_peer(1, 0)
    assert asked.take() == [(1, 5), (1, 4)]


def test_what_was_rejected_or_is_late_is_asked_of_others_and_the_peer_rests():
    asked = Asked()
    asked.requests.want(QUERIES[:1], 0)
    asked.requests.add_peer(1, 0)
    asked.requests.add_peer(2, 0)
    assert asked.take() == [(1, 0)]
    asked.requests.rejected(1, QUERIES[0], 1)
    assert asked.take() == [(2, 0)]
    asked.requests.rejected(1, QUERIES[0], 1)
    asked.requests.tick(5)
    assert asked.take() == []
    asked.requests.tick(1 + ANSWER_TIMEOUT)
    assert asked.take() == [(1, 0)]
    asked.requests.remove_peer(1, 12)
    asked.requests.tick(30)
    assert asked.take() == [(2, 0)]


def test_what_nobody_waits_for_any_more_is_forgotten():
    asked = Asked()
    asked.requests.add_peer(1, 0)
    asked.requests.want(QUERIES[:4], 0)
    assert asked.take() == [(1, 0), (1, 1)]
    asked.requests.give_up(QUERIES[:3])
    assert not asked.requests.received(1, QUERIES[0])
    asked.requests.rejected(1, QUERIES[1], 0)
    asked.requests.tick(ANSWER_TIMEOUT)
    assert asked.take() == [(1, 3)]
