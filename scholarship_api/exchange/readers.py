"""The readers of all formats that an import takes."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, Final

from scholarship_api.catalogue.bulk.parsing import refuse_other_formats
from scholarship_api.catalogue.bulk.records import Record, RecordReader, UnreadableFile
from scholarship_api.exchange.common_grants.reader import read_common_grants
from scholarship_api.exchange.delimited import DELIMITERS, DelimitedGrid
from scholarship_api.exchange.grids import Grid
from scholarship_api.exchange.json_rows import JsonReader
from scholarship_api.exchange.nspa.reader import NspaReader
from scholarship_api.exchange.options import ImportOptions
from scholarship_api.exchange.sources import ImportFormat, spooled
from scholarship_api.exchange.table_import import TableImport
from scholarship_api.exchange.tables import PassedOver, find_table

if TYPE_CHECKING:
    from scholarship_api.exchange.workbooks import Workbook


def open_csv(file: BinaryIO, options: ImportOptions, *, today: dt.date) -> TableImport:
    """Open a delimited file that can be read from any position. Raises UnreadableFile."""
    file.seek(0)
    start = file.read(8)
    if not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse_other_formats(start, "CSV")
    grid = DelimitedGrid(file, delimiter=options.delimiter or ",", encoding=options.encoding)
    if options.delimiter is None and not grid.has_stated_delimiter:
        grid.delimiter = _delimiter_of(grid, options)
        names = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
        if grid.delimiter in names:
            grid.notes.append(f"the cells are separated by {names[grid.delimiter]}")
    return TableImport(grid, options, file=file, today=today)


def read_csv(chunks: Iterable[bytes], /) -> Iterator[Record]:
    """A RecordReader of CSV, with nothing to say about the columns."""
    today = dt.datetime.now(dt.UTC).date()
    with spooled(chunks) as file, closing(open_csv(file, ImportOptions(), today=today)) as table:
        yield from table.records()


def _delimiter_of(grid: DelimitedGrid, options: ImportOptions) -> str:
    """The delimiter that gives the header with most known names, or else most cells."""
    best, best_score = DELIMITERS[0], (-1, -1)
    for delimiter in DELIMITERS:
        grid.delimiter = delimiter
        try:
            table = find_table(grid, mapping=options.columns, header_line=options.header_line)
        except UnreadableFile:
            continue
        score = (table.score, table.width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def open_xlsx(
    file: BinaryIO,
    options: ImportOptions,
    *,
    today: dt.date,
    for_request: bool = False,
) -> TableImport:
    """Open the sheet of a workbook that is named, or the first one that looks like a table.

    Raises UnreadableFile.
    """
    # openpyxl takes a tenth of a second to import, and plain commands need none of it.
    from scholarship_api.exchange.workbooks import (  # noqa: PLC0415
        COMMAND_LIMITS,
        REQUEST_LIMITS,
        Workbook,
    )

    workbook = Workbook(file, REQUEST_LIMITS if for_request else COMMAND_LIMITS)
    names = workbook.sheet_names
    if options.sheet is not None:
        if options.sheet not in names:
            known = ", ".join(map(repr, names))
            raise UnreadableFile(f"The workbook has no sheet {options.sheet!r}; it has {known}.")
        chosen: Grid = workbook.sheet(options.sheet)
    else:
        chosen = _first_table(workbook, options)
    others = [
        PassedOver(0, "hidden sheet" if name in workbook.hidden_sheets else "other sheet", name)
        for name in names
        if name != chosen.name
    ]
    return TableImport(chosen, options, file=file, today=today, passed_over=others)


def _first_table(workbook: "Workbook", options: ImportOptions) -> Grid:
    """The first visible sheet that looks like a table. Raises UnreadableFile."""
    problem: UnreadableFile | None = None
    for name in workbook.sheet_names:
        if name in workbook.hidden_sheets:
            continue
        grid = workbook.sheet(name)
        try:
            find_table(grid, mapping=options.columns, header_line=options.header_line)
        except UnreadableFile as error:
            problem = problem or error
        else:
            return grid
    raise problem or UnreadableFile("The workbook has no visible sheet.")


def open_table(
    file_format: ImportFormat,
    file: BinaryIO,
    options: ImportOptions,
    *,
    today: dt.date,
    for_request: bool = False,
) -> TableImport:
    """Open a file of a format that has columns; the table closes it. Raises UnreadableFile."""
    try:
        if file_format is ImportFormat.XLSX:
            return open_xlsx(file, options, today=today, for_request=for_request)
        return open_csv(file, options, today=today)
    except BaseException:
        file.close()
        raise


def _ndjson(today: dt.date, options: ImportOptions) -> RecordReader:
    return JsonReader(today=today, date_order=options.date_order)


def _nspa(today: dt.date, options: ImportOptions) -> RecordReader:  # noqa: ARG001 - as above
    return NspaReader(timezone=options.defaults.get("deadline_timezone", "UTC"))


def _common_grants(today: dt.date, options: ImportOptions) -> RecordReader:  # noqa: ARG001
    return read_common_grants


STREAMED: Final[dict[ImportFormat, Callable[[dt.date, ImportOptions], RecordReader]]] = {
    ImportFormat.NDJSON: _ndjson,
    ImportFormat.NSPA: _nspa,
    ImportFormat.COMMON_GRANTS: _common_grants,
}
"""The readers of formats that are read in one pass, by format; others have columns."""
