"""Validates the rows of an import file, and turns each into values for the table."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from scholarship_api.catalogue.bulk.errors_in_words import error_of_award, errors_of_validation
from scholarship_api.catalogue.bulk.records import Record, RowError
from scholarship_api.catalogue.bulk.unknown_codes import with_codes_in_words
from scholarship_api.catalogue.bulk.unreadable_fields import with_fields_in_words
from scholarship_api.catalogue.columns import InvalidAward, column_values
from scholarship_api.catalogue.schemas import ScholarshipInput

FIRST_BATCH_ROWS: Final = 1_000
"""Rows in the first batch. Each later one may have twice as many as the one before.

A small first batch gives the database something to do soon.
"""
MAX_BATCH_ROWS: Final = 5_000
MAX_BATCH_BYTES: Final = 8 * 1_048_576
"""Bytes of the file after which a batch ends, as an award may have 20 000 characters."""

MAX_ERRORS_PER_ROW: Final = 50
"""Errors of one row that are told, as many as a whole report lists."""

MAX_REPAIRS: Final = 4
"""How often the rest of a row is validated again, as each time may show other errors."""

_award_adapter: Final = TypeAdapter(ScholarshipInput)

WritePolicy = Callable[[ScholarshipInput], str | None]
"""Gives the reason why the caller may not write an award, or None if it may."""


class Row(NamedTuple):
    line: int
    values: tuple[Any, ...]
    """In the order of `columns.WRITTEN_COLUMNS`."""


class BadRow(NamedTuple):
    """A row that cannot be written. Its errors are put into words only when they are asked for."""

    record: Record
    problem: InvalidAward | ValidationError | None = None
    """The findings of the validation, besides the errors of the record."""

    @property
    def line(self) -> int:
        return self.record.line

    @property
    def error_count(self) -> int:
        """At most MAX_ERRORS_PER_ROW."""
        if self.record.errors and self.problem is not None:
            return len(self.errors())  # both may speak of the same field
        found = len(self.record.errors)
        if isinstance(self.problem, InvalidAward):
            found += 1
        elif self.problem is not None:
            found += self.problem.error_count()
        return min(MAX_ERRORS_PER_ROW, found)

    def errors(self) -> list[RowError]:
        """The first MAX_ERRORS_PER_ROW errors, in words."""
        errors = list(self.record.errors)
        if isinstance(self.problem, InvalidAward):
            errors.append(error_of_award(self.record, self.problem))
        elif self.problem is not None:
            errors += errors_of_validation(self.record, self.problem, MAX_ERRORS_PER_ROW)
        return errors[:MAX_ERRORS_PER_ROW]


@dataclass(slots=True)
class Batch:
    rows: list[Row] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    drafts: list[BadRow] = field(default_factory=list)
    """Rows among `rows` that go in as drafts, and their errors."""
    bytes_read: int = 0
    """Bytes of the file that were read for this batch and all before it."""

    @property
    def row_count(self) -> int:
        return len(self.rows) + len(self.bad_rows)


def validate_rows(
    records: Iterable[Record],
    *,
    now: dt.datetime,
    bytes_read: Callable[[], int] | None = None,
    lenient: bool = False,
    write_policy: WritePolicy | None = None,
    batch_rows: int = MAX_BATCH_ROWS,
) -> Iterator[Batch]:
    """Validate the rows of a file, and yield them in batches.

    `now` (with a zone) decides which yearly deadlines have passed. `bytes_read` says how much of
    the file has been read so far. With `lenient`, a row with values that cannot be read becomes a
    draft that has them as text. Raises UnreadableFile.
    """
    position = bytes_read or _nothing_read
    batch = Batch()
    batch_start = row_count = 0
    max_rows = min(FIRST_BATCH_ROWS, batch_rows)
    for record in records:
        row = _validate(record, now, write_policy)
        if lenient and isinstance(row, BadRow):
            bad_row, row = row, _as_draft(row, now, write_policy)
            if isinstance(row, Row):
                batch.drafts.append(bad_row)
        if isinstance(row, Row):
            batch.rows.append(row)
        else:
            batch.bad_rows.append(row)
        row_count += 1
        if row_count >= max_rows or position() - batch_start >= MAX_BATCH_BYTES:
            batch.bytes_read = batch_start = position()
            max_rows = min(2 * max_rows, batch_rows)
            yield batch
            batch, row_count = Batch(), 0
    batch.bytes_read = position()
    yield batch


class CheckedRecord(NamedTuple):
    award: ScholarshipInput | None
    """The award that would be written; None if the row is refused."""
    errors: list[RowError]


def check_record(record: Record, *, now: dt.datetime, lenient: bool = False) -> CheckedRecord:
    """Validate a record as an import does, without writing it."""
    row = _validate(record, now, None)
    errors = row.errors() if isinstance(row, BadRow) else []
    current = record
    if isinstance(row, Row):
        try:
            return CheckedRecord(_validated(current.content), [])
        except ValidationError:
            current = record.read_again() if record.read_again is not None else record
            return CheckedRecord(_validated(current.content), [])
    draft = _draft_record(row, now, None) if lenient else None
    return CheckedRecord(None if draft is None else _validated(draft.content), errors)


def _nothing_read() -> int:
    return 0


def _validate(record: Record, now: dt.datetime, write_policy: WritePolicy | None) -> Row | BadRow:
    if record.content == {}:
        return BadRow(record, _problem_of_an_empty_row())
    problem: InvalidAward | ValidationError | None = None
    try:
        award = _validated(record.content)
        refusal = write_policy(award) if write_policy is not None else None
        if refusal is not None:
            problem = InvalidAward(refusal)
        elif not record.errors:
            return Row(record.line, column_values(award, now))
    except ValidationError as error:
        if record.read_again is not None:
            return _validate(record.read_again(), now, write_policy)
        problem = error
    except InvalidAward as error:
        problem = error
    if problem is not None:
        problem = problem.with_traceback(None)  # a traceback would keep its frames alive
    return BadRow(record, problem)


@cache
def _problem_of_an_empty_row() -> ValidationError:
    """A file of 1 MiB has 350,000 rows of `{}`, the cheapest to send: they share one problem."""
    try:
        _award_adapter.validate_python({})
    except ValidationError as error:
        return error.with_traceback(None)
    raise AssertionError("an award has required fields")


def _as_draft(row: BadRow, now: dt.datetime, write_policy: WritePolicy | None) -> Row | BadRow:
    """The row with its unreadable fields in words; the same row if that is not enough."""
    record = _draft_record(row, now, write_policy)
    return row if record is None else _validate(record, now, write_policy)


def _draft_record(row: BadRow, now: dt.datetime, write_policy: WritePolicy | None) -> Record | None:
    current = row
    for _ in range(MAX_REPAIRS):
        record = with_fields_in_words(current.record, current.problem)
        if record is None:
            return None
        repaired = _validate(record, now, write_policy)
        if isinstance(repaired, Row):
            return record
        current = repaired
    return None


def _validated(content: dict[str, object] | InvalidAward) -> ScholarshipInput:
    if isinstance(content, InvalidAward):
        raise content
    try:
        return _award_adapter.validate_python(content)
    except ValidationError as error:
        in_words = with_codes_in_words(content, error)
        if in_words is None:
            raise
    return _award_adapter.validate_python(in_words)
