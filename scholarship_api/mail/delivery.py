"""Makes digests of alerts, and sends mails until the server has taken them.

A subject gets one digest a day: at 08:00 of its zone, or later on that day if nothing was to be
told at 08:00. What comes up after the digest of a day waits for the next.
"""

import datetime as dt
import random
import time
import uuid
from typing import Any, Final

import structlog

from scholarship_api.alerts.service import MORNING
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.mail import messages, metrics, queries
from scholarship_api.mail.links import CONFIRM, UNSUBSCRIBE, Links
from scholarship_api.mail.sending import MailServer, Outcome
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings

LEASE: Final = dt.timedelta(minutes=3)
"""Longer than a conversation with a slow server takes."""

BACKOFF_SECONDS: Final = (30, 120, 600, 1_800, 3_600, 7_200)
"""The pauses after the first, second ... failure; the last one repeats."""

PAGE_ADDRESSES: Final = 500
RETENTION: Final = dt.timedelta(days=30)
PURGE_ROWS: Final = 2_000
_FIRST_ID: Final = uuid.UUID(int=0)

_log = structlog.stdlib.get_logger(__name__)


async def make_digests(database: Database, *, now: dt.datetime) -> None:
    """Add a mail for each subject with alerts that can be told now.

    Call it after the reminders of the same `now` were added, so that one mail tells all of them.
    """
    after: uuid.UUID | None = _FIRST_ID
    while after is not None:
        async with database.write_session() as session:
            untold, last = await queries.untold(session, after=after, limit=PAGE_ADDRESSES)
            for each in untold:
                local = now.astimezone(zone_of(each.zone))
                if local.time() >= MORNING:
                    await queries.add_digest(
                        session,
                        each.subject_id,
                        period=f"{local.date()} {each.zone}",
                        alert_ids=each.alert_ids,
                    )
        after = last


async def due(database: Database, *, limit: int) -> list[int]:
    """The mails that can be sent now."""
    async with database.read_session() as session:
        return list(await queries.due(session, limit=limit))


async def measure_waiting(database: Database) -> float:
    """Set the metrics of waiting mails. Returns the age of the oldest one in seconds."""
    async with database.read_session() as session:
        found = await queries.waiting(session)
        oldest = await queries.oldest_pending_seconds(session)
    for state in ("pending", "dead"):
        metrics.set_messages(state, found.get(state, 0))
    return oldest


async def purge(database: Database) -> None:
    """Remove mails that were sent or given up 30 days ago."""
    oldest = dt.datetime.now(dt.UTC) - RETENTION
    while True:
        async with database.write_session() as session:
            removed = await queries.purge(session, before=oldest, limit=PURGE_ROWS)
        if removed < PURGE_ROWS:
            return


class Mailer:
    """Sends mails; one per process."""

    def __init__(self, database: Database, settings: Settings, server: MailServer) -> None:
        self._database = database
        self._server = server
        self._confirm = Links(settings, CONFIRM)
        self._unsubscribe = Links(settings, UNSUBSCRIBE)
        self._domain = settings.smtp_from.rpartition("@")[2].strip("<> ") or "localhost"

    async def send(self, mail_id: int) -> None:
        """Send a mail, unless another process does so."""
        async with self._database.write_session() as session:
            mail = await queries.lease(session, mail_id, duration=LEASE)
            if mail is None:
                return
            address = await queries.address_of(session, mail.subject_id)
            alerts = [(each.event, each.data) for each in await queries.alerts_of(session, mail_id)]
        message = None
        if address is not None and mail.kind == "confirmation" and address.confirmed_at is None:
            url = self._confirm.url(mail.subject_id, address.address)
            message = messages.confirmation(confirm=url)
        elif address is not None and mail.kind == "digest" and address.confirmed_at is not None:
            url = self._unsubscribe.url(mail.subject_id, address.address)
            message = messages.digest(alerts, unsubscribe=url, now=dt.datetime.now(dt.UTC))
        if address is None or message is None:
            async with self._database.write_session() as session:
                await queries.record(session, mail_id, state="dropped")
            return
        # The same for each attempt, so that a mailbox can tell repeats.
        message["Message-ID"] = f"<{mail.kind}-{mail_id}@{self._domain}>"
        started = time.monotonic()
        outcome = await self._server.send(message, to=address.address)
        metrics.observe_attempt(outcome, time.monotonic() - started)
        await self._record(mail, outcome)

    async def _record(self, mail: Any, outcome: Outcome) -> None:  # noqa: ANN401 - a row
        async with self._database.write_session() as session:
            if outcome is Outcome.SENT:
                await queries.record(session, mail.id, state="sent")
                return
            dead = outcome is Outcome.REFUSED or mail.expires
            pause = BACKOFF_SECONDS[min(mail.attempts, len(BACKOFF_SECONDS) - 1)]
            await queries.record(
                session,
                mail.id,
                state="dead" if dead else "pending",
                error=outcome.value,
                retry_in=dt.timedelta(seconds=pause * random.uniform(0.9, 1.1)),  # noqa: S311
            )
        log = _log.warning if dead else _log.info
        log("mail.not_sent", mail_id=mail.id, reason=outcome.value, gives_up=dead)
