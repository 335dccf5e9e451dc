"""Removes rows older than ANALYTICS_RETENTION_DAYS, in batches, in one worker at a time."""

import asyncio
import datetime as dt
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.activity import queries
from scholarship_api.activity.models import (
    AwardEventCount,
    EventClient,
    Interaction,
    QueryClient,
    QueryCount,
    QueryEventCount,
    SearchCount,
)
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database

FIRST_PURGE_DELAY_SECONDS: Final = 10.0
"""From the start of a worker. A busy one may be recycled before it is an hour old."""

PURGE_INTERVAL_SECONDS: Final = 3600.0
BATCH_ROWS: Final = 2_000

CLIENTS_KEPT_DAYS: Final = 2
"""Today and yesterday. A worker that could not reach the database may still add to yesterday."""

PAUSE_SECONDS: Final = 0.1
"""Between two batches, so that other statements are not held up."""

_log = structlog.stdlib.get_logger(__name__)


async def run(database: Database, *, retention_days: int) -> None:
    """Purge once an hour, until cancelled."""
    await asyncio.sleep(FIRST_PURGE_DELAY_SECONDS)
    while True:
        try:
            await purge(database, retention_days=retention_days, now=dt.datetime.now(dt.UTC))
        except DatabaseUnavailable:
            _log.warning("retention.postponed")
        except sqlalchemy.exc.SQLAlchemyError as error:
            _log.error("retention.postponed", exc_info=error)
        await asyncio.sleep(PURGE_INTERVAL_SECONDS)


async def purge(database: Database, *, retention_days: int, now: dt.datetime) -> int:
    """The number of removed rows. Stops when another worker holds the lock.

    Each batch is its own transaction, so that a cancelled purge keeps its finished batches.
    """
    kept_since = now - dt.timedelta(days=retention_days)
    removed = 0
    for table, before in (
        (Interaction, kept_since),
        (QueryCount, kept_since),
        (QueryEventCount, kept_since),
        (AwardEventCount, kept_since),
        (QueryClient, now - dt.timedelta(days=CLIENTS_KEPT_DAYS - 1)),
        (EventClient, now - dt.timedelta(days=CLIENTS_KEPT_DAYS - 1)),
        (SearchCount, now + dt.timedelta(days=2)),  # all of it
    ):
        while True:
            async with database.write_session() as session:
                if not await queries.try_retention_lock(session):
                    return removed
                count = await queries.remove_rows(session, table, before=before, limit=BATCH_ROWS)
            removed += count
            if count < BATCH_ROWS:
                break
            await asyncio.sleep(PAUSE_SECONDS)
    if removed:
        _log.info("retention.purged", rows=removed)
    return removed
