"""Recording interactions with awards, and analytics for administrators and partners."""

import datetime as dt
import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    ANONYMOUS_ALLOWED,
    AnalyticsReader,
    CurrentAccount,
    CurrentAdmin,
    current_account_or_none,
)
from scholarship_api.activity import schemas, service
from scholarship_api.activity.cursors import CursorCodec
from scholarship_api.activity.searches import schemas as search_schemas
from scholarship_api.activity.searches import service as searches
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
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.platform.http.rate_limiting import client_identity

ERRORS = (ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable)

EVENTS_PATH: Final = "/api/v1/events"

EVENT_BODY_BYTES: Final = 2048
"""The largest body of an event. The longest valid one has 450 bytes."""

router = APIRouter(prefix="/api/v1", responses=document(*ERRORS))


@router.post(
    "/interactions",
    status_code=status.HTTP_201_CREATED,
    tags=["interactions"],
    summary="Record an interaction with an award",
    description=(
        "The account is that of the token. A repeat of `saved`, `applied` or `dismissed` with the"
        " same award, or of `viewed` on the same day (UTC), changes nothing and gets the answer of"
        " the first time."
    ),
    dependencies=[Depends(require_json)],
    responses=document(BadRequest, Unauthorized, NotFound, UnsupportedMediaType),
)
async def record_interaction(
    account: CurrentAccount, session: Writing, new: schemas.NewInteraction
) -> schemas.RecordedInteraction:
    return await service.record_interaction(session, new, account=account)


@router.post(
    EVENTS_PATH.removeprefix(router.prefix),
    status_code=status.HTTP_202_ACCEPTED,
    response_class=Response,
    tags=["interactions"],
    summary="Report what a person did with a result of a search",
    description=(
        "Counted without the person: a client counts once a day (UTC) for a query, an award and a"
        " type. No account is needed. An award that is not public is not counted, which the answer"
        " does not tell."
    ),
    dependencies=[Depends(current_account_or_none), Depends(require_json)],
    responses=document(BadRequest, Unauthorized, UnsupportedMediaType),
    openapi_extra=ANONYMOUS_ALLOWED,
)
async def record_event(http: Request, new: search_schemas.NewEvent) -> None:
    searches.record_event(
        new,
        client=client_identity(http.scope),
        ids=http.app.state.search_ids,
        recorder=http.app.state.search_recorder,
    )


analytics = APIRouter(prefix="/analytics", tags=["analytics"], responses=document(*ACCESS_ERRORS))


@analytics.get("/summary", summary="Totals of interactions and searches")
async def summarise(
    _: CurrentAdmin, session: Reading, window: Annotated[schemas.Window, Query()]
) -> schemas.Summary:
    return await service.summarise(session, days=window.days, now=_now())


@analytics.get("/user/{id}", summary="An account's interactions", responses=document(NotFound))
async def show_account_activity(
    _: CurrentAdmin, session: Reading, account_id: Annotated[uuid.UUID, Path(alias="id")]
) -> schemas.AccountActivity:
    return await service.account_activity(session, account_id=account_id)


@analytics.get("/interactions", summary="Interactions one by one, newest first")
async def list_interactions(
    _: CurrentAdmin,
    session: Reading,
    http: Request,
    request: Annotated[schemas.InteractionsRequest, Query()],
) -> schemas.InteractionsPage:
    codec: CursorCodec = http.app.state.interactions_cursor_codec
    return await service.list_interactions(session, request, codec=codec)


@analytics.get(
    "/popular-scholarships",
    summary="The awards that students viewed, saved and applied for the most",
    description="Partners see the awards of their own organization, administrators all.",
)
async def list_popular_scholarships(
    account: AnalyticsReader, session: Reading, request: Annotated[schemas.TopRequest, Query()]
) -> schemas.PopularScholarships:
    return await service.popular_scholarships(
        session,
        days=request.days,
        limit=request.limit,
        now=_now(),
        organization=account.confined_to,
    )


@analytics.get(
    "/search-trends",
    summary="The most frequent searches",
    description=(
        "Counts searches with known words, first pages only, with a delay of some seconds. A query"
        " is shown once five different clients have searched for it on one day. The clients are"
        " not stored."
    ),
)
async def list_search_trends(
    _: CurrentAdmin, session: Reading, request: Annotated[schemas.TopRequest, Query()]
) -> schemas.SearchTrends:
    return await service.search_trends(session, days=request.days, limit=request.limit, now=_now())


@analytics.get(
    "/searches",
    summary="What came of the most frequent searches",
    description=(
        "Queries that five different clients have searched for on one day, by known words alone,"
        " with a delay of some seconds. Clicks are those that were sent to /api/v1/events."
    ),
)
async def report_searches(
    _: CurrentAdmin,
    session: Reading,
    request: Annotated[search_schemas.SearchesRequest, Query()],
) -> search_schemas.SearchesReport:
    return await searches.searches_report(session, request, today=_now().date())


@analytics.get(
    "/search-results",
    summary="The awards that people clicked the most in results of searches",
    description=(
        "Counts what was sent to /api/v1/events, with a delay of some seconds. Partners see the"
        " awards of their own organization, administrators all."
    ),
)
async def report_search_results(
    account: AnalyticsReader,
    session: Reading,
    request: Annotated[search_schemas.Period, Query()],
) -> search_schemas.FoundScholarships:
    return await searches.found_scholarships(
        session, request, today=_now().date(), organization=account.confined_to
    )


router.include_router(analytics)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
