"""Statements on interactions, and the removal of old rows."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Row,
    Select,
    delete,
    desc,
    exists,
    func,
    literal,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects import postgresql

from scholarship_api.accounts.models import Account
from scholarship_api.activity.models import (
    AwardEventCount,
    EventClient,
    Interaction,
    InteractionType,
    QueryClient,
    QueryCount,
    QueryEventCount,
    SearchCount,
)
from scholarship_api.catalogue.merges import present_id
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database.advisory_locks import AdvisoryLock
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.vocabulary import Status

SCORE_WEIGHTS: Final = {
    InteractionType.VIEWED: 1,
    InteractionType.SAVED: 3,
    InteractionType.APPLIED: 5,
    InteractionType.DISMISSED: 0,
}
"""Points that an interaction adds to an award's popularity; nearer to an application is more."""

_ONCE: Final[dict[str, Any]] = {
    "index_elements": ["account_id", "scholarship_id", "type"],
    "index_where": text("type <> 'viewed'"),
}
_ONCE_A_DAY: Final[dict[str, Any]] = {
    "index_elements": [
        "account_id",
        "scholarship_id",
        text("((occurred_at AT TIME ZONE 'UTC'::text)::date)"),
    ],
    "index_where": text("type = 'viewed'"),
}


# --- Interactions --------------------------------------------------------------------------------


async def add_interaction(
    session: WriteSession, *, account_id: uuid.UUID, scholarship_id: str, kind: InteractionType
) -> Row[str, dt.datetime] | None:
    """The award and the time of the interaction; None when there is no such award.

    An award that was merged into another one stands for that. A repeat changes nothing and returns
    the time of the first one.
    """
    # While the account is being deleted, the interaction is stored without a subject.
    subject = (
        select(Account.id)
        .where(Account.id == account_id)
        .with_for_update(read=True, key_share=True)
        .scalar_subquery()
    )
    row = select(subject, Scholarship.id, literal(kind.value)).where(
        Scholarship.id == present_id(scholarship_id), Scholarship.status != Status.DRAFT.value
    )
    statement = postgresql.insert(Interaction).from_select(
        ["account_id", "scholarship_id", "type"], row
    )
    statement = statement.on_conflict_do_update(
        **(_ONCE_A_DAY if kind is InteractionType.VIEWED else _ONCE),
        # Changes nothing. DO NOTHING would not return the existing row.
        set_={"type": statement.excluded.type},
    )
    returned = statement.returning(Interaction.scholarship_id, Interaction.occurred_at)
    return (await session.execute(returned)).one_or_none()


def newest_interactions_statement(
    *,
    filters: Mapping[str, Any],
    after: tuple[dt.datetime, int] | None,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    """Interactions, newest first. `filters`: account_id, scholarship_id, type, since, until."""
    statement = select(
        Interaction.id,
        Interaction.account_id,
        Interaction.scholarship_id,
        Interaction.type,
        Interaction.occurred_at,
    )
    for name in ("account_id", "scholarship_id", "type"):
        if (value := filters.get(name)) is not None:
            statement = statement.where(getattr(Interaction, name) == value)
    if (since := filters.get("since")) is not None:
        statement = statement.where(Interaction.occurred_at >= since)
    if (until := filters.get("until")) is not None:
        statement = statement.where(Interaction.occurred_at <= until)
    if after is not None:
        place = tuple_(Interaction.occurred_at, Interaction.id)
        statement = statement.where(place < tuple_(literal(after[0]), literal(after[1])))
    return statement.order_by(Interaction.occurred_at.desc(), Interaction.id.desc()).limit(limit)


async def newest_interactions(
    session: ReadSession,
    *,
    filters: Mapping[str, Any],
    after: tuple[dt.datetime, int] | None = None,
    limit: int,
) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = newest_interactions_statement(filters=filters, after=after, limit=limit)
    return (await session.execute(statement)).all()


async def interactions_of_account(
    session: ReadSession, account_id: uuid.UUID
) -> Sequence[Row[str, str, dt.datetime]]:
    statement = select(Interaction.scholarship_id, Interaction.type, Interaction.occurred_at)
    statement = statement.where(Interaction.account_id == account_id)
    return (await session.execute(statement.order_by(Interaction.occurred_at))).all()


async def account_exists(session: ReadSession, account_id: uuid.UUID) -> bool:
    return bool(await session.scalar(select(exists().where(Account.id == account_id))))


def account_counts_statement(account_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Interaction.type,
            func.count().label("interactions"),
            func.min(Interaction.occurred_at).label("first"),
            func.max(Interaction.occurred_at).label("last"),
        )
        .where(Interaction.account_id == account_id)
        .group_by(Interaction.type)
    )


async def account_counts(
    session: ReadSession, account_id: uuid.UUID
) -> Sequence[Row[*tuple[Any, ...]]]:
    return (await session.execute(account_counts_statement(account_id))).all()


# --- Sums over a window --------------------------------------------------------------------------


def counts_statement(*, since: dt.datetime) -> Select[str, int]:
    """Interactions by type."""
    statement = select(Interaction.type, func.count().label("interactions"))
    return statement.where(Interaction.occurred_at >= since).group_by(Interaction.type)


def active_accounts_statement(*, since: dt.datetime) -> Select[int]:
    # Grouping by hash takes half the time of count(DISTINCT ...), which sorts.
    active = select(Interaction.account_id).where(
        Interaction.occurred_at >= since, Interaction.account_id.is_not(None)
    )
    return select(func.count()).select_from(active.group_by(Interaction.account_id).subquery())


def organizations_statement(name: str, *, since: dt.datetime) -> Select[str]:
    """Organizations whose awards have interactions, in all spellings that fold to `name`.

    Folding also removes accents, so that the result can hold other organizations too.
    """
    active = select(Interaction.scholarship_id).where(Interaction.occurred_at >= since).distinct()
    seen = active.subquery("seen")
    award = (
        select(Scholarship.organization)
        .where(
            Scholarship.id == seen.c.scholarship_id,
            Scholarship.organization_folded == func.public.fold_text(name),
        )
        .limit(1)
        .lateral("award")
    )
    return select(award.c.organization).select_from(seen).join(award, true()).distinct()


def popular_statement(
    *, since: dt.datetime, limit: int, organizations: Collection[str] | None = None
) -> Select[*tuple[Any, ...]]:
    """Awards by score, then by id, without drafts and without awards that no longer exist.

    With `organizations` only their awards.
    """
    counts = {
        kind: func.count().filter(Interaction.type == kind.value).label(kind.value)
        for kind in InteractionType
    }
    summed = (
        select(Interaction.scholarship_id, *counts.values())
        .where(Interaction.occurred_at >= since)
        .group_by(Interaction.scholarship_id)
        .subquery("summed")
    )
    score = sum(
        (
            summed.c[kind.value] * literal(weight)
            for kind, weight in SCORE_WEIGHTS.items()
            if weight
        ),
        start=literal(0),
    ).label("score")
    ranked = (
        select(summed, score).order_by(desc("score"), summed.c.scholarship_id).subquery("ranked")
    )
    # Lateral and with its own limit, so that names are read for the rows of the page only.
    names = select(Scholarship.name, Scholarship.organization).where(
        Scholarship.id == ranked.c.scholarship_id, Scholarship.status != Status.DRAFT.value
    )
    if organizations is not None:
        names = names.where(Scholarship.organization.in_(organizations))
    award = names.limit(1).lateral("award")
    return (
        select(ranked, award)
        .join(award, true())
        .where(ranked.c.score > 0)
        .order_by(ranked.c.score.desc(), ranked.c.scholarship_id)
        .limit(limit)
    )


async def counts(session: ReadSession, *, since: dt.datetime) -> Sequence[Row[str, int]]:
    return (await session.execute(counts_statement(since=since))).all()


async def active_accounts(session: ReadSession, *, since: dt.datetime) -> int:
    return (await session.execute(active_accounts_statement(since=since))).scalar_one()


async def organizations(session: ReadSession, name: str, *, since: dt.datetime) -> Sequence[str]:
    return (await session.scalars(organizations_statement(name, since=since))).all()


async def popular(
    session: ReadSession,
    *,
    since: dt.datetime,
    limit: int,
    organizations: Collection[str] | None = None,
) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = popular_statement(since=since, limit=limit, organizations=organizations)
    return (await session.execute(statement)).all()


# --- Retention -----------------------------------------------------------------------------------


async def try_retention_lock(session: WriteSession) -> bool:
    """Take the lock until the transaction ends; false when another worker has it.

    A lock of the session does not work behind PgBouncer.
    """
    return bool(await session.scalar(text(AdvisoryLock.RETENTION.try_for_transaction)))


Expiring = (
    Interaction
    | QueryCount
    | QueryClient
    | QueryEventCount
    | AwardEventCount
    | EventClient
    | SearchCount
)


async def remove_rows(
    session: WriteSession, table: type[Expiring], *, before: dt.datetime, limit: int
) -> int:
    """Remove up to `limit` of the oldest rows; the number of removed ones.

    Rows of a day are removed when the whole day lies before `before`.
    """
    keys = list(table.__table__.primary_key)
    if issubclass(table, Interaction):
        rows = select(*keys).where(table.occurred_at < before).order_by(table.occurred_at)
    else:
        day = before.astimezone(dt.UTC).date()
        rows = select(*keys).where(table.day < day).order_by(table.day)
    old = rows.limit(limit).with_for_update(skip_locked=True)
    removal = delete(table).where(tuple_(*keys).in_(old)).returning(*keys)
    return len((await session.execute(removal)).all())
