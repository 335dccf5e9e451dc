"""Finds what subjects have to be told: reminders of deadlines, and deadlines that have moved.

A reminder is due at 08:00 of the student's zone, on the calendar day that is so many days before
that of the deadline in the award's zone. Its key holds the day of the deadline, so a deadline that
has moved is reminded of anew.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scholarship_api.alerts import queries
from scholarship_api.alerts.queries import NewAlert, Tracked
from scholarship_api.applications.deadlines import TrackedDeadline, deadline_of
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.changes import consumers
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.webhooks import service as webhooks

CONSUMER: Final = "alerts"
REMINDER: Final = "application.reminder"
MATCHED: Final = "saved_search.matched"

MORNING: Final = dt.time(8)
"""When reminders go out, in the student's zone."""

CATCH_UP: Final = dt.timedelta(hours=24)
"""How late a reminder may be: after an outage of the worker, yesterday's says a wrong number."""

BATCH_ROWS: Final = 500
RETENTION: Final = dt.timedelta(days=400)
"""Longer than the longest time between a reminder and its deadline, whose key must be known."""

PURGE_ROWS: Final = 2_000
_FIRST_ID: Final = uuid.UUID(int=0)


async def remind(database: Database, *, now: dt.datetime) -> None:
    """Add the reminders that are due, and send them to the webhooks that have chosen them."""
    after = _FIRST_ID
    while True:
        async with database.write_session() as session:
            tracked = await queries.near_reminders(session, now=now, after=after, limit=BATCH_ROWS)
            rows = [row for each in tracked for row in reminders_of(each, now=now)]
            if rows:
                await _announce(session, await queries.add(session, rows))
        if len(tracked) < BATCH_ROWS:
            return
        after = tracked[-1].application.id


async def follow_changes(database: Database) -> bool:
    """Add the alerts of the next events of the outbox. Returns whether there were any."""
    async with database.write_session() as session:
        span = await consumers.take(session, consumer=CONSUMER, limit=BATCH_ROWS)
        if span is None:
            return False
        await _announce(
            session, await queries.add_moved(session, after=span.after, until=span.until)
        )
        return True


async def add(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add alerts of another feature: `subject_id`, `key`, `event` and `data` of each."""
    for start in range(0, len(rows), BATCH_ROWS):
        await queries.add(session, rows[start : start + BATCH_ROWS])


async def purge(database: Database) -> None:
    """Remove alerts that are older than RETENTION."""
    oldest = dt.datetime.now(dt.UTC) - RETENTION
    while True:
        async with database.write_session() as session:
            removed = await queries.purge(session, before=oldest, limit=PURGE_ROWS)
        if removed < PURGE_ROWS:
            return


def reminders_of(tracked: Tracked, *, now: dt.datetime) -> Iterator[dict[str, Any]]:
    """The reminders of an application that are due at `now`: one, or none."""
    application, award, timezone = tracked
    deadline = deadline_of(award, round_key=application.round_key, now=now)
    if deadline.at is None or deadline.day is None or deadline.at <= now:
        return
    zone = zone_of(timezone or deadline.timezone)
    for days in sorted(set(application.reminders_days)):
        morning = dt.datetime.combine(deadline.day - dt.timedelta(days=days), MORNING, zone)
        if dt.timedelta() <= now - morning < CATCH_UP:
            yield {
                "subject_id": application.subject_id,
                # Not the id of the row: a subject may remove the award and track it again.
                "key": f"reminder:{deadline.day}:{days}:{award.id}:{application.round_key or ''}",
                "event": REMINDER,
                "data": _reminder(tracked, deadline, days),
            }


def _reminder(tracked: Tracked, deadline: TrackedDeadline, days: int) -> dict[str, Any]:
    application, award, _ = tracked
    return {
        "application_id": str(application.id),
        "scholarship_id": award.id,
        "round_key": application.round_key,
        "name": award.name,
        "organization": award.organization,
        "application_deadline": deadline.at and deadline.at.isoformat(),
        "deadline_timezone": deadline.timezone,
        "deadline_estimated": deadline.is_estimated,
        "days_left": days,
    }


async def _announce(session: WriteSession, alerts: Sequence[NewAlert]) -> None:
    messages = [
        webhooks.SubjectMessage(
            subject_id=alert.subject_id,
            key=f"alert_{alert.id}",
            event=alert.event,
            data=alert.data,
        )
        for alert in alerts
        if alert.event == REMINDER
    ]
    if messages:
        await webhooks.add_subject_messages(session, messages)
