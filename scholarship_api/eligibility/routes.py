"""Routes that check a student's profile against one award, several, or the whole catalogue."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import TypeAdapter

from scholarship_api.catalogue.read_model.current import Model
from scholarship_api.eligibility import service
from scholarship_api.eligibility.schemas import (
    CHECK_PATH,
    BulkEligibilityRequest,
    CheckPage,
    CheckQuery,
    CheckRequest,
    EligibilityRequest,
    EligibilityResult,
    Questions,
    QuestionsRequest,
)
from scholarship_api.errors import (
    BadRequest,
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.platform.http.deprecation import RawHeaders, deprecation_headers

ERRORS = (ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable)
BODY_ERRORS = (BadRequest, UnsupportedMediaType)
SUCCESSOR = CHECK_PATH

router = APIRouter(prefix="/api/v1", tags=["eligibility"], responses=document(*ERRORS))
root_router = APIRouter(tags=["eligibility"], responses=document(*ERRORS), deprecated=True)
"""The former address of the catalogue check."""

CheckByQuery = Annotated[CheckQuery, Query()]

_result: Final = TypeAdapter(EligibilityResult)
_results: Final = TypeAdapter(list[EligibilityResult])


def _private(body: str | bytes, headers: RawHeaders = ()) -> Response:
    # The URL and the answer contain what a student said about themselves: no cache may keep them.
    response = Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")
    response.raw_headers += headers
    return response


@router.post(
    "/scholarships/eligibility-check",
    response_model=EligibilityResult,
    summary="Check a profile against one award",
    dependencies=[Depends(require_json)],
    responses=document(*BODY_ERRORS, NotFound),
)
async def check_one(current: Model, request: EligibilityRequest) -> Response:
    result = await service.check_one(current, request)
    return _private(_result.dump_json(result))


@router.post(
    "/scholarships/bulk-eligibility-check",
    response_model=list[EligibilityResult],
    summary="Check a profile against 1 to 50 awards, and answer in their order",
    dependencies=[Depends(require_json)],
    responses=document(*BODY_ERRORS),
)
async def check_each(current: Model, request: BulkEligibilityRequest) -> Response:
    results = await service.check_each(current, request)
    return _private(_results.dump_json(results))


@router.post(
    "/eligibility/questions",
    response_model=Questions,
    summary="Which missing answers would settle most of the open awards",
    dependencies=[Depends(require_json)],
    responses=document(*BODY_ERRORS),
)
async def questions(current: Model, request: QuestionsRequest) -> Response:
    answer = await service.ask(current, request)
    return _private(answer.model_dump_json())


def _add_check(
    to: APIRouter, *, summary: str, name_suffix: str = "", headers: RawHeaders = ()
) -> None:
    """Add GET and POST /eligibility/check to a router; `headers` are added to their responses."""

    @to.get(
        "/eligibility/check",
        name=f"check_by_query{name_suffix}",
        response_model=CheckPage,
        summary=summary,
    )
    async def check_by_query(current: Model, request: CheckByQuery) -> Response:
        page = await service.check(current, request)
        return _private(page.model_dump_json(), headers)

    @to.post(
        "/eligibility/check",
        name=f"check_by_body{name_suffix}",
        response_model=CheckPage,
        summary=summary,
        dependencies=[Depends(require_json)],
        responses=document(*BODY_ERRORS),
    )
    async def check_by_body(current: Model, request: CheckRequest) -> Response:
        page = await service.check(current, request)
        return _private(page.model_dump_json(), headers)


_add_check(router, summary="Check a profile against the catalogue, or against some awards")
_add_check(
    root_router,
    summary=f"Moved to {SUCCESSOR}",
    name_suffix="_at_root",
    headers=deprecation_headers(SUCCESSOR),
)
