"""How files are called in a new torrent: as npm create-torrent calls them."""

import pytest

from webtorrent_py.api.seeding import Plan, plan
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
