"""Writes a workbook (XLSX) in parts, as the rows come.

A library would write the file when the last row is known, after a minute for 100 000 awards. The
sheet is written into the archive row by row, and the archive is handed out as it grows.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final
from xml.sax.saxutils import escape

from psycopg.sql import Composable, Composed
from pydantic_core import from_json

from scholarship_api.catalogue.bulk import exporter
from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS, LIST_SEPARATOR, neutralise
from scholarship_api.catalogue.columns import LIST_FIELDS, json_text

MAX_ROWS: Final = 1_048_575
"""Awards of a sheet: the limit of the format, less the header."""

_SHEET: Final = "xl/worksheets/sheet1.xml"
_NAMESPACE: Final = "http://schemas.openxmlformats.org"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS: Final = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_NAMESPACE}/package/2006/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        f'<Override PartName="/{_SHEET}" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_NAMESPACE}/package/2006/relationships"><Relationship Id="rId1"'
        f' Type="{_NAMESPACE}/officeDocument/2006/relationships/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_NAMESPACE}/spreadsheetml/2006/main"'
        f' xmlns:r="{_NAMESPACE}/officeDocument/2006/relationships"><sheets>'
        '<sheet name="Scholarships" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_NAMESPACE}/package/2006/relationships"><Relationship Id="rId1"'
        f' Type="{_NAMESPACE}/officeDocument/2006/relationships/worksheet"'
        ' Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


class TooManyRowsError(Exception):
    """A sheet cannot hold so many awards."""


class _Growing(io.RawIOBase):
    """Takes the bytes of the archive, and gives them away."""

    def __init__(self) -> None:
        self._content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:  # noqa: ANN401 - a buffer
        self._content += content
        return len(content)

    def take(self) -> bytes:
        content = bytes(self._content)
        self._content.clear()
        return content


class WorkbookWriter:
    """One sheet with the columns and the texts of the CSV file. No cell is ever a formula."""

    published_only = False

    def __init__(self, _: object) -> None:
        self._target = _Growing()
        self._archive = zipfile.ZipFile(self._target, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._rows = 0
        self._sheet: IO[bytes] | None = None

    def select(self, condition: Composable) -> Composed:
        return exporter.copy_json(condition)

    def begin(self) -> bytes:
        for name, content in _PARTS.items():
            self._archive.writestr(name, _HEAD + content)
        self._sheet = self._archive.open(_SHEET, "w")
        self._sheet.write(
            f'{_HEAD}<worksheet xmlns="{_NAMESPACE}/spreadsheetml/2006/main"><sheetData>'
            f"{_row(CSV_COLUMNS)}".encode()
        )
        return self._target.take()

    def write(self, rows: Sequence[bytes]) -> bytes:
        """Raises TooManyRowsError."""
        self._rows += len(rows)
        if self._rows > MAX_ROWS:
            raise TooManyRowsError
        awards = map(from_json, map(exporter.without_escapes, rows))
        content = "".join(_row(list(_cells(award))) for award in awards)
        assert self._sheet is not None  # noqa: S101 - `begin` has opened it
        self._sheet.write(content.encode())
        return self._target.take()

    def end(self) -> bytes:
        assert self._sheet is not None  # noqa: S101 - as above
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._archive.close()
        return self._target.take()


def _cells(award: Mapping[str, Any]) -> Iterator[object]:
    values = {**award, **award["eligibility_criteria"]}
    for name in CSV_COLUMNS:
        value = values[name]
        if name in LIST_FIELDS:
            value = LIST_SEPARATOR.join(value) or None
        elif isinstance(value, list | dict):
            value = json_text(value)
        # As in CSV, whose reader reads workbooks too; and a workbook may be saved as CSV.
        yield neutralise(value) if isinstance(value, str) else value


def _row(values: Sequence[object]) -> str:
    return f"<row>{''.join(map(_cell, values))}</row>"


def _cell(value: object) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value!r}</v></c>"
    text = escape(str(value), {"\r": "&#13;"})  # readers of XML take a bare one for a line's end
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
