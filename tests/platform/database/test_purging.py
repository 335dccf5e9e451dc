"""Old rows leave in batches, and a failure postpones them to the next time."""

import asyncio

import pytest
import sqlalchemy.exc
from sqlalchemy import text
from structlog.testing import capture_logs

from scholarship_api.platform.database import purging
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio


async def test_batches_are_transactions_until_one_is_not_full(database_url: str) -> None:
    database = Database(Settings(environment="test", database_url=database_url))
    transactions: list[int] = []
    left = [2, 2, 1]

    async def remove(session: WriteSession) -> int:
        transactions.append((await session.scalars(text("SELECT txid_current()"))).one())
        return left.pop(0)

    with capture_logs() as logs:
        removed = await purging.in_batches(database, remove, topic="things", batch_rows=2)
    await database.close()
    assert removed == 5
    assert len(set(transactions)) == 3
    assert {"event": "things.purged", "rows": 5, "log_level": "info"} in logs


async def test_a_failure_postpones_the_purge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "PURGE_INTERVAL_SECONDS", 0)
    purged = asyncio.Event()
    attempts: list[int] = []

    async def purge() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise sqlalchemy.exc.TimeoutError("no connection was free in time")
        purged.set()
        return 0

    with capture_logs() as logs:
        running = asyncio.create_task(purging.hourly(purge, topic="things", first_delay_seconds=0))
        async with asyncio.timeout(30):
            await purged.wait()
        running.cancel()
        await asyncio.wait([running])
    assert {
        "event": "things.retention_postponed",
        "error": "TimeoutError",
        "log_level": "warning",
    } in logs
