"""New info dictionaries are those of create-torrent.

The vectors were made with npm create-torrent 6.1.3 from `File` objects, and the magnet links with magnet-uri; byte `i`
of a torrent's content is `(7 * i + (i >> 8)) & 255`.
"""

import base64
import json
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given

from tests.strategies import torrents
from webtorrent_py.codec.creation import choose_piece_length, create_info
from webtorrent_py.codec.metainfo import parse_info
from webtorrent_py.errors import BencodeError, MetainfoError

VECTORS = json.loads(Path(__file__).with_name("create_torrent_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["torrents"], ids=lambda vector: vector["title"])
def test_same_as_create_torrent(vector):
    files = [(tuple(path.split("/")), length) for path, length in vector["files"]]
    total = sum(length for _, length in files)
    content = bytes((7 * index + (index >> 8)) & 255 for index in range(total))
    piece_length = vector["piece_length"] or choose_piece_length(total)
    pieces = b"".join(sha1(content[at : at + piece_length]).digest() for at in range(0, total, piece_length))

    info = create_info(vector["name"], files, piece_length, pieces, private=vector["private"])

    assert info == base64.b64decode(vector["info"])
    torrent = parse_info(info)
    assert torrent.info_hash.hex() == vector["info_hash"]
    assert [entry.path_string for entry in torrent.files] == vector["paths"]
    assert [entry.length for entry in torrent.files] == vector["sizes"]
    assert torrent.private == bool(vector["private"])


@pytest.mark.parametrize(("total", "piece_length"), VECTORS["piece_lengths"])
def test_piece_length_same_as_create_torrent(total, piece_length):
    assert choose_piece_length(total) == piece_length


@given(torrents())
def test_reads_back(torrent):
    parsed = parse_info(torrent.info)
    assert parsed.name == torrent.name
    assert parsed.is_single_file == torrent.single_file
    assert parsed.piece_length == torrent.piece_length
    assert parsed.pieces == torrent.pieces
    prefix = () if torrent.single_file else (torrent.name,)
    assert [(entry.path, entry.length) for entry in parsed.files] == [
        ((*prefix, *path), length) for path, length in torrent.files
    ]


def test_one_file_in_a_folder():
    torrent = parse_info(create_info("folder", [(("file",), 1)], 16384, b"h" * 20, single_file=False))
    assert not torrent.is_single_file
    assert torrent.files[0].path_string == "folder/file"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("name", [], 16384, b""), "info.files has 0 files"),
        (("name", [(("a",), 1)], 16384, b""), "1 pieces need 20"),
        (("name", [(("a",), 1)], 0, b"h" * 20), "info.piece length is 0"),
        (("name", [(("a",), -1)], 16384, b""), "info.length is -1"),
        (("name", [(("..",), 1), (("b",), 1)], 16384, b"h" * 20), "leads out"),
        (("name", [((), 1), (("b",), 1)], 16384, b"h" * 20), r"info.files\[0\].path is empty"),
        (("..", [(("a",), 1)], 16384, b"h" * 20), "info.name leads out"),
    ],
)
def test_refuses_what_could_not_be_read(arguments, message):
    with pytest.raises(MetainfoError, match=message):
        create_info(*arguments)


def test_refuses_what_could_not_be_encoded():
    with pytest.raises(BencodeError):
        create_info("name", [(("a",), 1.5)], 16384, b"h" * 20)
