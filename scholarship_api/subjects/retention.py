"""Removes subjects of platforms that nobody has asked about for SUBJECT_RETENTION_DAYS."""

import asyncio
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.subjects import service

FIRST_PURGE_DELAY_SECONDS: Final = 30.0
"""From the start of a worker. A busy one may be recycled before it is an hour old."""

PURGE_INTERVAL_SECONDS: Final = 3600.0
BATCH_ROWS: Final = 500
"""Subjects that one transaction removes, each with its rows in other tables."""

_log = structlog.stdlib.get_logger(__name__)


async def run(database: Database, *, retention_days: int) -> None:
    """Purge once an hour, until cancelled. Workers that purge at once remove different rows."""
    await asyncio.sleep(FIRST_PURGE_DELAY_SECONDS)
    while True:
        try:
            await purge(database, retention_days=retention_days)
        except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
            _log.warning("subjects.retention_postponed", error=type(error).__name__)
        await asyncio.sleep(PURGE_INTERVAL_SECONDS)


async def purge(database: Database, *, retention_days: int) -> int:
    """The number of removed subjects. Each batch is a transaction of its own."""
    removed = 0
    while True:
        async with database.write_session() as session:
            count = await service.purge(session, days=retention_days, limit=BATCH_ROWS)
        removed += count
        if count < BATCH_ROWS:
            break
    if removed:
        _log.info("subjects.purged", rows=removed)
    return removed
