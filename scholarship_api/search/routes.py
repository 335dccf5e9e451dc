"""GET and POST /search, suggestions, and the lists of the catalogue that are searches."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic_core import from_json, to_json

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    ANONYMOUS_ALLOWED,
    ScholarshipsReader,
    current_account_or_none,
)
from scholarship_api.activity.searches.recording import CountedSearch
from scholarship_api.activity.searches.search_ids import SearchIds
from scholarship_api.catalogue.versions import utc_now
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
from scholarship_api.feeds import readers
from scholarship_api.feeds import service as feeds
from scholarship_api.feeds.responses import CALENDAR, PUBLIC, Content, feed_response
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.platform.http.deprecation import RawHeaders, deprecation_headers
from scholarship_api.platform.http.rate_limiting import RateLimits
from scholarship_api.search import advice, limits, service, similar
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.known_words import known_query
from scholarship_api.search.response_schemas import (
    MultiSearchResults,
    ScholarshipList,
    SearchMetadata,
    SearchPage,
    SimilarScholarships,
    SmartSearchPage,
    Suggestions,
)
from scholarship_api.search.responses import formats
from scholarship_api.search.responses.answers import Answers, Part, Produced, Producer
from scholarship_api.search.responses.pages import json_of, page_json, present
from scholarship_api.search.schemas import (
    FormattedQuery,
    Listing,
    MultiSearch,
    SearchBody,
    SearchQuery,
    SearchRequest,
    SimilarRequest,
    SuggestionRequest,
)
from scholarship_api.search.service import Page
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.vocabulary import FieldName

READ_ERRORS = (ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable)
BODY_ERRORS = (BadRequest, UnsupportedMediaType)
SUCCESSOR = "/api/v1/search"

router = APIRouter(prefix="/api/v1", tags=["search"], responses=document(*READ_ERRORS))
root_router = APIRouter(tags=["search"], responses=document(*READ_ERRORS), deprecated=True)

BEARER_OPTIONAL: Final = Depends(current_account_or_none)
"""A search needs no account, but a token that is sent must be valid."""

SearchParameters = Annotated[SearchQuery, Query()]
FormattedParameters = Annotated[FormattedQuery, Query()]
ListQuery = Annotated[Listing, Query()]


NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "If-None-Match names this very answer."}
}


OTHER_FORMATS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            media_type.partition(";")[0]: {"schema": {"type": "string"}}
            for media_type in (readers.ATOM, formats.CSV, CALENDAR)
        }
    }
}


def _answers(http: Request) -> Answers:
    answers: Answers = http.app.state.answers
    return answers


def _codec(http: Request) -> CursorCodec:
    codec: CursorCodec = http.app.state.cursor_codec
    return codec


def _search_ids(http: Request) -> SearchIds:
    ids: SearchIds = http.app.state.search_ids
    return ids


def _counted(request: SearchRequest, page: Page, words: str) -> CountedSearch | None:
    """A search counts once, however many of its pages are read, and only for its known words."""
    if request.cursor is not None or request.offset or not words:
        return None
    return CountedSearch(words, has_results=page.total > 0)


def _producer(http: Request, request: SearchRequest) -> Producer:
    async def produce(snapshot: Snapshot) -> Produced:
        page = await service.search(snapshot, request, codec=_codec(http), with_rules=True)
        words = await known_query(snapshot, request.q)
        body = page_json(page, search_id=_search_ids(http).encode(words))
        return Produced(body, page.basis, _counted(request, page, words))

    return produce


def _response_key(request: SearchRequest) -> str:
    return f"search:{request.response_key}"


async def _search(http: Request, request: SearchRequest, headers: RawHeaders) -> Response:
    produce = _producer(http, request)
    if request.is_private:
        return await _answers(http).private_answer(http, produce, headers=headers)
    return await _answers(http).answer(
        http, produce, response_key=_response_key(request), headers=headers
    )


async def _formatted(
    http: Request, request: FormattedQuery, as_format: formats.Format, headers: RawHeaders
) -> Response:
    """A page of results as a feed, a calendar or a table. It is not counted as a search."""

    async def find(snapshot: Snapshot) -> Page:
        return await service.search(snapshot, request, codec=_codec(http), with_rules=True)

    page = await _answers(http).run(http, find)
    if as_format == "csv":
        content = Content(formats.table(map(from_json, page.items)), formats.CSV)
    else:
        fetch = http.app.state.database.read
        content = feeds.render_entries(
            await feeds.found_entries(fetch, page, now=utc_now()),
            name="Scholarship deadlines",
            feed_id="urn:scholarship-api:search",
            as_format="ics" if as_format == "ics" else "atom",
        )
    response = feed_response(http, content, PUBLIC)
    response.raw_headers += headers
    return response


def _add_search(
    to: APIRouter, *, summary: str, name_suffix: str = "", headers: RawHeaders = ()
) -> None:
    """Add GET and POST /search to a router; `headers` are added to their responses."""

    @to.get(
        "/search",
        name=f"search_by_query{name_suffix}",
        response_model=SearchPage,
        summary=summary,
        dependencies=[BEARER_OPTIONAL],
        responses=document(Unauthorized) | NOT_MODIFIED | OTHER_FORMATS,
        openapi_extra=ANONYMOUS_ALLOWED,
    )
    async def search_by_query(http: Request, request: FormattedParameters) -> Response:
        as_format = request.format or formats.accepted_format(http.headers.get("accept"))
        if as_format == "json":
            return await _search(http, request, headers + formats.VARY)
        return await _formatted(http, request, as_format, headers + formats.VARY)

    @to.post(
        "/search",
        name=f"search_by_body{name_suffix}",
        response_model=SearchPage,
        summary=summary,
        dependencies=[BEARER_OPTIONAL, Depends(require_json)],
        responses=document(Unauthorized, *BODY_ERRORS),
        openapi_extra=ANONYMOUS_ALLOWED,
    )
    async def search_by_body(http: Request, request: SearchBody) -> Response:
        return await _search(http, request, headers)


_add_search(router, summary="Search the catalogue")
_add_search(
    root_router,
    summary=f"Moved to {SUCCESSOR}",
    name_suffix="_at_root",
    headers=deprecation_headers(SUCCESSOR),
)


@router.post(
    "/multi-search",
    response_model=MultiSearchResults,
    summary="Several searches in one request",
    description=(
        "The results are those of the searches one by one, in their order and of one state of the"
        " catalogue. Each search counts towards the limit of the group. A search that is not valid"
        " refuses all of them."
    ),
    dependencies=[BEARER_OPTIONAL, Depends(require_json)],
    responses=document(Unauthorized, *BODY_ERRORS),
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def multi_search(http: Request, multi: MultiSearch) -> Response:
    rate_limits: RateLimits = http.app.state.rate_limits
    await rate_limits.count_further(http.scope, len(multi.searches) - 1)
    return await _answers(http).several(
        http,
        [
            Part(
                _producer(http, request),
                response_key=None if request.is_private else _response_key(request),
            )
            for request in multi.searches
        ],
    )


@router.get(
    "/search/suggestions",
    response_model=Suggestions,
    summary="Complete what is being typed to fields, organizations and names",
    responses=NOT_MODIFIED,
)
async def suggest(http: Request, request: Annotated[SuggestionRequest, Query()]) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        found = await service.suggest(snapshot, request.prefix, limit=request.limit)
        return Produced(to_json(found))

    response_key = f"suggestions:{request.model_dump_json()}"
    return await _answers(http).answer(http, produce, response_key=response_key)


@router.get(
    "/scholarships/smart-search",
    response_model=SmartSearchPage,
    summary="Search with advice on how to get better results",
    responses=NOT_MODIFIED,
)
async def smart_search(http: Request, request: SearchParameters) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        page, sentences = await advice.smart_search(snapshot, request, codec=_codec(http))
        words = await known_query(snapshot, request.q)
        body = json_of(
            "results",
            page.items,
            total=page.total,
            total_is_exact=page.total_is_exact,
            suggestions=sentences,
            search_metadata=SearchMetadata(
                filters_applied=list(page.filters), search_quality=advice.quality(page.total)
            ),
            page=page.page,
            page_size=page.page_size,
            has_next=page.has_next,
            has_previous=page.has_previous,
            next_cursor=page.next_cursor,
            search_id=_search_ids(http).encode(words),
            **present(
                did_you_mean=page.did_you_mean,
                is_corrected=page.is_corrected,
                interpreted=page.interpreted,
                ignored_words=page.ignored_words,
            ),
        )
        return Produced(body, counted=_counted(request, page, words))

    response_key = f"smart search:{request.response_key}"
    return await _answers(http).answer(http, produce, response_key=response_key)


@router.get(
    "/scholarships",
    response_model=ScholarshipList,
    summary="The published awards, by every filter of the search",
    responses=document(*ACCESS_ERRORS) | NOT_MODIFIED,
)
async def list_scholarships(
    _: ScholarshipsReader, http: Request, request: SearchParameters
) -> Response:
    request.facets = ()  # a list has none
    request.interpret = False  # its answer could not tell
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


@router.get(
    "/scholarships/{scholarship_id}/similar",
    response_model=SimilarScholarships,
    summary="The open awards that are most similar to one",
    description=(
        "They share what is rare: fields of study, states and other codes of the criteria, the type"
        " and what is covered. The award itself may be closed."
    ),
    responses=document(NotFound) | NOT_MODIFIED,
)
async def list_similar(
    http: Request,
    scholarship_id: Annotated[str, Path(max_length=limits.MAX_AWARD_ID_CHARACTERS)],
    request: Annotated[SimilarRequest, Query()],
) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        items = await similar.similar_items(snapshot, scholarship_id, limit=request.limit)
        return Produced(b'{"items":[%b]}' % b",".join(items))

    response_key = f"similar:{request.limit}:{scholarship_id}"
    return await _answers(http).answer(http, produce, response_key=response_key)


async def _list(
    http: Request, request: SearchRequest, *, organization: str | None = None
) -> Response:
    async def produce(snapshot: Snapshot) -> Produced:
        page = await service.search(
            snapshot, request, codec=_codec(http), organization=organization
        )
        body = json_of(
            "scholarships",
            page.items,
            total_count=page.total,
            page=page.page,
            page_size=page.page_size,
            has_next=page.has_next,
            has_previous=page.has_previous,
            next_cursor=page.next_cursor,
        )
        return Produced(body, page.basis)

    response_key = f"list:{request.response_key}:{organization or ''}"
    return await _answers(http).answer(http, produce, response_key=response_key)
