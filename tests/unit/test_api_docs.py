"""docs/api.md names every entry of the API, and tests that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from webtorrent_py.browser import options, schema
from webtorrent_py.client.diagnosis import Cause

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "api.md").read_text("utf-8")
BROWSER = ROOT / "tests" / "browser"
CASES = set(re.findall(r"^    async (\w+) \(\)", (BROWSER / "pages" / "api_cases.js").read_text("utf-8"), re.MULTILINE))
TESTS = {
    name for path in BROWSER.glob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.M)
}
ROWS = re.findall(r"^\| .* \| .* \| `(\w+)` \|$", DOCS, re.MULTILINE)


def entries() -> Iterator[str]:
    for mirror in schema.MIRRORS:
        for each in (*mirror.properties, *mirror.methods, *mirror.events):
            yield each.name
    for group in options.OPTIONS:
        yield from (each.name for each in group.options)


@pytest.mark.parametrize("name", sorted(set(ROWS)))
def test_the_tests_that_it_names_exist(name: str) -> None:
    assert name in (TESTS if name.startswith("test_") else CASES)


def test_every_case_is_named() -> None:
    assert set(ROWS) >= CASES


@pytest.mark.parametrize("name", sorted(set(entries())))
def test_every_entry_is_named(name: str) -> None:
    assert re.search(rf"[`.]{re.escape(name)}\b|`{re.escape(name)}", DOCS), name


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_told(cause: Cause) -> None:
    assert f"`{cause}`" in DOCS
