"""The routes of CommonGrants 0.4.0 for opportunities."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from scholarship_api.accounts.access import ANONYMOUS_ALLOWED, current_account_or_none
from scholarship_api.errors import (
    MIDDLEWARE_ERRORS,
    ApiError,
    BadRequest,
    DatabaseUnavailable,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.exchange.common_grants import schemas, service
from scholarship_api.exchange.common_grants.error_fields import PREFIX
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.search.responses.answers import Answers, Produced
from scholarship_api.search.snapshot import Snapshot

_ANYBODY: Final[dict[str, Any]] = {
    "dependencies": [Depends(current_account_or_none)],
    "openapi_extra": ANONYMOUS_ALLOWED,
}


def _document(*errors: type[ApiError]) -> dict[int | str, dict[str, Any]]:
    return document(*errors, body=schemas.OpportunityErrorBody)


_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "If-None-Match names this very answer."}
}

router = APIRouter(
    prefix=PREFIX,
    tags=["CommonGrants"],
    responses=_document(
        *MIDDLEWARE_ERRORS, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable
    ),
)


def _answers(request: Request) -> Answers:
    answers: Answers = request.app.state.answers
    return answers


def _as_json(answer: schemas.OpportunityList | schemas.OpportunityAnswer) -> Produced:
    return Produced(answer.model_dump_json(by_alias=True, exclude_none=True).encode())


@router.get(
    "/opportunities",
    response_model=schemas.OpportunityList,
    response_model_exclude_none=True,
    summary="The published awards as CommonGrants, last changed first",
    responses=_NOT_MODIFIED,
    **_ANYBODY,
)
async def list_opportunities(
    request: Request, page: Annotated[schemas.OpportunityPage, Query()]
) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        return _as_json(await service.listing(snapshot, page))

    key = f"opportunities:{page.page}:{page.page_size}"
    return await _answers(request).answer(request, produce, response_key=key)


@router.get(
    "/opportunities/{opportunity_id}",
    response_model=schemas.OpportunityAnswer,
    response_model_exclude_none=True,
    summary="One award as CommonGrants",
    responses=_document(NotFound) | _NOT_MODIFIED,
    **_ANYBODY,
)
async def get_opportunity(
    request: Request, opportunity_id: Annotated[str, Path(json_schema_extra={"format": "uuid"})]
) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        return _as_json(await service.read(snapshot, opportunity_id))

    key = f"opportunity:{opportunity_id}"
    return await _answers(request).answer(request, produce, response_key=key)


@router.post(
    "/opportunities/search",
    response_model=schemas.OpportunitySearchAnswer,
    response_model_exclude_none=True,
    summary="Search the published awards by the filters of CommonGrants",
    responses=_document(BadRequest, PayloadTooLarge, UnsupportedMediaType),
    dependencies=[Depends(current_account_or_none), Depends(require_json)],
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def search_opportunities(request: Request, search: schemas.OpportunitySearch) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        codec = request.app.state.cursor_codec
        return _as_json(await service.find(snapshot, search, codec=codec))

    if service.PRIVATE_FILTERS & (search.filters.custom_filters or {}).keys():
        return await _answers(request).private_answer(request, produce)
    key = f"opportunity search:{search.model_dump_json(exclude_unset=True)}"
    return await _answers(request).answer(request, produce, response_key=key)
