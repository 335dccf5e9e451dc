"""Counts the requests of API keys without making any request wait.

Counts lie in memory for FLUSH_SECONDS at most and are then added to the database, so that a restart
of Redis loses none. A worker that is killed loses its last FLUSH_SECONDS, one that shuts down loses
nothing. While the database cannot be reached, the counts wait: there is one for each key, day and
group of routes.

A flush that is cancelled or loses its connection may have committed all the same. Each worker
therefore numbers its batches, and the database adds a batch that is sent again only once.
"""

import asyncio
import datetime as dt
import itertools
import uuid
from collections import Counter
from dataclasses import dataclass
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

_Counts = Counter[tuple[uuid.UUID, dt.date, str]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Counts that were sent to the database; they do not change until it has confirmed them."""

    number: int
    counts: _Counts


class UsageRecorder:
    """The counts of one worker on their way to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._id = uuid.uuid4()
        self._numbers = itertools.count(1)
        self._counts: _Counts = Counter()
        self._unconfirmed: _Batch | None = None
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
            try:
                if self._unconfirmed is not None:
                    await self._send(self._unconfirmed)
                if self._counts:
                    counts, self._counts = self._counts, Counter()
                    await self._send(_Batch(next(self._numbers), counts))
            except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
                _log.warning("api_key_uses.not_written", error=type(error).__name__)

    async def _send(self, batch: _Batch) -> None:
        self._unconfirmed = batch
        # In one order for all workers, so that two of them cannot wait for each other.
        rows = [
            {"key_id": key_id, "day": day, "route_group": group, "requests": requests}
            for (key_id, day, group), requests in sorted(batch.counts.items())
        ]
        async with self._database.write_session() as session:
            if await queries.begin_batch(session, writer_id=self._id, number=batch.number):
                await queries.add_uses(session, rows)
        self._unconfirmed = None

    async def close(self) -> None:
        with deadline(CLOSING_SECONDS):
            await self.flush()
