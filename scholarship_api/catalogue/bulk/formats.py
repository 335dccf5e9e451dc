"""What import and export share: formats, columns, and text that a spreadsheet would run."""

import re
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from scholarship_api.catalogue.schemas import EligibilityCriteria, ScholarshipInput


class FileFormat(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


CRITERIA: Final = tuple(EligibilityCriteria.model_fields)
FIELDS: Final = tuple(
    name for name in ScholarshipInput.model_fields if name not in ("amount", "eligibility_criteria")
)
"""Top-level fields that are a column each; `amount` is only a short form of the two bounds."""

COLUMNS: Final = (*FIELDS, *CRITERIA, "deadline_date")
"""Columns of the table that an import sets, in the order of `rows.Row.values`."""

LISTS: Final = frozenset({"grade_levels", "residency_states", "fields_of_study"})
LIST_SEPARATOR: Final = ";"
BOOLEANS: Final = frozenset({"deadline_estimated", "renewable", "essay_required", "financial_need"})
CSV_COLUMNS: Final = (*FIELDS, *CRITERIA)
"""The header of an exported CSV file: one column per field, those of the criteria among them."""

READ_ONLY: Final = frozenset({"version", "created_at", "updated_at", "availability", "days_left"})
"""Keys of the API's answers that an import accepts and ignores."""

FORMULA: Final = "^[ \\t\\r\\n\\u00a0'\"]*[=+\\-@\\t\\r\\n\\uff1d\\uff0b\\uff0d\\uff20]"
"""Cells that a spreadsheet may run, after OWASP "CSV Injection": the signs and their full-width
forms, also behind spaces and quotes. A pattern of Python and of PostgreSQL alike."""

_FORMULA: Final = re.compile(FORMULA)


def neutralise(cell: str) -> str:
    """An apostrophe before what would run as a formula: spreadsheets then show it as text."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `neutralise`, and nothing else.

    Exact because the pattern passes over apostrophes: a cell that matches still matches with one
    more in front, so no cell that was left alone can look like a neutralised one.
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def format_of(name: str) -> FileFormat:
    """By the file name's extension; NDJSON unless it says CSV."""
    return FileFormat.CSV if PurePath(name).suffix.lower() == ".csv" else FileFormat.NDJSON
