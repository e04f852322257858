"""docs/beps.md names tests that exist, and says for every BEP what there is to say."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "beps.md").read_text("utf-8").splitlines()
    if re.match(r"\| (\d|–)", line)
]


def names_of_tests():
    """Test functions, and state machines by the name of their class."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name


def test_every_row_is_whole_and_the_numbers_rise():
    assert len(ROWS) > 10
    assert all(len(row) == 7 and row[1] and {*row[2:5]} <= {"✓", "–", "partly"} for row in ROWS)
    numbers = [int(row[0].split(",")[0]) for row in ROWS if row[0] != "–"]
    assert numbers == sorted(set(numbers))


def test_the_tests_that_it_names_exist():
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[6])}
    assert named and not named - set(names_of_tests())


def test_what_is_there_is_shown_by_a_test():
    assert not [row[0] for row in ROWS if not re.search(r"`\w+`", row[6])]
