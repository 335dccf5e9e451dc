"""Removes entries of the audit that are older than AUDIT_RETENTION_DAYS, in batches."""

from typing import Final

from scholarship_api.audit import queries
from scholarship_api.platform.database import purging
from scholarship_api.platform.database.engine import Database

FIRST_PURGE_DELAY_SECONDS: Final = 20.0
BATCH_ROWS: Final = 2_000


async def run(database: Database, *, retention_days: int) -> None:
    """Purge once an hour, until cancelled. Two workers at once remove no more than one."""
    await purging.hourly(
        lambda: purge(database, retention_days=retention_days),
        topic="audit",
        first_delay_seconds=FIRST_PURGE_DELAY_SECONDS,
    )


async def purge(database: Database, *, retention_days: int) -> int:
    """The number of removed entries."""
    return await purging.in_batches(
        database,
        lambda session: queries.purge(session, days=retention_days, limit=BATCH_ROWS),
        topic="audit",
        batch_rows=BATCH_ROWS,
    )
