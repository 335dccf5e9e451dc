"""Parts of a worksheet that openpyxl leaves out in read-only mode: hidden columns and rows, merged
cells, links, and whether there are formulas.

The XML is searched as bytes while it is unpacked, in bounded memory.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from openpyxl.packaging.relationship import get_dependents, get_rels_path
from openpyxl.utils import range_boundaries

from scholarship_api.catalogue.bulk.records import UnreadableFile

CHUNK_BYTES: Final = 1_048_576
"""Bytes of XML that are searched at a time."""

MAX_ROW_BYTES: Final = 4 * 1_048_576
"""Bytes of XML of one row: openpyxl builds the whole row in memory."""

MAX_AROUND_BYTES: Final = 8 * 1_048_576
"""Bytes of XML before or behind the rows: columns, merged cells, links, formats."""

MAX_MERGES: Final = 20_000
"""Merged ranges of a sheet."""

_OVERLAP: Final = 256
"""Bytes that are searched again, as a tag may stand on the border of two chunks."""

_HEAD_BYTES: Final = 4_096
"""Bytes in which the first element of a part stands."""

_WORKSHEET: Final = re.compile(rb"<(?:\w+:)?worksheet\b")
_ROWS_BEGIN: Final = re.compile(rb"<(?:\w+:)?sheetData\b")
_ROWS_END: Final = re.compile(rb"</(?:\w+:)?sheetData>|<(?:\w+:)?sheetData\s*/>")
_ROW: Final = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_HIDDEN: Final = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']")
_NUMBER: Final = re.compile(rb"\br=[\"'](\d{1,7})[\"']")
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[ />]")
_FAR_COLUMN: Final = re.compile(rb"<(?:\w+:)?c\b[^>]*\br=[\"'][A-Z]{3}")
_COLUMN: Final = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_EDGES: Final = re.compile(rb"\b(min|max)=[\"'](\d{1,5})[\"']")
_MERGE: Final = re.compile(
    rb"<(?:\w+:)?mergeCell\b[^>]*\bref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})[\"']"
)
_LINK: Final = re.compile(rb"<(?:\w+:)?hyperlink\b([^>]*)>")
_REFERENCE: Final = re.compile(rb"\bref=[\"']([A-Z]{1,3}\d{1,7})")
_LINK_ID: Final = re.compile(rb"\b\w+:id=[\"']([^\"']+)[\"']")


@dataclass(slots=True)
class SheetOutline:
    hidden_columns: frozenset[int] = frozenset()
    """Positions, counted from 0."""
    hidden_rows: frozenset[int] = frozenset()
    """Numbers, counted from 1."""
    merges: Mapping[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    """By the number of the first row: first column, last column (from 0), last row."""
    links: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """Addresses by row (from 1) and column (from 0)."""
    has_formulas: bool = False
    has_far_columns: bool = False
    """Whether there are cells beyond column ZZ."""
    has_comments: bool = False


def is_worksheet(archive: zipfile.ZipFile, path: str) -> bool:
    with archive.open(path) as source:
        return bool(_WORKSHEET.search(source.read(_HEAD_BYTES)))


def outline_of(archive: zipfile.ZipFile, path: str) -> SheetOutline:
    """Search the XML of a worksheet. Raises UnreadableFile."""
    outline = SheetOutline()
    around = [bytearray(), bytearray()]
    hidden: set[int] = set()
    part = 0  # before, in, or behind the rows
    since_row = 0
    rest = b""
    for chunk in _chunks(archive, path):
        data = rest + chunk
        if part == 0:
            if found := _ROWS_BEGIN.search(data):
                around[0] += data[: found.start()]
                data, part = data[found.start() :], 1
            else:
                around[0] += data[:-_OVERLAP]
                data = data[-_OVERLAP:]
        if part == 1:
            end = _ROWS_END.search(data)
            rows = data[: end.end()] if end else data
            since_row = _search_rows(rows, outline, hidden, since_row, len(chunk))
            if end:
                data, part = data[end.end() :], 2
        if part == 2:  # noqa: PLR2004
            around[1] += data
            data = b""
        if max(map(len, around)) > MAX_AROUND_BYTES:
            raise UnreadableFile("The sheet has too many formats, merged cells or links.")
        rest = data[-_OVERLAP:]
    outline.hidden_rows = frozenset(hidden)
    outline.hidden_columns = _hidden_columns(bytes(around[0]))
    outline.merges = _merges(bytes(around[1]))
    _read_relations(archive, path, bytes(around[1]), outline)
    return outline


def _chunks(archive: zipfile.ZipFile, path: str) -> Iterator[bytes]:
    with archive.open(path) as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk


def _search_rows(
    data: bytes, outline: SheetOutline, hidden: set[int], since_row: int, size: int
) -> int:
    """Search a part of the rows; return how many bytes ago the last row began."""
    last = -1
    for row in _ROW.finditer(data):
        last = row.start()
        if _HIDDEN.search(row[1]) and (number := _NUMBER.search(row[1])):
            hidden.add(int(number[1]))
    outline.has_formulas = outline.has_formulas or bool(_FORMULA.search(data))
    outline.has_far_columns = outline.has_far_columns or bool(_FAR_COLUMN.search(data))
    since_row = since_row + size if last < 0 else len(data) - last
    if since_row > MAX_ROW_BYTES:
        raise UnreadableFile("A row of the sheet is too long.")
    return since_row


def _hidden_columns(data: bytes) -> frozenset[int]:
    hidden: set[int] = set()
    for column in _COLUMN.finditer(data):
        if _HIDDEN.search(column[1]):
            edges = {name: int(number) for name, number in _EDGES.findall(column[1])}
            first, last = edges.get(b"min", 0), edges.get(b"max", 0)
            hidden.update(range(max(first, 1) - 1, min(last, 16_384)))
    return frozenset(hidden)


def _merges(data: bytes) -> dict[int, list[tuple[int, int, int]]]:
    merges: dict[int, list[tuple[int, int, int]]] = {}
    for count, found in enumerate(_MERGE.finditer(data)):
        if count >= MAX_MERGES:
            raise UnreadableFile(f"The sheet has more than {MAX_MERGES:,} merged cells.")
        left, top, right, bottom = range_boundaries(found[1].decode())
        if None not in (left, top, right, bottom):
            merges.setdefault(top, []).append((left - 1, right - 1, bottom))
    return merges


def _read_relations(
    archive: zipfile.ZipFile, path: str, data: bytes, outline: SheetOutline
) -> None:
    relations_path = get_rels_path(path)
    if relations_path not in archive.namelist():
        return
    relations = {each.Id: each for each in get_dependents(archive, relations_path)}
    outline.has_comments = any(
        (each.Type or "").rpartition("/")[2] in ("comments", "threadedComment")
        for each in relations.values()
    )
    links: dict[tuple[int, int], str] = {}
    for found in _LINK.finditer(data):
        reference, link_id = _REFERENCE.search(found[1]), _LINK_ID.search(found[1])
        relation = relations.get(link_id[1].decode()) if link_id else None
        if reference and relation is not None and relation.Target:
            column, row, _, _ = range_boundaries(reference[1].decode())
            links[(row, column - 1)] = relation.Target
    outline.links = links
