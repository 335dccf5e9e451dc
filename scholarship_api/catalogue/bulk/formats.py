"""Shared by import and export: file formats, CSV columns, cells that a spreadsheet would run."""

import re
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from scholarship_api.catalogue.columns import CRITERIA_FIELDS, TOP_LEVEL_FIELDS


class FileFormat(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


CSV_COLUMNS: Final = (*TOP_LEVEL_FIELDS, *CRITERIA_FIELDS)
"""The header of an exported CSV file: a column for each field, those of the criteria among them."""

LIST_SEPARATOR: Final = ";"
"""Between the items of a list in a CSV cell."""

FORMULA_PATTERN: Final = "^[ \\t\\r\\n\\u00a0'\"]*[=+\\-@\\t\\r\\n\\uff1d\\uff0b\\uff0d\\uff20]"
"""Cells that a spreadsheet may run, after OWASP "CSV Injection".

They start with one of the signs or its full-width form, perhaps behind spaces and quotes. Python
and PostgreSQL read the pattern alike.
"""

_FORMULA: Final = re.compile(FORMULA_PATTERN)


def neutralise(cell: str) -> str:
    """Put an apostrophe before what would run as a formula: spreadsheets then show it as text."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `neutralise`, and nothing else.

    This is exact because the pattern skips apostrophes: a cell that matches still matches with one
    more in front. Therefore no cell that was left alone can look like a neutralised one.
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def format_of(name: str) -> FileFormat:
    """The format by the file name's extension: CSV for `.csv`, else NDJSON."""
    return FileFormat.CSV if PurePath(name).suffix.lower() == ".csv" else FileFormat.NDJSON
