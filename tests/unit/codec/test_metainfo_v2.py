"""v2 torrents are read as BEP 52 has them, and refused by the name of what is wrong."""

from hashlib import sha1, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import bencode_values
from webtorrent_py.codec import bencode, file_tree, merkle
from webtorrent_py.codec.metainfo import MAX_PIECES, parse_info, parse_torrent, with_piece_layers
from webtorrent_py.errors import BencodeError, FormatError, MetainfoError

LAYER = bytes(range(96))
ROOT = merkle.root(LAYER, 0)
SMALL = b"s" * 32


def leaf(length=1, root=SMALL, **more):
    return {"": {"length": length, **({"pieces root": root} if length else {}), **more}}


def v2(tree, **changes):
    return {"meta version": 2, "name": "Name", "piece length": 16384, "file tree": tree, **changes}


def hybrid(files, tree, pieces, **changes):
    entries = [{"length": length, "path": path.split("/"), **more} for path, length, more in files]
    return v2(tree, files=entries, pieces=b"h" * 20 * pieces, **changes)


def read(fields):
    return parse_info(bencode.encode(fields))


TREE = {"a": leaf(40000, ROOT), "b": leaf(0), "d": {"c": leaf(5), "e": leaf(16384)}, "z": leaf(0)}


def test_files_begin_at_pieces_and_nothing_lies_between():
    torrent = read(v2(TREE))
    assert torrent.info_hash_v2 == sha256(torrent.info).digest()
    assert torrent.info_hash == torrent.info_hash_v2[:20]
    assert torrent.swarm_hashes == (torrent.info_hash,)
    assert not torrent.has_v1 and not torrent.is_single_file and torrent.pieces == b""
    assert [(entry.path_string, entry.length, entry.offset) for entry in torrent.files] == [
        ("Name/a", 40000, 0),
        ("Name/b", 0, 40000),
        ("Name/d/c", 5, 3 * 16384),
        ("Name/d/e", 16384, 4 * 16384),
        ("Name/z", 0, 5 * 16384),
    ]
    assert torrent.length == 40000 + 5 + 16384
    assert torrent.extent == 5 * 16384
    assert [torrent.piece_size(index) for index in range(torrent.piece_count)] == [16384, 16384, 7232, 5, 16384]
    assert [torrent.file_pieces(index) for index in range(5)] == [(0, 2), None, (3, 3), (4, 4), None]
    assert [entry.pieces_root for entry in torrent.files] == [ROOT, None, SMALL, SMALL, None]


def test_the_order_is_that_of_the_bytes_of_each_name():
    # As paths they would be the other way round: `-` comes before `/`.
    torrent = read(v2({"a": {"b": leaf()}, "a-b": leaf(), "\u00e4": leaf(), "z": leaf()}))
    assert [entry.path_string for entry in torrent.files] == ["Name/a/b", "Name/a-b", "Name/z", "Name/\u00e4"]


def test_a_hybrid_has_the_layout_of_v1_and_the_roots_of_v2():
    padding = (".pad/9152", 9152, {"attr": "p"})
    torrent = read(
        hybrid(
            [("a", 40000, {}), padding, ("b", 0, {}), ("d/c", 5, {"attr": "xh"})],
            {"a": leaf(40000, ROOT), "d": {"c": leaf(5)}},
            4,
        )
    )
    assert torrent.has_v1
    assert torrent.info_hash == sha1(torrent.info).digest()
    assert torrent.swarm_hashes == (torrent.info_hash, torrent.info_hash_v2[:20])
    assert [entry.pieces_root for entry in torrent.files] == [ROOT, None, None, SMALL]
    assert [entry.attributes for entry in torrent.files] == ["", "p", "", "xh"]
    assert [torrent.piece_size(index) for index in range(4)] == [16384, 16384, 16384, 5]


def test_attributes_and_links():
    torrent = read(
        v2(
            {
                "a": leaf(1, attr="xq"),
                "b": {"": {"attr": "l", "symlink path": ["d", "t"]}},
                "c": {"": {"attr": "lh", "symlink path": ["..", "t"]}},
                "d": {"t": leaf()},
            }
        )
    )
    assert [(entry.attributes, entry.symlink, entry.length) for entry in torrent.files] == [
        ("x", None, 1),
        ("l", ("d", "t"), 0),
        ("lh", None, 0),
        ("", None, 1),
    ]
    v1 = {"name": "n", "piece length": 16384, "pieces": b"", "files": [{"attr": "l", "path": ["l"]}]}
    v1["files"][0]["symlink path"] = ["x", "y"]
    assert read(v1).files[0].symlink == ("x", "y")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (v2({}), "has no files"),
        (v2({"a": {}}), "has no files"),
        (v2([]), "file tree is not a dictionary"),
        (v2({"a": 5}), "not a dictionary"),
        (v2({"a": {"": 5}}), "not a dictionary"),
        (v2({"": {"length": 1, "pieces root": SMALL}}), "is itself a file"),
        (v2({"a": {**leaf(), "b": leaf()}}), "something below a file"),
        (v2({"a": {"": {}}}), "file tree.a.length is missing"),
        (v2({"a": leaf(-1)}), "length is -1"),
        (v2({"a": {"": {"length": 1}}}), "pieces root is missing"),
        (v2({"a": leaf(1, b"short")}), "pieces root is 5 bytes long"),
        (v2({"..": leaf()}), "leads out"),
        (v2({"..": {"x": leaf()}}), "leads out"),
        (v2({".": leaf()}), "file without a name"),
        (v2(TREE, **{"piece length": 8192}), "no power of two"),
        (v2(TREE, **{"piece length": 16385}), "no power of two"),
        (v2(TREE, **{"piece length": 49152}), "no power of two"),
        (v2(TREE, **{"meta version": 3}), "of version 3 of BitTorrent"),
        ({"name": "n", "piece length": 16384, "file tree": TREE}, "meta version is missing"),
        (v2({"a": leaf(MAX_PIECES * 16384 + 1)}), "over the limit of 500000"),
        (v2({"a": leaf(2**53 - 1), "b": leaf(1)}), "over the limit of"),
        (hybrid([("a", 1, {})], {"a": leaf(2)}, 1), "'Name/a' is another one"),
        (hybrid([("a", 1, {})], {"b": leaf(1)}, 1), "'Name/a' is another one"),
        (hybrid([("a", 1, {})], {"a": leaf(1), "b": leaf(1)}, 1), "'Name/b' is only in its file tree"),
        (hybrid([("a", 1, {}), ("b", 1, {})], {"a": leaf(1)}, 1), "'Name/b' is another one"),
        (hybrid([("a", 1, {}), ("b", 1, {})], {"a": leaf(1), "b": leaf(1)}, 1), "'Name/b' does not begin at a piece"),
        (v2({"x": leaf(1)}, length=1, pieces=b"h" * 20), "is another one"),
        (v2({"Name": leaf(1)}, length=1, pieces=b"h" * 40), "1 pieces need 20"),
    ],
)
def test_refused_by_the_name_of_what_is_wrong(fields, message):
    with pytest.raises(MetainfoError, match=message):
        read(fields)


def test_an_unsorted_tree_is_refused():
    a, b = bencode.encode(leaf()), bencode.encode(leaf())
    info = b"d9:file treed1:b" + b + b"1:a" + a + b"e12:meta versioni2e4:name1:n12:piece lengthi16384ee"
    with pytest.raises(MetainfoError, match="not sorted"):
        parse_info(info)


def test_depth_and_number_of_files_are_bounded(monkeypatch):
    tree = leaf()
    for _ in range(40):
        tree = {"d": tree}
    assert len(read(v2(tree)).files[0].path) == 41
    for _ in range(40):
        tree = {"d": tree}
    with pytest.raises(BencodeError, match="deep"):
        read(v2(tree))
    monkeypatch.setattr(file_tree, "MAX_FILES", 2)
    with pytest.raises(MetainfoError, match="more than 2 files"):
        read(v2({"a": leaf(), "b": leaf(), "c": leaf()}))


def torrent_file(layers, tree=TREE):
    return bencode.encode({"info": v2(tree), "piece layers": layers})


def test_piece_layers_are_checked_and_kept():
    torrent = parse_torrent(torrent_file({ROOT: LAYER, b"x" * 32: b"not of this torrent", SMALL: b"of a small file"}))
    assert torrent.piece_layers == {ROOT: LAYER}
    assert parse_torrent(torrent.torrent_file()) == torrent
    # From a peer comes the info dictionary alone; the layers are asked for later.
    bare = parse_info(torrent.info)
    assert bare.piece_layers == {}
    assert parse_torrent(bare.torrent_file()) == bare
    assert with_piece_layers(bare, {ROOT: LAYER}) == torrent
    assert "piece layers" not in repr(torrent) and len(repr(torrent)) < 600


@pytest.mark.parametrize("layer", [LAYER[:-1], LAYER[:-32], LAYER + bytes(32), b"", 5, bytes(96)])
def test_wrong_piece_layers_are_refused(layer):
    with pytest.raises(MetainfoError, match="piece layers has"):
        parse_torrent(torrent_file({ROOT: layer}))


@given(st.dictionaries(st.sampled_from(["a", "b", "", "attr", "length", "pieces root"]), bencode_values, max_size=4))
def test_any_tree_is_read_or_refused(tree):
    try:
        torrent = read(v2(tree))
    except FormatError:
        return
    assert torrent.piece_count <= MAX_PIECES
