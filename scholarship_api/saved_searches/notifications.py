"""Tells subjects about new results of their saved searches, each award once for a search.

The matches of some changes are stored in parts, so that nobody who deletes a search waits long, and
then the position up to which the changes were followed. A worker that dies in between leaves the
changes to be compared again, and matches that are stored stay as they are. Later, when they are
due, another transaction makes messages of them: at once, or at 08:00 of the subject's zone, every
day or on Mondays.
"""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import sqlalchemy.exc
import structlog

from scholarship_api.alerts import service as alerts
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.changes import consumers
from scholarship_api.changes.consumers import ChangedAward
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.saved_searches import queries
from scholarship_api.saved_searches.batches import batches
from scholarship_api.saved_searches.matching import Found, SearchMatcher, parts_of, searches_of
from scholarship_api.saved_searches.models import Channel, Frequency
from scholarship_api.saved_searches.queries import DueMatch
from scholarship_api.webhooks import service as webhooks

CONSUMER: Final = "saved_searches"

POLL_SECONDS: Final = 1.0
"""How often changes are looked for."""

FOLLOWED_EVENTS: Final = 10_000
"""Events of the outbox that are compared with the searches together. Each of their queries is
read and analysed once for all of them."""

STORED_MATCHES: Final = 20_000
"""Matches that are stored with one statement."""

TOLD_MATCHES: Final = 2_000
"""Matches that are told in one transaction."""

MESSAGE_AWARDS: Final = 1_000
"""Awards of one message, about 40 kB of ids; further ones are in further messages."""

STORED_MESSAGES: Final = 100
"""Messages that are stored with one statement: one for each webhook, with 7 parameters each, of
which PostgreSQL takes 65 535."""

_ONE_DAY: Final = dt.timedelta(days=1)
_DAYS_OF_A_WEEK: Final = 7
_JUST_BEFORE: Final = dt.timedelta(microseconds=1)
"""The resolution of PostgreSQL's clock."""

_log = structlog.stdlib.get_logger(__name__)


async def run(database: Database, matcher: SearchMatcher) -> None:
    """Follow the changes until cancelled. Several processes may do so: the first one to finish
    some changes stores their matches."""
    postponed = False
    while True:
        try:
            while await follow_changes(database, matcher, now=dt.datetime.now(dt.UTC)):
                pass
            await matcher.renew_index()
        except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
            if not postponed:
                _log.warning("saved_searches.matching_postponed", error=type(error).__name__)
            postponed = True
        else:
            postponed = False
        await asyncio.sleep(POLL_SECONDS)


async def follow_changes(database: Database, matcher: SearchMatcher, *, now: dt.datetime) -> bool:
    """Store the matches of the next events of the outbox. Returns whether there were any events.

    Raises DatabaseUnavailable.
    """
    async with database.read_session() as session:
        span = await consumers.following(session, consumer=CONSUMER, limit=FOLLOWED_EVENTS)
        if span is None:
            return False
        changed = {each.id: each for each in await consumers.changed_awards(session, span)}
        is_anyone_notified = await queries.is_anyone_notified(session)
    found: Found = {}
    if changed and is_anyone_notified:
        found = await matcher.match(
            {each.id: each.first_change for each in changed.values()},
            before=min(each.changed_at for each in changed.values()) - _JUST_BEFORE,
        )
    for some in parts_of(found):
        # The time grows with the matches; each statement has its own limit.
        async with database.write_session(seconds=None) as session:
            if await consumers.is_taken(session, consumer=CONSUMER, span=span):
                return True
            await _store(session, some, changed, now=now)
    async with database.write_session() as session:
        await consumers.take_span(session, consumer=CONSUMER, span=span)
    return True


async def _store(
    session: WriteSession,
    found: Found,
    changed: Mapping[str, ChangedAward],
    *,
    now: dt.datetime,
) -> None:
    """Store matches, but those of changes that are older than the search."""
    due: dict[tuple[str, str | None], dt.datetime] = {}
    matches = []
    for search, award_ids in await searches_of(session, found, lock=True):
        when = (search.frequency, search.timezone)
        if when not in due:
            due[when] = due_at(*when, now=now)
        matches += [
            (search.id, award_id, due[when])
            for award_id in award_ids
            if changed[award_id].changed_at >= search.created_at
        ]
    for some in batches(matches, STORED_MATCHES):
        await queries.add_matches(session, some)


def due_at(frequency: str, timezone: str | None, *, now: dt.datetime) -> dt.datetime:
    """When a match is told that is found now."""
    if frequency == Frequency.IMMEDIATE:
        return now
    zone = zone_of(timezone or "UTC")
    local = now.astimezone(zone)
    day = local.date()
    if frequency == Frequency.WEEKLY:
        day += dt.timedelta(days=-day.weekday() % _DAYS_OF_A_WEEK)
    step = _ONE_DAY * (_DAYS_OF_A_WEEK if frequency == Frequency.WEEKLY else 1)
    morning = dt.datetime.combine(day, alerts.MORNING, zone)
    if morning <= local:
        morning = dt.datetime.combine(day + step, alerts.MORNING, zone)
    return morning.astimezone(dt.UTC)


async def tell(database: Database, *, now: dt.datetime) -> bool:
    """Make messages and alerts of matches that are due. Returns whether there may be more."""
    async with database.write_session() as session:
        due = await queries.due_matches(session, now=now, limit=TOLD_MATCHES)
        if not due:
            return False
        shown = [match for match in due if match.award_name is not None]
        messages = [
            _message(some)
            for _, same in groupby(shown, key=lambda match: match.search_id)
            for some in batches(list(same), MESSAGE_AWARDS)
            if some[0].channel == Channel.WEBHOOK
        ]
        for each in batches(messages, STORED_MESSAGES):
            await webhooks.add_subject_messages(session, each)
        await alerts.add(
            session, [_alert(match) for match in shown if match.channel == Channel.EMAIL]
        )
        await queries.mark_told(session, [match.id for match in due])
    return True


def _message(matches: Sequence[DueMatch]) -> webhooks.SubjectMessage:
    """The message about matches of one search."""
    first = matches[0]
    return webhooks.SubjectMessage(
        subject_id=first.subject_id,
        key=f"match_{first.id}",
        event=alerts.MATCHED,
        data={
            "saved_search_id": str(first.search_id),
            "scholarship_ids": [match.scholarship_id for match in matches],
        },
    )


def _alert(match: DueMatch) -> dict[str, Any]:
    return {
        "subject_id": match.subject_id,
        "key": f"match:{match.id}",
        "event": alerts.MATCHED,
        "data": {
            "saved_search_id": str(match.search_id),
            "search_name": match.search_name,
            "scholarship_id": match.scholarship_id,
            "name": match.award_name,
            "organization": match.organization,
        },
    }
