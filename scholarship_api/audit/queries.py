"""Statements of the audit."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal

from psycopg.sql import SQL
from psycopg.types.json import Jsonb
from sqlalchemy import Select, Text, cast, func, insert, literal, null, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute

from scholarship_api.accounts.models import Account
from scholarship_api.api_keys.models import ApiKey
from scholarship_api.audit.models import AuditEvent
from scholarship_api.catalogue.models import Scholarship, ScholarshipChange
from scholarship_api.platform.database.engine import BulkConnection
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

AWARD_ACTIONS = "award."
"""The actions of changes begin so; those of events begin with another word."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    action: str | None = None
    """A whole action, or its first part with the dot."""
    actor_id: uuid.UUID | None = None
    target: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    events: bool = True
    organizations: tuple[str, ...] | None = None
    """The spellings of the only organization whose awards, accounts and keys are shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row of one of the two tables."""

    kind: Literal["change", "event"]
    id: int
    occurred_at: dt.datetime
    action: str
    target: str | None
    version: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    details: dict[str, Any] | None
    source: str
    account_id: uuid.UUID | None
    trace_id: str | None
    request_id: str | None


async def add_event(session: WriteSession, values: Mapping[str, Any]) -> None:
    await session.execute(insert(AuditEvent).values(values))


ADD_EVENT: Final = SQL(
    "INSERT INTO audit_events"
    " (action, target_id, details, source, account_id, trace_id, request_id) VALUES"
    " (%(action)s, %(target_id)s, %(details)s, %(source)s, %(account_id)s, %(trace_id)s,"
    " %(request_id)s)"
)


async def add_event_on_connection(connection: BulkConnection, values: Mapping[str, Any]) -> None:
    await connection.execute(ADD_EVENT, {**values, "details": Jsonb(values["details"])})


async def purge(session: WriteSession, *, days: int, limit: int) -> int:
    """Remove up to `limit` rows of each table that are older than `days`, and than 30 days.

    The function belongs to the owner of the schema: the serving role may not delete.
    """
    removed: int = (await session.scalars(select(func.public.audit_purge(days, limit)))).one()
    return removed


async def changes(
    session: ReadSession, filters: Filters, *, below: int, limit: int
) -> Sequence[Entry]:
    """Changes of awards, newest first, whose id is below a number."""
    change = ScholarshipChange
    statement = select(
        literal("change"),
        change.id,
        change.changed_at,
        func.concat(AWARD_ACTIONS, change.action),
        change.scholarship_id,
        change.version,
        change.before,
        change.after,
        null(),
        change.source,
        change.account_id,
        change.trace_id,
        change.request_id,
    ).where(change.id < below)
    if filters.action is not None:
        name = filters.action.removeprefix(AWARD_ACTIONS)
        if name == filters.action:
            return []
        if name:
            statement = statement.where(change.action == name)
    if filters.target is not None:
        statement = statement.where(change.scholarship_id == filters.target)
    if filters.organizations is not None:
        own = select(Scholarship.id).where(Scholarship.organization.in_(filters.organizations))
        statement = statement.where(change.scholarship_id.in_(own))
    statement = _bounded(statement, filters, change.changed_at, change.account_id)
    rows = await session.execute(statement.order_by(change.id.desc()).limit(limit))
    return [Entry(*row) for row in rows]


async def events(
    session: ReadSession, filters: Filters, *, below: int, limit: int
) -> Sequence[Entry]:
    """Events of accounts and keys, newest first, whose id is below a number."""
    event = AuditEvent
    if not filters.events:
        return []
    statement = select(
        literal("event"),
        event.id,
        event.occurred_at,
        event.action,
        event.target_id,
        null(),
        null(),
        null(),
        event.details,
        event.source,
        event.account_id,
        event.trace_id,
        event.request_id,
    ).where(event.id < below)
    if filters.action is not None:
        statement = (
            statement.where(event.action.startswith(filters.action, autoescape=True))
            if filters.action.endswith(".")
            else statement.where(event.action == filters.action)
        )
    if filters.target is not None:
        statement = statement.where(event.target_id == filters.target)
    if filters.organizations is not None:
        own = select(Account.id).where(Account.organization.in_(filters.organizations))
        of_own = event.target_id.in_(select(cast(Account.id, Text)).where(Account.id.in_(own)))
        statement = statement.where(or_(event.account_id.in_(own), of_own))
    statement = _bounded(statement, filters, event.occurred_at, event.account_id)
    rows = await session.execute(statement.order_by(event.id.desc()).limit(limit))
    return [Entry(*row) for row in rows]


def _bounded(
    statement: Select[Any],
    filters: Filters,
    instant: InstrumentedAttribute[dt.datetime],
    account_id: InstrumentedAttribute[uuid.UUID | None],
) -> Select[Any]:
    if filters.actor_id is not None:
        statement = statement.where(account_id == filters.actor_id)
    if filters.since is not None:
        statement = statement.where(instant >= filters.since)
    if filters.until is not None:
        statement = statement.where(instant < filters.until)
    return statement


async def organizations_like(session: ReadSession, name: str) -> set[str]:
    """The organizations of awards and accounts that fold to `name`, and perhaps others.

    Folding an award's organization also removes accents.
    """
    of_awards = select(Scholarship.organization).where(
        Scholarship.organization_folded == func.public.fold_text(name)
    )
    of_accounts = select(Account.organization).where(Account.organization.is_not(None))
    return set((await session.scalars(union(of_awards, of_accounts))).all())


async def actors(
    session: ReadSession, account_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, str]]:
    """Role and name of accounts and keys that still exist."""
    statement = (
        select(Account.id, Account.role, func.coalesce(ApiKey.name, Account.username))
        .outerjoin(ApiKey, ApiKey.id == Account.id)
        .where(Account.id.in_(account_ids))
    )
    return {row[0]: (row[1], row[2]) for row in await session.execute(statement)}
