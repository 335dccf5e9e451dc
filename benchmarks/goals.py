"""Goals and what was measured of them, and the table that shows both."""

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
    """This machine lacks what the measurement needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One goal, and what was measured."""

    goal: str
    measured: float
    wanted: Literal["at least", "at most"]
    bound: float
    unit: str = ""
    """x: a ratio of two of the same kind."""
    detail: str = ""
    """What the figure was made from."""

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
    """None: it was not measured, which is not enough."""
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
    table = Table("Goal", "Wanted", "Measured", "Holds", "Made from", show_edge=False)
    for row in rows:
        cells = (row.goal, row.wanted, row.measured)
        table.add_row(*map(escape, cells), verdicts[row.holds], escape(row.detail))
    return table


def exit_code(rows: Sequence[Row]) -> int:
    return EXIT_HOLDS if all(row.holds for row in rows) else EXIT_MISSED


def stdout() -> Console:
    """As wide as a row needs where there is no terminal to fit."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} CPUs, load {load:.1f} at the end: other work on the machine shows"


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="a try: short rounds, 100 000 awards at most"
    )
    return parser


def run(measure: Measure, doc: str | None) -> int:
    """The whole of a program: its options, its figures as the last lines, its exit code."""
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
