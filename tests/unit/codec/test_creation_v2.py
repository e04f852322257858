"""v2 and hybrid torrents of ours are those of libtorrent, and both read the other's."""

from hashlib import sha1

import libtorrent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import file_names
from webtorrent_py.codec import merkle
from webtorrent_py.codec.creation import Version, create_info, piece_layer, piece_layers, tree_order
from webtorrent_py.codec.metainfo import parse_info, parse_torrent, with_piece_layers
from webtorrent_py.errors import MetainfoError

PIECE_LENGTH = 32768
FILES = {
    ("b.bin",): 100_000,
    ("a", "z.bin"): 16384,
    ("a", "empty"): 0,
    ("a", "b", "deep"): 70_000,
    ("c",): 65536,
    ("d",): 1,
}
FLAGS = {
    Version.V1: libtorrent.create_torrent.v1_only,
    Version.V2: libtorrent.create_torrent.v2_only,
    Version.HYBRID: 0,
}
versions = pytest.mark.parametrize("version", list(Version))


def content_of(length, seed=0):
    return bytes((index * 7 + (index >> 8) + seed) & 255 for index in range(length))


def ours(version, name, files, piece_length=PIECE_LENGTH, single_file=None, **options):
    """A torrent of `files`: path → bytes."""
    paths = list(files)
    if version is not Version.V1:
        paths = [paths[index] for index in tree_order(paths)]
    parts = [files[path] for path in paths]
    aligned = version is Version.HYBRID and len(paths) > 1
    whole = b"".join(part + bytes(-len(part) % piece_length if aligned else 0) for part in parts)
    pieces = b"".join(sha1(whole[at : at + piece_length]).digest() for at in range(0, len(whole), piece_length))
    layers = [piece_layer(merkle.leaves(part), piece_length, len(part)) for part in parts]
    info = create_info(
        name,
        [(path, len(files[path])) for path in paths],
        piece_length,
        None if version is Version.V2 else pieces,
        layers=None if version is Version.V1 else layers,
        single_file=single_file,
        **options,
    )
    torrent = parse_info(info)
    return torrent if version is Version.V1 else with_piece_layers(torrent, piece_layers(layers, piece_length))


def theirs(version, root, name, files, piece_length=PIECE_LENGTH, single_file=False, private=False):
    entries = []
    for path, data in files.items():
        target = root / name if single_file else root.joinpath(name, *path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        entries.append(libtorrent.create_file_entry(str(target.relative_to(root)), len(data)))
    creator = libtorrent.create_torrent(entries, piece_length, FLAGS[version])
    creator.set_priv(private)
    creator.set_creation_date(0)
    libtorrent.set_piece_hashes(creator, str(root))
    return libtorrent.bencode(creator.generate())


@versions
@pytest.mark.parametrize("private", [None, True])
def test_same_info_as_libtorrent(tmp_path, version, private):
    files = {path: content_of(length, number) for number, (path, length) in enumerate(FILES.items())}
    torrent = ours(version, "Name", files, private=private)
    data = theirs(version, tmp_path, "Name", files, private=bool(private))
    read = parse_torrent(data)
    assert read.info == torrent.info
    assert read == torrent
    assert read.torrent_file() == torrent.torrent_file()
    assert_agrees(torrent)


@versions
@pytest.mark.parametrize("length", [1, 16384, 32768, 32769, 100_000, 327_680])
def test_same_single_file_as_libtorrent(tmp_path, version, length):
    files = {("file",): content_of(length)}
    torrent = ours(version, "file", files)
    assert torrent.is_single_file and torrent.files[0].path == ("file",)
    read = parse_torrent(theirs(version, tmp_path, "file", files, single_file=True))
    assert read.info == torrent.info
    assert read == torrent
    assert_agrees(torrent)


@versions
def test_one_file_in_a_folder_as_libtorrent(tmp_path, version):
    files = {("file",): content_of(50_000)}
    torrent = ours(version, "folder", files, single_file=False)
    # A v2 torrent has no word for a folder around a single file (BEP 52).
    assert torrent.is_single_file == (version is Version.V2)
    assert torrent.files[0].path == (("file",) if version is Version.V2 else ("folder", "file"))
    assert parse_torrent(theirs(version, tmp_path, "folder", files)).info == torrent.info
    assert_agrees(torrent)


def assert_agrees(torrent):
    """libtorrent takes it, under the same hashes, with the same pieces in the same files."""
    info = libtorrent.load_torrent_buffer(torrent.torrent_file()).ti
    hashes = info.info_hashes()
    assert hashes.has_v1() == torrent.has_v1 and hashes.has_v2() == (torrent.info_hash_v2 is not None)
    if torrent.has_v1:
        assert hashes.v1.to_bytes() == torrent.info_hash
    if torrent.info_hash_v2:
        assert hashes.v2.to_bytes() == torrent.info_hash_v2
        assert hashes.v2.to_bytes()[:20] in torrent.swarm_hashes
    assert (info.num_pieces(), info.piece_length()) == (torrent.piece_count, torrent.piece_length)
    layout = info.layout()
    listed = [
        (layout.file_path(index), layout.file_size(index), layout.file_offset(index))
        for index in range(layout.num_files())
        if not layout.file_flags(index) & libtorrent.file_storage.flag_pad_file
    ]
    files = [entry for entry in torrent.files if not entry.is_padding]
    assert [(path, size) for path, size, _ in listed] == [(entry.path_string, entry.length) for entry in files]
    # An empty file stands nowhere in particular.
    assert [offset for _, size, offset in listed if size] == [entry.offset for entry in files if entry.length]
    for index, entry in enumerate(torrent.files):
        if entry.pieces_root:
            first, last = torrent.file_pieces(index)
            assert first * torrent.piece_length == entry.offset
            if not torrent.has_v1:
                assert sum(torrent.piece_size(piece) for piece in range(first, last + 1)) == entry.length


@st.composite
def trees(draw):
    """Files by path; folders have a plus sign, which no file has, so that no path is both."""
    folders = st.lists(file_names.map("+{}".format), max_size=2)
    paths = draw(
        st.lists(
            st.builds(lambda folder, name: (*folder, name), folders, file_names),
            min_size=1,
            max_size=4,
            unique_by=lambda path: tuple(part.casefold() for part in path),
        )
    )
    return {path: content_of(draw(st.integers(0, 90_000)), number) for number, path in enumerate(paths)}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([Version.V2, Version.HYBRID]), trees(), st.sampled_from([16384, 32768, 65536]))
def test_reads_back_and_libtorrent_agrees(version, files, piece_length):
    torrent = ours(version, "Name", files, piece_length, single_file=False)
    assert parse_torrent(torrent.torrent_file()) == torrent
    shown = {entry.path[not torrent.is_single_file :]: entry for entry in torrent.files if not entry.is_padding}
    assert {path: entry.length for path, entry in shown.items()} == {path: len(data) for path, data in files.items()}
    at = 0
    for entry in torrent.files:
        assert entry.offset >= at
        at = entry.offset + entry.length
    assert torrent.extent == at
    assert torrent.length == sum(entry.length for entry in torrent.files)
    assert sum(torrent.piece_size(index) for index in range(torrent.piece_count)) == torrent.length
    for path, data in files.items():
        if data:
            assert shown[path].pieces_root == merkle.root(merkle.leaves(data))
            layer = torrent.piece_layers.get(shown[path].pieces_root)
            assert (layer is not None) == (len(data) > piece_length)
    if any(files.values()):
        assert_agrees(torrent)


def test_a_source_and_a_private_flag_change_the_hash():
    files = {("file",): b"x"}
    hashes = {
        ours(Version.HYBRID, "n", files, **options).info_hash
        for options in ({}, {"source": "a"}, {"source": "b"}, {"private": True}, {"private": False})
    }
    assert len(hashes) == 5


@pytest.mark.parametrize(
    "paths", [[("a",), ("a",)], [("a",), ("a", "b")], [("a", "b"), ("a",)]], ids=["twice", "below", "above"]
)
def test_two_files_with_one_path_are_refused(paths):
    with pytest.raises(MetainfoError, match="path of a"):
        create_info("n", [(path, 0) for path in paths], 16384, None, layers=[b""] * 2)


def test_a_hybrid_in_another_order_is_refused():
    layers = [merkle.leaves(b"x")] * 2
    files = [(("b",), 1), (("a",), 1)]
    with pytest.raises(MetainfoError, match="another one in its file tree"):
        create_info("n", files, 16384, b"h" * 40, layers=layers)
    create_info("n", files[::-1], 16384, b"h" * 40, layers=layers)
