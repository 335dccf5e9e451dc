"""The commands `import`, `export` and `sample`, and the import of the bundled catalogue.

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
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, BinaryIO, Final, cast

import anyio
import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scholarship_api.catalogue.bulk.exporter import export_rows
from scholarship_api.catalogue.bulk.formats import (
    CSV_COLUMNS,
    LIST_SEPARATOR,
    FileFormat,
    format_of,
    neutralise,
)
from scholarship_api.catalogue.bulk.importer import CHUNK_BYTES, ImportReport, import_stream
from scholarship_api.catalogue.bulk.parsing import READERS
from scholarship_api.catalogue.bulk.records import RowError, UnreadableFile
from scholarship_api.catalogue.columns import BOOLEAN_FIELDS, PART_FIELDS
from scholarship_api.platform.database.connection_settings import connection_arguments
from scholarship_api.sample_data.synthetic import generate
from scholarship_api.settings.settings import SettingError, SettingsError, load_settings
from scholarship_api.vocabulary import Status

EXIT_BAD_ROWS: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNAVAILABLE: Final = 69
EXIT_INTERRUPTED: Final = 130
EXIT_BROKEN_PIPE: Final = 141

STANDARD_STREAM: Final = "-"
ROWS_PER_PROGRESS_UPDATE: Final = 1_000
BUNDLED_CATALOGUE: Final = (
    importlib.resources.files("scholarship_api.sample_data") / "catalogue.ndjson"
)

Advance = Callable[[int, int], None]
"""Shows that so many rows and bytes are done."""


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
    with _exit_codes():
        database_url = None if dry_run else _database_url()
        file_format = file_format or format_of(file)
        with _opened(file) as source, _error_file(errors) as on_error:
            size = _size(source)
            with _progress("Checking" if dry_run else "Importing", size) as advance:
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


def export_command(
    file: Annotated[str, typer.Argument(help="The file; - is standard output.")] = STANDARD_STREAM,
    *,
    file_format: Annotated[
        FileFormat | None,
        typer.Option("--format", help="Default: by the file's name; NDJSON to standard output."),
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only scholarships with this status. Default: all.")
    ] = None,
) -> None:
    """Write the catalogue as NDJSON or CSV, in a form that `import` reads."""
    with _exit_codes():
        database_url = _database_url()
        with _replaced(file) as target, _progress("Exporting") as advance:
            rows = asyncio.run(
                _export(target, database_url, file_format or format_of(file), status, advance)
            )
    _stderr().print(f"{rows:,} exported")


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
    with _exit_codes(), _replaced(output) as target, _progress("Writing") as advance:
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
    async with await _connect(database_url) as connection:
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


async def _export(
    target: BinaryIO,
    database_url: str,
    file_format: FileFormat,
    status: Status | None,
    advance: Advance,
) -> int:
    size = 0
    async with await _connect(database_url) as connection:
        rows = export_rows(connection, file_format=file_format, status=status)
        async with aclosing(rows) as blocks:
            async for block in blocks:
                size += target.write(block.content)
                advance(block.rows, size)
    return block.rows


async def _connect(database_url: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(
        autocommit=True, **connection_arguments(database_url)
    )


def _database_url() -> str:
    url = load_settings().database_url.get_secret_value()
    if not url:
        raise SettingsError([SettingError("DATABASE_URL", "is needed to reach the catalogue")])
    return url


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


def _opened(file: str) -> BinaryIO:
    # Unbuffered: a read returns the bytes that are there, without waiting for more.
    if file == STANDARD_STREAM:
        return open(0, "rb", buffering=0, closefd=False)
    return Path(file).open("rb", buffering=0)


def _size(source: BinaryIO) -> int | None:
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@contextmanager
def _replaced(file: str) -> Iterator[BinaryIO]:
    """Write to a temporary file, which replaces `file` when everything has succeeded."""
    if file == STANDARD_STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.exists() and not path.is_file():  # a device or a named pipe
        with path.open("wb") as target:
            yield target
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.resolve().parent)
    try:
        with open(descriptor, "wb") as target:  # noqa: PTH123 - a descriptor
            yield target
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path.resolve())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those of a new file."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _error_file(path: Path | None) -> Iterator[Callable[[RowError], None] | None]:
    with path.open("w", encoding="utf-8") if path else nullcontext() as file:
        yield partial(_write_error, file) if file else None


def _write_error(file: IO[str], error: RowError) -> None:
    file.write(json.dumps(error._asdict(), ensure_ascii=False) + "\n")


# --- Terminal ------------------------------------------------------------------------------------


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Turn errors of files, pipes and the database into a message and an exit code."""
    try:
        yield
    except BrokenPipeError:
        # Otherwise Python prints an error when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(EXIT_BROKEN_PIPE) from None
    except KeyboardInterrupt:
        raise _failed(
            "Stopped. Rows that are written stay; run the command again.", EXIT_INTERRUPTED
        ) from None
    except UnreadableFile as error:
        raise _failed(str(error), EXIT_USAGE) from None
    except psycopg.errors.UndefinedTable:
        message = "The database has no catalogue yet: run `scholarship-api migrate` first."
        raise _failed(message, EXIT_UNAVAILABLE) from None
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise _failed(f"The database cannot be used: {reason}", EXIT_UNAVAILABLE) from None
    except OSError as error:
        raise _failed(f"{error.filename or 'File'}: {error.strerror}", EXIT_USAGE) from None


def _failed(message: str, code: int) -> typer.Exit:
    _stderr().print(message, markup=False)
    return typer.Exit(code)


@contextmanager
def _progress(action: str, total: int | None = None) -> Iterator[Advance]:
    """Show a progress bar, by bytes of `total`, if standard error is a terminal."""
    console = _stderr()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TextColumn("{task.fields[size]}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(action, total=total, rows=0, rate=0.0, size="")

        def advance(rows: int, size: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            of_total = f" of {total / 1e6:,.1f}" if total else ""
            progress.update(
                task,
                completed=size,
                rows=rows,
                rate=rows / elapsed if elapsed else 0.0,
                size=f"{size / 1e6:,.1f}{of_total} MB",
            )

        yield advance


def _show(report: ImportReport, *, dry_run: bool, errors: Path | None) -> None:
    console = _stderr()
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
