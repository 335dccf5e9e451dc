"""A file as rows of cells, before anybody knows what the cells mean."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from scholarship_api.catalogue.columns import InvalidAward


@dataclass(slots=True)
class GridRow:
    """A row of a file."""

    line: int
    """The line or row of the file, counted from 1."""
    cells: list[str]
    problem: InvalidAward | None = None
    """Why the row as a whole cannot be read."""
    problems: dict[int, str] = field(default_factory=dict)
    """Why single cells have no value, by position, such as a formula without a result."""
    links: dict[int, str] = field(default_factory=dict)
    """Addresses behind the texts of cells, by position."""
    is_hidden: bool = False
    """Whether the spreadsheet hides the row."""
    is_merged: bool = False
    """Whether one cell fills the whole row, as headings do."""
    width: int = 0
    """Cells of the header; set for the rows below it."""


class Grid(Protocol):
    """A sheet or a delimited file, whose rows can be read several times."""

    @property
    def name(self) -> str:
        """The name of the sheet; empty for a file without sheets."""

    @property
    def hidden_columns(self) -> frozenset[int]:
        """Positions of columns that the spreadsheet hides."""

    @property
    def serial_days(self) -> int | None:
        """Days to add to the serials of dates; None where numbers are no dates."""

    @property
    def notes(self) -> list[str]:
        """Remarks about how the file is read, such as its encoding."""

    def rows(self) -> Iterator[GridRow]:
        """Yield all rows from the first one on, blank ones too."""

    def close(self) -> None:
        """Close what the grid has opened besides the file that it was given."""
