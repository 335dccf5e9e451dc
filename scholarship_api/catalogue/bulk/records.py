"""A row of an import file, as every reader gives it to the validation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from scholarship_api.catalogue.columns import InvalidAward


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message says why, and what to do."""


class RowError(NamedTuple):
    """An error in one field of one row."""

    line: int
    """The line of the file, counted from 1."""
    field: str
    """Dotted, as in `eligibility_criteria.min_gpa`; empty for the whole row."""
    reason: str
    column: str = ""
    """The column by the header of the file; empty unless the file has columns."""
    value: str = ""
    """The value in the file: shortened, and safe to show in a terminal or a spreadsheet."""
    accepted: str = ""
    """Values that would be accepted instead."""


class Cell(NamedTuple):
    """The part of a file that a field of an award comes from."""

    column: str
    text: str


class Record(NamedTuple):
    """A row of a file: an award as `ScholarshipInput` takes it, or why there is none."""

    line: int
    """The line of the file, counted from 1, on which the row begins."""
    content: dict[str, object] | InvalidAward
    """The fields of the award. Fields that `errors` speak of are left out."""
    errors: tuple[RowError, ...] = ()
    """Values that the reader cannot read. With an error, the row is not written."""
    cells: Mapping[str, Cell] = {}
    """Where fields come from, by their dotted names, for the errors of the validation."""
    read_again: "Callable[[], Record] | None" = None
    """Reads a row that is not valid by rules that take longer and accept more."""


class RecordReader(Protocol):
    """Reads a file that is given in chunks of any size, in bounded memory.

    Raises UnreadableFile, at the latest when the first record is asked for.
    """

    def __call__(self, chunks: Iterable[bytes], /) -> Iterator[Record]: ...
