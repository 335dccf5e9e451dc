"""From the records of an import file to rows of the table: validation, and the loader's rules."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from scholarship_api.catalogue.bulk.formats import CRITERIA, FIELDS, FileFormat
from scholarship_api.catalogue.bulk.parsing import RowFault, printable, read_records
from scholarship_api.catalogue.schemas import ScholarshipInput, zone_of
from scholarship_api.vocabulary import Recurrence

FIRST_BATCH_ROWS: Final = 1_000
"""Each later batch may have twice as many, so that the database soon has something to do."""
BATCH_ROWS: Final = 5_000
BATCH_BYTES: Final = 8 * 1_048_576
"""A batch ends after this much of the file too: awards may have 20 000 characters each."""

ERRORS_PER_ROW: Final = 10

_adapter: Final = TypeAdapter(ScholarshipInput)
_fields: Final = itemgetter(*FIELDS)
_criteria: Final = itemgetter(*CRITERIA)

D = TypeVar("D", bound=dt.date)

Allow = Callable[[ScholarshipInput], str | None]
"""Says why the caller may not write an award; None: it may."""


class RowError(NamedTuple):
    """What is wrong with one field of one row."""

    line: int
    """Of the file, from 1."""
    field: str
    """Dotted, as in `eligibility_criteria.min_gpa`; empty: the whole row."""
    reason: str


class Row(NamedTuple):
    line: int
    values: tuple[Any, ...]
    """In the order of `interchange.COLUMNS`."""


@dataclass(slots=True)
class Batch:
    rows: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    bad: int = 0
    """Rows that have errors."""
    bytes_read: int = 0
    """Of the whole file, so far."""


def validate_rows(
    chunks: Iterable[bytes],
    *,
    file_format: FileFormat,
    now: dt.datetime,
    allow: Allow | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Batch]:
    """Check a file that is given in pieces; yields it in batches, good rows and errors.

    `now` (with a zone) decides which yearly deadlines have passed. Raises FileFault.
    """
    bytes_read = 0

    def counted() -> Iterator[bytes]:
        nonlocal bytes_read
        for chunk in chunks:
            bytes_read += len(chunk)
            yield chunk

    batch = Batch()
    batch_start = 0
    most_rows = min(FIRST_BATCH_ROWS, batch_rows)
    for line, content in read_records(counted(), file_format):
        try:
            if isinstance(content, RowFault):
                raise content
            batch.rows.append(Row(line, _values(content, now, allow)))
        except RowFault as fault:
            batch.bad += 1
            batch.errors.append(RowError(line, printable(fault.field), fault.reason))
        except ValidationError as error:
            batch.bad += 1
            batch.errors += _row_errors(line, error)
        if len(batch.rows) + batch.bad >= most_rows or bytes_read - batch_start >= BATCH_BYTES:
            batch.bytes_read = batch_start = bytes_read
            most_rows = min(2 * most_rows, batch_rows)
            yield batch
            batch = Batch()
    batch.bytes_read = bytes_read
    yield batch


def _values(content: dict[str, object], now: dt.datetime, allow: Allow | None) -> tuple[Any, ...]:
    award = _adapter.validate_python(content)
    if allow is not None and (refusal := allow(award)):
        raise RowFault(refusal)
    return column_values(award, now)


def column_values(award: ScholarshipInput, now: dt.datetime) -> tuple[Any, ...]:
    """The values of `interchange.COLUMNS`; a passed yearly deadline is moved (see `recur`).

    Raises RowFault when the deadline's local day lies outside of the years 1 to 9999.
    """
    recur(award, now)
    day = None
    deadline = award.application_deadline
    if isinstance(deadline, dt.datetime):
        try:
            day = deadline.astimezone(zone_of(award.deadline_timezone)).date()
        except OverflowError:
            raise RowFault("must lie in the years 1 to 9999", "application_deadline") from None
    return (*_fields(award.__dict__), *_criteria(award.eligibility_criteria.__dict__), day)


def recur(award: ScholarshipInput, now: dt.datetime) -> None:
    """Move a yearly, estimated deadline that has passed to its next occurrence after `now`.

    By whole years on the clock of the deadline's own zone, 29 February becoming the 28th; the
    notification date moves by as many.
    """
    deadline = award.application_deadline
    if (
        award.recurs is not Recurrence.YEARLY
        or not award.deadline_estimated
        or not isinstance(deadline, dt.datetime)
        or deadline >= now
    ):
        return
    zone = zone_of(award.deadline_timezone)
    try:
        local = deadline.astimezone(zone)
        years = max(0, now.astimezone(zone).year - local.year)
        moved = _later(local, years)
        if moved.astimezone(dt.UTC) < now:
            years += 1
            moved = _later(local, years)
        award.application_deadline = moved.astimezone(dt.UTC)
        if award.notification_date is not None:
            award.notification_date = _later(award.notification_date, years)
    except (OverflowError, ValueError):
        raise RowFault("must lie in the years 1 to 9999", "application_deadline") from None


def _later(day: D, years: int) -> D:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        if (day.month, day.day) != (2, 29):
            raise
        return day.replace(year=day.year + years, day=28)


# --- Errors in plain words -----------------------------------------------------------------------

_ADDRESS: Final = "must be an http or https address of at most 2 048 characters"
_PATTERNS: Final = {
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


def _row_errors(line: int, error: ValidationError) -> list[RowError]:
    found: dict[str, RowError] = {}
    for details in error.errors(include_url=False, include_context=False, include_input=False):
        name = _field_name(details)
        found.setdefault(name, RowError(line, name, _reason(details, name)))
        if len(found) == ERRORS_PER_ROW:
            break
    return list(found.values())


def _field_name(details: ErrorDetails) -> str:
    # Inside a list the position stays (fields_of_study.1); the names of a union's members go.
    kept = [part for part in details["loc"] if part not in ("date", "datetime")]
    return printable(".".join(map(str, kept)), 120)


def _reason(details: ErrorDetails, name: str) -> str:
    kind = details["type"]
    if kind == "string_pattern_mismatch" and name in _PATTERNS:
        return _PATTERNS[name]
    if kind in _REASONS:
        return _REASONS[kind]
    reason = details["msg"].removeprefix("Value error, ")
    for start in ("Input should", "String should", "List should", "Decimal input should"):
        if reason.startswith(start):
            return "must" + reason.removeprefix(start)
    return reason
