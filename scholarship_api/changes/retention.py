"""Removes events of the outbox that are older than CHANGES_RETENTION_DAYS, in batches."""

import datetime as dt
from typing import Final

from scholarship_api.changes import queries
from scholarship_api.platform.database import purging
from scholarship_api.platform.database.engine import Database

FIRST_PURGE_DELAY_SECONDS: Final = 25.0
BATCH_ROWS: Final = 2_000


async def run(database: Database, *, retention_days: int) -> None:
    """Purge once an hour, until cancelled."""
    await purging.hourly(
        lambda: purge(database, retention_days=retention_days),
        topic="changes",
        first_delay_seconds=FIRST_PURGE_DELAY_SECONDS,
    )


async def purge(database: Database, *, retention_days: int) -> int:
    """The number of removed events."""
    oldest = dt.datetime.now(dt.UTC) - dt.timedelta(days=retention_days)
    return await purging.in_batches(
        database,
        lambda session: queries.purge(session, before=oldest, limit=BATCH_ROWS),
        topic="changes",
        batch_rows=BATCH_ROWS,
    )
