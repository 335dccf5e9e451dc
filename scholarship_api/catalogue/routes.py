"""The catalogue's awards, one by one."""

import datetime as dt
import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path, Response, status

from scholarship_api.catalogue import schemas, service
from scholarship_api.errors import (
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    document,
)
from scholarship_api.platform.database import Reading

router = APIRouter(
    prefix="/api/v1/scholarships",
    tags=["scholarships"],
    responses=document(RateLimited, DatabaseUnavailable, ServiceUnavailable),
)


@router.get(
    "/{scholarship_id}",
    response_model=schemas.Scholarship,
    summary="An award in full",
    responses={
        status.HTTP_304_NOT_MODIFIED: {"description": "If-None-Match names this very state."},
        **document(NotFound),
    },
)
async def get_scholarship(
    session: Reading,
    scholarship_id: Annotated[str, Path()],
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    scholarship = await service.get_public(session, scholarship_id=scholarship_id)
    answer = service.present(scholarship, now=dt.datetime.now(dt.UTC))
    body = answer.model_dump_json().encode()
    headers = {"ETag": etag(answer, body), "Cache-Control": "public, max-age=60"}
    if _names(if_none_match, headers["ETag"]):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def etag(scholarship: schemas.Scholarship, body: bytes) -> str:
    """`"<version>-<digest>"`: availability and days left change without a new version."""
    return f'"{scholarship.version}-{hashlib.blake2b(body, digest_size=8).hexdigest()}"'


def _names(if_none_match: str | None, tag: str) -> bool:
    """RFC 9110, 13.1.2: a list of tags or `*`, compared weakly."""
    if if_none_match is None:
        return False
    candidates = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in candidates or tag in candidates
