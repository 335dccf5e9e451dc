"""A platform's subjects as a whole: what is stored about one, and its deletion."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status

from scholarship_api.accounts.access import ACCESS_ERRORS
from scholarship_api.errors import (
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.subjects import service
from scholarship_api.subjects.access import change_source, readable_subject, writable_subject
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.personal_data import TOPICS
from scholarship_api.subjects.schemas import SubjectExport

router = APIRouter(
    prefix="/api/v1",
    tags=["subjects"],
    responses=document(
        *ACCESS_ERRORS,
        NotFound,
        ValidationFailed,
        RateLimited,
        DatabaseUnavailable,
        ServiceUnavailable,
    ),
)


@router.get(
    "/subjects/{external_id}",
    response_model=SubjectExport,
    summary="All that is stored about a subject",
)
async def export_subject(
    session: Reading, owner: Annotated[Owner, Depends(readable_subject)]
) -> object:
    return await service.export(session, owner, topics=TOPICS)


@router.delete(
    "/subjects/{external_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Erase a subject with everything that is stored about it",
)
async def delete_subject(
    request: Request, session: Writing, owner: Annotated[Owner, Depends(writable_subject)]
) -> None:
    await service.delete(session, owner, source=change_source(request, owner))
