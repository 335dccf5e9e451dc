"""Counts the requests of API keys without making any request wait.

Counts lie in memory for FLUSH_SECONDS at most and are then added to the database, so that a restart
of Redis loses none. A worker that is killed loses its last FLUSH_SECONDS, one that shuts down loses
nothing. While the database cannot be reached, the counts wait: there is one for each key, day and
group of routes.
"""

import asyncio
import datetime as dt
import uuid
from collections import Counter
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.api_keys import queries
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import Database

FLUSH_SECONDS: Final = 2.0
CLOSING_SECONDS: Final = 1.0
"""For the last counts of a process. All of its closing has 2 s."""

OTHER: Final = "other"
"""The group of paths that share no limit of their own."""

_log = structlog.stdlib.get_logger(__name__)


class UsageRecorder:
    """The counts of one worker on their way to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[tuple[uuid.UUID, dt.date, str]] = Counter()
        self._flush_lock = asyncio.Lock()

    def record(self, key_id: uuid.UUID, *, route_group: str | None) -> None:
        self._counts[key_id, dt.datetime.now(dt.UTC).date(), route_group or OTHER] += 1

    async def run(self) -> None:
        """Write the counts every FLUSH_SECONDS, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what was counted so far; what cannot be written is kept."""
        async with self._flush_lock:
            counts, self._counts = self._counts, Counter()
            if not counts:
                return
            # In one order for all workers, so that two of them cannot wait for each other.
            rows = [
                {"key_id": key_id, "day": day, "route_group": group, "requests": requests}
                for (key_id, day, group), requests in sorted(counts.items())
            ]
            try:
                async with self._database.write_session() as session:
                    await queries.add_uses(session, rows)
            except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
                self._counts.update(counts)
                _log.warning("api_key_uses.not_written", error=type(error).__name__)
            except BaseException:
                self._counts.update(counts)
                raise

    async def close(self) -> None:
        with deadline(CLOSING_SECONDS):
            await self.flush()
