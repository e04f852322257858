"""The table: on the terminal, and in the docs together with all that was measured.

`docs/bench.json` keeps the last measurement of every row in every browser; `docs/bench.md` is written from it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.table import OURS, RAW, STOCK, Outcome, Quantity, Row

DOCS = Path(__file__).parent.parent.parent / "docs"
JSON = DOCS / "bench.json"
MARKDOWN = DOCS / "bench.md"

COLUMNS = ("", "ours", "stock", "raw channel", "ours ÷ stock", "ours ÷ raw", "target")
MARKS = {True: " ✓", False: " ✗", None: ""}

INTRODUCTION = """# Beside stock webtorrent

Written by `python3 build.py bench`, never by hand. Each cell is a median, with the least and the greatest of the rounds
behind it. The rounds of ours, of stock webtorrent 3 and of the raw data channel take turns in one browser, every one in
fresh pages without cache or storage. All peers are on one machine, so its processors are shared by all that take part:
ratios tell, times hardly. A target with × stock or × raw is about the ratio. How it got fast is told in
[performance.md](performance.md).
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row's outcome and the circumstances."""

    megabytes: int
    rounds: int
    browser: str
    cores: int
    date: str
    values: Mapping[str, Mapping[str, Sequence[float]]]
    failures: Mapping[str, Sequence[str]]
    load: float | None = None
    """Processes that wanted to run just before, on average of a minute: what else went on. None if nobody knows."""


def lines(row: Row, measured: Measured) -> Iterator[tuple[str, ...]]:
    """The table's lines of one row, each with as many cells as there are columns."""
    size = f", {measured.megabytes} MB" if measured.megabytes else ""
    yield (f"{row.title}{size}", *[""] * (len(COLUMNS) - 1))
    outcome = Outcome(
        {name: {subject: list(each) for subject, each in values.items()} for name, values in measured.values.items()},
        {},
    )
    for quantity in row.quantities:
        yield _line(quantity, outcome)
    for subject, reasons in measured.failures.items():
        yield (f"{subject} failed {len(reasons)} times: {reasons[0]}", *[""] * (len(COLUMNS) - 1))


def _line(quantity: Quantity, outcome: Outcome) -> tuple[str, ...]:
    medians = outcome.medians(quantity.name)
    values = outcome.values.get(quantity.name, {})
    targets = ", ".join(f"{target}{MARKS[target.is_met(medians)]}" for target in quantity.targets)
    return (
        quantity.name,
        *(_cell(values.get(subject), medians.get(subject)) for subject in (OURS, STOCK, RAW)),
        *(_ratio(medians, subject) for subject in (STOCK, RAW)),
        targets,
    )


def _cell(values: Sequence[float] | None, middle: float | None) -> str:
    if not values or middle is None:
        return ""
    if len(values) == 1:
        return _number(middle)
    return f"{_number(middle)} ({_number(min(values))}–{_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(medians: Mapping[str, float], subject: str) -> str:
    return f"{medians[OURS] / medians[subject]:.2f}" if OURS in medians and medians.get(subject) else ""


def terminal(table: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as what is in them; a row's title may run over."""
    rows = [COLUMNS, *table]
    filled = [row for row in rows if any(row[1:])]
    widths = [max(len(row[column]) for row in filled) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def remember(browser: str, measured: Mapping[str, Measured]) -> dict[str, dict[str, Any]]:
    """Take these rows into `docs/bench.json`; returns all of it: by browser and row."""
    known: dict[str, dict[str, Any]] = json.loads(JSON.read_text("utf-8")) if JSON.exists() else {}
    known.setdefault(browser, {}).update({name: asdict(each) for name, each in measured.items()})
    JSON.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    return known


def write(rows: Sequence[Row], browser: str, measured: Mapping[str, Measured]) -> None:
    """Take these rows into the docs."""
    parts = [INTRODUCTION]
    for name, known in sorted(remember(browser, measured).items()):
        parts.append(f"## {name.capitalize()}\n\n" + _row(COLUMNS) + _row(["---"] * len(COLUMNS)))
        present = [(row, Measured(**known[row.name])) for row in rows if row.name in known]
        for row, each in present:
            title, *rest = lines(row, each)
            parts[-1] += _row([f"**{title[0]}**", *title[1:]]) + "".join(map(_row, rest))
        parts[-1] += "\nMeasured with:\n\n" + "".join(
            f"- `{row.name}`: {each.browser}, {each.rounds} rounds, {each.cores} cores{_load(each)}, {each.date}\n"
            for row, each in present
        )
    MARKDOWN.write_text("\n".join(parts), "utf-8")


def _load(measured: Measured) -> str:
    return "" if measured.load is None else f" with a load of {measured.load:.1f} before"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"
