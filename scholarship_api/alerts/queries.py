"""Statements on alerts."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from scholarship_api.alerts.models import Alert
from scholarship_api.applications.models import Application
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.profiles.models import Profile
from scholarship_api.vocabulary import Status

FOLLOWED: Final = ("saved", "in_progress")
"""The states of an application that still has to be handed in."""

# Days are those of the server here: two more on each side hold every time zone.
_NEAR_A_REMINDER: Final = """
    EXISTS (
        SELECT FROM unnest(applications.reminders_days) AS days
        CROSS JOIN LATERAL (
            SELECT CAST(:now AS date) + days BETWEEN deadline.day - 2 AND deadline.day + 2
                AS is_near
            FROM (
                SELECT scholarships.deadline_date AS day
                UNION ALL
                SELECT CAST(CAST(round ->> 'closes_at' AS timestamptz) AS date)
                FROM jsonb_array_elements(scholarships.rounds) AS round
            ) AS deadline
        ) AS candidate
        WHERE candidate.is_near
    )
"""
# The deadline of another round than the tracked one does not matter.
_MOVED: Final = text("""
    INSERT INTO alerts (subject_id, key, event, data)
    SELECT application.subject_id, 'moved:' || application.id || ':' || outbox.position,
        'application.deadline_moved', outbox.data || jsonb_build_object(
            'application_id', application.id, 'scholarship_id', award.id,
            'round_key', application.round_key,
            'name', award.name, 'organization', award.organization)
    FROM outbox
    JOIN scholarships AS award ON award.id = outbox.scholarship_id AND award.status = 'published'
    JOIN applications AS application ON application.scholarship_id = award.id
        AND application.status IN ('saved', 'in_progress')
    WHERE outbox.position > :after AND outbox.position <= :until
      AND outbox.event = 'scholarship.deadline_changed'
      AND (application.round_key IS NULL OR EXISTS (
          SELECT FROM jsonb_array_elements(award.rounds) AS round
          WHERE round ->> 'key' = application.round_key
            AND CAST(round ->> 'closes_at' AS timestamptz)
                = CAST(outbox.data ->> 'to' AS timestamptz)))
    ON CONFLICT (subject_id, key) DO NOTHING
    RETURNING id, subject_id, key, event, data
""")


class Tracked(NamedTuple):
    application: Application
    award: Scholarship
    timezone: str | None
    """The subject's own."""


class NewAlert(NamedTuple):
    id: int
    subject_id: uuid.UUID
    key: str
    event: str
    data: Mapping[str, Any]


async def near_reminders(
    session: WriteSession, *, now: dt.datetime, after: uuid.UUID, limit: int
) -> Sequence[Tracked]:
    """Applications that may be reminded of today, in the order of their ids."""
    statement = (
        select(Application, Scholarship, Profile.timezone)
        .join(Scholarship, Scholarship.id == Application.scholarship_id)
        .outerjoin(Profile, Profile.subject_id == Application.subject_id)
        .where(
            Application.id > after,
            Application.status.in_(FOLLOWED),
            Scholarship.status == Status.PUBLISHED.value,
            text(_NEAR_A_REMINDER).bindparams(now=now),
        )
        .order_by(Application.id)
        .limit(limit)
    )
    return [Tracked(*row) for row in await session.execute(statement)]


async def add(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> list[NewAlert]:
    """Add alerts, and return those that are new."""
    statement = (
        insert(Alert)
        .values(list(rows))
        .on_conflict_do_nothing(index_elements=[Alert.subject_id, Alert.key])
        .returning(Alert.id, Alert.subject_id, Alert.key, Alert.event, Alert.data)
    )
    return [NewAlert(*row) for row in await session.execute(statement)]


async def add_moved(session: WriteSession, *, after: int, until: int) -> list[NewAlert]:
    """Add an alert for each application whose deadline was moved by an event of the outbox."""
    rows = await session.execute(_MOVED, {"after": after, "until": until})
    return [NewAlert(*row) for row in rows]


async def purge(session: WriteSession, *, before: dt.datetime, limit: int) -> int:
    """Remove up to `limit` alerts from before an instant."""
    old = select(Alert.id).where(Alert.created_at < before).limit(limit)
    removed = await session.scalars(delete(Alert).where(Alert.id.in_(old)).returning(Alert.id))
    return len(removed.all())
