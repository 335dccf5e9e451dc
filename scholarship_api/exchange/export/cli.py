"""The command `export`."""

import asyncio
import datetime as dt
from contextlib import aclosing
from typing import Annotated, BinaryIO

import typer

from scholarship_api.catalogue.file_commands import (
    EXIT_USAGE,
    STANDARD_STREAM,
    Advance,
    configured_database,
    connect,
    exit_codes,
    failed,
    progress,
    replaced,
    stderr,
)
from scholarship_api.exchange.export import workbook
from scholarship_api.exchange.export.formats import FORMATS, ExportFormat, Options, format_of
from scholarship_api.exchange.export.selection import ByStatus
from scholarship_api.exchange.export.service import export
from scholarship_api.vocabulary import Status


def export_command(
    file: Annotated[str, typer.Argument(help="The file; - is standard output.")] = STANDARD_STREAM,
    *,
    file_format: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Default: by the file's name; NDJSON to standard output."),
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only scholarships with this status. Default: all.")
    ] = None,
    excel: Annotated[
        bool, typer.Option("--excel", help="Begin a CSV file with a byte order mark.")
    ] = False,
) -> None:
    """Write the catalogue in a form that `import` reads, or that others read."""
    chosen = file_format or format_of(file)
    now = dt.datetime.now(dt.UTC)
    writer = FORMATS[chosen].writer(Options(now))
    if writer.published_only and status not in (None, Status.PUBLISHED):
        raise failed(f"The format {chosen} holds published scholarships only.", EXIT_USAGE)
    with exit_codes():
        url = configured_database()
        with replaced(file) as target, progress("Exporting") as advance:
            try:
                rows = asyncio.run(
                    _export(target, url, chosen, status, advance, now=now, excel=excel)
                )
            except workbook.TooManyRowsError:
                message = f"A sheet holds at most {workbook.MAX_ROWS:,} scholarships."
                raise failed(message, EXIT_USAGE) from None
    stderr().print(f"{rows:,} exported")


async def _export(
    target: BinaryIO,
    url: str,
    export_format: ExportFormat,
    status: Status | None,
    advance: Advance,
    *,
    now: dt.datetime,
    excel: bool,
) -> int:
    size = rows = 0
    async with await connect(url) as connection:
        parts = export(
            connection,
            export_format=export_format,
            selection=ByStatus(status),
            now=now,
            excel=excel,
        )
        async with aclosing(parts):
            async for part in parts:
                size += target.write(part.content)
                rows = part.rows
                advance(rows, size)
    return rows
