"""GET and POST /search, suggestions, and the lists of the catalogue that are searches."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    ANONYMOUS_TOO,
    ScholarshipsReader,
    current_account_or_none,
)
from scholarship_api.errors import (
    BadRequest,
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database import Driver
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.platform.http.deprecation import moved
from scholarship_api.search import service
from scholarship_api.search.schemas import (
    Listing,
    ScholarshipList,
    SearchMetadata,
    SearchPage,
    SearchRequest,
    SmartSearchPage,
    SuggestionRequest,
    Suggestions,
)
from scholarship_api.vocabulary import FieldName

READ_ERRORS = (ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable)
BODY_ERRORS = (BadRequest, UnsupportedMediaType)
SUCCESSOR = "/api/v1/search"

router = APIRouter(prefix="/api/v1", tags=["search"], responses=document(*READ_ERRORS))
root_router = APIRouter(tags=["search"], responses=document(*READ_ERRORS), deprecated=True)

# A search needs no account, but a token that is sent must be good.
BEARER_OPTIONAL = Depends(current_account_or_none)

SearchQuery = Annotated[SearchRequest, Query()]
ListQuery = Annotated[Listing, Query()]


def _json(model: SearchPage | SmartSearchPage | ScholarshipList | Suggestions) -> Response:
    # exclude_unset leaves out what was not asked for; serialising once here saves FastAPI's second
    # validation of the answer.
    return Response(model.model_dump_json(exclude_unset=True), media_type="application/json")


def _record(http: Request, request: SearchRequest) -> None:
    """For the search trends: once for a search, however many of its pages are read."""
    if request.q is not None and request.cursor is None and not request.offset:
        http.app.state.search_recorder.record(request.q)


@router.get(
    "/search",
    response_model=SearchPage,
    summary="Search the catalogue",
    dependencies=[BEARER_OPTIONAL],
    responses=document(Unauthorized),
    openapi_extra=ANONYMOUS_TOO,
)
async def search_by_query(http: Request, connection: Driver, request: SearchQuery) -> Response:
    page = await service.search(connection, request, now=_now())
    _record(http, request)
    return _json(page)


@router.post(
    "/search",
    response_model=SearchPage,
    summary="Search the catalogue",
    dependencies=[BEARER_OPTIONAL, Depends(require_json)],
    responses=document(Unauthorized, *BODY_ERRORS),
    openapi_extra=ANONYMOUS_TOO,
)
async def search_by_body(http: Request, connection: Driver, request: SearchRequest) -> Response:
    return await search_by_query(http, connection, request)


@root_router.get(
    "/search",
    response_model=SearchPage,
    summary="Moved to /api/v1/search",
    dependencies=[BEARER_OPTIONAL],
    responses=document(Unauthorized),
    openapi_extra=ANONYMOUS_TOO,
)
async def search_by_query_at_root(
    http: Request, connection: Driver, request: SearchQuery
) -> Response:
    return moved(await search_by_query(http, connection, request), successor=SUCCESSOR)


@root_router.post(
    "/search",
    response_model=SearchPage,
    summary="Moved to /api/v1/search",
    dependencies=[BEARER_OPTIONAL, Depends(require_json)],
    responses=document(Unauthorized, *BODY_ERRORS),
    openapi_extra=ANONYMOUS_TOO,
)
async def search_by_body_at_root(
    http: Request, connection: Driver, request: SearchRequest
) -> Response:
    return moved(await search_by_query(http, connection, request), successor=SUCCESSOR)


@router.get(
    "/search/suggestions",
    response_model=Suggestions,
    summary="Complete what is being typed to fields, organizations and names",
)
async def suggest(connection: Driver, request: Annotated[SuggestionRequest, Query()]) -> Response:
    return _json(await service.suggest(connection, request.prefix, limit=request.limit, now=_now()))


@router.get(
    "/scholarships/smart-search",
    response_model=SmartSearchPage,
    summary="Search with advice on how to get better results",
)
async def smart_search(http: Request, connection: Driver, request: SearchQuery) -> Response:
    now = _now()
    page = await service.search(connection, request, now=now)
    _record(http, request)
    advice = await service.advise(connection, request, page, now=now)
    optional = {} if page.did_you_mean is None else {"did_you_mean": page.did_you_mean}
    return _json(
        SmartSearchPage(
            results=page.items,
            total=page.total,
            total_is_exact=page.total_is_exact,
            suggestions=advice,
            search_metadata=SearchMetadata(
                filters_applied=list(page.filters), search_quality=service.quality(page.total)
            ),
            page=page.page,
            page_size=page.page_size,
            has_next=page.has_next,
            has_previous=page.has_previous,
            next_cursor=page.next_cursor,
            **optional,
        )
    )


@router.get(
    "/scholarships",
    response_model=ScholarshipList,
    summary="The published awards, by every filter of the search",
    responses=document(*ACCESS_ERRORS),
)
async def list_scholarships(
    _: ScholarshipsReader, connection: Driver, request: SearchQuery
) -> Response:
    request.facets = False  # a list has none
    return _list(await service.search(connection, request, now=_now()))


@router.get(
    "/scholarships/organization/{name:path}",
    response_model=ScholarshipList,
    summary="An organization's awards",
    responses=document(NotFound),
)
async def list_by_organization(
    connection: Driver,
    name: Annotated[str, Path(description="In any letter case, with or without accents.")],
    listing: ListQuery,
) -> Response:
    await service.require_organization(connection, name)
    request = SearchRequest(**listing.model_dump(exclude_unset=True))
    return _list(await service.search(connection, request, now=_now(), organization=name))


@router.get(
    "/scholarships/fields/{field}",
    response_model=ScholarshipList,
    summary="The awards that are open to a field of study",
)
async def list_by_field(connection: Driver, field: FieldName, listing: ListQuery) -> Response:
    request = SearchRequest(**listing.model_dump(exclude_unset=True), fields_of_study=[field])
    return _list(await service.search(connection, request, now=_now()))


def _list(page: SearchPage) -> Response:
    return _json(
        ScholarshipList(
            scholarships=page.items,
            total_count=page.total,
            page=page.page,
            page_size=page.page_size,
            has_next=page.has_next,
            has_previous=page.has_previous,
            next_cursor=page.next_cursor,
        )
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
