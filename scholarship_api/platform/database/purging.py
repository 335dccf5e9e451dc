"""Removes what is too old once an hour, in batches that are transactions of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession

PURGE_INTERVAL_SECONDS: Final = 3600.0

_log = structlog.stdlib.get_logger(__name__)


async def hourly(
    purge: Callable[[], Awaitable[int]], *, topic: str, first_delay_seconds: float
) -> None:
    """Purge once an hour, until cancelled. A failure is logged, and the next hour tries again.

    A busy worker may be recycled before it is an hour old, so the first purge comes after
    `first_delay_seconds`.
    """
    await asyncio.sleep(first_delay_seconds)
    while True:
        try:
            await purge()
        except (DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError) as error:
            _log.warning(f"{topic}.retention_postponed", error=type(error).__name__)
        await asyncio.sleep(PURGE_INTERVAL_SECONDS)


async def in_batches(
    database: Database,
    remove: Callable[[WriteSession], Awaitable[int]],
    *,
    topic: str,
    batch_rows: int,
) -> int:
    """Call `remove` until it removes fewer than `batch_rows`. Return the number of removed rows."""
    removed = 0
    while True:
        async with database.write_session() as session:
            count = await remove(session)
        removed += count
        if count < batch_rows:
            break
    if removed:
        _log.info(f"{topic}.purged", rows=removed)
    return removed
