"""The memory of an import hardly depends on the number of rows of a workbook."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.exchange.spreadsheets import workbook

pytestmark = pytest.mark.slow

SHEET: Final = "xl/worksheets/sheet1.xml"
HEADER: Final = ("Scholarship Name", "Organization", "Amount", "Deadline", "Description")
BYTES_PER_ROW: Final = 400
"""The memory that a row may keep: the digest of its id, which tells repeated rows, and an empty
element of the XML parser. About 280 bytes were measured."""


def large_workbook(path: Path, *, rows: int) -> None:
    """A workbook with text cells that are all different."""
    with (
        zipfile.ZipFile(io.BytesIO(workbook(HEADER))) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for entry in source.infolist():
            if entry.filename != SHEET:
                target.writestr(entry, source.read(entry))
        with target.open(SHEET, "w") as part:
            for piece in _sheet(rows):
                part.write(piece.encode())


def _sheet(rows: int) -> Iterator[str]:
    yield '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    yield _row(1, HEADER)
    for number in range(2, rows + 2):
        text = f"Students of engineering with financial need, number {number}"
        yield _row(number, (f"Award {number}", "Acme Trust", f"${number}", "2031-03-01", text))
    yield "</sheetData></worksheet>"


def _row(number: int, values: tuple[str, ...]) -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)
    return f'<row r="{number}">{cells}</row>'


def most_memory(path: Path) -> tuple[int, str]:
    """The largest resident memory of a dry run, in bytes, and what the command says."""
    command = [sys.executable, "-m", "scholarship_api", "import", "--dry-run", str(path)]
    with subprocess.Popen(
        command, cwd=path.parent, env=os.environ | {"COLUMNS": "200"}, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return usage.ru_maxrss * 1024, said


def test_a_hundred_thousand_rows_take_little_more_than_ten_thousand(tmp_path: Path) -> None:
    few, many = tmp_path / "few.xlsx", tmp_path / "many.xlsx"
    large_workbook(few, rows=10_000)
    large_workbook(many, rows=100_000)
    of_few, _ = most_memory(few)
    of_many, said = most_memory(many)
    assert "100,000 good, 0 bad" in said
    assert of_many - of_few < 90_000 * BYTES_PER_ROW
