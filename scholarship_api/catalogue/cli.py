"""The commands `import` and `sample`, and the import of the bundled catalogue.

Exit codes: 0 for success, 1 when rows were bad, 2 when a file cannot be used, 69 when the database
cannot be reached, 130 after Ctrl-C, 141 when the reader of a pipe has gone.
"""

import asyncio
import csv
import importlib.resources
import io
import json
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, BinaryIO, Final, cast

import anyio
import typer
from rich.markup import escape
from rich.table import Table

from scholarship_api.catalogue.bulk.formats import (
    CSV_COLUMNS,
    LIST_SEPARATOR,
    FileFormat,
    format_of,
    neutralise,
)
from scholarship_api.catalogue.bulk.importer import CHUNK_BYTES, ImportReport, import_stream
from scholarship_api.catalogue.bulk.parsing import READERS
from scholarship_api.catalogue.bulk.records import RowError
from scholarship_api.catalogue.columns import BOOLEAN_FIELDS, PART_FIELDS
from scholarship_api.catalogue.file_commands import (
    STANDARD_STREAM,
    configured_database,
    connect,
    exit_codes,
    opened,
    progress,
    replaced,
    size_of,
    stderr,
)
from scholarship_api.sample_data.synthetic import generate

EXIT_BAD_ROWS: Final = 1
ROWS_PER_PROGRESS_UPDATE: Final = 1_000
BUNDLED_CATALOGUE: Final = (
    importlib.resources.files("scholarship_api.sample_data") / "catalogue.ndjson"
)

# --- Commands ------------------------------------------------------------------------------------


def import_command(
    file: Annotated[str, typer.Argument(help="The file; - is standard input.")],
    *,
    file_format: Annotated[
        FileFormat | None,
        typer.Option("--format", help="Default: by the file's name; NDJSON from standard input."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file, write nothing; needs no database.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Write every error to this file, as NDJSON.")
    ] = None,
) -> None:
    """Add and update scholarships from an NDJSON or CSV file.

    Good rows are written when others are bad. The errors are listed, and the exit code is 1.
    """
    with exit_codes():
        database_url = None if dry_run else configured_database()
        file_format = file_format or format_of(file)
        with opened(file) as source, _error_file(errors) as on_error:
            size = size_of(source)
            with progress("Checking" if dry_run else "Importing", size) as advance:
                report = asyncio.run(
                    _import(
                        source,
                        database_url,
                        reader=READERS[file_format],
                        progress=lambda report: advance(report.rows, report.bytes_read),
                        on_error=on_error,
                    )
                )
    _show(report, dry_run=dry_run, errors=errors)
    if report.bad:
        raise typer.Exit(EXIT_BAD_ROWS)


def sample_command(
    *,
    count: Annotated[int, typer.Option(min=0, help="How many scholarships.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 1,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file; - is standard output.")
    ] = STANDARD_STREAM,
    file_format: Annotated[
        FileFormat | None,
        typer.Option("--format", help="Default: by the file's name; NDJSON to standard output."),
    ] = None,
) -> None:
    """Write a synthetic catalogue of any size, for load tests and benchmarks."""
    lines = _csv_lines if (file_format or format_of(output)) is FileFormat.CSV else _json_lines
    with exit_codes(), replaced(output) as target, progress("Writing") as advance:
        size = 0
        for number, line in enumerate(lines(generate(count=count, seed=seed)), start=1):
            size += target.write(line)
            if number % ROWS_PER_PROGRESS_UPDATE == 0:
                advance(number, size)


def load_bundled(database_url: str) -> ImportReport:
    """Import the catalogue that comes with the package. Raises psycopg.Error."""
    with BUNDLED_CATALOGUE.open("rb") as source:
        return asyncio.run(_import(cast("BinaryIO", source), database_url))


# --- Work ----------------------------------------------------------------------------------------


async def _import(
    source: BinaryIO,
    database_url: str | None,
    **options: Any,  # noqa: ANN401 - those of import_stream
) -> ImportReport:
    content = _piped_chunks(source) if _is_stream(source) else source
    if database_url is None:
        return await import_stream(content, None, **options)
    async with await connect(database_url) as connection:
        return await import_stream(content, connection, **options)


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


def _json_lines(rows: Iterable[dict[str, object]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv_lines(rows: Iterable[dict[str, object]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("amount", *CSV_COLUMNS)

    def line(cells: Iterable[object]) -> bytes:
        text.seek(0)
        text.truncate()
        writer.writerow(cells)
        return text.getvalue().encode()

    yield line(columns)
    for row in rows:
        yield line(_cell(name, value) for name, value in _csv_values(row, columns))


def _csv_values(row: dict[str, object], columns: Iterable[str]) -> Iterator[tuple[str, object]]:
    """The values of a row by column; criteria that have no column make it a row with sets."""
    criteria = cast("dict[str, object]", row.get("eligibility_criteria", {}))
    values = row | criteria
    if not criteria.keys() <= set(CSV_COLUMNS):
        values = {**row, "eligibility_sets": [criteria]}
    return ((name, values.get(name)) for name in columns)


def _cell(name: str, value: object) -> object:
    if name in PART_FIELDS and value is not None and not isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return LIST_SEPARATOR.join(value)
    if name in BOOLEAN_FIELDS and value is not None:
        return "true" if value else "false"
    return neutralise(value) if isinstance(value, str) else value


# --- Files ---------------------------------------------------------------------------------------


@contextmanager
def _error_file(path: Path | None) -> Iterator[Callable[[RowError], None] | None]:
    with path.open("w", encoding="utf-8") if path else nullcontext() as file:
        yield partial(_write_error, file) if file else None


def _write_error(file: IO[str], error: RowError) -> None:
    file.write(json.dumps(error._asdict(), ensure_ascii=False) + "\n")


# --- Terminal ------------------------------------------------------------------------------------


def _show(report: ImportReport, *, dry_run: bool, errors: Path | None) -> None:
    console = stderr()
    if report.errors:
        table = Table("line", "field", "reason", title="Bad rows", title_justify="left")
        for error in report.errors:
            table.add_row(str(error.line), escape(error.field), escape(error.reason))
        console.print(table, soft_wrap=False)
        if report.error_count > len(report.errors):
            where = escape(str(errors)) if errors else "--errors FILE"
            console.print(f"... of {report.error_count:,} errors; to list all: {where}")
    if dry_run:
        done = f"{report.rows - report.bad:,} good"
    else:
        done = (
            f"{report.created:,} created, {report.updated:,} updated,"
            f" {report.unchanged:,} unchanged"
        )
        if report.repeated:
            done += f", {report.repeated:,} repeated"
    console.print(f"{done}, {report.bad:,} bad, {report.seconds:,.1f} s")
