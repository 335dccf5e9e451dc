"""Goals, measured figures, and the table that shows both."""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table

EXIT_HOLDS: Final = 0
EXIT_MISSED: Final = 1
EXIT_NOT_MEASURED: Final = 2


class NotMeasuredError(Exception):
    """This machine lacks something that the measurement needs; the message names it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One goal and its measured value."""

    goal: str
    measured: float
    wanted: Literal["at least", "at most"]
    bound: float
    unit: str = ""
    """The unit of both values; `x` for a ratio of two times or costs."""
    detail: str = ""
    """The values from which the figure was computed."""

    @property
    def holds(self) -> bool:
        if self.wanted == "at least":
            return self.measured >= self.bound
        return self.measured <= self.bound

    @property
    def measured_text(self) -> str:
        return _text(self.measured, self.unit)

    @property
    def wanted_text(self) -> str:
        return f"{self.wanted} {_text(self.bound, self.unit)}"


def _text(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "no answer in time"
    is_long = value == int(value) or abs(value) >= 1000
    number = f"{value:,.0f}" if is_long else f"{value:.3g}"
    return f"{number} {unit}".strip() if unit != "x" else f"{number}x"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    goal: str
    wanted: str
    measured: str
    holds: bool | None
    """None when it was not measured, which counts as missed."""
    detail: str = ""

    @classmethod
    def of(cls, figure: Figure) -> "Row":
        return cls(
            figure.goal, figure.wanted_text, figure.measured_text, figure.holds, figure.detail
        )


class Measure(Protocol):
    def __call__(self, *, quick: bool) -> Sequence[Figure]: ...


def table_of(rows: Sequence[Row]) -> Table:
    verdicts = {True: "[green]yes[/]", False: "[red]NO[/]", None: "[yellow]not measured[/]"}
    table = Table("Goal", "Wanted", "Measured", "Holds", "Computed from", show_edge=False)
    for row in rows:
        cells = (row.goal, row.wanted, row.measured)
        table.add_row(*map(escape, cells), verdicts[row.holds], escape(row.detail))
    return table


def exit_code(rows: Sequence[Row]) -> int:
    return EXIT_HOLDS if all(row.holds for row in rows) else EXIT_MISSED


def stdout() -> Console:
    """A console on standard output; without a terminal it is as wide as a row needs."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} CPUs, load average {load:.1f} at the end"


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="short rounds, 100 000 awards at most: no result"
    )
    return parser


def run(measure: Measure, doc: str | None) -> int:
    """Run a program: read its options, print its figures last, and return its exit code."""
    return report(measure, quick=parser_of(doc).parse_args().quick)


def report(measure: Measure, *, quick: bool) -> int:
    try:
        figures = measure(quick=quick)
    except NotMeasuredError as error:
        sys.stderr.write(f"Not measured: {error}\n")
        return EXIT_NOT_MEASURED
    rows = [Row.of(figure) for figure in figures]
    console = stdout()
    console.print(machine())
    console.print(table_of(rows))
    return exit_code(rows)
