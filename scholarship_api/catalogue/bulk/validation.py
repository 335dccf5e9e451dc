"""Validates the rows of an import file, and turns each into values for the table."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from scholarship_api.catalogue.bulk.formats import FileFormat
from scholarship_api.catalogue.bulk.parsing import printable, read_records
from scholarship_api.catalogue.bulk.unknown_codes import with_codes_in_words
from scholarship_api.catalogue.columns import REQUIRED_FIELDS, InvalidAward, column_values
from scholarship_api.catalogue.schemas import ScholarshipInput

FIRST_BATCH_ROWS: Final = 1_000
"""Rows in the first batch. Each later one may have twice as many as the one before.

A small first batch gives the database something to do soon.
"""
MAX_BATCH_ROWS: Final = 5_000
MAX_BATCH_BYTES: Final = 8 * 1_048_576
"""Bytes of the file after which a batch ends, as an award may have 20 000 characters."""

MAX_ERRORS_PER_ROW: Final = 10

_award_adapter: Final = TypeAdapter(ScholarshipInput)

WritePolicy = Callable[[ScholarshipInput], str | None]
"""Gives the reason why the caller may not write an award, or None if it may."""


_required: Final = frozenset(REQUIRED_FIELDS)


class RowError(NamedTuple):
    """An error in one field of one row."""

    line: int
    """The line of the file, counted from 1."""
    field: str
    """Dotted, as in `eligibility_criteria.min_gpa`; empty for the whole row."""
    reason: str


class Row(NamedTuple):
    line: int
    values: tuple[Any, ...]
    """In the order of `columns.WRITTEN_COLUMNS`."""


class BadRow(NamedTuple):
    """A row that cannot be written. Its errors are put into words only when they are asked for."""

    line: int
    problem: str | ValidationError
    """A reason that applies to all `fields`, or the errors of single fields."""
    fields: tuple[str, ...] = ()

    @property
    def error_count(self) -> int:
        if isinstance(self.problem, str):
            return len(self.fields)
        return min(MAX_ERRORS_PER_ROW, self.problem.error_count())

    def errors(self) -> list[RowError]:
        """The first MAX_ERRORS_PER_ROW errors, in words."""
        if isinstance(self.problem, str):
            return [RowError(self.line, printable(name), self.problem) for name in self.fields]
        details = self.problem.errors(include_url=False, include_context=False, include_input=False)
        return [_row_error(self.line, one) for one in details[:MAX_ERRORS_PER_ROW]]


@dataclass(slots=True)
class Batch:
    rows: list[Row] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    bytes_read: int = 0
    """Bytes of the file that were read for this batch and all before it."""

    @property
    def row_count(self) -> int:
        return len(self.rows) + len(self.bad_rows)


def validate_rows(
    chunks: Iterable[bytes],
    *,
    file_format: FileFormat,
    now: dt.datetime,
    write_policy: WritePolicy | None = None,
    batch_rows: int = MAX_BATCH_ROWS,
) -> Iterator[Batch]:
    """Validate a file that is given in chunks, and yield its rows in batches.

    `now` (with a zone) decides which yearly deadlines have passed. Raises UnreadableFile.
    """
    bytes_read = 0

    def counted() -> Iterator[bytes]:
        nonlocal bytes_read
        for chunk in chunks:
            bytes_read += len(chunk)
            yield chunk

    batch = Batch()
    batch_start = row_count = 0
    max_rows = min(FIRST_BATCH_ROWS, batch_rows)
    for line, content in read_records(counted(), file_format):
        row = _validate(line, content, now, write_policy)
        if isinstance(row, Row):
            batch.rows.append(row)
        else:
            batch.bad_rows.append(row)
        row_count += 1
        if row_count >= max_rows or bytes_read - batch_start >= MAX_BATCH_BYTES:
            batch.bytes_read = batch_start = bytes_read
            max_rows = min(2 * max_rows, batch_rows)
            yield batch
            batch, row_count = Batch(), 0
    batch.bytes_read = bytes_read
    yield batch


def _validate(
    line: int,
    content: dict[str, object] | InvalidAward,
    now: dt.datetime,
    write_policy: WritePolicy | None,
) -> Row | BadRow:
    if isinstance(content, InvalidAward):
        return BadRow(line, content.reason, (content.field,))
    # This comes first because it is cheap: a file may consist of very many empty objects.
    if missing := _required - content.keys():
        names = tuple(name for name in REQUIRED_FIELDS if name in missing)
        return BadRow(line, _REASONS["missing"], names)
    try:
        award = _validated(content)
        if write_policy is not None and (refusal := write_policy(award)):
            return BadRow(line, refusal, ("",))
        return Row(line, column_values(award, now))
    except ValidationError as error:
        return BadRow(line, error.with_traceback(None))  # a traceback would keep its frames alive
    except InvalidAward as problem:
        return BadRow(line, problem.reason, (problem.field,))


def _validated(content: dict[str, object]) -> ScholarshipInput:
    try:
        return _award_adapter.validate_python(content)
    except ValidationError as error:
        in_words = with_codes_in_words(content, error)
        if in_words is None:
            raise
    return _award_adapter.validate_python(in_words)


# --- Errors in plain words -----------------------------------------------------------------------

_ADDRESS: Final = "must be an http or https address of at most 2 048 characters"
_PATTERN_REASONS: Final = {
    "id": "must be 1 to 128 letters, digits or . _ : ~ -",
    "application_url": _ADDRESS,
    "website_url": _ADDRESS,
    "source_url": _ADDRESS,
}
_REASONS: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "model_type": "must be an object",
}
"""The words for errors of these types of pydantic."""


def _row_error(line: int, details: ErrorDetails) -> RowError:
    field_name = printable(".".join(map(str, details["loc"])), 120)
    return RowError(line, field_name, _reason(details, field_name))


def _reason(details: ErrorDetails, field_name: str) -> str:
    kind = details["type"]
    if kind == "string_pattern_mismatch" and field_name in _PATTERN_REASONS:
        return _PATTERN_REASONS[field_name]
    if kind in _REASONS:
        return _REASONS[kind]
    reason = details["msg"].removeprefix("Value error, ")
    for start in ("Input should", "String should", "List should", "Decimal input should"):
        if reason.startswith(start):
            return "must" + reason.removeprefix(start)
    return reason
