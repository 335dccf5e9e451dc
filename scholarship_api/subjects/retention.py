"""Removes subjects of platforms that nobody has asked about for SUBJECT_RETENTION_DAYS."""

from typing import Final

from scholarship_api.platform.database import purging
from scholarship_api.platform.database.engine import Database
from scholarship_api.subjects import service

FIRST_PURGE_DELAY_SECONDS: Final = 30.0
BATCH_ROWS: Final = 500
"""Subjects that one transaction removes, each with its rows in other tables."""


async def run(database: Database, *, retention_days: int) -> None:
    """Purge once an hour, until cancelled. Workers that purge at once remove different rows."""
    await purging.hourly(
        lambda: purge(database, retention_days=retention_days),
        topic="subjects",
        first_delay_seconds=FIRST_PURGE_DELAY_SECONDS,
    )


async def purge(database: Database, *, retention_days: int) -> int:
    """The number of removed subjects."""
    return await purging.in_batches(
        database,
        lambda session: service.purge(session, days=retention_days, limit=BATCH_ROWS),
        topic="subjects",
        batch_rows=BATCH_ROWS,
    )
