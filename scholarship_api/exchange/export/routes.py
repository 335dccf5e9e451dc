"""GET /scholarships/export: the awards of a search as a file."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from scholarship_api.accounts.access import ACCESS_ERRORS, ScholarshipsReader
from scholarship_api.errors import (
    DatabaseUnavailable,
    RateLimited,
    ServiceUnavailable,
    ValidationFailed,
    document,
)
from scholarship_api.exchange.export.formats import FORMATS, ExportFormat
from scholarship_api.exchange.export.schemas import ExportQuery
from scholarship_api.exchange.export.selection import find
from scholarship_api.exchange.export.service import Part, export
from scholarship_api.platform.database.engine import Database
from scholarship_api.search.responses.answers import Answers

EXPORTS_AT_ONCE: Final = 2
"""Exports that a worker makes at the same time, each for another client. Each holds a connection of
the pool for as long as its client reads."""

MAX_SECONDS: Final = 600.0
"""How long an export may take, in seconds. A snapshot that is held keeps PostgreSQL from cleaning
up; a million awards as NDJSON take about a minute."""

RETRY_AFTER_SECONDS: Final = 15
"""When to try again while other exports run, in seconds."""

_TYPES: Final = {"application/json": "object"}
"""The JSON types of a media type, if the file as a whole is JSON."""

router = APIRouter(
    prefix="/api/v1/scholarships",
    tags=["scholarships"],
    responses=document(RateLimited, DatabaseUnavailable, ServiceUnavailable),
)


class ExportSlots:
    """One per process, at `app.state.export_slots`."""

    def __init__(self) -> None:
        self._exporting: set[uuid.UUID] = set()
        """The accounts whose exports are running."""

    @contextmanager
    def taken_by(self, account_id: uuid.UUID) -> Iterator[None]:
        """Hold a slot. Raises RateLimited and ServiceUnavailable.

        An account has one slot at most, so that slow readers of one client leave one to others.
        """
        if account_id in self._exporting:
            raise RateLimited(
                "Another export of yours is running; wait until it has ended.",
                details={"retry_after_seconds": RETRY_AFTER_SECONDS},
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        if len(self._exporting) >= EXPORTS_AT_ONCE:
            raise ServiceUnavailable(
                "Other exports are running; try again shortly.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._exporting.add(account_id)
        try:
            yield
        finally:
            self._exporting.discard(account_id)


class _ExportResponse(StreamingResponse):
    """Gives back what the export holds, also when nobody has read any of it."""

    def __init__(
        self, content: AsyncIterator[bytes], held: AsyncExitStack, *, export_format: ExportFormat
    ) -> None:
        media_type, extension = FORMATS[export_format].media_type, FORMATS[export_format].extension
        super().__init__(
            content,
            media_type=media_type,
            headers={
                "Content-Disposition": f'attachment; filename="scholarships.{extension}"',
                "Cache-Control": "no-store",
            },
        )
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held, asyncio.timeout(MAX_SECONDS):
            await super().__call__(scope, receive, send)


@router.get(
    "/export",
    summary="The awards of a search as a file",
    description=(
        "The filters are those of the search. All awards are as they were at one instant, in no"
        " particular order. A file of `ndjson`, `csv` or `xlsx` can be imported again without a"
        " change. An export that fails breaks off: its last chunk is missing."
    ),
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {
                media_type.partition(";")[0]: {"schema": {"type": _TYPES.get(media_type, "string")}}
                for media_type in (each.media_type for each in FORMATS.values())
            }
        },
        **document(*ACCESS_ERRORS, ValidationFailed),
    },
)
async def export_scholarships(
    account: ScholarshipsReader, request: Request, query: Annotated[ExportQuery, Query()]
) -> Response:
    answers: Answers = request.app.state.answers
    database: Database = request.app.state.database
    async with AsyncExitStack() as opening:
        slots: ExportSlots = request.app.state.export_slots
        opening.enter_context(slots.taken_by(account.id))
        selection = await find(
            await answers.snapshot(), query, codec=request.app.state.cursor_codec
        )
        connection = await opening.enter_async_context(database.bulk_connection())
        parts = await opening.enter_async_context(
            aclosing(
                export(
                    connection,
                    export_format=query.format,
                    selection=selection,
                    now=dt.datetime.now(dt.UTC),
                    excel=query.excel,
                )
            )
        )
        first = await anext(parts)  # a database that cannot be read is an error, and no empty file
        held = opening.pop_all()
    return _ExportResponse(_contents(first, parts), held, export_format=query.format)


async def _contents(first: Part, parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    yield first.content
    async for part in parts:
        if part.content:
            yield part.content
