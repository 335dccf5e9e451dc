"""Reading the audit: the history of one award, and all changes and events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import StreamingResponse

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    AuditReader,
    ScholarshipsWriter,
    may_change,
)
from scholarship_api.audit import schemas, service
from scholarship_api.audit.cursors import CursorCodec
from scholarship_api.catalogue import service as catalogue
from scholarship_api.errors import (
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.sessions import Reading

NDJSON = "application/x-ndjson"

router = APIRouter(
    prefix="/api/v1",
    tags=["audit"],
    responses=document(
        *ACCESS_ERRORS, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable
    ),
)


@router.get(
    "/scholarships/{scholarship_id}/history",
    summary="What has changed on an award, by whom",
    description="From the first import on, newest first. For those who may write the award.",
    responses=document(NotFound),
)
async def show_history(
    account: ScholarshipsWriter,
    session: Reading,
    request: Request,
    scholarship_id: Annotated[str, Path(max_length=255)],
    query: Annotated[schemas.HistoryRequest, Query()],
) -> schemas.AuditPage:
    award = await catalogue.find(request.app.state.database.fetch, scholarship_id=scholarship_id)
    # An award that was deleted for good has no organization to compare.
    may_read = (
        account.confined_to is None if award is None else may_change(account, award.organization)
    )
    if not may_read or not catalogue.is_storable(scholarship_id):
        raise catalogue.not_found()
    page = await service.history(session, _codec(request), query, award_id=scholarship_id)
    if award is None and not page.items and query.model_fields_set <= {"limit"}:
        raise catalogue.not_found()
    return page


@router.get(
    "/audit",
    summary="All changes and events, newest first",
    description="A key of an organization sees those of its own awards, accounts and keys.",
)
async def list_entries(
    account: AuditReader,
    session: Reading,
    request: Request,
    query: Annotated[schemas.AuditRequest, Query()],
) -> schemas.AuditPage:
    return await service.entries(session, _codec(request), query, confined_to=account.confined_to)


@router.get(
    "/audit/export",
    summary="All changes and events as NDJSON, newest first",
    response_class=StreamingResponse,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
)
async def export_entries(
    account: AuditReader, request: Request, query: Annotated[schemas.AuditFilters, Query()]
) -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        entries = service.export(request.app.state.database, query, confined_to=account.confined_to)
        async for entry in entries:
            yield entry.model_dump_json().encode() + b"\n"

    return StreamingResponse(
        lines(),
        media_type=NDJSON,
        headers={"Content-Disposition": 'attachment; filename="audit.ndjson"'},
    )


def _codec(request: Request) -> CursorCodec:
    codec: CursorCodec = request.app.state.audit_cursor_codec
    return codec
