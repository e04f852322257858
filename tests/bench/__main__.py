"""Measures ours beside stock webtorrent and the raw data channel, in one browser, for the table in the docs."""

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.bench import report
from tests.bench.lab import Lab
from tests.bench.rows import ROWS
from tests.bench.table import Outcome, Row
from tests.browser.browsers import BROWSERS

# A subject that failed so often in a row fails at once, instead of by a timeout each.
MAX_FAILURES = 2


def measure(lab: Lab, row: Row, rounds: int, megabytes: int, subjects: Sequence[str]) -> Outcome:
    """All rounds of one row. What fails is told, and the others go on."""
    outcome = Outcome({quantity.name: {} for quantity in row.quantities}, {})
    for number in range(rounds):
        # Who goes first alternates, so that a machine that gets slower or faster favours nobody.
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            failures = outcome.failures.get(subject, [])
            if len(failures) >= MAX_FAILURES:
                continue
            try:
                values = row.run(lab, subject, megabytes)
            except Exception as error:  # noqa: BLE001  # whatever went wrong in a page or a peer
                reason = str(error).splitlines()[0]
                outcome.failures.setdefault(subject, []).append(reason)
                print(f"  round {number + 1}, {subject}: failed: {reason}", flush=True)
                continue
            told = "; ".join(f"{quantity} {value:.2f}" for quantity, value in values.items())
            print(f"  round {number + 1}, {subject}: {told}", flush=True)
            for quantity, value in values.items():
                outcome.values[quantity].setdefault(subject, []).append(round(value, 3))
    return outcome


def chosen(names: Sequence[str], slow: bool) -> list[Row]:
    """The rows of these names, or all."""
    if names:
        return [row for row in ROWS if row.name in names]
    return [row for row in ROWS if slow or not row.slow]


def main() -> None:
    """Run the rows and print the table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"only these: {', '.join(row.name for row in ROWS)}")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each subject (default %(default)s)")
    parser.add_argument("--size", type=int, help="megabytes to move, in place of the row's own")
    parser.add_argument("--browser", choices=BROWSERS, default="chromium")
    parser.add_argument(
        "--only", action="append", metavar="SUBJECT", help="measure this subject alone; may be repeated"
    )
    parser.add_argument("--slow", action="store_true", help="the slow rows, too")
    parser.add_argument("--write", action="store_true", help="write the rows to the docs, as when all of them are run")
    options = parser.parse_args()
    if unknown := set(options.rows) - {row.name for row in ROWS}:
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}")

    table: list[tuple[str, ...]] = []
    measured: dict[str, report.Measured] = {}
    rows = chosen(options.rows, options.slow)
    with Lab(options.browser) as lab:
        version = f"{options.browser.capitalize()} {lab.browser.version}"
        print(version, flush=True)
        for row in rows:
            megabytes = options.size if options.size and row.megabytes else row.megabytes
            rounds = min(options.rounds, row.rounds or options.rounds)
            subjects = [subject for subject in row.subjects if not options.only or subject in options.only]
            print(f"{row.name}:", flush=True)
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
            outcome = measure(lab, row, rounds, megabytes, subjects)
            measured[row.name] = report.Measured(
                megabytes=megabytes,
                rounds=rounds,
                browser=version,
                cores=os.cpu_count() or 1,
                date=datetime.now(UTC).date().isoformat(),
                values=outcome.values,
                failures=outcome.failures,
                load=load,
            )
            table += report.lines(row, measured[row.name])
            # At once, so that what ends early has not been for nothing.
            if options.write or not (options.rows or options.size or options.only):
                report.write(ROWS, options.browser, {row.name: measured[row.name]})
    print(report.terminal(table))


if __name__ == "__main__":
    main()
