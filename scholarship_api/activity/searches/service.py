"""Events of results, and reports on searches."""

import datetime as dt
from typing import Any, Final

from sqlalchemy import Row

from scholarship_api.accounts.organizations import is_same_organization
from scholarship_api.activity.searches import queries, schemas
from scholarship_api.activity.searches.recording import ResultEvent, SearchRecorder
from scholarship_api.activity.searches.search_ids import SearchIds
from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database.sessions import ReadSession

RATE_DIGITS: Final = 4
POSITION_DIGITS: Final = 2


def record_event(
    new: schemas.NewEvent, *, client: str, ids: SearchIds, recorder: SearchRecorder
) -> None:
    """Count an event. Raises ValidationFailed for a search_id that no answer had.

    Whether there is such an award is found out later, so that no answer tells it.
    """
    event = ResultEvent(ids.decode(new.search_id), new.type, new.scholarship_id, new.position)
    recorder.record(event, client=client)


async def searches_report(
    session: ReadSession, request: schemas.SearchesRequest, *, today: dt.date
) -> schemas.SearchesReport:
    """Raises ValidationFailed for a period that is too long or ends before it begins."""
    since, until = _days(request, today=today)
    rows = await queries.searches_report(
        session, order=request.order, since=since, until=until, limit=request.limit
    )
    return schemas.SearchesReport(
        since=since,
        until=until,
        queries=[
            schemas.SearchFigures(
                query=row.query,
                searches=row.searches,
                clients=row.clients,
                no_results=row.no_results,
                click_through=round(float(row.click_through), RATE_DIGITS),
                **_figures(row),
            )
            for row in rows
        ],
    )


async def found_scholarships(
    session: ReadSession, request: schemas.Period, *, today: dt.date, organization: str | None
) -> schemas.FoundScholarships:
    """Awards by their clicks, with `organization` only those of that organization.

    Raises ValidationFailed for a period that is too long or ends before it begins.
    """
    since, until = _days(request, today=today)
    own: list[str] | None = None
    if organization is not None:
        # The database folds accents as well, but a partner may only see what it may change.
        similar = await queries.organizations(session, organization, since=since, until=until)
        own = [name for name in similar if is_same_organization(name, organization)]
    rows = await queries.found_awards(
        session, since=since, until=until, limit=request.limit, organizations=own
    )
    return schemas.FoundScholarships(
        since=since,
        until=until,
        scholarships=[
            schemas.FoundScholarship(
                scholarship_id=row.scholarship_id,
                name=row.name,
                organization=row.organization,
                **_figures(row),
            )
            for row in rows
        ],
    )


def _days(period: schemas.Period, *, today: dt.date) -> tuple[dt.date, dt.date]:
    until = period.until or today
    try:
        default = until - dt.timedelta(days=schemas.DEFAULT_DAYS - 1)
    except OverflowError:
        default = dt.date.min
    since = period.since or default
    if since > until:
        raise ValidationFailed.of("since", "must not be after until")
    if (until - since).days >= schemas.MAX_DAYS:
        raise ValidationFailed.of(
            "since", f"must be at most {schemas.MAX_DAYS - 1} days before until"
        )
    return since, until


def _figures(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    mean = None
    if row.positioned:
        mean = round(row.position_sum / row.positioned, POSITION_DIGITS)
    return {
        "clicks": row.clicks,
        "views": row.views,
        "applies": row.applies,
        "mean_click_position": mean,
    }
