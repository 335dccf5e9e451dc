"""Finds what is to be done, once a second, and enqueues jobs for it."""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import sqlalchemy.exc
import structlog
from procrastinate.exceptions import ConnectorException, ProcrastinateException

from scholarship_api.alerts import service as alerts
from scholarship_api.changes import consumers, sequencer
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.mail import delivery as mail
from scholarship_api.platform.database.engine import Database
from scholarship_api.saved_searches import notifications
from scholarship_api.webhooks import delivery
from scholarship_api.worker import metrics
from scholarship_api.worker.jobs import Jobs

TICK_SECONDS: Final = 1.0
CLOCK_SECONDS: Final = 10.0
"""How often deadlines are compared with the clock."""

REMINDER_SECONDS: Final = 300.0
"""How often reminders are looked for: they go out within 5 minutes of the morning."""

UPKEEP_SECONDS: Final = 30.0
"""How often dead workers are looked for, and waiting messages counted."""

PURGE_SECONDS: Final = 3_600.0
MAX_DUE: Final = 200
"""Webhooks for which one turn enqueues jobs; the next turn enqueues the others."""

MAX_BATCHES: Final = 20
"""Batches of one kind in a turn, so that an import does not keep deliveries waiting."""

HEALTHY_SECONDS: Final = 60.0
"""A worker whose last complete turn is older than this is not healthy."""

_log = structlog.stdlib.get_logger(__name__)


class Dispatcher:
    """One per worker process. Several at once share the work by locks in the database."""

    def __init__(self, database: Database, jobs: Jobs, *, sends_mail: bool = False) -> None:
        self._database = database
        self._sends_mail = sends_mail
        self._jobs = jobs
        self._last_turn: float | None = None
        self._due: dict[str, float] = {}

    @property
    def is_healthy(self) -> bool:
        """Whether a turn was completed lately."""
        last = self._last_turn
        return last is not None and time.monotonic() - last < HEALTHY_SECONDS

    async def run(self) -> None:
        """Take turns until cancelled."""
        postponed = False
        while True:
            try:
                await self.turn()
            except (
                DatabaseUnavailable,
                sqlalchemy.exc.SQLAlchemyError,
                ConnectorException,
                ProcrastinateException,
            ) as error:
                if not postponed:
                    _log.warning("worker.postponed", error=type(error).__name__)
                postponed = True
            else:
                self._last_turn = time.monotonic()
                metrics.set_last_turn()
                if postponed:
                    _log.info("worker.resumed")
                postponed = False
            await asyncio.sleep(TICK_SECONDS)

    async def turn(self) -> None:
        """Extend the outbox, make messages of its events, and enqueue what is due."""
        database = self._database
        await self._repeat(self._extend_outbox)
        if self._is_time("clock", CLOCK_SECONDS):
            async with database.write_session() as session:
                await sequencer.pass_deadlines(session, now=dt.datetime.now(dt.UTC))
        await self._repeat(partial(delivery.fan_out, database))
        await self._repeat(partial(alerts.follow_changes, database))
        now = dt.datetime.now(dt.UTC)
        await self._repeat(partial(notifications.tell, database, now=now))
        if self._is_time("reminders", REMINDER_SECONDS):
            now = dt.datetime.now(dt.UTC)
            await alerts.remind(database, now=now)
            # With the same `now`, so that the digest of this morning tells the new results too.
            await self._repeat(partial(notifications.tell, database, now=now))
            if self._sends_mail:
                await mail.make_digests(database, now=now)
        if self._sends_mail:
            await self._jobs.defer_mails(await mail.due(database, limit=MAX_DUE))
        await self._jobs.defer(await delivery.due_webhooks(database, limit=MAX_DUE))
        await self._keep_up()

    async def _extend_outbox(self) -> bool:
        async with self._database.write_session() as session:
            return await sequencer.advance(session)

    async def _repeat(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Repeat a step while there is more to do, MAX_BATCHES times at most."""
        for _ in range(MAX_BATCHES):
            if not await step():
                return

    async def _keep_up(self) -> None:
        """Do what has to be done now and then."""
        if self._is_time("upkeep", UPKEEP_SECONDS):
            await self._jobs.forget_stalled()
            await self._measure()
        if self._is_time("purge", PURGE_SECONDS):
            await delivery.purge(self._database)
            await alerts.purge(self._database)
            await mail.purge(self._database)

    async def _measure(self) -> None:
        """Set the metrics of what waits."""
        async with self._database.read_session() as session:
            for backlog in await consumers.backlogs(session):
                metrics.set_backlog(backlog)
        metrics.set_oldest_message("webhook", await delivery.measure_waiting(self._database))
        metrics.set_oldest_message("mail", await mail.measure_waiting(self._database))

    def _is_time(self, name: str, interval: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(name, now):
            return False
        self._due[name] = now + interval
        return True
