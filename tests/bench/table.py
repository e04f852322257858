"""What the bench's table is made of: rows, the quantities that each measures, and what they should come to.

A row compares subjects: ours, stock webtorrent, and, where bytes move between pages, the raw data channel, which is
what the browser could do at best.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.lab import Lab

OURS, STOCK, RAW = "ours", "stock", "raw"

Run = Callable[["Lab", str, int], Mapping[str, float]]
"""Measures one subject once, with a payload of so many megabytes; returns values by the quantities' names."""


@dataclass(frozen=True, slots=True)
class Target:
    """What ours should come to: `limit` times what `than` comes to, or `limit` itself.

    `allowance` is taken off ours before it is compared, and `at_least` tells that more is better.
    """

    limit: float
    than: str | None = None
    at_least: bool = False
    allowance: float = 0.0

    def __str__(self) -> str:
        minus = f" less {self.allowance:g}" if self.allowance else ""
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}{f' × {self.than}' if self.than else ''}{minus}"

    def is_met(self, medians: Mapping[str, float]) -> bool | None:
        """None if it cannot be told for want of a measurement."""
        if OURS not in medians or (self.than and self.than not in medians):
            return None
        ours = medians[OURS] - self.allowance
        limit = self.limit * (medians[self.than] if self.than else 1.0)
        return ours >= limit if self.at_least else ours <= limit


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that a row measures. `name` has its unit at the end."""

    name: str
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment. `slow` ones run only when they are asked for by name or with `--slow`."""

    name: str
    title: str
    run: Run
    quantities: tuple[Quantity, ...]
    megabytes: int = 0
    subjects: tuple[str, ...] = (OURS, STOCK, RAW)
    rounds: int | None = None
    """At most so many, where more would tell no more, or take too long."""
    slow: bool = False


@dataclass(slots=True)
class Outcome:
    """What a row's rounds came to: values by quantity and subject, in the order of the rounds, and what failed."""

    values: dict[str, dict[str, list[float]]]
    failures: dict[str, list[str]]

    def medians(self, quantity: str) -> dict[str, float]:
        """By subject."""
        return {subject: median(values) for subject, values in self.values.get(quantity, {}).items() if values}
