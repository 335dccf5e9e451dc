"""Hands the events of the outbox to the parts of the service that act on them, each once."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from scholarship_api.changes import queries
from scholarship_api.platform.database.sessions import ReadSession, WriteSession


class Span(NamedTuple):
    """The events after one position, up to another."""

    after: int
    until: int


class ChangedAward(NamedTuple):
    """An award that has become public, or has changed while it was public."""

    id: str
    first_change: int
    """The id of its first change in the span, in the audit of the catalogue."""
    changed_at: dt.datetime


class Backlog(NamedTuple):
    """The events that a consumer has not taken yet."""

    consumer: str
    events: int
    oldest_seconds: float
    """The age of the oldest one; 0 without one."""


async def backlogs(session: ReadSession) -> list[Backlog]:
    """The backlog of each consumer."""
    rows = await queries.backlogs(session)
    return [Backlog(row.name, row.events, row.oldest_seconds) for row in rows]


async def take(session: WriteSession, *, consumer: str, limit: int) -> Span | None:
    """The next events of a consumer. It acts on them in the same transaction, or takes them again.

    None: there are none, or another process has them.
    """
    after = await queries.lock_consumer(session, consumer)
    if after is None:
        return None
    until = await queries.position_after(session, after=after, limit=limit)
    if until is None:
        return None
    await queries.move_consumer(session, consumer, until)
    return Span(after, until)


async def following(session: ReadSession, *, consumer: str, limit: int) -> Span | None:
    """The next events of a consumer that needs time for them, and takes them with `take_span`
    afterwards. None: there are none."""
    after = await queries.consumer_position(session, consumer)
    until = await queries.position_after(session, after=after, limit=limit)
    return None if until is None else Span(after, until)


async def is_taken(session: WriteSession, *, consumer: str, span: Span) -> bool:
    """Whether another process has taken the events of `following` meanwhile."""
    return await queries.consumer_position(session, consumer) != span.after


async def take_span(session: WriteSession, *, consumer: str, span: Span) -> bool:
    """Take the events of `following`; False when another process has taken them meanwhile."""
    if await queries.lock_consumer(session, consumer) != span.after:
        return False
    await queries.move_consumer(session, consumer, span.until)
    return True


async def changed_awards(session: ReadSession, span: Span) -> Sequence[ChangedAward]:
    """The awards of which the events of a span say that they are public and have changed."""
    rows = await queries.changed_awards(session, after=span.after, until=span.until)
    return [ChangedAward(row.scholarship_id, row.first_change, row.occurred_at) for row in rows]
