"""The tree of files in a v2 info dictionary (BEP 52), and whether a hybrid's two lists of files are the same.

Names are keys, so their order is that of the bytes, and it is the order of the files. A tree in another order is
refused: clients would number its pieces differently.
"""

from collections.abc import Iterator
from dataclasses import replace

from webtorrent_py.codec.bencode import Value
from webtorrent_py.codec.fields import required, required_text
from webtorrent_py.codec.files import MAX_FILES, FileEntry, attributes, check_total, file_length, if_other, symlink
from webtorrent_py.codec.merkle import HASH_SIZE
from webtorrent_py.codec.paths import MAX_COMPONENTS, safe_path, unique_paths
from webtorrent_py.errors import MetainfoError

_WHERE = "info.file tree"
_PROPERTIES = b""
"""The key in the dictionary of a file, beside which nothing may stand."""

_Node = dict[bytes, Value]


def tree_files(
    info: dict[bytes, Value], name: str, piece_length: int, is_single_file: bool | None = None
) -> tuple[tuple[FileEntry, ...], bool]:
    """The files in their order, each with bytes beginning at a piece, and whether it is one file without a folder.

    That it is if there is one file at the top (BEP 52), unless `is_single_file` says otherwise. One file at least, at
    most `MAX_FILES` and `MAX_LENGTH` bytes. Raises `MetainfoError`.
    """
    paths: list[tuple[str, ...]] = []
    raw_paths: list[tuple[bytes, ...]] = []
    leaves: list[_Node] = []
    raw_name = required_text(info, b"name", "info")
    for components, properties in _walk(required(info, b"file tree", dict, "info"), ()):
        path = safe_path([each.decode(errors="replace") for each in components], _WHERE)
        if not path:
            raise MetainfoError(f"{_WHERE} has a file without a name")
        if len(paths) >= MAX_FILES:
            raise MetainfoError(f"{_WHERE} has more than {MAX_FILES} files")
        paths.append(path)
        raw_paths.append(components)
        leaves.append(properties)
    if not paths:
        raise MetainfoError(f"{_WHERE} has no files")
    is_single = len(paths) == len(paths[0]) == 1 and is_single_file is not False
    files = []
    end = 0
    for path, raw, properties in zip(unique_paths(paths), raw_paths, leaves, strict=True):
        full, raw_full = (path, raw) if is_single else ((name, *path), (raw_name, *raw))
        entry = _entry(full, properties)
        if entry.length:
            end = -(-end // piece_length) * piece_length
        files.append(replace(entry, offset=end, raw_path=if_other(raw_full, full)))
        end += entry.length
        check_total(end)
    return tuple(files), is_single


def with_roots(files: tuple[FileEntry, ...], tree: tuple[FileEntry, ...], piece_length: int) -> tuple[FileEntry, ...]:
    """The v1 files of a hybrid torrent, with the roots that the tree has for them.

    Both must be the same files in the same places; only files without bytes may be in one and not in the other.
    Raises `MetainfoError`.
    """
    roots = iter([entry for entry in tree if entry.length])
    merged = []
    for entry in files:
        if entry.is_padding or not entry.length:
            merged.append(entry)
            continue
        other = next(roots, None)
        if other is None or (other.path, other.length) != (entry.path, entry.length):
            raise MetainfoError(f"hybrid torrent whose file {entry.path_string!r} is another one in its file tree")
        if entry.offset % piece_length:
            raise MetainfoError(f"hybrid torrent whose file {entry.path_string!r} does not begin at a piece")
        merged.append(replace(entry, pieces_root=other.pieces_root))
    if (extra := next(roots, None)) is not None:
        raise MetainfoError(f"hybrid torrent whose file {extra.path_string!r} is only in its file tree")
    return tuple(merged)


def _walk(node: _Node, path: tuple[bytes, ...]) -> Iterator[tuple[tuple[bytes, ...], _Node]]:
    """The files below a node: their paths and properties. bencode's depth limit bounds the recursion."""
    if len(path) > MAX_COMPONENTS:
        raise MetainfoError(f"{_WHERE} is more than {MAX_COMPONENTS} folders deep")
    if list(node) != sorted(node):
        raise MetainfoError(f"{_WHERE} is not sorted")
    for key, value in node.items():
        if not isinstance(value, dict):
            raise MetainfoError(f"{_WHERE} has an entry that is not a dictionary")
        if key != _PROPERTIES:
            yield from _walk(value, (*path, key))
        elif not path:
            raise MetainfoError(f"{_WHERE} is itself a file")
        elif len(node) > 1:
            raise MetainfoError(f"{_WHERE} has something below a file")
        else:
            yield path, value


def _entry(path: tuple[str, ...], properties: _Node) -> FileEntry:
    where = f"{_WHERE}.{'/'.join(path)}"
    letters = attributes(properties)
    if "l" in letters:
        return FileEntry(path, 0, 0, letters, symlink(properties, letters))
    length = file_length(properties, where)
    if not length:
        return FileEntry(path, 0, 0, letters)
    root = required(properties, b"pieces root", bytes, where)
    if len(root) != HASH_SIZE:
        raise MetainfoError(f"{where}.pieces root is {len(root)} bytes long, not {HASH_SIZE}")
    return FileEntry(path, length, 0, letters, pieces_root=root)
