"""Gives awards the deadline of their next round when a round has opened or closed.

The fields of an award that follow from its rounds are columns, because searches filter and sort by
them. `turns_at` is the instant after which these columns are out of date. Every reader of the
catalogue's version sees whether that instant has passed for some award, and has the columns written
anew before it goes on. An idle worker reads the version too, so no reader waits for many awards.
"""

import asyncio
import contextvars
import datetime as dt
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.catalogue import queries, rounds
from scholarship_api.catalogue.audit import SCHEDULE
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database

BATCH_AWARDS: Final = 100
"""Awards of one transaction, so that it holds no lock for longer than a second."""

WAIT_SECONDS: Final = 2.0
"""How long a reader waits for the awards. After that it goes on with those that are done."""

RETRY_SECONDS: Final = 5.0
"""The pause after a failure, such as a database that takes no writes for now."""

_log = structlog.stdlib.get_logger(__name__)


class RoundTurns:
    """One per process. Several processes may write at once: the first one to lock an award does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turning: asyncio.Task[None] | None = None
        self._retry_at = 0.0

    async def turn(self) -> None:
        """Write the awards whose rounds have turned by now, or give up after WAIT_SECONDS."""
        loop = asyncio.get_running_loop()
        if self._turning is None:
            if loop.time() < self._retry_at:
                return
            # An empty context: the task must not inherit the deadline of the request.
            self._turning = loop.create_task(
                self._turn_all(), name="rounds", context=contextvars.Context()
            )
        await asyncio.wait([self._turning], timeout=WAIT_SECONDS)

    async def close(self) -> None:
        if self._turning is not None:
            self._turning.cancel()
            await asyncio.gather(self._turning, return_exceptions=True)

    async def _turn_all(self) -> None:
        try:
            while await self._turn_some() == BATCH_AWARDS:
                pass
        except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
            self._retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS
            _log.warning("rounds.postponed", error=type(error).__name__)
        finally:
            self._turning = None

    async def _turn_some(self) -> int:
        async with self._database.write_session() as session:
            now = dt.datetime.now(dt.UTC)
            turned = await queries.lock_turned(session, before=now, limit=BATCH_AWARDS)
            if turned:
                await queries.set_change_source(session, SCHEDULE)
            for award in turned:
                times = rounds.of_stored(award.rounds or ())
                values = rounds.deadline_at(times, now)._asdict() if times else {}
                turns_at = rounds.next_turn(times, now) if times else None
                await queries.change(session, award.id, {**values, "turns_at": turns_at})
        return len(turned)
