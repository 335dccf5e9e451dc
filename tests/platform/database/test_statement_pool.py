"""The statement pool: no query waits for ever, and none keeps sessions from their connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import QueuePool, text
from structlog.testing import capture_logs

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import (
    IDLE_LEASE_SECONDS,
    MAX_LEASE_SECONDS,
    Database,
)
from scholarship_api.platform.database.statement_pool import (
    CONNECTION_WAIT_SECONDS,
    MAX_PREPARED_STATEMENTS,
)
from scholarship_api.settings.settings import Settings
from tests.faults import FaultyProxy, eventually, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

SIZE = 2


def database_of(url: str, **values: Any) -> Database:  # noqa: ANN401
    return Database(
        Settings(environment="test", database_url=url, database_pool_size=SIZE, **values)
    )


@pytest.fixture
def proxy(database_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(postgres_socket(database_url)) as proxy:
        yield proxy


@pytest.fixture(params=[False, True], ids=["direct", "as through PgBouncer"])
async def database(
    request: pytest.FixtureRequest, database_url: str, proxy: FaultyProxy
) -> AsyncIterator[Database]:
    url = through_proxy(database_url, proxy)
    database = database_of(url, database_pgbouncer=request.param)
    yield database
    await database.close()


def pool_of(database: Database) -> QueuePool:
    return cast("QueuePool", database.engine.sync_engine.pool)


async def until_all_are_released(database: Database) -> None:
    async with asyncio.timeout(MAX_LEASE_SECONDS + 5):
        while pool_of(database).checkedout():  # noqa: ASYNC110 - the pool has no event for it
            await asyncio.sleep(IDLE_LEASE_SECONDS)


async def pid(database: Database) -> int:
    [[number]] = await database.fetch("SELECT pg_backend_pid() FROM pg_sleep(0.01)", {})
    return int(number)


async def test_parameters_and_rows_are_texts(database: Database) -> None:
    odd = ['a"b', "c\\d", "{e,f}", "", "NULL", "naïve €"]
    rows = await database.fetch(
        "SELECT unnest(%(odd)s::text[]), %(number)s::float8, %(none)s::text, %(yes)s::bool",
        {"odd": odd, "number": 0.1, "none": None, "yes": True},
    )
    assert rows == [(each.encode(), b"0.1", None, b"t") for each in odd]


async def test_statements_share_at_most_the_connections_that_the_engine_keeps(
    database: Database,
) -> None:
    pids = await asyncio.gather(*(pid(database) for _ in range(40)))
    assert len(set(pids)) <= SIZE
    assert pool_of(database).checkedout() <= SIZE


async def test_an_idle_connection_goes_back_to_the_engine(database: Database) -> None:
    first = await pid(database)
    assert await pid(database) == first
    await until_all_are_released(database)
    async with database.read_session() as session:
        assert await session.scalar(text("SELECT pg_backend_pid()")) == first


async def test_a_session_gets_a_connection_while_statements_keep_coming(database_url: str) -> None:
    database = Database(
        Settings(
            environment="test",
            database_url=database_url,
            database_pool_size=1,
            database_max_overflow=0,
        )
    )

    async def keep_busy() -> None:
        while True:
            await asyncio.gather(pid(database), pid(database))

    busy = asyncio.create_task(keep_busy())
    await asyncio.sleep(0.1)
    # A session that gets no connection ends with an error after POOL_WAIT_SECONDS.
    for _ in range(8):
        async with database.read_session() as session:
            assert await session.scalar(text("SELECT 1")) == 1
    busy.cancel()
    await asyncio.wait([busy])
    await database.close()


async def prepared_statements(database: Database) -> list[bytes]:
    found = await database.fetch(
        "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%/* mine */'", {}
    )
    return [statement for (statement,) in found]


async def test_a_connection_prepares_a_statement_once_unless_it_leads_to_a_pooler(
    database: Database, request: pytest.FixtureRequest
) -> None:
    is_pooled = request.node.callspec.params["database"]
    for number in range(3):
        assert await database.fetch("SELECT %(n)s::int /* mine */", {"n": number})
        await until_all_are_released(database)
    assert len(await prepared_statements(database)) == (0 if is_pooled else 1)


async def test_no_more_statements_are_prepared_than_a_connection_may_have(
    database: Database,
) -> None:
    for number in range(MAX_PREPARED_STATEMENTS + 5):
        assert await database.fetch(f"SELECT {number:d} /* mine */", {}) == [(b"%d" % number,)]
    assert len(await prepared_statements(database)) <= MAX_PREPARED_STATEMENTS


async def execute(database: Database, statement: str) -> None:
    """Run it on the connection of the statements, which is idle in the engine's pool by then."""
    await until_all_are_released(database)
    async with database.write_session() as session:
        await session.execute(text(statement))


@pytest.mark.parametrize("change", ["DEALLOCATE ALL", "ALTER TABLE changing ADD COLUMN b int"])
async def test_a_statement_that_can_no_longer_be_run_is_prepared_again(
    database: Database, change: str
) -> None:
    await execute(database, "CREATE TABLE changing (a int)")
    try:
        assert await database.fetch("SELECT * FROM changing", {}) == []
        await execute(database, change)
        assert await database.fetch("SELECT * FROM changing", {}) == []
    finally:
        await execute(database, "DROP TABLE changing")


async def test_a_prepared_statement_is_planned_for_its_parameters(database_url: str) -> None:
    database = database_of(database_url)
    try:
        assert await database.fetch("SHOW plan_cache_mode", {}) == [(b"force_custom_plan",)]
    finally:
        await database.close()


async def test_large_parameters_are_sent_in_parts(database: Database) -> None:
    large = "x" * 5_000_000
    [[length]] = await database.fetch("SELECT length(%(large)s::text)", {"large": large})
    assert length == b"5000000"


async def test_errors_of_the_statement_itself_are_raised_as_they_are(database: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await database.fetch("SELECT * FROM no_such_table", {})
    with pytest.raises(psycopg.DataError):
        await database.fetch("SELECT %(text)s::text", {"text": "\x00"})
    assert await pid(database)


async def test_refused_connections_fail_at_once_and_recover(
    database: Database, proxy: FaultyProxy
) -> None:
    proxy.set("refuse")
    found = await asyncio.gather(*(pid(database) for _ in range(5)), return_exceptions=True)
    for error in found:
        assert isinstance(error, DatabaseUnavailable)
        # Not the error of a query that has waited for a free connection.
        assert not isinstance(error.__cause__, sqlalchemy.exc.TimeoutError)
    proxy.set("forward")
    assert await pid(database)


async def test_a_server_that_is_silent_is_given_up_at_the_deadline(
    database: Database, proxy: FaultyProxy
) -> None:
    assert await pid(database)
    proxy.set("blackhole")
    # Without this deadline the query would wait for the usual one of 8 s.
    async with asyncio.timeout(5):
        with deadline(0.3), pytest.raises(DatabaseUnavailable):
            await pid(database)
    proxy.set("forward")
    assert await pid(database)
    await until_all_are_released(database)


async def test_a_connection_that_the_server_ended_is_replaced(
    database: Database, database_url: str
) -> None:
    first = await pid(database)
    url = database_url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as server:
        await server.execute("SELECT pg_terminate_backend(%s)", [first])
        await asyncio.sleep(0.02)
        assert await pid(database) != first
        sleeping = asyncio.create_task(database.fetch("SELECT pg_sleep(5)", {}))
        await asyncio.sleep(0.1)
        await server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query = 'SELECT pg_sleep(5)'"
        )
        with pytest.raises(DatabaseUnavailable):
            await sleeping
    assert await pid(database)


async def test_a_query_that_was_cancelled_is_passed_over(database: Database) -> None:
    sleeping = [
        asyncio.create_task(database.fetch("SELECT pg_sleep(0.2)", {})) for _ in range(SIZE)
    ]
    await asyncio.sleep(0.1)
    waiting = [asyncio.create_task(pid(database)) for _ in range(3)]
    await asyncio.sleep(0)
    for each in (sleeping[0], waiting[0]):
        each.cancel()
    assert await asyncio.gather(*waiting[1:])
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert await sleeping[1] == [(b"",)]


async def test_a_query_without_a_free_connection_is_503_in_time(
    database: Database, proxy: FaultyProxy, database_url: str
) -> None:
    sleeping = [asyncio.create_task(database.fetch("SELECT pg_sleep(5)", {})) for _ in range(SIZE)]
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as watching:

        async def all_sleep() -> bool:
            found = watching.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event = 'PgSleep'"
            ).fetchone()
            return found == (SIZE,)

        assert await eventually(all_sleep, seconds=30)
    proxy.set("blackhole")  # neither of them ends, however slow this machine is
    started_at = time.monotonic()
    with capture_logs() as logs, pytest.raises(DatabaseUnavailable):
        await pid(database)
    assert time.monotonic() - started_at > CONNECTION_WAIT_SECONDS - 0.5
    assert [entry["reason"] for entry in logs] == ["pool_exhausted"]
    proxy.set("forward")
    await asyncio.gather(*sleeping, return_exceptions=True)
