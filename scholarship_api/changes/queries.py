"""Statements of the outbox."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.engine import Row

from scholarship_api.changes.events import FEED_ACTIONS, Event
from scholarship_api.changes.models import OutboxConsumer, OutboxEvent, OutboxState
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

# The row of the audit with the status before and after. A row that does not change the status has
# the one that the next change of it left, else the present one.
_BATCH: Final = """
    fresh AS MATERIALIZED (
        SELECT id FROM scholarship_changes
        WHERE written_in >= CAST(CAST(pg_snapshot_xmin(CAST(:seen AS pg_snapshot)) AS text) AS int8)
          AND id > :after
          AND pg_visible_in_snapshot(
              CAST(CAST(written_in AS text) AS xid8), CAST(:now AS pg_snapshot))
          AND NOT pg_visible_in_snapshot(
              CAST(CAST(written_in AS text) AS xid8), CAST(:seen AS pg_snapshot))
        ORDER BY id LIMIT :limit
    ),
    batch AS MATERIALIZED (
        SELECT change.id, change.scholarship_id, change.version, change.action, change.changed_at,
            change.source = 'schedule' AS scheduled,
            coalesce(change.before, '{}') AS before, coalesce(change.after, '{}') AS after,
            CASE WHEN change.action = 'created' THEN NULL
                ELSE coalesce(change.before ->> 'status', kept.status) END AS status_before,
            CASE WHEN change.action = 'deleted' THEN NULL
                ELSE coalesce(change.after ->> 'status', kept.status) END AS status_after,
            CAST(change.before ->> 'application_deadline' AS timestamptz) AS deadline_before,
            CAST(change.after ->> 'application_deadline' AS timestamptz) AS deadline_after,
            coalesce(change.before ? 'application_deadline', false) AS moves,
            award.status = 'published' AND award.closes_at > now()
                AND award.closes_at <= :soon_until AS closes_soon,
            award.application_deadline, award.deadline_timezone, award.deadline_estimated
        FROM fresh
        JOIN scholarship_changes AS change USING (id)
        LEFT JOIN scholarships AS award ON award.id = change.scholarship_id
        CROSS JOIN LATERAL (
            SELECT coalesce((
                SELECT later.before ->> 'status' FROM scholarship_changes AS later
                WHERE later.scholarship_id = change.scholarship_id AND later.id > change.id
                  AND later.before ? 'status'
                ORDER BY later.id LIMIT 1
            ), award.status) AS status
        ) AS kept
    )
"""
_FIELDS: Final = """jsonb_build_object('fields',
    (SELECT coalesce(jsonb_agg(field ORDER BY field), '[]') FROM jsonb_object_keys(after) AS field))
"""
_SEQUENCE: Final = text(
    f"""
    WITH {_BATCH},
    added AS (
        INSERT INTO outbox (key, event, scholarship_id, version, occurred_at, data)
        SELECT candidate.key, candidate.event, scholarship_id, version, changed_at, candidate.data
        FROM batch CROSS JOIN LATERAL (VALUES
            (1, '{Event.PUBLISHED}', 'change:' || id || '/published',
                status_after = 'published' AND status_before IS DISTINCT FROM 'published',
                CAST('{{}}' AS jsonb)),
            (2, '{Event.UPDATED}', 'change:' || id || '/updated',
                status_after = status_before AND status_after <> 'draft', {_FIELDS}),
            (3, '{Event.DEADLINE_CHANGED}', 'change:' || id || '/deadline_changed',
                status_after = 'published' AND status_before = 'published'
                    AND moves AND NOT scheduled,
                jsonb_build_object('from', deadline_before, 'to', deadline_after,
                    'deadline_timezone', deadline_timezone)),
            (4, '{Event.CLOSED}',
                'closed:' || scholarship_id || ':' || extract(epoch FROM
                    CASE WHEN scheduled THEN deadline_before ELSE deadline_after END),
                status_after = 'published' AND status_before = 'published' AND moves
                    AND CASE WHEN scheduled THEN deadline_before <= changed_at
                        ELSE deadline_after <= changed_at
                            AND coalesce(deadline_before > changed_at, true) END,
                jsonb_build_object('application_deadline',
                    CASE WHEN scheduled THEN deadline_before ELSE deadline_after END)),
            (5, '{Event.CLOSING_SOON}',
                'closing_soon:' || scholarship_id || ':'
                    || extract(epoch FROM application_deadline),
                closes_soon AND status_after = 'published'
                    AND (moves OR status_before IS DISTINCT FROM 'published'),
                jsonb_build_object('application_deadline', application_deadline,
                    'deadline_timezone', deadline_timezone,
                    'deadline_estimated', deadline_estimated)),
            (6, '{Event.ARCHIVED}', 'change:' || id || '/archived',
                status_after = 'archived' AND status_before IS DISTINCT FROM 'archived'
                    OR coalesce(status_after, 'draft') = 'draft'
                        AND status_before IN ('published', 'archived'),
                CAST('{{}}' AS jsonb))
        ) AS candidate (number, event, key, applies, data)
        WHERE candidate.applies
        ORDER BY id, candidate.number
        ON CONFLICT (key) DO NOTHING
    )
    SELECT count(*), max(id) FROM batch
    """  # noqa: S608 - composed of its own literals
)
_ADD_TURNED: Final = """
    INSERT INTO outbox (key, event, scholarship_id, version, occurred_at, data)
    SELECT :name || ':' || id || ':' || extract(epoch FROM application_deadline),
        :event, id, version, application_deadline - CAST(:lead AS interval),
        jsonb_build_object('application_deadline', application_deadline,
            'deadline_timezone', deadline_timezone, 'deadline_estimated', deadline_estimated)
    FROM scholarships
    WHERE status = 'published' AND closes_at > :after AND closes_at <= :until
    ORDER BY closes_at, id
    ON CONFLICT (key) DO NOTHING
"""
_HAS_FRESH: Final = text("""
    SELECT state.batch_snapshot IS NOT NULL OR EXISTS (
        SELECT FROM scholarship_changes
        WHERE written_in >= CAST(CAST(pg_snapshot_xmin(
                CAST(state.sequenced_snapshot AS pg_snapshot)) AS text) AS int8)
          AND id > state.floor_id
          AND NOT pg_visible_in_snapshot(CAST(CAST(written_in AS text) AS xid8),
              CAST(state.sequenced_snapshot AS pg_snapshot))
    ) OR pg_snapshot_xmax(CAST(state.sequenced_snapshot AS pg_snapshot))
        > pg_snapshot_xmax(pg_current_snapshot())
    FROM outbox_state AS state
""")
_SNAPSHOT: Final = text("""
    SELECT CAST(pg_current_snapshot() AS text),
        pg_snapshot_xmax(CAST(:seen AS pg_snapshot)) > pg_snapshot_xmax(pg_current_snapshot())
""")


# The key of an event that a change has made begins with the id of the change.
_CHANGED_AWARDS: Final = text(f"""
    SELECT DISTINCT ON (scholarship_id) scholarship_id,
        CAST(substring(key FROM '^change:([0-9]+)/') AS int8) AS first_change, occurred_at
    FROM outbox
    WHERE position > :after AND position <= :until
      AND event IN ('{Event.PUBLISHED}', '{Event.UPDATED}') AND key LIKE 'change:%'
    ORDER BY scholarship_id, first_change
""")  # noqa: S608 - composed of literals


_BACKLOGS: Final = text("""
    SELECT consumer.name, waiting.events, waiting.oldest_seconds
    FROM outbox_consumers AS consumer CROSS JOIN LATERAL (
        SELECT count(*) AS events,
            CAST(coalesce(extract(epoch FROM now() - min(created_at)), 0) AS float8)
                AS oldest_seconds
        FROM outbox WHERE position > consumer.position
    ) AS waiting
""")


class Snapshot(NamedTuple):
    text: str
    """As PostgreSQL writes a pg_snapshot."""
    is_older: bool
    """Whether this server has seen fewer transactions than the one of the snapshot compared."""


class Sequenced(NamedTuple):
    changes: int
    last_id: int | None


async def has_fresh_changes(session: WriteSession) -> bool:
    """Whether a change may be visible that has no events yet. Takes no lock."""
    return bool((await session.execute(_HAS_FRESH)).scalar_one())


async def lock_state(session: WriteSession) -> OutboxState:
    """The state, locked until the transaction ends."""
    statement = select(OutboxState).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one()


async def current_snapshot(session: WriteSession, *, seen: str) -> Snapshot:
    return Snapshot(*(await session.execute(_SNAPSHOT, {"seen": seen})).one())


async def sequence(
    session: WriteSession,
    *,
    seen: str,
    now: str,
    after: int,
    soon_until: dt.datetime,
    limit: int,
) -> Sequenced:
    """Add the events of the changes that the snapshot `now` sees and `seen` does not."""
    parameters = {"seen": seen, "now": now, "after": after, "soon_until": soon_until}
    row = (await session.execute(_SEQUENCE, {**parameters, "limit": limit})).one()
    return Sequenced(*row)


async def add_deadlines(
    session: WriteSession,
    *,
    event: Event,
    after: dt.datetime,
    until: dt.datetime,
    lead: dt.timedelta = dt.timedelta(),
) -> None:
    """Add an event for each published award whose deadline is after one instant, up to another.

    The event has occurred `lead` before the deadline.
    """
    parameters = {"name": event.partition(".")[2], "event": event.value, "lead": lead}
    await session.execute(text(_ADD_TURNED), {**parameters, "after": after, "until": until})


async def feed(
    session: ReadSession | WriteSession, *, after: int, limit: int
) -> Sequence[Row[Any]]:
    """The events after a position that change a copy of the catalogue."""
    event = OutboxEvent
    statement = (
        select(
            event.position,
            event.event,
            event.scholarship_id,
            event.version,
            event.occurred_at,
            event.data,
        )
        .where(event.position > after, event.event.in_(list(FEED_ACTIONS)))
        .order_by(event.position)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def last_position(session: ReadSession | WriteSession) -> int:
    statement = select(
        func.greatest(
            select(func.max(OutboxEvent.position)).scalar_subquery(),
            select(OutboxState.purged_position).scalar_subquery(),
        )
    )
    return int((await session.execute(statement)).scalar_one())


async def purged_position(session: ReadSession | WriteSession) -> int:
    return int((await session.scalars(select(OutboxState.purged_position))).one())


async def purge(session: WriteSession, *, before: dt.datetime, limit: int) -> int:
    """Remove up to `limit` of the oldest events that are older than an instant."""
    state = await lock_state(session)
    event = OutboxEvent
    first_kept = (
        select(func.min(event.position)).where(event.created_at >= before).scalar_subquery()
    )
    oldest = (
        select(event.position)
        .where(event.position < func.coalesce(first_kept, 2**63 - 1))
        .order_by(event.position)
        .limit(limit)
    )
    removed = (
        await session.scalars(
            delete(event).where(event.position.in_(oldest)).returning(event.position)
        )
    ).all()
    if removed:
        await session.execute(
            update(OutboxState).values(purged_position=max(state.purged_position, *removed))
        )
    return len(removed)


async def lock_consumer(session: WriteSession, name: str) -> int | None:
    """The position of a consumer; None while another process has it."""
    statement = (
        select(OutboxConsumer.position)
        .where(OutboxConsumer.name == name)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def consumer_position(session: ReadSession | WriteSession, name: str) -> int:
    statement = select(OutboxConsumer.position).where(OutboxConsumer.name == name)
    return int((await session.scalars(statement)).one())


async def backlogs(session: ReadSession) -> Sequence[Row[Any]]:
    """Each consumer with the number of events after its position, and the age of the first."""
    return (await session.execute(_BACKLOGS)).all()


async def changed_awards(session: ReadSession, *, after: int, until: int) -> Sequence[Row[Any]]:
    """The awards that were published or updated, each with the id and time of its first change."""
    return (await session.execute(_CHANGED_AWARDS, {"after": after, "until": until})).all()


async def position_after(
    session: ReadSession | WriteSession, *, after: int, limit: int
) -> int | None:
    """The position of the last of the next `limit` events; None when there are no more."""
    following = (
        select(OutboxEvent.position)
        .where(OutboxEvent.position > after)
        .order_by(OutboxEvent.position)
        .limit(limit)
        .subquery()
    )
    found: int | None = (await session.scalars(select(func.max(following.c.position)))).one()
    return found


async def move_consumer(session: WriteSession, name: str, position: int) -> None:
    await session.execute(
        update(OutboxConsumer).where(OutboxConsumer.name == name).values(position=position)
    )
