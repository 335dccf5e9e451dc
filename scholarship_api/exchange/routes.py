"""POST /scholarships/import and its preview: the body of a request as a file of awards."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Annotated, Any, Final

import anyio.to_thread
import psycopg
import structlog
from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect

from scholarship_api.accounts.access import ACCESS_ERRORS, CurrentAdmin
from scholarship_api.catalogue import schemas
from scholarship_api.catalogue.audit import ChangeSource, source_of_request
from scholarship_api.catalogue.bulk.importer import ImportReport, import_records, import_stream
from scholarship_api.catalogue.bulk.records import RecordReader, UnreadableFile
from scholarship_api.catalogue.search_index import refresh_statistics
from scholarship_api.errors import (
    BadRequest,
    DatabaseUnavailable,
    PayloadTooLarge,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.exchange import sources
from scholarship_api.exchange.duplicates.finder import find_duplicates, import_begins
from scholarship_api.exchange.options import ImportOptions, InvalidOptionError
from scholarship_api.exchange.preview import preview_of_records, preview_of_table
from scholarship_api.exchange.readers import STREAMED, open_table
from scholarship_api.exchange.schemas import ImportPreview, ImportRequest
from scholarship_api.exchange.sources import ImportFormat
from scholarship_api.exchange.table_import import TableImport
from scholarship_api.platform.database.engine import Database

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: Final = {
    "application/x-ndjson": ImportFormat.NDJSON,
    "application/ndjson": ImportFormat.NDJSON,
    "application/jsonl": ImportFormat.NDJSON,
    "application/x-jsonlines": ImportFormat.NDJSON,
    "text/csv": ImportFormat.CSV,
    XLSX: ImportFormat.XLSX,
}
EXAMPLES: Final = {
    ImportFormat.NDJSON: (
        '{"id": "sch_001", "name": "Curie Nursing Award", "organization": "Acme Trust",'
        ' "scholarship_type": "merit_based", "amount": 2500, "currency": "USD"}\n'
    ),
    ImportFormat.CSV: (
        "Scholarship Name,Sponsor,Award Amount,Deadline,Eligibility\n"
        'Curie Nursing Award,Acme Trust,"$2,500","March 31, 2027",Nursing students\n'
    ),
}
HEAD_BYTES: Final = 1_048_576
"""Bytes of the body that are awaited before a database connection is taken.

By default that is the whole body, so that a slow client holds no connection.
"""
MAX_TABLE_ROWS: Final = 10_000
"""Lines of a table in a request, because each cell is read as people write it: seconds of CPU.

The service's own columns are read faster, and have no such limit.
"""
REFRESH_TASK: Final = "refresh after import"
"""Name of the background task."""

_log = structlog.stdlib.get_logger(__name__)

_PREFIX: Final = "/api/v1/scholarships"
_IMPORT: Final = "/import"
_PREVIEW: Final = "/import/preview"
IMPORT_PATH: Final = _PREFIX + _IMPORT
PREVIEW_PATH: Final = _PREFIX + _PREVIEW
"""The only paths whose bodies may be larger than 64 KiB."""

router = APIRouter(
    prefix=_PREFIX,
    tags=["scholarships"],
    responses=document(RateLimited, DatabaseUnavailable, ServiceUnavailable),
)
_RESPONSES: Final = document(
    *ACCESS_ERRORS, BadRequest, PayloadTooLarge, UnsupportedMediaType, ValidationFailed
)
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: (
                {"schema": {"type": "string"}, "example": EXAMPLES[file_format]}
                if file_format in EXAMPLES
                else {"schema": {"type": "string", "format": "binary"}}
            )
            for media_type, file_format in FORMATS.items()
        },
    }
}


@router.post(
    _IMPORT,
    summary="Add and update awards from a spreadsheet, CSV or NDJSON",
    description=(
        "Upsert by id, row by row: good rows are kept when others are bad, and the answer counts"
        " them all, with status 200. The same file can be sent again. Larger files are sent in"
        " parts, or imported with the command line. The columns of a table are found by their"
        " headers; the query says what the headers do not."
    ),
    responses=_RESPONSES,
    openapi_extra=_BODY,
)
async def import_scholarships(
    request: Request, account: CurrentAdmin, query: Annotated[ImportRequest, Query()]
) -> schemas.ImportSummary:
    file_format, options = _file_format(request, query), _options(request, query)
    database: Database = request.app.state.database
    change_source = source_of_request(request.scope, account.id)
    now = dt.datetime.now(dt.UTC)
    chunks = _chunks(request)
    head = await _head(chunks)
    async with database.bulk_connection() as connection:
        since = await import_begins(connection)
    try:
        if file_format in STREAMED:
            reader = STREAMED[file_format](now.date(), options)
            report = await _import_streamed(
                database, _rejoined(head, chunks), reader, options, change_source
            )
        else:
            table = await _table(_rejoined(head, chunks), file_format, options, now)
            # No deadline for the whole import: each batch of rows has its own limit.
            with closing(table):
                table.check()
                async with database.bulk_connection() as connection:
                    report = await import_records(
                        table.records(),
                        connection,
                        bytes_read=table.position,
                        now=now,
                        lenient=options.lenient,
                        change_source=change_source,
                        refresh=False,
                    )
                report.notes = table.notes()
    except UnreadableFile as error:
        raise ValidationFailed.of("body", str(error)) from None
    if report.created + report.updated:
        request.app.state.tasks.spawn(_refresh(database, since), name=REFRESH_TASK)
    _log.info(
        "import.finished",
        rows=report.rows,
        created=report.created,
        updated=report.updated,
        bad=report.bad,
    )
    summary: dict[str, Any] = {
        name: getattr(report, name) for name in schemas.ImportSummary.model_fields
    }
    return schemas.ImportSummary.model_validate(
        {**summary, "errors": [error._asdict() for error in report.errors]}
    )


@router.post(
    _PREVIEW,
    summary="Show what the first rows of a file would become",
    description=(
        "Reads the first 20 rows as the import would, says for each cell what it becomes, and"
        " writes nothing."
    ),
    responses=_RESPONSES,
    openapi_extra=_BODY,
)
async def preview_import(
    request: Request,
    account: CurrentAdmin,  # noqa: ARG001 - only admins may import
    query: Annotated[ImportRequest, Query()],
) -> ImportPreview:
    file_format, options = _file_format(request, query), _options(request, query)
    now = dt.datetime.now(dt.UTC)
    try:
        if file_format in STREAMED:
            reader = STREAMED[file_format](now.date(), options)
            with await sources.spooled_async(_chunks(request)) as file:
                return await anyio.to_thread.run_sync(
                    lambda: preview_of_records(
                        reader(sources.chunks_of(file)), now=now, lenient=options.lenient
                    )
                )
        with closing(await _table(_chunks(request), file_format, options, now)) as table:
            return await anyio.to_thread.run_sync(
                lambda: preview_of_table(table, now=now, lenient=options.lenient)
            )
    except UnreadableFile as error:
        raise ValidationFailed.of("body", str(error)) from None


async def _import_streamed(
    database: Database,
    chunks: AsyncIterator[bytes],
    reader: RecordReader,
    options: ImportOptions,
    change_source: ChangeSource,
) -> ImportReport:
    # No deadline for the whole import: a large body has many batches, each with its own limit.
    async with database.bulk_connection() as connection:
        return await import_stream(
            chunks,
            connection,
            reader=reader,
            lenient=options.lenient,
            change_source=change_source,
            refresh=False,
        )


async def _table(
    chunks: AsyncIterator[bytes],
    file_format: ImportFormat,
    options: ImportOptions,
    now: dt.datetime,
) -> TableImport:
    """Read the whole body, and open it outside of the event loop. Raises UnreadableFile."""
    file = await sources.spooled_async(chunks)

    def opened() -> TableImport:
        table = open_table(file_format, file, options, today=now.date(), for_request=True)
        try:
            table.limit_rows(MAX_TABLE_ROWS)
        except BaseException:
            table.close()
            raise
        return table

    return await anyio.to_thread.run_sync(opened)


def _file_format(request: Request, query: ImportRequest) -> ImportFormat:
    media_type, _, _ = request.headers.get("content-type", "").partition(";")
    file_format = FORMATS.get(media_type.strip().lower())
    if query.format is not None:
        is_json = media_type.strip().lower() == "application/json"
        file_format = ImportFormat(query.format) if is_json else None
    if file_format is None or (
        file_format is not ImportFormat.CSV and _charset(request) not in ("", *_UTF8)
    ):
        raise UnsupportedMediaType(
            "Send the file as application/x-ndjson or application/jsonl in UTF-8, as text/csv, or"
            f" as {XLSX}."
        )
    return file_format


_UTF8: Final = ("utf-8", "utf8", "us-ascii")


def _charset(request: Request) -> str:
    _, _, parameters = request.headers.get("content-type", "").partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().lower().partition("=")
        if name.strip() == "charset":
            return value.strip(' "')
    return ""


def _options(request: Request, query: ImportRequest) -> ImportOptions:
    options = ImportOptions(
        date_order=query.date_order,
        delimiter=query.delimiter,
        encoding=query.encoding,
        sheet=query.sheet,
        header_line=query.header_line,
        lenient=query.lenient,
    )
    charset = _charset(request)
    if options.encoding is None and charset not in ("", *_UTF8):
        options.encoding = charset
    for name, assignments, add in (
        ("map", query.map, options.map),
        ("set", query.set, options.set),
    ):
        for assignment in assignments:
            try:
                add(assignment)
            except InvalidOptionError as error:
                raise ValidationFailed.of(name, str(error)) from None
    return options


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise BadRequest("The connection was closed before the end of the body.") from None


async def _head(chunks: AsyncIterator[bytes]) -> list[bytes]:
    head: list[bytes] = []
    size = 0
    async for chunk in chunks:
        head.append(chunk)
        size += len(chunk)
        if size >= HEAD_BYTES:
            break
    return head


async def _rejoined(head: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"".join(head)
    async for chunk in rest:
        yield chunk


async def _refresh(database: Database, since: dt.datetime) -> None:
    """Refresh statistics and find duplicates after the answer: it may take seconds, and the awards
    are written."""
    try:
        async with database.bulk_connection() as connection:
            await refresh_statistics(connection)
            found = await find_duplicates(connection, since=since)
        _log.info("import.duplicates_found", pairs=found)
    except (DatabaseUnavailable, psycopg.Error):
        _log.warning("import.statistics_not_refreshed")
