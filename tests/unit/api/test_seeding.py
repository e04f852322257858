"""How files are called in a new torrent: as npm create-torrent calls them."""

import pytest

from webtorrent_py.api.seeding import Plan, is_junk, plan
from webtorrent_py.errors import InvalidOptionError


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        (["a.txt"], None, Plan("a.txt", (("a.txt",),))),
        (["a.txt"], "b", Plan("b", (("a.txt",),))),
        ([None], "b", Plan("b", (("b",),))),
        ([None], None, Plan("Unnamed Torrent", (("Unknown File 1",),))),
        (["a", None], None, Plan("a", (("a",), ("Unknown File 2",)))),
        (["folder/a", "folder/sub/b"], None, Plan("folder", (("a",), ("sub", "b")))),
        (["/folder/a", "folder/b"], None, Plan("folder", (("a",), ("b",)))),
        (["folder/a", "folder/b"], "name", Plan("name", (("a",), ("b",)))),
        (["one/a", "two/b"], None, Plan("a", (("one", "a"), ("two", "b")))),
        (["folder/a", "b"], None, Plan("a", (("folder", "a"), ("b",)))),
        (["folder/a"], None, Plan("a", (("folder", "a"),))),
    ],
)
def test_names(names: list[str | None], name: str | None, expected: Plan) -> None:
    assert plan(names, name) == expected


def test_nothing_has_no_name() -> None:
    with pytest.raises(InvalidOptionError):
        plan([])


@pytest.mark.parametrize("name", [".DS_Store", "folder/._a.txt", ".a.txt.swp", "a/.Trashes"])
def test_what_file_managers_leave_behind_is_junk(name: str) -> None:
    assert is_junk(name)


@pytest.mark.parametrize("name", [None, "", ".bashrc", "DS_Store", "folder.swp/a", "a.swp", "Thumbs.db"])
def test_what_may_be_meant_is_not(name: str | None) -> None:
    assert not is_junk(name)
