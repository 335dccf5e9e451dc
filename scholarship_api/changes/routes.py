"""The feed of changes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from scholarship_api.accounts.access import ACCESS_ERRORS, ScholarshipsReader
from scholarship_api.changes import schemas, service
from scholarship_api.changes.cursors import CursorCodec
from scholarship_api.errors import (
    Conflict,
    DatabaseUnavailable,
    RateLimited,
    ServiceUnavailable,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.sessions import Writing

router = APIRouter(
    prefix="/api/v1",
    tags=["changes"],
    responses=document(
        *ACCESS_ERRORS,
        Conflict,
        ValidationFailed,
        RateLimited,
        DatabaseUnavailable,
        ServiceUnavailable,
    ),
)


@router.get(
    "/changes",
    summary="Changes of public awards in order, for a copy of the catalogue",
    description=(
        "Complete and in order, whatever writes at the same time: a change that becomes visible"
        " later comes later. Read an award that has changed at its own address."
    ),
)
async def list_changes(
    _: ScholarshipsReader,
    session: Writing,
    request: Request,
    query: Annotated[schemas.ChangesRequest, Query()],
) -> schemas.Changes:
    codec: CursorCodec = request.app.state.changes_cursor_codec
    return await service.page(session, codec, query)
