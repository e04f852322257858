"""Torrents read back as they were written, agree with libtorrent, and are refused by the name of the bad field."""

import hashlib

import libtorrent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import bencode_values, texts, torrents, urls
from webtorrent_py.codec import bencode, files
from webtorrent_py.codec.files import MAX_FILES, MAX_LENGTH, FileEntry
from webtorrent_py.codec.magnet import parse_magnet
from webtorrent_py.codec.metainfo import MAX_PIECE_LENGTH, Metainfo, parse_info, parse_torrent
from webtorrent_py.errors import BencodeError, FormatError, MetainfoError

REMOVED = object()


def single(**changes):
    """The fields of a single-file info dictionary that is right, with changes."""
    fields = {"length": 40000, "name": "file", "piece length": 16384, "pieces": b"h" * 60}
    fields.update((key.replace("_", " "), value) for key, value in changes.items())
    return {key: value for key, value in fields.items() if value is not REMOVED}


def multi(*files, **changes):
    """The fields of a multi-file info dictionary of one piece, with changes."""
    return single(**{"length": REMOVED, "files": list(files), "pieces": b"h" * 20, **changes})


def file(*path, length=1, **more):
    return {"length": length, "path": list(path), **more}


def read(fields):
    return parse_info(bencode.encode(fields))


def torrent_of(outer=None):
    return bencode.encode({"info": single(), **(outer or {})})


# Reading


def test_single_file():
    torrent = read(single())
    assert torrent.info == bencode.encode(single())
    assert torrent.info_hash == hashlib.sha1(torrent.info).digest()
    assert torrent.is_single_file
    assert torrent.files == (FileEntry(("file",), 40000, 0),)
    assert (torrent.files[0].name, torrent.files[0].path_string) == ("file", "file")
    assert (torrent.name, torrent.length, torrent.piece_length, torrent.piece_count) == ("file", 40000, 16384, 3)
    assert [torrent.piece_size(index) for index in range(3)] == [16384, 16384, 7232]
    assert not torrent.private


def test_multi_file_paths_begin_with_the_torrents_name():
    torrent = read(multi(file("a", length=3), file("d", "e", "b", length=0), file("c", length=5), name="Name"))
    assert not torrent.is_single_file
    assert [entry.path_string for entry in torrent.files] == ["Name/a", "Name/d/e/b", "Name/c"]
    assert [(entry.name, entry.length, entry.offset) for entry in torrent.files] == [
        ("a", 3, 0),
        ("b", 0, 3),
        ("c", 5, 3),
    ]
    assert torrent.length == 8


def test_one_file_in_a_list_is_still_multi_file():
    torrent = read(multi(file("a"), name="Name"))
    assert not torrent.is_single_file
    assert torrent.files[0].path == ("Name", "a")


def test_pieces():
    hashes = [bytes([index]) * 20 for index in range(3)]
    torrent = read(single(pieces=b"".join(hashes)))
    assert [torrent.piece_hash(index) for index in range(3)] == hashes
    for index in (-1, 3):
        with pytest.raises(IndexError):
            torrent.piece_hash(index)
        with pytest.raises(IndexError):
            torrent.piece_size(index)


def test_pieces_of_files():
    files = [file("a", length=1000), file("b", length=0), file("c", length=24), file("d", length=1025)]
    torrent = read(multi(*files, piece_length=1024, pieces=b"h" * 60))
    assert [torrent.file_pieces(index) for index in range(4)] == [(0, 0), None, (0, 0), (1, 2)]


def test_an_empty_torrent_has_no_pieces():
    torrent = read(single(length=0, pieces=b""))
    assert (torrent.length, torrent.piece_count, torrent.file_pieces(0)) == (0, 0, None)


def test_the_hash_is_of_the_bytes_as_received():
    info = b"d4:name1:x12:piece lengthi16384e6:pieces0:6:lengthi0ee"
    data = b"d4:info" + info + b"8:announce8:wss://a/e"
    torrent = parse_torrent(data)
    assert torrent.info == info
    assert torrent.info_hash == hashlib.sha1(info).digest()
    assert info in torrent.torrent_file()
    assert parse_torrent(torrent.torrent_file()) == torrent


def test_what_stands_around_the_info():
    torrent = parse_torrent(
        torrent_of(
            {
                "announce": "wss://single/",
                "announce-list": [["wss://a/", " wss://b/ ", "wss://a/"], [], [""], ["wss://b/", "udp://c:1"]],
                "url-list": ["http://seed/", "", "http://seed/", "http://other/"],
                "comment": "said",
                "created by": "someone",
                "creation date": 12345,
            }
        )
    )
    assert torrent.announce == (("wss://a/", "wss://b/"), ("udp://c:1",))
    assert torrent.web_seeds == ("http://seed/", "http://other/")
    assert (torrent.comment, torrent.created_by, torrent.creation_date) == ("said", "someone", 12345)


@pytest.mark.parametrize(
    ("outer", "expected"),
    [
        ({}, {"announce": (), "web_seeds": (), "comment": None, "created_by": None, "creation_date": None}),
        ({"announce": "wss://a/"}, {"announce": (("wss://a/",),)}),
        ({"announce": "wss://a/", "announce-list": []}, {"announce": (("wss://a/",),)}),
        ({"announce": "wss://a/", "announce-list": [[]]}, {"announce": (("wss://a/",),)}),
        ({"announce": "wss://a/", "announce-list": 5}, {"announce": (("wss://a/",),)}),
        ({"announce-list": ["wss://a/", ["wss://b/", 7]]}, {"announce": (("wss://a/",), ("wss://b/",))}),
        ({"announce": 5}, {"announce": ()}),
        ({"url-list": ""}, {"web_seeds": ()}),
        ({"url-list": "http://a/"}, {"web_seeds": ("http://a/",)}),
        ({"url-list": {"a": 1}}, {"web_seeds": ()}),
        ({"creation date": "yesterday"}, {"creation_date": None}),
        ({"comment": ["x"], "created by": 5}, {"comment": None, "created_by": None}),
        ({"comment": b"\xff", "comment.utf-8": "ÿ"}, {"comment": "ÿ"}),
        ({"comment": b"\xff"}, {"comment": "\ufffd"}),
    ],
)
def test_what_a_torrent_can_do_without_is_left_out_when_wrong(outer, expected):
    torrent = parse_torrent(torrent_of(outer))
    assert {key: getattr(torrent, key) for key in expected} == expected


@pytest.mark.parametrize(("value", "private"), [(REMOVED, False), (0, False), (1, True), (2, True)])
def test_private(value, private):
    assert read(single(private=value)).private is private


# Names


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "plain"}, "plain"),
        ({"name": b"\xff\xfe", "name.utf-8": "名"}, "名"),
        ({"name": b"a\xffb"}, "a\ufffdb"),
        ({"name": "a/b"}, "a_b"),
        ({"name": "NUL"}, "_NUL"),
    ],
)
def test_names(fields, name):
    torrent = read(single(**fields))
    assert torrent.name == name
    assert torrent.files[0].path == (name,)


@pytest.mark.parametrize("name", ["", ".", "\u202e"])
def test_without_a_name_the_hash_is_the_name(name):
    torrent = read(single(name=name))
    assert torrent.name == torrent.info_hash.hex()


def test_utf8_paths_go_first_and_paths_are_made_safe_and_unique():
    torrent = read(
        multi(
            {"length": 1, "path": [b"\xff"], "path.utf-8": ["名", "é"]},
            file(b"\xff"),
            file("x", "", "../"[2:], "c:\\d"),
            file("Readme"),
            file("README"),
            file("readme", "inner"),
            name="T",
        )
    )
    assert [entry.path for entry in torrent.files] == [
        ("T", "名", "é"),
        ("T", "\ufffd"),
        ("T", "x", "_", "c__d"),
        ("T", "Readme (1)"),
        ("T", "README (2)"),
        ("T", "readme", "inner"),
    ]


def test_the_names_that_a_web_server_has_are_kept_beside_the_safe_ones():
    torrent = parse_info(
        bencode.encode(
            multi(
                {"length": 1, "path": [b"a/b", "", "c. "]},
                {"length": 1, "path": ["same"]},
                {"length": 1, "path": [b"\xff"], "path.utf-8": ["é"]},
                name="x\x01",
            )
        )
    )
    assert [entry.path for entry in torrent.files] == [("x_", "a_b", "c"), ("x_", "same"), ("x_", "é")]
    assert [entry.web_path for entry in torrent.files] == [
        (b"x\x01", b"a/b", b"c. "),
        (b"x\x01", b"same"),
        (b"x\x01", "é".encode()),
    ]
    plain = parse_info(bencode.encode(multi({"length": 1, "path": ["a", "b"]}, name="name")))
    assert plain.files[0].raw_path is None and plain.files[0].web_path == (b"name", b"a", b"b")


def test_padding_and_links_stay_in_the_list():
    torrent = read(
        multi(
            file("a", length=10),
            file(".pad", "6", length=6, attr="p"),
            {"path": ["link"], "attr": "l", "symlink path": ["a"]},
            file("run", length=4, attr="x"),
            file("odd", length=4, attr=5),
        )
    )
    assert [entry.is_padding for entry in torrent.files] == [False, True, False, False, False]
    assert [entry.offset for entry in torrent.files] == [0, 10, 16, 16, 20]


# Refusing


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "info is not a dictionary"),
        (single(name=REMOVED), "info.name is missing"),
        (single(name=5), "info.name is not a string"),
        (single(name=".."), "info.name leads out"),
        (single(name="../../etc"), "info.name leads out"),
        (single(piece_length=REMOVED), "info.piece length is missing"),
        (single(piece_length="x"), "info.piece length is not an integer"),
        (single(piece_length=0), "info.piece length is 0"),
        (single(piece_length=-16384), "info.piece length is -16384"),
        (single(piece_length=MAX_PIECE_LENGTH + 1), f"not from 1 to {MAX_PIECE_LENGTH}"),
        (single(piece_length=2**62), "info.piece length is"),
        (single(pieces=REMOVED), "info.pieces is missing"),
        (single(pieces=[]), "info.pieces is not a string"),
        (single(pieces=b"h" * 59), "3 pieces need 60"),
        (single(pieces=b"h" * 40), "3 pieces need 60"),
        (single(pieces=b"h" * 80), "3 pieces need 60"),
        (single(pieces=b""), "3 pieces need 60"),
        (single(length=REMOVED), "info.length is missing"),
        (single(length="1"), "info.length is not an integer"),
        (single(length=-1), "info.length is -1"),
        (single(length=MAX_LENGTH + 1), "info.length is"),
        (single(private="yes"), "info.private is not an integer"),
        (multi(), "info.files has 0 files"),
        (single(files={"a": 1}), "info.files is not a list"),
        (multi(5), r"info.files\[0\] is not a dictionary"),
        (multi(file("a"), {"path": ["b"]}), r"info.files\[1\].length is missing"),
        (multi(file("a", length=-5)), r"info.files\[0\].length is -5"),
        (multi({"length": 1}), r"info.files\[0\].path is missing"),
        (multi({"length": 1, "path": "a"}), r"info.files\[0\].path is not a list"),
        (multi({"length": 1, "path": []}), r"info.files\[0\].path is empty"),
        (multi(file("", ".")), r"info.files\[0\].path is empty"),
        (multi(file("a", 5)), r"info.files\[0\].path has a component that is not a string"),
        (multi(file("a", "..", "b")), r"info.files\[0\].path leads out"),
        (multi({"length": 1, "path": ["a"], "path.utf-8": [".."]}), r"info.files\[0\].path.utf-8 leads out"),
        (multi(*[file("a", length=MAX_LENGTH)] * 2), "over the limit of"),
    ],
)
def test_refused_by_the_name_of_the_field(fields, message):
    with pytest.raises(MetainfoError, match=message):
        read(fields)
    with pytest.raises(MetainfoError, match=message):
        parse_torrent(bencode.encode({"info": fields}))


def test_too_many_files(monkeypatch):
    assert MAX_FILES > 2
    monkeypatch.setattr(files, "MAX_FILES", 2)
    read(multi(*[file("a")] * 2))
    with pytest.raises(MetainfoError, match=r"info\.files has 3 files"):
        read(multi(*[file("a")] * 3))


@pytest.mark.parametrize("data", [b"le", b"i1e", b"4:spam", b"de", b"d8:announce1:xe"])
def test_no_torrent_file(data):
    with pytest.raises(MetainfoError):
        parse_torrent(data)


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html>", torrent_of()[:-1], torrent_of() + b"\n", b"d4:infod4:name"])
def test_no_bencoding(data):
    with pytest.raises(BencodeError):
        parse_torrent(data)


@given(st.binary(max_size=100) | bencode_values.map(bencode.encode))
def test_garbage_raises_only_format_errors(data):
    with pytest.raises(FormatError):
        parse_torrent(data)
    with pytest.raises(FormatError):
        parse_info(data)


@given(st.data())
def test_any_value_in_any_field_is_read_or_refused(data):
    info = single() if data.draw(st.booleans()) else multi(file("a"), file("b", "c", attr="p"))
    places = [info, *(entry for entry in info.get("files", []))]
    place = data.draw(st.sampled_from(places))
    keys = [*place, "name.utf-8", "path.utf-8", "attr", "files", "length", "private", "meta version", "file tree"]
    place[data.draw(st.sampled_from(keys))] = data.draw(bencode_values)
    outer = {"info": info}
    outer[data.draw(st.sampled_from(["announce", "announce-list", "url-list", "comment", "creation date"]))] = (
        data.draw(bencode_values)
    )
    encoded = bencode.encode(outer)
    try:
        torrent = parse_torrent(encoded)
    except MetainfoError:
        return
    assert parse_torrent(torrent.torrent_file()) == torrent


@given(torrents())
def test_every_prefix_is_refused(torrent):
    data = parse_info(torrent.info).torrent_file()
    for end in range(len(data)):
        with pytest.raises(BencodeError):
            parse_torrent(data[:end])


# Writing


@given(
    torrents(),
    st.lists(st.lists(urls, min_size=1, max_size=3), max_size=3),
    st.lists(urls, max_size=3),
    st.none() | texts,
    st.none() | texts,
    st.none() | st.integers(0, 2**40),
)
def test_round_trip(torrent, announce, web_seeds, comment, created_by, creation_date):
    parsed = parse_info(
        torrent.info,
        announce=announce,
        web_seeds=web_seeds,
        comment=comment,
        created_by=created_by,
        creation_date=creation_date,
    )
    assert parse_torrent(parsed.torrent_file()) == parsed
    assert {url for tier in parsed.announce for url in tier} == {url for tier in announce for url in tier}
    magnet = parse_magnet(parsed.magnet().to_uri())
    assert magnet == parsed.magnet()
    assert (magnet.info_hash, magnet.name) == (parsed.info_hash, parsed.name)


@given(torrents())
def test_files_and_pieces_cover_the_torrent(torrent):
    parsed = parse_info(torrent.info)
    assert sum(parsed.piece_size(index) for index in range(parsed.piece_count)) == parsed.length == len(torrent.content)
    at = 0
    for index, entry in enumerate(parsed.files):
        assert entry.offset == at
        at += entry.length
        bounds = parsed.file_pieces(index)
        assert (bounds is None) == (entry.length == 0)
        if bounds:
            first, last = bounds
            assert first * parsed.piece_length <= entry.offset < (first + 1) * parsed.piece_length
            assert last * parsed.piece_length < entry.offset + entry.length <= (last + 1) * parsed.piece_length
    for index in range(parsed.piece_count):
        start = index * parsed.piece_length
        piece = torrent.content[start : start + parsed.piece_size(index)]
        assert hashlib.sha1(piece).digest() == parsed.piece_hash(index)


def test_adding_trackers_and_web_seeds():
    torrent = parse_info(bencode.encode(single()), announce=[["wss://a/", "wss://b/"]], web_seeds=["http://a/"])
    more = torrent.with_trackers(["wss://c/", "wss://a/", "", "wss://c/"]).with_web_seeds(["http://b/", "http://a/"])
    assert more.announce == (("wss://a/", "wss://b/"), ("wss://c/",))
    assert more.web_seeds == ("http://a/", "http://b/")
    assert more.info_hash == torrent.info_hash
    assert torrent.announce == (("wss://a/", "wss://b/"),)


def test_hashes_and_info_do_not_flood_the_log():
    text = repr(read(multi(*[file(str(index), length=0) for index in range(999)], file("a"))))
    assert len(text) < 500


# The same torrents in libtorrent


def in_libtorrent(data: bytes) -> "libtorrent.torrent_info":
    return libtorrent.load_torrent_buffer(data).ti


def assert_agrees(ours: Metainfo, theirs: "libtorrent.torrent_info") -> None:
    assert theirs.info_hashes().v1.to_bytes() == ours.info_hash
    assert theirs.name() == ours.name
    assert (theirs.total_size(), theirs.piece_length()) == (ours.length, ours.piece_length)
    assert theirs.num_pieces() == ours.piece_count
    assert [theirs.piece_size(index) for index in range(ours.piece_count)] == [
        ours.piece_size(index) for index in range(ours.piece_count)
    ]
    layout = theirs.layout()
    assert [
        (layout.file_path(index), layout.file_size(index), layout.file_offset(index))
        for index in range(theirs.num_files())
    ] == [(entry.path_string, entry.length, entry.offset) for entry in ours.files]


@settings(max_examples=60)
@given(torrents(min_length=1))
def test_libtorrent_reads_the_same(torrent):
    ours = parse_info(torrent.info, announce=[["wss://tracker.example/"]])
    assert_agrees(ours, in_libtorrent(ours.torrent_file()))


FILES = [("Name/a.bin", 50000), ("Name/folder/b.bin", 20000), ("Name/c", 5)]


def made_by_libtorrent(tmp_path, flags):
    storage = libtorrent.file_storage()
    for path, length in FILES:
        storage.add_file(path, length)
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(bytes(length))
    creator = libtorrent.create_torrent(storage, 16384, flags)
    libtorrent.set_piece_hashes(creator, str(tmp_path))
    return libtorrent.bencode(creator.generate())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the binding has no other way to name files
@pytest.mark.parametrize("flags", [libtorrent.create_torrent.v1_only, 0], ids=["v1", "hybrid"])
def test_reads_what_libtorrent_makes(tmp_path, flags):
    data = made_by_libtorrent(tmp_path, flags)
    ours = parse_torrent(data)
    assert sorted((entry.path_string, entry.length) for entry in ours.files if not entry.is_padding) == sorted(FILES)
    assert_agrees(ours, in_libtorrent(data))
    assert_agrees(ours, in_libtorrent(ours.torrent_file()))
    assert any(entry.is_padding for entry in ours.files) == (flags == 0)
