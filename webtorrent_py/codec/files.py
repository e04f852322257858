"""The files of a torrent, and the list of them in a v1 info dictionary (BEP 3, BEP 47)."""

from dataclasses import dataclass, field

from webtorrent_py.codec.bencode import Value
from webtorrent_py.codec.fields import required, required_text
from webtorrent_py.codec.paths import safe_path, unique_paths
from webtorrent_py.errors import MetainfoError

MAX_FILES = 100_000
"""Files of one torrent. Each costs about a kilobyte here and again in the page."""

MAX_LENGTH = 2**53 - 1
"""Bytes of one torrent: the largest integer that is exact in JavaScript."""

_ATTRIBUTES = "lxhp"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a torrent."""

    path: tuple[str, ...]
    """Safe components (see `codec.paths`), unique in the torrent. In a multi-file torrent the first is its name."""
    length: int
    """In bytes."""
    offset: int
    """In bytes from the start of the torrent: of its first piece, where no piece spans files (BEP 52)."""
    attributes: str = ""
    """Letters of BEP 47: `l` symbolic link, `x` executable, `h` hidden, `p` padding."""
    symlink: tuple[str, ...] | None = None
    """Where a symbolic link points to, from the torrent's folder. None also when the torrent does not say it right."""
    pieces_root: bytes | None = field(default=None, repr=False)
    """32 bytes: root of the file's merkle tree (BEP 52). None in v1 torrents and for files without bytes."""
    raw_path: tuple[bytes, ...] | None = field(default=None, repr=False)
    """The components as the torrent has them, where they are not those of `path`."""

    @property
    def name(self) -> str:
        """The last component."""
        return self.path[-1]

    @property
    def path_string(self) -> str:
        """The components joined with `/`."""
        return "/".join(self.path)

    @property
    def web_path(self) -> tuple[bytes, ...]:
        """The components under which a web seed has the file (BEP 19), not escaped."""
        return self.raw_path or tuple(component.encode() for component in self.path)

    @property
    def is_padding(self) -> bool:
        """Whether it is zeros that align the next file to a piece: nothing to show or save."""
        return "p" in self.attributes


def list_files(info: dict[bytes, Value], name: str) -> tuple[FileEntry, ...]:
    """The files of a v1 info dictionary: one at least, at most `MAX_FILES` and `MAX_LENGTH` bytes.

    Raises `MetainfoError`.
    """
    raw_name = required_text(info, b"name", "info")
    if b"files" not in info:
        raw_path = if_other((raw_name,), (name,))
        return (FileEntry((name,), file_length(info, "info"), 0, attributes(info), raw_path=raw_path),)
    entries = required(info, b"files", list, "info")
    if not 0 < len(entries) <= MAX_FILES:
        raise MetainfoError(f"info.files has {len(entries)} files, not from 1 to {MAX_FILES}")
    paths, raw_paths, fields = [], [], []
    for index, entry in enumerate(entries):
        where = f"info.files[{index}]"
        if not isinstance(entry, dict):
            raise MetainfoError(f"{where} is not a dictionary")
        path, raw_path = _path(entry, where)
        paths.append(path)
        raw_paths.append((raw_name, *raw_path))
        letters = attributes(entry)
        # A symbolic link has no bytes and need not say so (BEP 47). It is shown as an empty file.
        length = 0 if "l" in letters and b"length" not in entry else file_length(entry, where)
        fields.append((length, letters, symlink(entry, letters)))
    files = []
    offset = 0
    for path, raw, (length, letters, target) in zip(unique_paths(paths), raw_paths, fields, strict=True):
        full = (name, *path)
        files.append(FileEntry(full, length, offset, letters, target, raw_path=if_other(raw, full)))
        offset += length
    check_total(offset)
    return tuple(files)


def if_other(raw: tuple[bytes, ...], path: tuple[str, ...]) -> tuple[bytes, ...] | None:
    """The raw path, unless it is what `path` says already: a torrent can have very many files."""
    return None if raw == tuple(component.encode() for component in path) else raw


def check_total(length: int) -> None:
    """Raise `MetainfoError` when files have more bytes in all than a torrent may have."""
    if length > MAX_LENGTH:
        raise MetainfoError(f"files have {length} bytes in all, over the limit of {MAX_LENGTH}")


def file_length(fields: dict[bytes, Value], where: str) -> int:
    """The length of a file."""
    length = required(fields, b"length", int, where)
    if not 0 <= length <= MAX_LENGTH:
        raise MetainfoError(f"{where}.length is {length}, not from 0 to {MAX_LENGTH}")
    return length


def attributes(fields: dict[bytes, Value]) -> str:
    """The letters of `attr` that we know."""
    letters = fields.get(b"attr")
    return "".join(each for each in _ATTRIBUTES if each.encode() in letters) if isinstance(letters, bytes) else ""


def symlink(fields: dict[bytes, Value], letters: str) -> tuple[str, ...] | None:
    """Where a symbolic link points to, unless that is nowhere in the torrent."""
    target = fields.get(b"symlink path")
    if "l" not in letters or not isinstance(target, list):
        return None
    components = [each.decode(errors="replace") for each in target if isinstance(each, bytes)]
    try:
        return safe_path(components, "symlink path") or None
    except MetainfoError:
        return None  # it leads out of the torrent; the link is shown, and leads nowhere


def _path(entry: dict[bytes, Value], where: str) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """The path made safe, and as it stands there without what means nothing."""
    key = b"path.utf-8" if b"path.utf-8" in entry else b"path"
    where_path = f"{where}.{key.decode()}"
    components = []
    for component in required(entry, key, list, where):
        if not isinstance(component, bytes):
            raise MetainfoError(f"{where_path} has a component that is not a string")
        components.append(component)
    path = safe_path([component.decode(errors="replace") for component in components], where_path)
    if not path:
        raise MetainfoError(f"{where_path} is empty")
    return path, tuple(component for component in components if component not in (b"", b"."))
