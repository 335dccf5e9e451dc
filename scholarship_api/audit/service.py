"""The audit: recording events on accounts and keys, and reading all that has happened."""

import dataclasses
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from scholarship_api.accounts.models import DELETED_ACCOUNT_ID
from scholarship_api.accounts.organizations import is_same_organization
from scholarship_api.audit import queries, schemas
from scholarship_api.audit.cursors import FIRST, CursorCodec, Position
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.platform.database.engine import BulkConnection, Database
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

EXPORT_BATCH: Final = 500
"""Entries that an export reads at once."""

_FILTERS: Final = {"action", "actor_id", "target", "since", "until"}


async def record(
    session: WriteSession,
    action: str,
    *,
    source: ChangeSource,
    target_id: uuid.UUID | None = None,
    **details: object,
) -> None:
    """Record an event in the transaction of what it describes. `details` hold no personal data."""
    await queries.add_event(session, _event(action, source, target_id, details))


async def record_on_connection(
    connection: BulkConnection, action: str, *, source: ChangeSource, **details: object
) -> None:
    """Record an event after bulk work, which has a connection instead of a session."""
    await queries.add_event_on_connection(connection, _event(action, source, None, details))


def _event(
    action: str, source: ChangeSource, target_id: uuid.UUID | None, details: Mapping[str, object]
) -> dict[str, object]:
    return {
        "action": action,
        "target_id": None if target_id is None else str(target_id),
        "details": dict(details),
        "source": source.channel,
        "account_id": source.account_id,
        "trace_id": source.trace_id,
        "request_id": source.request_id,
    }


async def history(
    session: ReadSession, codec: CursorCodec, request: schemas.HistoryRequest, *, award_id: str
) -> schemas.AuditPage:
    """The changes of an award, newest first."""
    position = codec.decode(request.cursor)
    filters = dataclasses.replace(_filters(request), target=award_id, events=False)
    return await _page(session, codec, filters, position, limit=request.limit)


async def entries(
    session: ReadSession,
    codec: CursorCodec,
    request: schemas.AuditRequest,
    *,
    confined_to: str | None = None,
) -> schemas.AuditPage:
    """All changes and events, newest first; with `confined_to` those of one organization."""
    position = codec.decode(request.cursor)
    filters = await _confined(session, _filters(request), confined_to)
    return await _page(session, codec, filters, position, limit=request.limit)


async def export(
    database: Database, request: schemas.AuditFilters, *, confined_to: str | None = None
) -> AsyncIterator[schemas.AuditEntry]:
    """All changes and events that the filters let through, newest first.

    With `confined_to` only those of one organization.
    """
    position = FIRST
    async with database.read_session() as session:
        filters = await _confined(session, _filters(request), confined_to)
    while True:
        async with database.read_session() as session:
            rows, position = await _rows(session, filters, position, limit=EXPORT_BATCH)
            named = await _entries_of(session, rows)
        for entry in named:
            yield entry
        if len(rows) < EXPORT_BATCH:
            return


def _filters(request: schemas.EntryFilters) -> queries.Filters:
    return queries.Filters(**request.model_dump(include=_FILTERS))


async def _confined(
    session: ReadSession, filters: queries.Filters, organization: str | None
) -> queries.Filters:
    if organization is None:
        return filters
    similar = await queries.organizations_like(session, organization)
    own = tuple(name for name in similar if is_same_organization(name, organization))
    return dataclasses.replace(filters, organizations=own)


async def _page(
    session: ReadSession,
    codec: CursorCodec,
    filters: queries.Filters,
    position: Position,
    *,
    limit: int,
) -> schemas.AuditPage:
    rows, following = await _rows(session, filters, position, limit=limit + 1)
    more = len(rows) > limit
    if more:
        rows = rows[:limit]
        following = _after(position, rows)
    return schemas.AuditPage(
        items=await _entries_of(session, rows),
        next_cursor=codec.encode(following) if more else None,
    )


async def _rows(
    session: ReadSession, filters: queries.Filters, position: Position, *, limit: int
) -> tuple[list[queries.Entry], Position]:
    """The next entries of both tables in one order, and the position after them."""
    changes = await queries.changes(session, filters, below=position.change, limit=limit)
    events = await queries.events(session, filters, below=position.event, limit=limit)
    rows = sorted(
        [*changes, *events], key=lambda row: (row.occurred_at, row.kind, row.id), reverse=True
    )[:limit]
    return rows, _after(position, rows)


def _after(position: Position, rows: Sequence[queries.Entry]) -> Position:
    for row in rows:
        position = dataclasses.replace(position, **{row.kind: min(row.id, _of(position, row.kind))})
    return position


def _of(position: Position, kind: str) -> int:
    return position.change if kind == "change" else position.event


async def _entries_of(
    session: ReadSession, rows: Sequence[queries.Entry]
) -> list[schemas.AuditEntry]:
    actors = await queries.actors(
        session, {row.account_id for row in rows if row.account_id is not None}
    )
    return [
        schemas.AuditEntry(
            id=f"{row.kind}-{row.id}",
            occurred_at=row.occurred_at,
            action=row.action,
            actor=_actor(row, actors),
            target=row.target,
            version=row.version,
            before=row.before,
            after=row.after,
            details=row.details,
            trace_id=row.trace_id,
            request_id=row.request_id,
        )
        for row in rows
    ]


def _actor(row: queries.Entry, actors: Mapping[uuid.UUID, tuple[str, str]]) -> schemas.Actor:
    if row.account_id is None:
        return schemas.Actor(kind=row.source if row.source != "api" else "anonymous")
    if row.account_id == DELETED_ACCOUNT_ID or row.account_id not in actors:
        return schemas.Actor(kind="deleted")
    role, name = actors[row.account_id]
    kind = "key" if role == "service" else "account"
    return schemas.Actor(kind=kind, id=row.account_id, name=name)
