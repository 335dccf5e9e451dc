"""Shared by import and export: file formats, CSV columns, cells that a spreadsheet would run."""

import re
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from scholarship_api.catalogue.columns import CRITERIA_FIELDS, PART_FIELDS, TOP_LEVEL_FIELDS


class FileFormat(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


CSV_COLUMNS: Final = (*TOP_LEVEL_FIELDS, *CRITERIA_FIELDS, *PART_FIELDS)
"""The header of an exported CSV file: a column for each field, those of the criteria among them.

Parts of an award are JSON in a cell.
"""

LIST_SEPARATOR: Final = ";"
"""Between the items of a list in a CSV cell."""

_SIGNS: Final = "=+\\-@\\uff1d\\uff0b\\uff0d\\uff20"
"""The signs of formulas and their full-width forms."""

FORMULA_AT_START: Final = f"^[ \\t\\r\\n\\u00a0'\"]*[{_SIGNS}\\t\\r\\n]"
"""Cells that a spreadsheet may run, after OWASP "CSV Injection", also behind spaces and quotes."""

FORMULA_INSIDE: Final = f"([,;|\\t\\r\\n])(?=[ \\u00a0'\"]*[{_SIGNS}])"
"""Places inside of a cell where another separator would begin a cell that runs.

A spreadsheet of a locale whose separator is `;` splits `abc;=cmd()` in two, in spite of quotes.
Python and PostgreSQL read both patterns alike.
"""

_AT_START: Final = re.compile(FORMULA_AT_START)
_INSIDE: Final = re.compile(FORMULA_INSIDE)
_NEUTRALISED_INSIDE: Final = re.compile(FORMULA_INSIDE.replace("(?=", "'(?="))


def neutralise(cell: str) -> str:
    """Put an apostrophe before whatever would run as a formula: it is then shown as text."""
    start = "'" if _AT_START.match(cell) else ""
    return start + _INSIDE.sub(r"\1'", cell)


def restore(cell: str) -> str:
    """Undo `neutralise`, and nothing else.

    This is exact because the patterns skip apostrophes: text that matches still matches with one
    more in front. Therefore no text that was left alone can look like neutralised text.
    """
    if cell.startswith("'") and _AT_START.match(cell[1:]):
        cell = cell[1:]
    return _NEUTRALISED_INSIDE.sub(r"\1", cell)


def format_of(name: str) -> FileFormat:
    """The format by the file name's extension: CSV for `.csv`, else NDJSON."""
    return FileFormat.CSV if PurePath(name).suffix.lower() == ".csv" else FileFormat.NDJSON
