"""Removes events of the outbox that are older than CHANGES_RETENTION_DAYS, in batches."""

import asyncio
import datetime as dt
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.changes import queries
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database

FIRST_PURGE_DELAY_SECONDS: Final = 25.0
PURGE_INTERVAL_SECONDS: Final = 3600.0
BATCH_ROWS: Final = 2_000

_log = structlog.stdlib.get_logger(__name__)


async def run(database: Database, *, retention_days: int) -> None:
    """Purge once an hour, until cancelled."""
    await asyncio.sleep(FIRST_PURGE_DELAY_SECONDS)
    while True:
        try:
            await purge(database, retention_days=retention_days)
        except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
            _log.warning("changes.retention_postponed", error=type(error).__name__)
        await asyncio.sleep(PURGE_INTERVAL_SECONDS)


async def purge(database: Database, *, retention_days: int) -> int:
    """The number of removed events. Each batch is a transaction of its own."""
    oldest = dt.datetime.now(dt.UTC) - dt.timedelta(days=retention_days)
    removed = 0
    while True:
        async with database.write_session() as session:
            count = await queries.purge(session, before=oldest, limit=BATCH_ROWS)
        removed += count
        if count < BATCH_ROWS:
            break
    if removed:
        _log.info("changes.purged", rows=removed)
    return removed
