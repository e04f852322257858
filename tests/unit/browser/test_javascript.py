"""Runs the tests of the worker's JavaScript, which are JavaScript too, with Node's own runner."""

import subprocess
from pathlib import Path

import pytest

from tests.peers.npm import find_node

HERE = Path(__file__).parent


@pytest.mark.parametrize("path", sorted((HERE / "javascript").glob("*.test.mjs")), ids=lambda path: path.stem)
def test_in_node(path: Path) -> None:
    command = [find_node(), "--test", "--test-reporter=tap", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout
    assert "# pass 0" not in run.stdout
