"""GET and POST /search, suggestions, and the lists of the catalogue that are searches."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic_core import to_json

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    ANONYMOUS_ALLOWED,
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
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.platform.http.deprecation import deprecation_headers
from scholarship_api.search import service
from scholarship_api.search.responses.answers import Answering
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
from scholarship_api.search.snapshot import Source
from scholarship_api.search.sql.summaries import json_of
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


NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "If-None-Match names this very answer."}
}
_DEPRECATED_HEADERS: Final = deprecation_headers(SUCCESSOR)


def _answering(http: Request) -> Answering:
    answering: Answering = http.app.state.answering
    return answering


def _searched(request: SearchRequest) -> str | None:
    """For the search trends: once for a search, however many of its pages are read."""
    return None if request.cursor is not None or request.offset else request.q


def _asked_for(**fields: object) -> dict[str, object]:
    """Without those that there are none of."""
    return {name: value for name, value in fields.items() if value is not None}


async def _search(http: Request, request: SearchRequest, *, is_moved: bool = False) -> Response:
    async def make(source: Source) -> bytes:
        page = await service.search(source, request)
        return json_of(
            "items",
            page.items,
            total=page.total,
            total_is_exact=page.total_is_exact,
            page=page.page,
            page_size=page.page_size,
            filters=page.filters,
            took_ms=0,
            has_next=page.has_next,
            has_previous=page.has_previous,
            next_cursor=page.next_cursor,
            **_asked_for(facets=page.facets, did_you_mean=page.did_you_mean),
        )

    return await _answering(http).answer(
        http,
        make,
        key=f"search:{request.key}",
        searched=_searched(request),
        headers=_DEPRECATED_HEADERS if is_moved else (),
    )


@router.get(
    "/search",
    response_model=SearchPage,
    summary="Search the catalogue",
    dependencies=[BEARER_OPTIONAL],
    responses=document(Unauthorized) | NOT_MODIFIED,
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def search_by_query(http: Request, request: SearchQuery) -> Response:
    return await _search(http, request)


@router.post(
    "/search",
    response_model=SearchPage,
    summary="Search the catalogue",
    dependencies=[BEARER_OPTIONAL, Depends(require_json)],
    responses=document(Unauthorized, *BODY_ERRORS),
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def search_by_body(http: Request, request: SearchRequest) -> Response:
    return await _search(http, request)


@root_router.get(
    "/search",
    response_model=SearchPage,
    summary="Moved to /api/v1/search",
    dependencies=[BEARER_OPTIONAL],
    responses=document(Unauthorized) | NOT_MODIFIED,
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def search_by_query_at_root(http: Request, request: SearchQuery) -> Response:
    return await _search(http, request, is_moved=True)


@root_router.post(
    "/search",
    response_model=SearchPage,
    summary="Moved to /api/v1/search",
    dependencies=[BEARER_OPTIONAL, Depends(require_json)],
    responses=document(Unauthorized, *BODY_ERRORS),
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def search_by_body_at_root(http: Request, request: SearchRequest) -> Response:
    return await _search(http, request, is_moved=True)


@router.get(
    "/search/suggestions",
    response_model=Suggestions,
    summary="Complete what is being typed to fields, organizations and names",
    responses=NOT_MODIFIED,
)
async def suggest(http: Request, request: Annotated[SuggestionRequest, Query()]) -> Response:
    async def make(source: Source) -> bytes:
        return to_json(await service.suggest(source, request.prefix, limit=request.limit))

    key = f"suggestions:{request.model_dump_json()}"
    return await _answering(http).answer(http, make, key=key)


@router.get(
    "/scholarships/smart-search",
    response_model=SmartSearchPage,
    summary="Search with advice on how to get better results",
    responses=NOT_MODIFIED,
)
async def smart_search(http: Request, request: SearchQuery) -> Response:
    async def make(source: Source) -> bytes:
        page = await service.search(source, request)
        advice = await service.advise(source, request, page)
        return json_of(
            "results",
            page.items,
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
            **_asked_for(did_you_mean=page.did_you_mean),
        )

    key = f"smart search:{request.key}"
    return await _answering(http).answer(http, make, key=key, searched=_searched(request))


@router.get(
    "/scholarships",
    response_model=ScholarshipList,
    summary="The published awards, by every filter of the search",
    responses=document(*ACCESS_ERRORS) | NOT_MODIFIED,
)
async def list_scholarships(_: ScholarshipsReader, http: Request, request: SearchQuery) -> Response:
    request.facets = False  # a list has none
    return await _list(http, request)


@router.get(
    "/scholarships/organization/{name:path}",
    response_model=ScholarshipList,
    summary="An organization's awards",
    responses=document(NotFound) | NOT_MODIFIED,
)
async def list_by_organization(
    http: Request,
    name: Annotated[str, Path(description="In any letter case, with or without accents.")],
    listing: ListQuery,
) -> Response:
    request = SearchRequest(**listing.model_dump(exclude_unset=True))
    return await _list(http, request, organization=name)


@router.get(
    "/scholarships/fields/{field}",
    response_model=ScholarshipList,
    summary="The awards that are open to a field of study",
    responses=NOT_MODIFIED,
)
async def list_by_field(http: Request, field: FieldName, listing: ListQuery) -> Response:
    request = SearchRequest(**listing.model_dump(exclude_unset=True), fields_of_study=[field])
    return await _list(http, request)


async def _list(
    http: Request, request: SearchRequest, *, organization: str | None = None
) -> Response:
    async def make(source: Source) -> bytes:
        if organization is not None:
            await service.require_organization(source.fetch, organization)
        page = await service.search(source, request, organization=organization)
        return json_of(
            "scholarships",
            page.items,
            total_count=page.total,
            page=page.page,
            page_size=page.page_size,
            has_next=page.has_next,
            has_previous=page.has_previous,
            next_cursor=page.next_cursor,
        )

    key = f"list:{request.key}:{organization or ''}"
    return await _answering(http).answer(http, make, key=key)
