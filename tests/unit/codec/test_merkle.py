"""Merkle trees are those of a naive implementation, and proofs hold for what they prove and nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtorrent_py.codec import merkle
from webtorrent_py.codec.merkle import BLOCK_LENGTH, HASH_SIZE

layers = st.lists(st.binary(min_size=HASH_SIZE, max_size=HASH_SIZE), min_size=1, max_size=40).map(b"".join)


def naive_root(leaves, width):
    """BEP 52, literally: zeros up to the width, then pairs."""
    nodes = list(leaves) + [bytes(32)] * (width - len(leaves))
    while len(nodes) > 1:
        nodes = [sha256(nodes[at] + nodes[at + 1]).digest() for at in range(0, len(nodes), 2)]
    return nodes[0]


def naive_file_root(data):
    leaves = [sha256(data[at : at + BLOCK_LENGTH]).digest() for at in range(0, len(data), BLOCK_LENGTH)]
    width = 1
    while width < len(leaves):
        width *= 2
    return naive_root(leaves, width)


@given(layers, st.integers(0, 3))
def test_root(nodes, more):
    leaves = list(merkle.split(nodes))
    width = merkle.tree_width(len(leaves)) << more
    assert merkle.root(nodes, 0, width) == naive_root(leaves, width)
    assert merkle.root(nodes) == naive_root(leaves, width >> more)


@given(st.integers(1, 10**9))
def test_width_is_the_least_power_of_two(count):
    width = merkle.tree_width(count)
    assert width & (width - 1) == 0 and width // 2 < count <= width


def test_a_tree_without_nodes_has_no_root():
    with pytest.raises(ValueError, match="without nodes"):
        merkle.root(b"")


@given(st.integers(0, 12))
def test_padding_is_the_root_of_zeros(layer):
    assert merkle.padding(layer) == naive_root([], 1 << layer)


@given(st.integers(1, 9 * BLOCK_LENGTH), st.sampled_from([1, 2, 4, 8, 16]))
def test_roots_of_pieces_make_the_root_of_the_file(length, blocks):
    data = bytes(index * 7 + (index >> 8) & 255 for index in range(length))
    piece_length = blocks * BLOCK_LENGTH
    pieces = b"".join(
        merkle.piece_root(merkle.leaves(data[at : at + piece_length]), piece_length, length)
        for at in range(0, length, piece_length)
    )
    expected = naive_file_root(data)
    assert merkle.root(merkle.leaves(data)) == expected
    if length <= piece_length:
        assert pieces == expected
    else:
        assert merkle.root(pieces, merkle.layer_of(piece_length)) == expected
        assert merkle.LayerTree(pieces, merkle.layer_of(piece_length)).root == expected


@given(layers, st.integers(0, 5), st.integers(0, 3), st.data())
def test_parts_and_their_proofs_give_the_root(nodes, layer, more, data):
    width = merkle.tree_width(len(nodes) // HASH_SIZE) << more
    tree = merkle.LayerTree(nodes, layer, width if more else None)
    assert tree.width == width
    assert tree.root == merkle.root(nodes, layer, width)
    count = 1 << data.draw(st.integers(0, tree.width.bit_length() - 1))
    index = data.draw(st.integers(0, tree.width // count - 1)) * count
    part, proof = tree.part(index, count), tree.proof(index, count)
    assert len(part) == count * HASH_SIZE
    assert part.startswith(nodes[index * HASH_SIZE : (index + count) * HASH_SIZE])
    assert merkle.root_of_proof(part, layer, index, proof) == tree.root
    flipped = bytearray(part)
    flipped[data.draw(st.integers(0, len(part) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert merkle.root_of_proof(bytes(flipped), layer, index, proof) != tree.root
    for number in range(len(proof)):
        wrong = [*proof[:number], bytes(32) if proof[number] != bytes(32) else b"1" * 32, *proof[number + 1 :]]
        assert merkle.root_of_proof(part, layer, index, wrong) != tree.root
