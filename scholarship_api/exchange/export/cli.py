"""The command `export`."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import Annotated, BinaryIO

import typer

from scholarship_api.catalogue.file_commands import (
    EXIT_UNAVAILABLE,
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
from scholarship_api.errors import DatabaseUnavailable, ValidationFailed
from scholarship_api.exchange.export import workbook
from scholarship_api.exchange.export.command_filters import export_query, find_awards
from scholarship_api.exchange.export.formats import FORMATS, ExportFormat, Options, format_of
from scholarship_api.exchange.export.schemas import ExportQuery
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
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="NAME=VALUE",
            help="Only open, published scholarships that the search finds with this filter, such"
            " as states=CA,NV or q=nursing; include_closed=true keeps closed ones. Repeatable.",
        ),
    ] = None,
    excel: Annotated[
        bool, typer.Option("--excel", help="Begin a CSV file with a byte order mark.")
    ] = False,
) -> None:
    """Write the catalogue in a form that `import` reads, or that others read."""
    chosen = file_format or format_of(file)
    now = dt.datetime.now(dt.UTC)
    if status not in (None, Status.PUBLISHED):
        if FORMATS[chosen].writer(Options(now)).published_only:
            raise failed(f"The format {chosen} holds published scholarships only.", EXIT_USAGE)
        if filters:
            raise failed("Filters find published scholarships only.", EXIT_USAGE)
    with exit_codes(), _search_errors():
        query = export_query(filters, export_format=chosen) if filters else None
        url = configured_database()
        with replaced(file) as target, progress("Exporting") as advance:
            try:
                rows = asyncio.run(
                    _export(target, url, chosen, query or status, advance, now=now, excel=excel)
                )
            except workbook.TooManyRowsError:
                message = f"A sheet holds at most {workbook.MAX_ROWS:,} scholarships."
                raise failed(message, EXIT_USAGE) from None
    stderr().print(f"{rows:,} exported")


@contextmanager
def _search_errors() -> Iterator[None]:
    try:
        yield
    except ValidationFailed as error:
        message = "; ".join(f"{each['field']}: {each['message']}" for each in error.fields)
        raise failed(f"The filters cannot be used: {message}.", EXIT_USAGE) from None
    except DatabaseUnavailable:
        raise failed("The database cannot be reached.", EXIT_UNAVAILABLE) from None


async def _export(
    target: BinaryIO,
    url: str,
    export_format: ExportFormat,
    chosen: ExportQuery | Status | None,
    advance: Advance,
    *,
    now: dt.datetime,
    excel: bool,
) -> int:
    size = rows = 0
    selection = await find_awards(chosen) if isinstance(chosen, ExportQuery) else ByStatus(chosen)
    async with await connect(url) as connection:
        parts = export(
            connection,
            export_format=export_format,
            selection=selection,
            now=now,
            excel=excel,
        )
        async with aclosing(parts):
            async for part in parts:
                size += target.write(part.content)
                rows = part.rows
                advance(rows, size)
    return rows
