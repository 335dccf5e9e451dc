"""POST /scholarships/import: imports the body of a request as a file of awards."""

from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg
import structlog
from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect

from scholarship_api.accounts.access import ACCESS_ERRORS, CurrentAdmin
from scholarship_api.catalogue import schemas
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.bulk.formats import FileFormat
from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.bulk.parsing import READERS
from scholarship_api.catalogue.bulk.records import UnreadableFile
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
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.http.request_context import ids_of

FORMATS: Final = {
    "application/x-ndjson": FileFormat.NDJSON,
    "application/ndjson": FileFormat.NDJSON,
    "application/jsonl": FileFormat.NDJSON,
    "application/x-jsonlines": FileFormat.NDJSON,
    "text/csv": FileFormat.CSV,
}
EXAMPLES: Final = {
    FileFormat.NDJSON: (
        '{"id": "sch_001", "name": "Curie Nursing Award", "organization": "Acme Trust",'
        ' "scholarship_type": "merit_based", "amount": 2500, "currency": "USD"}\n'
    ),
    FileFormat.CSV: (
        "id,name,organization,scholarship_type,amount,currency\n"
        "sch_001,Curie Nursing Award,Acme Trust,merit_based,2500,USD\n"
    ),
}
HEAD_BYTES: Final = 1_048_576
"""Bytes of the body that are awaited before a database connection is taken.

By default that is the whole body, so that a slow client holds no connection.
"""
REFRESH_TASK: Final = "refresh after import"
"""Name of the background task."""

_log = structlog.stdlib.get_logger(__name__)

_PREFIX: Final = "/api/v1/scholarships"
_IMPORT: Final = "/import"
IMPORT_PATH: Final = _PREFIX + _IMPORT
"""The only path whose body may be larger than 64 KiB."""

router = APIRouter(
    prefix=_PREFIX,
    tags=["scholarships"],
    responses=document(RateLimited, DatabaseUnavailable, ServiceUnavailable),
)


@router.post(
    _IMPORT,
    summary="Add and update awards from NDJSON or CSV",
    description=(
        "Upsert by id, row by row: good rows are kept when others are bad, and the answer counts"
        " them all, with status 200. The same file can be sent again. Larger files are sent in"
        " parts, or imported with the command line."
    ),
    responses=document(
        *ACCESS_ERRORS, BadRequest, PayloadTooLarge, UnsupportedMediaType, ValidationFailed
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                media_type: {"schema": {"type": "string"}, "example": EXAMPLES[file_format]}
                for media_type, file_format in FORMATS.items()
            },
        }
    },
)
async def import_scholarships(request: Request, account: CurrentAdmin) -> schemas.ImportSummary:
    file_format = _file_format(request)
    database: Database = request.app.state.database
    ids = ids_of(request.scope)
    chunks = _chunks(request)
    head = await _head(chunks)
    try:
        # No deadline for the whole import: a large body has many batches, each with its own limit.
        async with database.bulk_connection() as connection:
            report = await import_stream(
                _rejoined(head, chunks),
                connection,
                reader=READERS[file_format],
                change_source=ChangeSource("api", account.id, ids.trace_id, ids.request_id),
                refresh=False,
            )
    except UnreadableFile as error:
        raise ValidationFailed.of("body", str(error)) from None
    if report.created + report.updated:
        request.app.state.tasks.spawn(_refresh(database), name=REFRESH_TASK)
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


def _file_format(request: Request) -> FileFormat:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    file_format = FORMATS.get(media_type.strip().lower())
    name, _, charset = parameters.strip().lower().partition("=")
    if file_format is None or (
        name.strip() == "charset" and charset.strip(' "') not in ("utf-8", "utf8", "us-ascii")
    ):
        raise UnsupportedMediaType(
            "Send the file as application/x-ndjson, application/jsonl or text/csv, in UTF-8."
        )
    return file_format


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


async def _refresh(database: Database) -> None:
    """Refresh statistics after the answer: it may take seconds, and the awards are written."""
    try:
        async with database.bulk_connection() as connection:
            await refresh_statistics(connection)
    except (DatabaseUnavailable, psycopg.Error):
        _log.warning("import.statistics_not_refreshed")
