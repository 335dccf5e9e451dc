"""Forgets the processes that no longer count requests of API keys, in batches."""

import datetime as dt
from typing import Final

from scholarship_api.api_keys import queries
from scholarship_api.platform.database import purging
from scholarship_api.platform.database.engine import Database

WRITER_DAYS: Final = 7
"""Days after which a process without a new batch is forgotten. A batch that it sends again later
would count twice, so this is far longer than an outage between two attempts."""

FIRST_PURGE_DELAY_SECONDS: Final = 25.0
BATCH_ROWS: Final = 2_000


async def run(database: Database) -> None:
    """Purge once an hour, until cancelled."""
    await purging.hourly(
        lambda: purge(database),
        topic="api_key_use_writers",
        first_delay_seconds=FIRST_PURGE_DELAY_SECONDS,
    )


async def purge(database: Database) -> int:
    """The number of forgotten processes."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=WRITER_DAYS)
    return await purging.in_batches(
        database,
        lambda session: queries.purge_writers(session, before=before, limit=BATCH_ROWS),
        topic="api_key_use_writers",
        batch_rows=BATCH_ROWS,
    )
