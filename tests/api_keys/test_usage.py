"""The counts of keys on their way to the database: each request counts once, whatever fails."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from structlog.testing import capture_logs

from scholarship_api.api_keys import retention
from scholarship_api.api_keys.usage import UsageRecorder
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed
from tests.api_keys.conftest import MakeKey
from tests.faults import FaultyProxy, eventually, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 30.0


@pytest.fixture
async def key_id(make_key: MakeKey) -> uuid.UUID:
    return uuid.UUID((await make_key())["id"])


@pytest.fixture
def proxy(module_database_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(postgres_socket(module_database_url)) as proxy:
        yield proxy


@pytest.fixture
async def database(
    settings: Settings, module_database_url: str, proxy: FaultyProxy
) -> AsyncIterator[Database]:
    database = Database(changed(settings, database_url=through_proxy(module_database_url, proxy)))
    yield database
    await database.close()


@contextmanager
def rows(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        yield connection


def stored(url: str, key_id: uuid.UUID) -> int:
    with rows(url) as connection:
        found = connection.execute(
            "SELECT coalesce(sum(requests), 0)::integer FROM api_key_uses WHERE key_id = %s",
            [key_id],
        ).fetchone()
    assert found is not None
    return int(found[0])


def record(recorder: UsageRecorder, key_id: uuid.UUID, requests: int) -> None:
    for _ in range(requests):
        recorder.record(key_id, route_group="search")


async def flushed_without_an_answer(
    recorder: UsageRecorder, proxy: FaultyProxy, url: str, key_id: uuid.UUID
) -> asyncio.Task[None]:
    """A flush that PostgreSQL has committed, and that waits for the answer to its COMMIT."""
    proxy.hold_answers_to = b"COMMIT"
    flush = asyncio.create_task(recorder.flush())

    async def is_committed() -> bool:
        return stored(url, key_id) > 0

    assert await eventually(is_committed, seconds=PATIENCE_SECONDS)
    return flush


async def test_a_flush_that_is_cancelled_between_commit_and_answer_counts_once(
    database: Database, proxy: FaultyProxy, key_id: uuid.UUID, module_database_url: str
) -> None:
    recorder = UsageRecorder(database)
    record(recorder, key_id, 5)
    flush = await flushed_without_an_answer(recorder, proxy, module_database_url, key_id)
    assert not flush.done()
    flush.cancel()
    with suppress(asyncio.CancelledError):
        await flush
    proxy.hold_answers_to = None
    proxy.set("forward")
    record(recorder, key_id, 2)
    await recorder.flush()
    assert stored(module_database_url, key_id) == 7
    await recorder.flush()
    assert stored(module_database_url, key_id) == 7


async def test_a_flush_that_loses_its_connection_after_the_commit_counts_once(
    database: Database, proxy: FaultyProxy, key_id: uuid.UUID, module_database_url: str
) -> None:
    recorder = UsageRecorder(database)
    record(recorder, key_id, 5)
    flush = await flushed_without_an_answer(recorder, proxy, module_database_url, key_id)
    proxy.hold_answers_to = None
    with capture_logs() as logs:
        proxy.set("refuse")
        await flush
    assert "api_key_uses.not_written" in [entry["event"] for entry in logs]
    proxy.set("forward")
    await recorder.flush()
    assert stored(module_database_url, key_id) == 5


async def test_counts_wait_while_the_database_is_away(
    database: Database, proxy: FaultyProxy, key_id: uuid.UUID, module_database_url: str
) -> None:
    recorder = UsageRecorder(database)
    proxy.set("refuse")
    for _ in range(3):
        record(recorder, key_id, 2)
        await recorder.flush()
    assert stored(module_database_url, key_id) == 0
    proxy.set("forward")
    await recorder.flush()
    assert stored(module_database_url, key_id) == 6


async def test_a_flush_that_is_cancelled_before_the_commit_is_made_up_for(
    database: Database, proxy: FaultyProxy, key_id: uuid.UUID, module_database_url: str
) -> None:
    recorder = UsageRecorder(database)
    record(recorder, key_id, 5)
    with rows(module_database_url) as connection:
        connection.execute("LOCK TABLE api_key_uses IN ACCESS EXCLUSIVE MODE")
        flush = asyncio.create_task(recorder.flush())
        with rows(module_database_url) as watching:

            async def waits() -> bool:
                found = watching.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted"
                    " AND relation = 'api_key_uses'::regclass"
                ).fetchone()
                return flush.done() or (found is not None and found[0] > 0)

            assert await eventually(waits, seconds=PATIENCE_SECONDS)
        flush.cancel()
        with suppress(asyncio.CancelledError, DatabaseUnavailable):
            await flush
    await recorder.flush()
    assert stored(module_database_url, key_id) == 5


async def test_two_workers_with_the_same_numbers_count_both(
    database: Database, key_id: uuid.UUID, module_database_url: str
) -> None:
    for requests in (1, 2):
        recorder = UsageRecorder(database)
        for _ in range(2):
            record(recorder, key_id, requests)
            await recorder.flush()
    assert stored(module_database_url, key_id) == 6


async def test_processes_without_new_counts_are_forgotten_after_a_week(
    database: Database, key_id: uuid.UUID, module_database_url: str
) -> None:
    with rows(module_database_url) as connection:
        connection.execute("DELETE FROM api_key_use_writers")
    ended, idle = UsageRecorder(database), UsageRecorder(database)
    record(ended, key_id, 1)
    await ended.flush()
    days = dt.timedelta(days=retention.WRITER_DAYS)
    with rows(module_database_url) as connection:
        connection.execute("UPDATE api_key_use_writers SET written_at = now() - %s", [days])
    record(idle, key_id, 1)
    await idle.flush()
    assert await retention.purge(database) == 1
    assert await retention.purge(database) == 0
    record(ended, key_id, 1)
    await ended.flush()
    assert stored(module_database_url, key_id) == 3
