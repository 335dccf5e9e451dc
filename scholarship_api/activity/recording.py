"""Counts what is searched for, without making any search wait.

A search leaves its query in memory; a background task normalises what came together and adds it
to the counts of the day. A worker that is killed loses FLUSH_SECONDS of counts, one that is shut
down loses none. While the database is away they wait, those of up to MAX_QUERIES queries.
"""

import asyncio
import datetime as dt
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.activity import queries
from scholarship_api.activity.normalisation import normalise
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import Database

FLUSH_SECONDS: Final = 5.0
MAX_QUERIES: Final = 2_000
"""Different ones that one worker holds; the searches for further ones are not counted."""

CLOSING_SECONDS: Final = 1.0
"""For the last counts of a process: all of its closing has 2 s."""

_BATCH: Final = 500
_AT_A_TIME: Final = 20
"""Normalised before others get their turn: half a millisecond, ten of the most hostile ones."""

_log = structlog.stdlib.get_logger(__name__)


class SearchRecorder:
    """The counts of one worker on their way to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heard: dict[str, int] = {}
        """As they were typed."""
        self._counts: dict[tuple[dt.date, str], int] = {}
        self._dropped = 0
        self._one_at_a_time = asyncio.Lock()

    def record(self, text: str) -> None:
        """Count a search for `text`. Takes no time and cannot fail."""
        count = self._heard.get(text, 0)
        if count or len(self._heard) < MAX_QUERIES:
            self._heard[text] = count + 1
        else:
            self._dropped += 1

    async def run(self) -> None:
        """Write the counts every FLUSH_SECONDS, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write the counts; what the database does not take is kept for the next time.

        Where a commit was cut off, and took place all the same, they count twice.
        """
        async with self._one_at_a_time:
            await self._normalise()
            await self._write()
        if self._dropped:
            _log.warning("searches.dropped", count=self._dropped)
            self._dropped = 0

    async def close(self) -> None:
        """Write what is left, once `run` has ended and nobody searches any more."""
        with deadline(CLOSING_SECONDS):
            await self.flush()
        if self._counts:
            _log.error("searches.lost", count=sum(self._counts.values()))
            self._counts.clear()

    async def _normalise(self) -> None:
        today = dt.datetime.now(dt.UTC).date()
        for number in range(len(self._heard)):
            if number % _AT_A_TIME == _AT_A_TIME - 1:
                await asyncio.sleep(0)
            text, count = self._heard.popitem()
            query = normalise(text)
            if not query:
                continue
            key = (today, query)
            if key in self._counts or len(self._counts) < MAX_QUERIES:
                self._counts[key] = self._counts.get(key, 0) + count
            else:
                self._dropped += count

    async def _write(self) -> None:
        while self._counts:
            # Sorted, so that workers that write the same queries never deadlock.
            batch = sorted(self._counts.items())[:_BATCH]
            try:
                async with self._database.write_session() as session:
                    await queries.add_searches(session, batch)
            except DatabaseUnavailable:
                _log.warning("searches.waiting", count=sum(self._counts.values()))
                return
            except sqlalchemy.exc.SQLAlchemyError as error:
                # The table is not there yet, for one.
                _log.error("searches.waiting", count=sum(self._counts.values()), exc_info=error)
                return
            for key, _ in batch:
                del self._counts[key]
