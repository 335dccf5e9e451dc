"""One read for all that wait: no older than their arrival, or an error in time."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from scholarship_api.platform.database.coalesced_reads import READ_SECONDS, GroupedRead
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
async def read(
    request: pytest.FixtureRequest,
    database_url: str,
    proxy: FaultyProxy,
    server: "psycopg.Connection[Any]",
) -> AsyncIterator[GroupedRead]:
    settings = Settings(
        environment="test",
        database_url=through_proxy(database_url, proxy),
        database_pgbouncer=request.param,
    )
    database = Database(settings)
    yield database.grouped_read(STATEMENT, clock=lambda: dt.datetime.now(dt.UTC))
    await database.close()


async def number(read: GroupedRead) -> int:
    return int((await read()).values[1] or 0)


async def test_those_that_wait_share_one_read(read: GroupedRead) -> None:
    assert await asyncio.gather(*(number(read) for _ in range(50))) == [1] * 50
    assert await number(read) == 2


async def test_a_read_that_is_under_way_serves_nobody_who_comes_later(read: GroupedRead) -> None:
    await read()
    arrived = dt.datetime.now(dt.UTC)
    first = read()
    await asyncio.sleep(0)  # the read begins
    await asyncio.sleep(0)
    second = read()
    assert int((await first).values[1] or 0) + 1 == int((await second).values[1] or 0)
    assert arrived <= (await first).at <= (await second).at


async def test_a_connection_that_was_ended_is_replaced_unseen(
    read: GroupedRead, server: "psycopg.Connection[Any]"
) -> None:
    pid = int((await read()).values[0] or 0)
    server.execute("SELECT pg_terminate_backend(%s)", [pid])
    assert int((await read()).values[0] or 0) != pid


async def test_refused_then_back(read: GroupedRead, proxy: FaultyProxy) -> None:
    await read()
    proxy.set("refuse")
    with pytest.raises(psycopg.OperationalError):
        await read()
    proxy.set("forward")
    await read()


async def test_a_server_that_is_silent_is_given_up_in_time(
    read: GroupedRead, proxy: FaultyProxy
) -> None:
    await read()
    proxy.set("blackhole")
    started_at = time.monotonic()
    answers = [read(), read()]
    await asyncio.sleep(0.1)
    answers.append(read())
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert all(isinstance(outcome, psycopg.OperationalError) for outcome in outcomes)
    assert time.monotonic() - started_at < 2 * READ_SECONDS + 1
    proxy.set("forward")
    await read()


async def test_one_that_gives_up_leaves_the_others_alone(read: GroupedRead) -> None:
    waiting = [asyncio.ensure_future(number(read)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    assert [await waiting[0], await waiting[2]] == [1, 1]


async def test_closing_ends_the_waiting(read: GroupedRead) -> None:
    waiting = read()
    await asyncio.sleep(0)
    await read.close()
    with pytest.raises(psycopg.OperationalError):
        await waiting
