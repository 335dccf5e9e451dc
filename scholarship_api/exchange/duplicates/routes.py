"""Likely duplicates, and merging one award into another."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from scholarship_api.accounts.access import ACCESS_ERRORS, ScholarshipsWriter
from scholarship_api.catalogue.audit import source_of_request
from scholarship_api.catalogue.preconditions import IfMatch
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.exchange.duplicates import schemas, service
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json

router = APIRouter(
    prefix="/api/v1",
    tags=["scholarships"],
    responses=document(
        *ACCESS_ERRORS, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable
    ),
)


@router.get("/duplicates", summary="Awards that are likely the same")
async def list_duplicates(
    account: ScholarshipsWriter,
    session: Reading,
    query: Annotated[schemas.DuplicateQuery, Query()],
) -> schemas.DuplicateList:
    return await service.duplicates(session, account, query)


@router.delete(
    "/duplicates/{duplicate_id}",
    status_code=204,
    summary="Say that two awards are not the same",
    responses=document(NotFound),
)
async def dismiss_duplicate(
    request: Request,
    account: ScholarshipsWriter,
    session: Writing,
    duplicate_id: Annotated[int, Path()],
) -> Response:
    await service.dismiss(
        session,
        account=account,
        duplicate_id=duplicate_id,
        change_source=source_of_request(request.scope, account.id),
    )
    return Response(status_code=204)


@router.post(
    "/scholarships/{scholarship_id}/merge",
    summary="Merge an award into another one",
    description=(
        "The award is archived, and its address answers with a redirect to the other one from then"
        " on. Interactions and rows of the tracker move. It can be undone for 30 days."
    ),
    dependencies=[Depends(require_json)],
    responses=document(
        BadRequest,
        NotFound,
        Conflict,
        PayloadTooLarge,
        PreconditionFailed,
        PreconditionRequired,
        UnsupportedMediaType,
    ),
)
async def merge_scholarship(
    *,
    request: Request,
    account: ScholarshipsWriter,
    precondition: IfMatch,
    session: Writing,
    scholarship_id: Annotated[str, Path()],
    merge: schemas.MergeRequest,
) -> schemas.Merge:
    return await service.merge(
        session,
        account=account,
        scholarship_id=scholarship_id,
        into_id=merge.into,
        precondition=precondition,
        change_source=source_of_request(request.scope, account.id),
    )


@router.delete(
    "/scholarships/{scholarship_id}/merge",
    status_code=204,
    summary="Undo the merge of an award",
    responses=document(NotFound, Conflict),
)
async def undo_merge(
    request: Request,
    account: ScholarshipsWriter,
    session: Writing,
    scholarship_id: Annotated[str, Path()],
) -> Response:
    await service.undo(
        session,
        account=account,
        scholarship_id=scholarship_id,
        change_source=source_of_request(request.scope, account.id),
        now=dt.datetime.now(dt.UTC),
    )
    return Response(status_code=204)
