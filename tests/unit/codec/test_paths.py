"""Paths from torrents are safe on every system, and no two of them meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import file_names
from webtorrent_py.codec.paths import MAX_COMPONENT_SIZE, MAX_COMPONENTS, safe_path, unique_paths
from webtorrent_py.errors import MetainfoError

ugly_text = st.text(
    st.sampled_from("abC:./\\\0\n\x7f\u202e\u2066 é🎬?*") | st.characters(exclude_categories=["Cs"]), max_size=300
)


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        (["plain.txt"], ("plain.txt",)),
        (["Season 1", "01: What? *now* <hd>.mkv"], ("Season 1", "01: What? *now* <hd>.mkv")),
        (["日本", "é🎬"], ("日本", "é🎬")),
        ([".hidden"], (".hidden",)),
        (["a..b", "...c"], ("a..b", "...c")),
        ([" leading"], (" leading",)),
        # Nothing is left of these.
        ([], ()),
        ([""], ()),
        (["", "a", "", "b"], ("a", "b")),
        ([".", "a", "."], ("a",)),
        (["\u202e"], ()),
        # Separators and absolute paths.
        (["a/b"], ("a_b",)),
        (["a\\b"], ("a_b",)),
        (["/etc/passwd"], ("_etc_passwd",)),
        (["\\\\server\\share"], ("__server_share",)),
        (["C:", "x"], ("C_", "x")),
        (["c:\\windows"], ("c__windows",)),
        (["ab:c"], ("ab:c",)),
        # Characters that hide something.
        (["nul\0byte"], ("nul_byte",)),
        (["line\nbreak\x7f\x85\u2028"], ("line_break___",)),
        (["invoice\u202efdp.exe"], ("invoicefdp.exe",)),
        # What Windows would change by itself.
        (["name. . ."], ("name",)),
        (["name "], ("name",)),
        (["..."], ("_",)),
        ([".. "], ("_",)),
        ([" "], ("_",)),
        (["CON"], ("_CON",)),
        (["nul.tar.gz"], ("_nul.tar.gz",)),
        (["Com1"], ("_Com1",)),
        (["lpt\u00b2.txt"], ("_lpt\u00b2.txt",)),
        (["AUX .txt"], ("_AUX .txt",)),
        (["CONIN$"], ("_CONIN$",)),
        (["console", "com", "com10", "lpt.txt", "xCON"], ("console", "com", "com10", "lpt.txt", "xCON")),
        # Too long.
        (["x" * 300], ("x" * 255,)),
        (["x" * 300 + ".mkv"], ("x" * 251 + ".mkv",)),
        (["é" * 200 + ".mkv"], ("é" * 125 + ".mkv",)),
        (["x" * 200 + "." + "y" * 200], ("x" * 200 + "." + "y" * 54,)),
        (["CON" + " " * 300 + "x"], ("_CON",)),
        (["NUL." + "x" * 251], ("_NUL." + "x" * 250,)),
    ],
)
def test_made_safe(raw, safe):
    assert safe_path(raw, "path") == safe


@pytest.mark.parametrize(
    "raw",
    [
        [".."],
        ["a", "..", "b"],
        ["../etc/passwd"],
        ["a/../b"],
        ["a\\.."],
        ["..\\a"],
        ["/.."],
        ["\u202e.."],
        [".\u200e."],
        ["a"] * (MAX_COMPONENTS + 1),
    ],
)
def test_refused_by_name(raw):
    with pytest.raises(MetainfoError, match=r"^info\.files\[3\]\.path "):
        safe_path(raw, "info.files[3].path")


@given(st.lists(ugly_text, max_size=4))
def test_whatever_comes_out_is_safe_and_stays_as_it_is(raw):
    try:
        path = safe_path(raw, "path")
    except MetainfoError:
        return
    for component in path:
        assert component not in ("", ".", "..")
        assert not set(component) & set("/\\\0\n\r\u202e")
        assert component[-1] not in ". "
        assert component[1:2] != ":" or not (component[0].isascii() and component[0].isalpha())
        assert len(component.encode()) <= MAX_COMPONENT_SIZE
        assert component.split(".")[0].strip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert safe_path(path, "path") == path


@pytest.mark.parametrize(
    ("paths", "unique"),
    [
        ([], []),
        ([("a",), ("b",), ("c", "a")], [("a",), ("b",), ("c", "a")]),
        ([("a.txt",), ("a.txt",), ("a.txt",)], [("a.txt",), ("a (1).txt",), ("a (2).txt",)]),
        ([("a",), ("A",)], [("a",), ("A (1)",)]),
        ([("straße",), ("STRASSE",)], [("straße",), ("STRASSE (1)",)]),
        ([("d", "x"), ("D", "X")], [("d", "x"), ("D", "X (1)")]),
        ([("a (1)",), ("a",), ("a",)], [("a (1)",), ("a",), ("a (2)",)]),
        ([("a",), ("a",), ("a (1)",)], [("a",), ("a (1)",), ("a (1) (1)",)]),
        # A file where a folder is gives way, whichever comes first.
        ([("a",), ("a", "b")], [("a (1)",), ("a", "b")]),
        ([("a", "b"), ("A",)], [("a", "b"), ("A (1)",)]),
        ([("a", "b", "c"), ("a", "b")], [("a", "b", "c"), ("a", "b (1)")]),
        ([("x" * 255,), ("x" * 255,)], [("x" * 255,), ("x" * 251 + " (1)",)]),
    ],
)
def test_made_unique(paths, unique):
    assert unique_paths(paths) == unique


@given(
    st.lists(st.lists(st.sampled_from(["a", "A", "b", "a (1)", "A (1)", "b.txt"]), min_size=1, max_size=3).map(tuple))
)
def test_no_two_files_meet(paths):
    unique = unique_paths(paths)
    folded = [tuple(part.casefold() for part in path) for path in unique]
    assert len(set(folded)) == len(paths)
    folders = {path[:depth] for path in folded for depth in range(1, len(path))}
    assert not folders & set(folded)
    assert [path[:-1] for path in unique] == [path[:-1] for path in paths]
    assert unique_paths(unique) == unique


@given(st.lists(file_names.map(lambda name: (name,)), unique_by=lambda path: path[0].casefold()))
def test_different_names_stay(paths):
    assert unique_paths(paths) == paths


def test_many_equal_names_take_linear_time():
    paths = unique_paths([("same",)] * 20_000)
    assert paths[-1] == ("same (19999)",)
