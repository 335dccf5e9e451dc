"""Routes that list the codes of requests and answers with labels, for forms."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response, status

from scholarship_api.errors import (
    NotFound,
    RateLimited,
    ServiceUnavailable,
    ValidationFailed,
    document,
)
from scholarship_api.platform.http.conditional import cacheable_json, digest, entity_tag
from scholarship_api.vocabularies import schemas, service

CACHE_CONTROL: Final = b"public, max-age=3600"
"""The codes change with a release of the service only."""

_OK: Final = {
    "headers": {
        "ETag": {"description": "The version of this answer.", "schema": {"type": "string"}}
    }
}
_NOT_MODIFIED: Final = {"description": "If-None-Match names the current ETag."}

router = APIRouter(
    prefix=service.PATH,
    tags=["vocabularies"],
    responses={
        status.HTTP_200_OK: _OK,
        status.HTTP_304_NOT_MODIFIED: _NOT_MODIFIED,
        **document(RateLimited, ServiceUnavailable),
    },
)


@router.get("", response_model=schemas.VocabularyList, summary="All vocabularies")
async def list_vocabularies(
    request: Request,
    if_none_match: Annotated[str | None, Header()] = None,  # noqa: ARG001 - documents the header
) -> Response:
    return _cacheable(request, service.list_all().model_dump_json().encode())


@router.get(
    "/{name}",
    response_model=schemas.VocabularyTerms,
    summary="The codes of a vocabulary, with labels",
    responses=document(NotFound, ValidationFailed),
)
async def list_terms(
    request: Request,
    name: Annotated[str, Path()],
    query: Annotated[schemas.TermsRequest, Query()],
    if_none_match: Annotated[str | None, Header()] = None,  # noqa: ARG001 - documents the header
) -> Response:
    answer = service.find_terms(name=name, request=query)
    return _cacheable(request, answer.model_dump_json().encode())


def _cacheable(request: Request, body: bytes) -> Response:
    return cacheable_json(
        request.scope, body, etag=entity_tag(digest(body)), cache_control=CACHE_CONTROL
    )
