"""Files that unpack to very much, or have very many cells, are refused before that is read."""

import gzip
import io
import zipfile
from collections.abc import Iterator

import pytest

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange import sheet_outline, workbooks
from scholarship_api.exchange.sources import (
    MAX_RATIO,
    RATIO_FROM_BYTES,
    ImportFormat,
    unpacked,
)
from tests.exchange.spreadsheets import workbook
from tests.exchange.tables import read_table

HEADER = ("Name", "Organization", "Amount")
SHEET = "xl/worksheets/sheet1.xml"


def with_part(name: str, parts: Iterator[bytes], content: bytes | None = None) -> bytes:
    """A workbook in which one part is replaced."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content or workbook(HEADER))) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as changed,
    ):
        for entry in source.infolist():
            if entry.filename != name:
                changed.writestr(entry, source.read(entry))
        with changed.open(name, "w") as part:
            for chunk in parts:
                part.write(chunk)
    return target.getvalue()


def sheet(rows: Iterator[bytes], behind: bytes = b"") -> Iterator[bytes]:
    yield (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="str"><v>Name</v></c><c r="B1" t="str"><v>Organization</v></c>'
        b"</row>"
    )
    yield from rows
    yield b"</sheetData>" + behind + b"</worksheet>"


def refused(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as error:
        read_table(content, ImportFormat.XLSX)
    return str(error.value)


@pytest.mark.slow
def test_a_workbook_of_a_gigabyte_is_refused_by_its_size() -> None:
    content = with_part(SHEET, (bytes(1_048_576) for _ in range(1_024)))
    assert len(content) < 8 * 1_048_576
    assert "1,073," in refused(content)


@pytest.mark.slow
def test_texts_that_would_be_held_in_memory_are_bounded() -> None:
    content = with_part("xl/sharedStrings.xml", (bytes(1_048_576) for _ in range(130)))
    assert "bytes of text" in refused(content)


def test_a_size_that_is_stated_too_small_unpacks_no_further() -> None:
    """An archive cannot lie: what is longer than its stated size is cut off, and damaged."""
    content = bytearray(with_part(SHEET, sheet(iter([b"<row/>" * 1_000_000]))))
    size = (len(b"".join(sheet(iter([b"<row/>" * 1_000_000]))))).to_bytes(4, "little")
    assert size in content
    assert "cannot be read" in refused(bytes(content.replace(size, (900).to_bytes(4, "little"))))


def test_very_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_ENTRIES", 5)
    assert "more than 5 files" in refused(workbook(HEADER))


@pytest.mark.slow
def test_one_very_long_row_is_refused() -> None:
    cells = (b'<c t="n"><v>1</v></c>' * 50_000 for _ in range(6))

    def rows() -> Iterator[bytes]:
        yield b'<row r="2">'
        yield from cells
        yield b"</row>"

    assert "too long" in refused(with_part(SHEET, sheet(rows())))


@pytest.mark.slow
def test_very_many_columns_are_refused() -> None:
    rows = iter([b'<row r="2">' + b'<c t="n"><v>1</v></c>' * 20_000 + b"</row>"])
    assert "702 columns" in refused(with_part(SHEET, sheet(rows)))


def test_cells_beyond_the_last_column_are_mentioned() -> None:
    row = (
        b'<row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2" t="str"><v>B</v></c>'
        b'<c r="XFD2"><v>1</v></c></row>'
    )
    rows = iter([row])
    file = read_table(with_part(SHEET, sheet(rows)), ImportFormat.XLSX)
    assert [row.line for row in file.rows] == [2]
    assert "cells beyond column ZZ are passed over" in file.notes


@pytest.mark.slow
def test_a_gap_of_a_million_rows_is_passed() -> None:
    last = (
        b'<row r="1048576"><c r="A1048576" t="str"><v>A</v></c>'
        b'<c r="B1048576" t="str"><v>B</v></c></row>'
        b'<row r="99999999999"><c t="n"><v>1</v></c></row>'
    )
    rows = iter([last])
    file = read_table(with_part(SHEET, sheet(rows)), ImportFormat.XLSX)
    assert [row.line for row in file.rows] == [1_048_576]


def test_very_many_merged_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_outline, "MAX_MERGES", 100)
    merges = b"".join(b'<mergeCell ref="A%d:B%d"/>' % (row, row) for row in range(1, 200))
    behind = b"<mergeCells>" + merges + b"</mergeCells>"
    assert "merged cells" in refused(with_part(SHEET, sheet(iter(()), behind)))


def test_a_merge_over_the_whole_sheet_costs_nothing() -> None:
    behind = b'<mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>'
    rows = iter([b'<row r="2"><c r="A2" t="str"><v>Heading</v></c></row>'])
    file = read_table(with_part(SHEET, sheet(rows, behind)), ImportFormat.XLSX)
    assert file.rows == []


def test_entities_are_not_expanded() -> None:
    """Expat refuses amplification, and the reader says that the workbook is no proper one."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1_000 + b'">'
    for name in "bcdefgh":
        before = chr(ord(name) - 1)
        bomb += f'<!ENTITY {name} "{f"&{before};" * 20}">'.encode()
    rows = iter([b'<row r="2"><c r="A2" t="str"><v>&h;</v></c></row>'])
    content = with_part(SHEET, iter([bomb + b"]>", *sheet(rows)]))
    assert "cannot be read" in refused(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel"),
        (b"PK\x03\x04" + bytes(100), "cannot be read"),
        (b"Name,Organization", "not an Excel workbook"),
        (workbook(HEADER)[:-200], "cannot be read"),
    ],
)
def test_files_that_are_no_workbooks_are_refused(content: bytes, message: str) -> None:
    assert message in refused(content)


# --- gzip ----------------------------------------------------------------------------------------


def test_a_packed_file_of_zeros_is_refused_before_it_is_unpacked() -> None:
    """Ten gigabytes of zeros, which pack to a thousandth, member by member."""
    member = gzip.compress(bytes(16 * 1_048_576), compresslevel=1)
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(640):
            taken += 1
            yield member

    with pytest.raises(UnreadableFile, match="times as long"):
        sum(map(len, unpacked(chunks())))
    assert taken <= RATIO_FROM_BYTES // (16 * 1_048_576) + 1


def test_packed_text_is_unpacked_in_small_pieces() -> None:
    content = b"".join(b'{"id": "award-%d"}\n' % number for number in range(100_000))
    packed = gzip.compress(content)
    assert len(content) < MAX_RATIO * len(packed)
    pieces = list(unpacked(packed[at : at + 1_000] for at in range(0, len(packed), 1_000)))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 262_144


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b", gzip.compress(b"abc", mtime=0)[:-3], b"\x1f\x8bxxxxxxx"]
)
def test_a_damaged_packed_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="packed file"):
        list(unpacked([content]))
