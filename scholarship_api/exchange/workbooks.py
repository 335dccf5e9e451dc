"""Reads Excel workbooks (.xlsx) row by row, in bounded memory."""

import datetime as dt
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO, Final, NamedTuple
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange.delimited import MAX_COLUMNS
from scholarship_api.exchange.grids import GridRow
from scholarship_api.exchange.sheet_outline import (
    MAX_ROW_BYTES,
    SheetOutline,
    is_worksheet,
    outline_of,
)

MAX_ROWS: Final = 1_048_576
"""Rows of a sheet of Excel."""

MAX_ENTRIES: Final = 1_000
"""Files in the archive of a workbook: sheets, images, settings."""

_BLOCK_ROWS: Final = 100
"""Rows that are read at a time."""

_HEADING_COLUMNS: Final = 3
"""Columns that a merged cell reaches over when it is a heading."""

_DAYS_OF_1904: Final = 1_462
"""Days between the two epochs of Excel."""

_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_ZIP: Final = b"PK"
_BROKEN: Final = (
    zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError,
    IndexError, AttributeError, EOFError, NotImplementedError, RuntimeError, zlib.error,
)  # fmt: skip
"""Errors of openpyxl and of the archive for files that are no proper workbooks."""

_LINK_FORMULA: Final = re.compile(r'=\s*HYPERLINK\(\s*"([^"]+)"', re.IGNORECASE)
_CURRENCY_FORMATS: Final = (
    (re.compile(r"\[\$([A-Z]{3})"), None),
    (re.compile(r"€"), "€"),
    (re.compile(r"£"), "£"),
    (re.compile(r"¥"), "¥"),
    (re.compile(r"₹"), "₹"),
    (re.compile(r"\[\$\$|\"\$\"|\\\$|(?<!\[)\$"), "$"),
)
_ZEROS: Final = re.compile(r"0{2,}")


class WorkbookLimits(NamedTuple):
    """How much of a workbook may be unpacked."""

    unpacked_bytes: int
    shared_bytes: int
    """Bytes of the texts that cells share, which openpyxl holds in memory."""


COMMAND_LIMITS: Final = WorkbookLimits(512 * 1_048_576, 128 * 1_048_576)
"""For files on the command line: about a million rows."""

REQUEST_LIMITS: Final = WorkbookLimits(16 * 1_048_576, 8 * 1_048_576)
"""For bodies of requests, which have 1 MiB: sheets are packed to about a tenth."""


class SheetGrid:
    """The rows of one sheet."""

    def __init__(
        self, workbook: "Workbook", name: str, outline: SheetOutline, notes: Sequence[str]
    ) -> None:
        self._workbook = workbook
        self._outline = outline
        self.name = name
        self.hidden_columns = outline.hidden_columns
        self.notes = list(notes)

    @property
    def serial_days(self) -> int:
        """Days to add to a date's serial: the epoch of the workbook is 1900 or 1904."""
        return self._workbook.serial_days

    def rows(self) -> Iterator[GridRow]:
        outline = self._outline
        filled: dict[int, tuple[str, int]] = {}
        formulas = self._workbook.formulas(self.name) if outline.has_formulas else None
        cells = self._workbook.cells(self.name, has_far_columns=outline.has_far_columns)
        for number, values in enumerate(cells, start=1):
            with_formulas = next(formulas, ()) if formulas is not None else ()
            if not values and not with_formulas and not filled and number not in outline.merges:
                yield GridRow(number, [])  # a gap, of which there may be a million
                continue
            row = self._row(number, values, with_formulas)
            self._fill_merged(row, filled)
            if number in outline.hidden_rows:
                row = GridRow(number, row.cells, is_hidden=True)
            yield row

    def close(self) -> None:
        self._workbook.close()

    def _row(self, number: int, values: Sequence[Any], with_formulas: Sequence[Any]) -> GridRow:
        row = GridRow(number, [], problems={}, links={})
        for at, cell in enumerate(values):
            text = "" if cell.value is None else _text(cell.value, cell)
            if cell.data_type == "e":
                row.problems[at] = f"the cell shows the error {text}"
            row.cells.append(text)
            if (number, at) in self._outline.links:
                row.links[at] = self._outline.links[(number, at)]
        for at, cell in enumerate(with_formulas):
            if cell.data_type == "f" and isinstance(cell.value, str):
                _add_formula(row, at, cell.value)
        while row.cells and not row.cells[-1] and len(row.cells) - 1 not in row.problems:
            row.cells.pop()
        if len(row.cells) > MAX_COLUMNS:
            raise UnreadableFile(f"Row {number} has more than {MAX_COLUMNS} columns.")
        return row

    def _fill_merged(self, row: GridRow, filled: dict[int, tuple[str, int]]) -> None:
        """A cell that is merged over several rows stands in each of them."""
        for at, (text, last) in list(filled.items()):
            if row.line > last:
                del filled[at]
            else:
                row.cells += [""] * (at + 1 - len(row.cells))
                row.cells[at] = row.cells[at] or text
        for first, last_column, last in self._outline.merges.get(row.line, ()):
            text = row.cells[first] if first < len(row.cells) else ""
            if last > row.line and text:
                filled[first] = (text, last)
            if last_column - first + 1 >= _HEADING_COLUMNS and sum(map(bool, row.cells)) == 1:
                row.is_merged = True


def _add_formula(row: GridRow, at: int, formula: str) -> None:
    """Take the address of a link, and say where a formula has no result."""
    row.cells += [""] * (at + 1 - len(row.cells))
    if link := _LINK_FORMULA.match(formula):
        row.links[at] = link[1]
        row.cells[at] = row.cells[at] or link[1]
    elif not row.cells[at]:
        row.cells[at] = formula
        row.problems[at] = (
            "the file has a formula without its result: open it in a spreadsheet, and save it again"
        )


class Workbook:
    """An Excel workbook. Raises UnreadableFile, also while rows are read."""

    def __init__(self, file: BinaryIO, limits: WorkbookLimits = COMMAND_LIMITS) -> None:
        file.seek(0)
        _refuse_other_formats(file.read(8))
        self._file = file
        self._outlines: dict[str, SheetOutline] = {}
        with _readable():
            self._archive = zipfile.ZipFile(file)
            _check_size(self._archive, limits)
            # openpyxl reads a sheet without stated dimensions when it opens the workbook.
            for entry in self._archive.infolist():
                if entry.file_size > MAX_ROW_BYTES and is_worksheet(self._archive, entry.filename):
                    self._outlines[entry.filename] = outline_of(self._archive, entry.filename)
            self._book = openpyxl.load_workbook(
                file, read_only=True, data_only=True, keep_links=False
            )
        self._formula_book: openpyxl.Workbook | None = None
        self.sheet_names = [sheet.title for sheet in self._book.worksheets]
        self.hidden_sheets = frozenset(
            sheet.title for sheet in self._book.worksheets if sheet.sheet_state != "visible"
        )
        self.serial_days = _DAYS_OF_1904 if self._book.epoch.year == 1904 else 0  # noqa: PLR2004

    def sheet(self, name: str) -> SheetGrid:
        path = self._book[name]._worksheet_path  # noqa: SLF001 - there is no other way to it
        outline = self._outlines.get(path)
        if outline is None:
            with _readable():
                outline = outline_of(self._archive, path)
        notes = []
        if outline.has_comments:
            notes.append("comments on cells are not imported")
        if outline.has_far_columns:
            notes.append("cells beyond column ZZ are passed over")
        return SheetGrid(self, name, outline, notes)

    def close(self) -> None:
        self._book.close()
        if self._formula_book is not None:
            self._formula_book.close()
        self._archive.close()

    def cells(self, name: str, *, has_far_columns: bool) -> Iterator[Sequence[Any]]:
        """The cells of all rows of a sheet, with the results of formulas."""
        return _rows(self._book[name], MAX_COLUMNS if has_far_columns else None)

    def formulas(self, name: str) -> Iterator[Sequence[Any]]:
        """The same, with formulas as they are."""
        if self._formula_book is None:
            with _readable():
                self._formula_book = openpyxl.load_workbook(
                    self._file, read_only=True, keep_links=False
                )
        return _rows(self._formula_book[name], MAX_COLUMNS)


def _rows(sheet: Any, max_column: int | None) -> Iterator[Sequence[Any]]:  # noqa: ANN401
    sheet.reset_dimensions()  # files state wrong ones
    rows = sheet.iter_rows(min_row=1, max_row=MAX_ROWS, max_col=max_column)
    while True:
        with _readable():
            block = list(islice(rows, _BLOCK_ROWS))
        if not block:
            return
        yield from block


@contextmanager
def _readable() -> Iterator[None]:
    """Turn errors of a broken file into UnreadableFile, and leave out openpyxl's warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _BROKEN as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(
            "The workbook cannot be read: save it again as an Excel workbook (.xlsx)."
        ) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableFile("The file is not an Excel workbook (.xlsx).") from None


def _refuse_other_formats(start: bytes) -> None:
    if start.startswith(_OLD_EXCEL):
        raise UnreadableFile(
            "The file is an old Excel file (.xls), or has a password: save it as an Excel workbook"
            " (.xlsx) without one."
        )
    if not start.startswith(_ZIP):
        raise UnreadableFile("The file is not an Excel workbook (.xlsx).")


def _check_size(archive: zipfile.ZipFile, limits: WorkbookLimits) -> None:
    """Refuse by the sizes that the archive states: nothing longer than that is ever unpacked."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise UnreadableFile(f"The workbook has more than {MAX_ENTRIES:,} files inside.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.unpacked_bytes:
        raise UnreadableFile(
            f"The workbook has {unpacked:,} bytes when it is unpacked; at most"
            f" {limits.unpacked_bytes:,} are allowed. Save the sheet as CSV UTF-8."
        )
    shared = sum(entry.file_size for entry in entries if "sharedstrings" in entry.filename.lower())
    if shared > limits.shared_bytes:
        raise UnreadableFile(
            f"The workbook has more than {limits.shared_bytes:,} bytes of text. Save the sheet as"
            " CSV UTF-8."
        )


# --- Values --------------------------------------------------------------------------------------


def _text(value: object, cell: Any) -> str:  # noqa: ANN401 - a cell of openpyxl
    """The value of a cell as its text, as the spreadsheet shows it where that says more."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time.min
        return value.date().isoformat() if is_day else value.replace(microsecond=0).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "")
    return str(value)


def _number(value: float, number_format: str) -> str:
    shown = number_format.partition(";")[0]
    if shown.rstrip().endswith("%"):
        return f"{value * 100:.10g}%"
    plain = str(int(value)) if value == int(value) else f"{value:.15g}"
    if _ZEROS.fullmatch(shown):
        return plain.zfill(len(shown))
    for pattern, sign in _CURRENCY_FORMATS:
        if found := pattern.search(shown):
            return f"{sign or found[1] + ' '}{plain}"
    return plain
