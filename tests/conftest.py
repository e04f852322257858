"""What holds for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

BROWSER_TESTS = Path(__file__).parent / "browser"

# How long an example takes says more of the machine than of the code. CI tries the same examples every time; what
# others find at random becomes an explicit example.
settings.register_profile(
    "project", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # So that a fast run can leave them out.
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker("browser")
