"""Spreadsheets as people make them: what became of every cell, and that none is lost."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from scholarship_api.catalogue.bulk.errors_in_words import shown_value
from scholarship_api.exchange.schemas import ImportPreview, PreviewCell, PreviewRow
from scholarship_api.exchange.sources import ImportFormat
from tests.exchange.spreadsheets import SPREADSHEETS, Spreadsheet
from tests.exchange.tables import preview, read_table

TRANSCRIPTS = Path(__file__).with_name("spreadsheets.txt")
"""For each spreadsheet its rows, and for each cell what it became."""

EACH = pytest.mark.parametrize("sheet", SPREADSHEETS, ids=lambda sheet: sheet.name)


def previewed(sheet: Spreadsheet) -> ImportPreview:
    return preview(sheet.content(), sheet.file_format, **sheet.options)


def transcript(sheet: Spreadsheet) -> str:
    shown = previewed(sheet)
    lines = [f"== {sheet.name}"]
    for row in shown.rows:
        lines += _row(row)
    lines += [f"note: {note}" for note in shown.notes]
    return "\n".join(lines) + "\n"


def _row(row: PreviewRow) -> Iterator[str]:
    state = "refused" if row.award is None else row.award.get("status", "published")
    yield f"line {row.line} {state}"
    for cell in row.cells:
        yield f"  {cell.column}: {cell.value} -> {_outcome(cell)}"


def _outcome(cell: PreviewCell) -> str:
    fields = ", ".join(
        f"{name.removeprefix('eligibility_criteria.')}={value}"
        for name, value in cell.became.items()
    )
    kept = f"kept in {cell.kept_as}" if cell.kept_as else ""
    error = f"cannot be read: {cell.error}" if cell.error else ""
    return "; ".join(part for part in (fields, kept, cell.note, error) if part)


def expected() -> dict[str, str]:
    parts = TRANSCRIPTS.read_text(encoding="utf-8").split("== ")[1:]
    return {part.partition("\n")[0]: f"== {part}" for part in parts}


def test_there_are_enough_spreadsheets_and_each_has_a_transcript() -> None:
    assert len(SPREADSHEETS) >= 20
    assert list(expected()) == [sheet.name for sheet in SPREADSHEETS]


@EACH
def test_the_preview_says_what_became_of_every_cell(sheet: Spreadsheet) -> None:
    assert transcript(sheet) == expected()[sheet.name]


def visible_cells(sheet: Spreadsheet, chosen: str) -> Iterator[str]:
    """The texts of a spreadsheet, read by other means than those of the import."""
    content = sheet.content()
    if sheet.file_format is ImportFormat.XLSX:
        table = openpyxl.load_workbook(io.BytesIO(content))[chosen]
        for row in table.iter_rows():
            yield from (
                cell.value
                for cell in row
                if isinstance(cell.value, str)
                and not table.column_dimensions[cell.column_letter].hidden
            )
        return
    text = content.decode(sheet.encoding).removeprefix("sep=;\r\n")
    for cells in csv.reader(io.StringIO(text), delimiter=sheet.delimiter):
        yield from (cell for cell in cells if cell.strip())


@EACH
def test_no_cell_is_lost_without_a_word(sheet: Spreadsheet) -> None:
    shown = previewed(sheet)
    said = [column.column for column in shown.columns]
    said += [cell.value for row in shown.rows for cell in row.cells]
    notes = "\n".join(shown.notes)
    chosen = "2027" if "'2027'" in notes else "Awards"
    for text in visible_cells(sheet, chosen):
        is_link = text.startswith("=HYPERLINK")
        assert shown_value(text.strip()) in said or text.strip() in notes or is_link, text
    for row in shown.rows:
        for cell in row.cells:
            assert cell.became or cell.kept_as or cell.note or cell.error, cell


@pytest.mark.parametrize(
    ("name", "passed_over"),
    [
        ("hidden columns, rows and sheets", ["Donor phone", "Notes", "2019", "line 3: hidden row"]),
        ("a table on the second sheet", ["Read me"]),
        ("merged cells", ["line 1: title", "line 6: heading"]),
    ],
)
def test_parts_without_awards_are_mentioned(name: str, passed_over: list[str]) -> None:
    [sheet] = [each for each in SPREADSHEETS if each.name == name]
    notes = [note for note in previewed(sheet).notes if "passed over" in note]
    assert len(notes) == len(passed_over)
    for part in passed_over:
        assert any(part in note for note in notes), part


@EACH
def test_the_import_writes_what_the_preview_shows(sheet: Spreadsheet) -> None:
    shown = previewed(sheet)
    file = read_table(sheet.content(), sheet.file_format, **sheet.options)
    assert [row.line for row in file.rows] == [row.line for row in shown.rows if row.award]
    assert [row.values[0] for row in file.rows] == [
        row.award["id"] for row in shown.rows if row.award
    ]
    errors = [error.model_dump() for row in shown.rows for error in row.errors]
    assert [error._asdict() for error in file.errors] == errors
    again = read_table(sheet.content(), sheet.file_format, **sheet.options)
    assert again.rows == file.rows


@EACH
def test_a_lenient_import_keeps_every_row_as_words(sheet: Spreadsheet) -> None:
    strict = read_table(sheet.content(), sheet.file_format, **sheet.options)
    file = read_table(sheet.content(), sheet.file_format, **sheet.options, lenient=True)
    assert file.drafts == [row.line for row in strict.bad_rows]
    for error in file.errors:
        at = [row.line for row in file.rows].index(error.line)
        columns = file.columns(at)
        words = [columns["description"], *(columns["other_requirements"] or [])]
        assert columns["status"] == "draft"
        assert any(f"{error.column}: " in text for text in words), (error, words)


def test_the_workbooks_are_real_ones() -> None:
    for sheet in SPREADSHEETS:
        is_archive = zipfile.is_zipfile(io.BytesIO(sheet.content()))
        assert is_archive == (sheet.file_format is ImportFormat.XLSX)
