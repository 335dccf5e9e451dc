"""Recording interactions, and totals over them. Every number comes from the database."""

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row

from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.organizations import is_same_organization
from scholarship_api.accounts.roles import Role
from scholarship_api.activity import queries, schemas
from scholarship_api.activity.cursors import CursorCodec
from scholarship_api.activity.models import InteractionType
from scholarship_api.activity.searches import queries as searches
from scholarship_api.applications import service as applications
from scholarship_api.errors import NotFound
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects.owners import Owner

MAX_RECENT_INTERACTIONS: Final = 20

TRACKED: Final = frozenset({InteractionType.SAVED, InteractionType.DISMISSED})
"""Interactions that are the same fact as a row of the tracker."""


async def record_interaction(
    session: WriteSession, new: schemas.NewInteraction, *, account: AuthenticatedAccount
) -> schemas.RecordedInteraction:
    """Record an interaction. A repeat changes nothing and returns the time of the first one.

    A repeat has the same account, award and type; for `viewed` also the same day (UTC). A saved or
    dismissed award is so in the tracker, too. An award that was merged into another one stands for
    that. Raises NotFound for an award that is not public.
    """
    recorded = await queries.add_interaction(
        session, account_id=account.id, scholarship_id=new.scholarship_id, kind=new.type
    )
    if recorded is None:
        raise NotFound("There is no scholarship with this id.")
    if new.type in TRACKED and account.role is not Role.SERVICE:
        await applications.follow_interaction(
            session, Owner(account), scholarship_id=recorded.scholarship_id, kind=new.type
        )
    return schemas.RecordedInteraction(
        scholarship_id=recorded.scholarship_id, type=new.type, occurred_at=recorded.occurred_at
    )


async def list_interactions(
    session: ReadSession, request: schemas.InteractionsRequest, *, codec: CursorCodec
) -> schemas.InteractionsPage:
    """A page of interactions, newest first. Raises ValidationFailed for an invalid cursor."""
    after = codec.decode(request.cursor) if request.cursor is not None else None
    rows = list(
        await queries.newest_interactions(
            session, filters=request.filters(), after=after, limit=request.limit + 1
        )
    )
    has_next = len(rows) > request.limit
    del rows[request.limit :]
    return schemas.InteractionsPage(
        interactions=_interactions(rows),
        has_next=has_next,
        next_cursor=codec.encode(rows[-1].occurred_at, rows[-1].id) if has_next else None,
    )


async def account_activity(
    session: ReadSession, *, account_id: uuid.UUID
) -> schemas.AccountActivity:
    """All interactions of an account. Raises NotFound when there is no such account."""
    if not await queries.account_exists(session, account_id):
        raise NotFound("There is no account with this id.")
    kinds = await queries.account_counts(session, account_id)
    recent = await queries.newest_interactions(
        session, filters={"account_id": account_id}, limit=MAX_RECENT_INTERACTIONS
    )
    counts = {row.type: row.interactions for row in kinds}
    return schemas.AccountActivity(
        account_id=account_id,
        total_interactions=sum(counts.values()),
        interactions=schemas.InteractionCounts(**counts),
        first_interaction_at=min((row.first for row in kinds), default=None),
        last_interaction_at=max((row.last for row in kinds), default=None),
        recent_interactions=_interactions(recent),
    )


async def summarise(session: ReadSession, *, days: int, now: dt.datetime) -> schemas.Summary:
    since = first_day(days=days, now=now)
    counts = {
        row.type: row.interactions for row in await queries.counts(session, since=_midnight(since))
    }
    return schemas.Summary(
        days=days,
        since=since,
        total_interactions=sum(counts.values()),
        interactions=schemas.InteractionCounts(**counts),
        active_accounts=await queries.active_accounts(session, since=_midnight(since)),
        total_searches=await searches.total(session, since=since),
    )


async def popular_scholarships(
    session: ReadSession,
    *,
    days: int,
    limit: int,
    now: dt.datetime,
    organization: str | None = None,
) -> schemas.PopularScholarships:
    """The most popular awards, with `organization` only those of that organization."""
    since = first_day(days=days, now=now)
    own: list[str] | None = None
    if organization is not None:
        # The database folds accents as well, but a partner may only see what it may change.
        similar = await queries.organizations(session, organization, since=_midnight(since))
        own = [name for name in similar if is_same_organization(name, organization)]
    rows = await queries.popular(session, since=_midnight(since), limit=limit, organizations=own)
    return schemas.PopularScholarships(
        days=days,
        since=since,
        scholarships=[
            schemas.PopularScholarship.model_validate(row, from_attributes=True) for row in rows
        ],
    )


async def search_trends(
    session: ReadSession, *, days: int, limit: int, now: dt.datetime
) -> schemas.SearchTrends:
    since = first_day(days=days, now=now)
    rows = await searches.trends(session, since=since, limit=limit)
    return schemas.SearchTrends(
        days=days,
        since=since,
        queries=[schemas.SearchTrend(query=row.query, searches=row.searches) for row in rows],
    )


async def personal_data(session: ReadSession, account_id: uuid.UUID) -> list[dict[str, str]]:
    """All interactions of an account, oldest first, for the export of its data."""
    return [
        {
            "scholarship_id": row.scholarship_id,
            "type": row.type,
            "occurred_at": row.occurred_at.astimezone(dt.UTC).isoformat(),
        }
        for row in await queries.interactions_of_account(session, account_id)
    ]


def first_day(*, days: int, now: dt.datetime) -> dt.date:
    """The first day of a window of `days` calendar days in UTC that ends today."""
    return now.astimezone(dt.UTC).date() - dt.timedelta(days=days - 1)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, tzinfo=dt.UTC)


def _interactions(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[schemas.Interaction]:
    return [schemas.Interaction.model_validate(row) for row in rows]
