"""Puts the errors of a row into words: where, which value, why, and what would be accepted."""

import json
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scholarship_api.catalogue.bulk.accepted_values import accepted_for
from scholarship_api.catalogue.bulk.formats import neutralise
from scholarship_api.catalogue.bulk.records import Record, RowError
from scholarship_api.catalogue.columns import InvalidAward

MAX_VALUE: Final = 60
"""Characters of a value that an error shows."""

MAX_FIELD: Final = 120
"""Characters of the name of a field that an error shows."""

_PATTERN_REASONS: Final = {
    "id": "must be 1 to 128 letters, digits or . _ : ~ -",
}
_REASONS: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "model_type": "must be an object",
}
"""The words for errors of these types of pydantic."""


def printable(text: str, limit: int = MAX_VALUE) -> str:
    """Make text of a file safe for a terminal or a log: no control characters, at most `limit`."""
    clean = "".join(character if character.isprintable() else "?" for character in text[:limit])
    return clean if len(text) <= limit else clean + "..."


def shown_value(value: object) -> str:
    """A value of a file for an error: shortened, and never run by a spreadsheet."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            value = str(type(value).__name__)
    return neutralise(printable(value))


def row_error(record: Record, field: str, reason: str, value: object = None) -> RowError:
    """An error of a field of a record; the file's own cell counts more than the `value`."""
    name = printable(field, MAX_FIELD)
    cell = record.cells.get(field) or record.cells.get(_without_positions(field))
    return RowError(
        record.line,
        name,
        reason,
        column=printable(cell.column) if cell else name,
        value=shown_value(cell.text if cell else value),
        accepted=accepted_for(_without_positions(field)),
    )


def error_of_award(record: Record, problem: InvalidAward) -> RowError:
    return row_error(record, problem.field, problem.reason)


def errors_of_validation(record: Record, error: ValidationError, limit: int) -> list[RowError]:
    """The first `limit` errors; those of fields that the record's own errors name are left out."""
    known = {found.field for found in record.errors}
    details = error.errors(include_url=False, include_context=False)
    found = [(".".join(map(str, one["loc"])), one) for one in details[: limit + len(known)]]
    return [
        row_error(record, name, _reason(one, name), _value(one))
        for name, one in found
        if name not in known
    ][:limit]


def _value(details: ErrorDetails) -> object:
    """The value that an error speaks of; None for an error of the row as a whole."""
    if details["type"] == "missing" or not details["loc"]:
        return None
    return details["input"]


def _without_positions(field: str) -> str:
    """`eligibility_criteria.grade_levels.0` is a value of `eligibility_criteria.grade_levels`."""
    return ".".join(part for part in field.split(".") if not part.isdigit())


def _reason(details: ErrorDetails, field: str) -> str:
    kind = details["type"]
    if kind == "string_pattern_mismatch" and field in _PATTERN_REASONS:
        return _PATTERN_REASONS[field]
    if kind in _REASONS:
        return _REASONS[kind]
    reason = details["msg"].removeprefix("Value error, ")
    for start in ("Input should", "String should", "List should", "Decimal input should"):
        if reason.startswith(start):
            return "must" + reason.removeprefix(start)
    return reason
