"""What holds for all tests: those in `tests/browser` carry the mark `browser`, so that a fast run leaves them out."""

from pathlib import Path

import pytest

BROWSER_TESTS = Path(__file__).parent / "browser"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker("browser")
