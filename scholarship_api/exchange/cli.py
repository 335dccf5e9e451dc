"""The commands `import`, `preview` and `template`.

Exit codes: 0 for success, 1 when rows were bad, 2 when a file cannot be used, 69 when the database
cannot be reached, 130 after Ctrl-C, 141 when the reader of a pipe has gone.
"""

import asyncio
import datetime as dt
import io
import json
import os
import stat
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, BinaryIO, Final, cast

import anyio
import psycopg
import typer
from rich.markup import escape
from rich.table import Table

from scholarship_api.catalogue.bulk.importer import (
    CHUNK_BYTES,
    CountedChunks,
    ImportReport,
    import_records,
    import_stream,
)
from scholarship_api.catalogue.bulk.records import RecordReader, RowError
from scholarship_api.catalogue.file_commands import (
    STANDARD_STREAM,
    configured_database,
    connect,
    exit_codes,
    failed,
    opened,
    progress,
    replaced,
    size_of,
    stderr,
)
from scholarship_api.exchange import sources
from scholarship_api.exchange.duplicates.finder import find_duplicates, import_begins
from scholarship_api.exchange.options import (
    ImportOptions,
    InvalidOptionError,
    mapping_text,
    read_mapping,
)
from scholarship_api.exchange.preview import (
    PREVIEW_ROWS,
    preview_of_records,
    preview_of_table,
)
from scholarship_api.exchange.readers import STREAMED, open_table
from scholarship_api.exchange.schemas import ImportPreview
from scholarship_api.exchange.sources import ImportFormat
from scholarship_api.exchange.table_import import TableImport
from scholarship_api.exchange.template import csv_template, xlsx_template
from scholarship_api.exchange.values.dates import DateOrder

EXIT_BAD_ROWS: Final = 1
EXIT_USAGE: Final = 2
HEAD_BYTES: Final = 4_096
"""Bytes by which the format of a file is found."""

SIGNATURE_BYTES: Final = 4
"""Bytes of a pipe that are awaited, as its first part may be as short as one byte."""

SHOWN_CELL: Final = 60
"""Characters of a cell that a preview shows."""

_File = Annotated[str, typer.Argument(help="The file; - is standard input.")]
_Format = Annotated[
    ImportFormat,
    typer.Option("--format", help="Default: by the file's name and its first bytes."),
]
_Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="A column's field, as 'Due Date=application_deadline'. Repeatable."),
]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="A value for rows without one, as 'organization=Acme'. Repeatable."),
]
_Mapping = Annotated[
    Path | None, typer.Option(help="A file with these options, as --save-mapping writes it.")
]
_SaveMapping = Annotated[
    Path | None, typer.Option(help="Write the mapping of the columns and the options to this file.")
]
_DateOrder = Annotated[DateOrder | None, typer.Option(help="The order of dates such as 3/4/2027.")]
_Sheet = Annotated[
    str | None, typer.Option(help="A sheet of a workbook. Default: the first one with a table.")
]
_Delimiter = Annotated[
    str | None, typer.Option(help="Between the cells of CSV; `tab` for a tab. Default: found.")
]
_Encoding = Annotated[str | None, typer.Option(help="Of CSV, as windows-1252. Default: found.")]
_HeaderLine = Annotated[
    int | None, typer.Option(min=1, help="The line of the header. Default: found.")
]
_Lenient = Annotated[
    bool,
    typer.Option("--lenient", help="Write rows with values that cannot be read as drafts."),
]


# --- Commands ------------------------------------------------------------------------------------


def import_command(
    file: _File,
    *,
    file_format: _Format = ImportFormat.AUTO,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file, write nothing; needs no database.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Write every error to this file, as NDJSON.")
    ] = None,
    lenient: _Lenient = False,
    mappings: _Map = None,
    defaults: _Set = None,
    mapping: _Mapping = None,
    save_mapping: _SaveMapping = None,
    date_order: _DateOrder = None,
    sheet: _Sheet = None,
    delimiter: _Delimiter = None,
    encoding: _Encoding = None,
    header_line: _HeaderLine = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="A file with the API key of a CommonGrants server.")
    ] = None,
) -> None:
    """Add and update scholarships from a spreadsheet, CSV or NDJSON file.

    The address of a list of a CommonGrants server is read to its last page. Good rows are written
    when others are bad. The errors are listed, and the exit code is 1.
    """
    with exit_codes():
        options = _options(
            mapping, mappings, defaults, date_order=date_order, sheet=sheet,
            delimiter=delimiter, encoding=encoding, header_line=header_line, lenient=lenient,
        )  # fmt: skip
        database_url = None if dry_run else configured_database()
        if file.startswith(_ADDRESSES):
            file_format = ImportFormat.COMMON_GRANTS
        with _opened(file, api_key_file) as source, _error_file(errors) as on_error:
            size = size_of(source)
            with progress("Checking" if dry_run else "Importing", size) as advance:
                report = asyncio.run(
                    _import(
                        _Input(source, file, file_format, options),
                        database_url,
                        save_mapping=save_mapping,
                        lenient=options.lenient,
                        progress=lambda report: advance(report.rows, report.bytes_read),
                        on_error=on_error,
                    )
                )
    _show(report, dry_run=dry_run, errors=errors)
    if report.bad:
        raise typer.Exit(EXIT_BAD_ROWS)


def preview_command(
    file: _File,
    *,
    file_format: _Format = ImportFormat.AUTO,
    rows: Annotated[int, typer.Option(min=1, max=1_000, help="How many rows.")] = PREVIEW_ROWS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as the API does.")] = False,
    lenient: _Lenient = False,
    mappings: _Map = None,
    defaults: _Set = None,
    mapping: _Mapping = None,
    save_mapping: _SaveMapping = None,
    date_order: _DateOrder = None,
    sheet: _Sheet = None,
    delimiter: _Delimiter = None,
    encoding: _Encoding = None,
    header_line: _HeaderLine = None,
) -> None:
    """Show what the first rows of a file would become, and write nothing.

    It needs no database. The exit code is 1 if a row would be refused.
    """
    with exit_codes():
        options = _options(
            mapping, mappings, defaults, date_order=date_order, sheet=sheet,
            delimiter=delimiter, encoding=encoding, header_line=header_line, lenient=lenient,
        )  # fmt: skip
        with opened(file) as source:
            shown = asyncio.run(
                _preview(
                    _Input(source, file, file_format, options), rows=rows, save_mapping=save_mapping
                )
            )
        if as_json:
            sys.stdout.write(shown.model_dump_json(indent=2) + "\n")
        else:
            _print_preview(shown)
    if shown.problems or any(row.award is None for row in shown.rows):
        raise typer.Exit(EXIT_BAD_ROWS)


def template_command(
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file; - is standard output.")
    ] = STANDARD_STREAM,
    *,
    file_format: Annotated[
        ImportFormat | None,
        typer.Option("--format", help="csv or xlsx. Default: by the file's name, or csv."),
    ] = None,
) -> None:
    """Write a spreadsheet to fill in, with the columns that an import knows."""
    with exit_codes():
        is_workbook = file_format is ImportFormat.XLSX or (
            file_format is None and output.lower().endswith(".xlsx")
        )
        if file_format not in (None, ImportFormat.CSV, ImportFormat.XLSX):
            raise failed("A template is csv or xlsx.", EXIT_USAGE)
        with replaced(output) as target:
            target.write(xlsx_template() if is_workbook else csv_template())


# --- Work ----------------------------------------------------------------------------------------


_ADDRESSES: Final = ("http://", "https://")


def _opened(file: str, api_key_file: Path | None) -> BinaryIO:
    """The file, or all pages of a CommonGrants server. Raises UnreadableFile."""
    if not file.startswith(_ADDRESSES):
        return opened(file)
    # Imported here, as it takes a tenth of a second that no other import needs.
    from scholarship_api.exchange.common_grants.pages import read_pages  # noqa: PLC0415

    api_key = api_key_file.read_text(encoding="utf-8").strip() if api_key_file else None
    return sources.spooled(read_pages(file, api_key=api_key))


class _Input:
    """A file that is given to a command, and how to read it."""

    def __init__(
        self, source: BinaryIO, name: str, file_format: ImportFormat, options: ImportOptions
    ) -> None:
        self.options = options
        self._source = source
        self._name = name
        self._format = file_format
        self.now = dt.datetime.now(dt.UTC)

    async def opened(self) -> "TableImport | tuple[RecordReader, _Chunks]":
        """A table, or the reader of a format that is read in one pass, with its chunks."""
        chunks: _Chunks
        is_packed = False
        if _is_stream(self._source):
            piped = _piped_chunks(self._source)
            head = await anext(piped, b"")
            while head and len(head) < SIGNATURE_BYTES and (more := await anext(piped, b"")):
                head += more
            if sources.is_packed(head):
                rest = await sources.spooled_async(_joined(head, piped))
                is_packed = True
                head, chunks = _peeked(sources.unpacked(sources.chunks_of(rest)))
            else:
                chunks = _joined(head, piped)
        else:
            head = self._source.read(HEAD_BYTES)
            self._source.seek(0)
            chunks = sources.chunks_of(self._source)
            if sources.is_packed(head):
                is_packed = True
                head, chunks = _peeked(sources.unpacked(chunks))
        chosen = self._format
        if chosen is ImportFormat.AUTO:
            chosen = sources.format_of(self._name, head)
        if chosen in STREAMED:
            reader = STREAMED[chosen](self.now.date(), self.options)
            return reader, chunks
        if isinstance(chunks, AsyncIterable):
            table = await sources.spooled_async(chunks)
        elif is_packed:
            table = sources.spooled(chunks)
        else:
            table = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", self._source)))
        return open_table(chosen, table, self.options, today=self.now.date())


_Chunks = Iterator[bytes] | AsyncIterator[bytes]


def _peeked(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    head = next(chunks, b"")

    def again() -> Iterator[bytes]:
        yield head
        yield from chunks

    return head, again()


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


async def _import(
    given: _Input,
    database_url: str | None,
    *,
    save_mapping: Path | None,
    **options: Any,  # noqa: ANN401 - those of import_records
) -> ImportReport:
    found = await given.opened()
    if database_url is None:
        return await _import_found(found, given, None, save_mapping, **options)
    async with await connect(database_url) as connection:
        since = await import_begins(connection)
        report = await _import_found(found, given, connection, save_mapping, **options)
        if report.created + report.updated:
            pairs = await find_duplicates(connection, since=since)
            if pairs:
                report.notes.append(
                    f"likely duplicates of other awards: {pairs}; GET /api/v1/duplicates lists them"
                )
        return report


async def _import_found(
    found: "TableImport | tuple[RecordReader, _Chunks]",
    given: _Input,
    connection: psycopg.AsyncConnection[Any] | None,
    save_mapping: Path | None,
    **options: Any,  # noqa: ANN401 - those of import_records
) -> ImportReport:
    if not isinstance(found, TableImport):
        reader, chunks = found
        _save_mapping(given.options, None, save_mapping)
        if isinstance(chunks, AsyncIterator):
            return await import_stream(chunks, connection, reader=reader, now=given.now, **options)
        counted = CountedChunks(chunks)
        return await import_records(
            reader(counted), connection, bytes_read=counted.position, now=given.now, **options
        )
    with closing(found):
        found.check()
        _save_mapping(given.options, found, save_mapping)
        report = await import_records(
            found.records(), connection, bytes_read=found.position, now=given.now, **options
        )
        report.notes = found.notes()
        return report


async def _preview(given: _Input, *, rows: int, save_mapping: Path | None) -> ImportPreview:
    found = await given.opened()
    lenient = given.options.lenient
    if isinstance(found, TableImport):
        with closing(found):
            _save_mapping(given.options, found, save_mapping)
            return preview_of_table(found, now=given.now, lenient=lenient, rows=rows)
    _save_mapping(given.options, None, save_mapping)
    reader, chunks = found
    if isinstance(chunks, AsyncIterator):
        with await sources.spooled_async(chunks) as file:
            records = reader(sources.chunks_of(file))
            return preview_of_records(records, now=given.now, lenient=lenient, rows=rows)
    return preview_of_records(reader(chunks), now=given.now, lenient=lenient, rows=rows)


def _options(
    mapping: Path | None,
    mappings: list[str] | None,
    defaults: list[str] | None,
    **given: Any,  # noqa: ANN401 - further options of the command line
) -> ImportOptions:
    """The options of the mapping file, and those of the command line, which count more."""
    options = read_mapping(mapping) if mapping is not None else ImportOptions()
    try:
        for assignment in mappings or ():
            options.map(assignment)
        for assignment in defaults or ():
            options.set(assignment)
    except InvalidOptionError as error:
        raise failed(f"{error}.", EXIT_USAGE) from None
    if given.get("delimiter") in ("tab", "\\t"):
        given["delimiter"] = "\t"
    if given.get("delimiter") is not None and len(given["delimiter"]) != 1:
        raise failed("A delimiter is one character, or `tab`.", EXIT_USAGE)
    for name, value in given.items():
        if value not in (None, False):
            setattr(options, name, value)
    return options


def _save_mapping(options: ImportOptions, table: TableImport | None, path: Path | None) -> None:
    if path is None:
        return
    if table is not None:
        options.columns = {**table.mapping(), **options.columns}
    path.write_text(mapping_text(options), encoding="utf-8")


def _is_stream(source: BinaryIO) -> bool:
    mode = os.fstat(source.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or source.isatty()


async def _piped_chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    """Yield the chunks of a pipe as they arrive.

    The event loop waits for them, because a thread that reads a pipe cannot be interrupted.
    """
    while True:
        await anyio.wait_readable(source)
        if not (chunk := source.read(CHUNK_BYTES)):
            return
        yield chunk


# --- Output --------------------------------------------------------------------------------------


@contextmanager
def _error_file(path: Path | None) -> Iterator[Callable[[RowError], None] | None]:
    with path.open("w", encoding="utf-8") if path else nullcontext() as file:
        yield partial(_write_error, file) if file else None


def _write_error(file: IO[str], error: RowError) -> None:
    file.write(json.dumps(error._asdict(), ensure_ascii=False) + "\n")


def _show(report: ImportReport, *, dry_run: bool, errors: Path | None) -> None:
    console = stderr()
    if report.errors:
        title = "Values that cannot be read" if report.drafts else "Bad rows"
        table = Table("line", "column", "value", "reason", "accepted", title=title)
        table.title_justify = "left"
        for error in report.errors:
            column = error.column or error.field
            cells = (column, error.value, error.reason, error.accepted)
            table.add_row(str(error.line), *map(escape, cells))
        console.print(table, soft_wrap=False)
        if report.error_count > len(report.errors):
            where = escape(str(errors)) if errors else "--errors FILE"
            console.print(f"... of {report.error_count:,} errors; to list all: {where}")
    for note in report.notes:
        console.print(f"note: {note}", markup=False)
    if dry_run:
        done = f"{report.rows - report.bad:,} good"
    else:
        done = (
            f"{report.created:,} created, {report.updated:,} updated,"
            f" {report.unchanged:,} unchanged"
        )
        if report.repeated:
            done += f", {report.repeated:,} repeated"
    if report.drafts:
        done += f", {report.drafts:,} as drafts"
    console.print(f"{done}, {report.bad:,} bad, {report.seconds:,.1f} s")


def _print_preview(shown: ImportPreview) -> None:
    lines = []
    for row in shown.rows:
        state = "refused" if row.award is None else f"id {row.award.get('id')}"
        lines.append(f"line {row.line}: {state}")
        for cell in row.cells:
            lines.append(f"  {cell.column}: {cell.value}")
            fields = ", ".join(f"{name} = {_short(value)}" for name, value in cell.became.items())
            results = [fields, f"kept in {cell.kept_as}" if cell.kept_as else "", cell.note]
            if cell.error:
                results = [f"cannot be read: {cell.error}"]
            lines.append("    -> " + ("; ".join(each for each in results if each) or "nothing"))
        named = {cell.column for cell in row.cells if cell.error}
        lines += [
            f"  {error.column or error.field or 'row'}: {error.reason}"
            for error in row.errors
            if error.column not in named
        ]
    lines += [f"problem: {problem}" for problem in shown.problems]
    lines += [f"note: {note}" for note in shown.notes]
    sys.stdout.write("\n".join(lines) + "\n")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CELL else text[:SHOWN_CELL] + "..."
