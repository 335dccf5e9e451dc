"""One read for all requests that wait: it starts after they arrived, or fails in time."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from scholarship_api.platform.database.coalesced_reads import READ_SECONDS, CoalescedRead
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.faults import FaultyProxy, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

STATEMENT = "SELECT pg_backend_pid(), nextval('reads'), $1"


@pytest.fixture
def proxy(database_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(postgres_socket(database_url)) as proxy:
        yield proxy


@pytest.fixture
def server(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    url = database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE reads")
        yield connection
        connection.execute("DROP SEQUENCE reads")


@pytest.fixture(params=[False, True], ids=["prepared", "unprepared"])
async def database(
    request: pytest.FixtureRequest,
    database_url: str,
    proxy: FaultyProxy,
    server: "psycopg.Connection[Any]",
) -> AsyncIterator[Database]:
    url = through_proxy(database_url, proxy)
    database = Database(
        Settings(environment="test", database_url=url, database_pgbouncer=request.param)
    )
    yield database
    await database.close()


@pytest.fixture
def read(database: Database) -> CoalescedRead:
    return database.coalesced_read(STATEMENT, clock=lambda: dt.datetime.now(dt.UTC))


async def number(read: CoalescedRead) -> int:
    return int((await read()).row[1])


async def test_requests_that_wait_share_one_read(read: CoalescedRead) -> None:
    assert await asyncio.gather(*(number(read) for _ in range(50))) == [1] * 50
    assert await number(read) == 2


async def test_a_read_in_flight_does_not_serve_a_request_that_comes_later(
    read: CoalescedRead,
) -> None:
    await read()
    arrived = dt.datetime.now(dt.UTC)
    first = read()
    await asyncio.sleep(0)  # the read begins
    await asyncio.sleep(0)
    second = read()
    assert int((await first).row[1]) + 1 == int((await second).row[1])
    assert arrived <= (await first).started_at <= (await second).started_at


async def test_a_connection_that_the_server_ended_is_replaced_without_an_error(
    read: CoalescedRead, server: "psycopg.Connection[Any]"
) -> None:
    pid = int((await read()).row[0])
    server.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert int((await read()).row[0]) != pid


async def test_a_refused_read_fails_and_the_next_one_recovers(
    read: CoalescedRead, proxy: FaultyProxy
) -> None:
    await read()
    proxy.set("refuse")
    with pytest.raises(psycopg.OperationalError):
        await read()
    proxy.set("forward")
    await read()


@pytest.mark.slow
async def test_a_silent_server_fails_every_read_in_time(
    read: CoalescedRead, proxy: FaultyProxy
) -> None:
    await read()
    proxy.set("blackhole")
    answers = [read(), read()]
    await asyncio.sleep(0.1)
    answers.append(read())
    async with asyncio.timeout(2 * READ_SECONDS + 5):
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert all(isinstance(outcome, psycopg.OperationalError) for outcome in outcomes)
    proxy.set("forward")
    await read()


async def test_a_request_that_gives_up_does_not_disturb_the_others(read: CoalescedRead) -> None:
    waiting = [asyncio.ensure_future(number(read)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    assert [await waiting[0], await waiting[2]] == [1, 1]


async def test_closing_fails_the_reads_that_wait(database: Database, read: CoalescedRead) -> None:
    waiting = read()
    await asyncio.sleep(0)
    await database.close()
    with pytest.raises(psycopg.OperationalError):
        await waiting
