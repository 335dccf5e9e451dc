"""Sessions, statements and probes: in time, or DatabaseUnavailable, whatever the server does."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy.exc
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import make_url, text

from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.errors import DatabaseUnavailable, install_handlers
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.settings.settings import Settings
from tests.faults import (
    FaultyProxy,
    eventually,
    frozen,
    postgres_socket,
    postmaster_pid,
    through_proxy,
)

pytestmark = pytest.mark.anyio

LIMIT_SECONDS = 8.0
SLACK_SECONDS = 5.0  # of a machine that runs other tests as well


def settings_for(url: str, **values: Any) -> Settings:  # noqa: ANN401
    return Settings(environment="test", database_url=url, **values)


@pytest.fixture
def proxy(database_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(postgres_socket(database_url)) as proxy:
        yield proxy


@pytest.fixture
async def database(database_url: str, proxy: FaultyProxy) -> AsyncIterator[Database]:
    database = Database(settings_for(through_proxy(database_url, proxy)))
    yield database
    await database.close()


async def select(database: Database, statement: str = "SELECT 1") -> object:
    async with database.read_session() as session:
        return await session.scalar(text(statement))


async def fails_in_time(database: Database, statement: str = "SELECT 1") -> DatabaseUnavailable:
    async with asyncio.timeout(LIMIT_SECONDS + SLACK_SECONDS):
        with pytest.raises(DatabaseUnavailable) as failure:
            await select(database, statement)
    assert failure.value.headers["Retry-After"]
    return failure.value


async def test_sessions_have_the_servers_timeouts(database: Database) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [await select(database, f"SHOW {name}") for name in names] == ["6s", "3s", "10s"]


async def test_read_sessions_are_read_only(database: Database) -> None:
    assert await select(database, "SHOW transaction_read_only") == "on"
    async with database.write_session() as session:
        assert await session.scalar(text("SHOW transaction_read_only")) == "off"


async def test_refused_connections_fail_at_once_and_recover(
    database: Database, proxy: FaultyProxy
) -> None:
    assert await select(database) == 1
    proxy.set("refuse")
    error = await fails_in_time(database)
    # Not the error of a session that has waited for a free connection.
    assert not isinstance(error.__cause__, sqlalchemy.exc.TimeoutError)
    proxy.set("forward")
    assert await select(database) == 1


async def test_a_silent_server_fails_new_and_running_statements_in_time(
    database: Database, proxy: FaultyProxy
) -> None:
    """Both at once, to wait once: a new request, and one that waits for its answer."""
    assert await select(database) == 1
    async with database.bulk_connection() as connection:  # keeps the idle one busy
        slow = asyncio.create_task(fails_in_time(database, "SELECT pg_sleep(5)"))
        await asyncio.sleep(0.3)
        proxy.set("blackhole")
        await asyncio.gather(slow, fails_in_time(database), fails_in_time(database))
        connection.pgconn.finish()
    proxy.set("forward")
    assert await select(database) == 1


async def test_a_closed_connection_leaves_the_pool_without_a_log_line(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with database.bulk_connection() as connection:
            started.set()
            await connection.execute("SELECT pg_sleep(5)")

    cut_off = asyncio.create_task(work())
    await started.wait()
    cut_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut_off
    with pytest.raises(DatabaseUnavailable):
        async with database.bulk_connection(seconds=0.1) as connection:
            await connection.execute("SELECT pg_sleep(5)")
    assert await select(database) == 1
    assert not caplog.records


async def test_overflow_connections_are_closed_without_a_log_line(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with database.bulk_connection() as connection:
            await connection.execute("SELECT pg_sleep(0.2)")

    await asyncio.gather(*(work() for _ in range(10)))  # 5 are kept
    assert not caplog.records


@pytest.mark.slow
async def test_a_frozen_server_is_503_in_time_and_recovers(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=False) as url:
        database = Database(settings_for(url))
        assert await select(database) == 1
        with frozen(postmaster_pid(tmp_path / "postgres")):
            await asyncio.gather(*(fails_in_time(database) for _ in range(3)))
        assert await select(database) == 1
        await database.close()


async def test_an_exhausted_pool_is_503(database_url: str) -> None:
    settings = settings_for(database_url, database_pool_size=1, database_max_overflow=0)
    database = Database(settings)
    async with database.bulk_connection():
        await fails_in_time(database)
    assert await select(database) == 1
    await database.close()


async def test_a_cancelled_statement_frees_its_connection_at_once(
    database: Database, proxy: FaultyProxy
) -> None:
    waiting = asyncio.create_task(select(database, "SELECT pg_sleep(5)"))
    await asyncio.sleep(0.3)
    proxy.set("blackhole")
    waiting.cancel()
    # Less than the deadlines of the statement and of its connection.
    async with asyncio.timeout(4):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert database.engine.sync_engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def sleep_three_times(database: Database, *, seconds: float | None) -> None:
    async with database.write_session(seconds=seconds) as session:
        for _ in range(3):
            await session.scalar(text("SELECT 1 FROM pg_sleep(0.1)"))


async def test_without_a_deadline_only_single_answers_are_bounded(
    database: Database,
) -> None:
    await sleep_three_times(database, seconds=None)
    with pytest.raises(DatabaseUnavailable):
        await sleep_three_times(database, seconds=0.2)


async def run_with_short_timeout(database: Database) -> None:
    async with database.read_session() as session:
        await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
        await session.execute(text("SELECT pg_sleep(5)"))


async def test_a_statement_that_takes_too_long_is_503(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await run_with_short_timeout(database)
    assert await select(database) == 1


async def test_errors_of_the_statement_itself_are_raised_as_they_are(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table"):
        await select(database, "SELECT * FROM no_such_table")


async def test_the_session_dependencies_answer_503_in_the_error_schema(
    database: Database, proxy: FaultyProxy
) -> None:
    app = FastAPI()
    app.state.database = database
    install_handlers(app)

    @app.get("/read")
    async def read(session: Reading) -> object:
        return await session.scalar(text("SELECT 1"))

    @app.get("/write")
    async def write(session: Writing) -> object:
        return await session.scalar(text("SELECT 1"))

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        for path in ("/read", "/write"):
            assert (await client.get(path)).json() == 1
        proxy.set("refuse")
        for path in ("/read", "/write"):
            response = await client.get(path)
            assert response.status_code == 503
            assert response.json()["code"] == "DATABASE_UNAVAILABLE"
            assert int(response.headers["Retry-After"]) >= 1
            assert proxy.host not in response.text


async def test_through_pgbouncer_the_timeouts_are_set_in_each_transaction(
    database_url: str,
) -> None:
    database = Database(settings_for(database_url, database_pgbouncer=True))
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [await select(database, f"SHOW {name}") for name in names] == ["6s", "3s", "10s"]
    async with database.bulk_connection() as connection:
        assert connection.prepare_threshold is None
        async with await connection.execute("SHOW statement_timeout") as cursor:
            assert await cursor.fetchone() == ("0",)  # nothing is left behind for the next user
    await database.close()


PGBOUNCER = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@pytest.fixture
def pgbouncer_url(database_url: str, proxy: FaultyProxy, tmp_path: Path) -> Iterator[str]:
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = make_url(database_url).set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
    configuration = tmp_path / "pgbouncer.ini"
    target = {"host": proxy.host, "port": f"{proxy.port} user={url.username}"}
    configuration.write_text(PGBOUNCER.format(listen=port, **target))
    configuration.chmod(0o644)
    # It refuses to run as root, and the user nobody cannot enter our folder.
    with configuration.open() as readable:
        process = subprocess.Popen(
            [program, "-q", f"/proc/self/fd/{readable.fileno()}"],
            pass_fds=[readable.fileno()],
            user="nobody" if os.geteuid() == 0 else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.communicate(timeout=10)


async def test_statements_work_through_pgbouncer_in_transaction_mode(pgbouncer_url: str) -> None:
    database = Database(settings_for(pgbouncer_url, database_pgbouncer=True))

    async def answers() -> bool:
        try:
            return await select(database) == 1
        except DatabaseUnavailable:
            return False

    assert await eventually(answers)
    # More clients than server connections, statements that would be prepared at the sixth time.
    statement = "SELECT current_setting('statement_timeout')"
    many = [select(database, statement) for _ in range(40)]
    assert set(await asyncio.gather(*many)) == {"6s"}
    async with database.bulk_connection() as connection:
        for _ in range(10):
            async with await connection.execute("SELECT %s::int", [1]) as cursor:
                assert await cursor.fetchone() == (1,)
    assert await database.probe("SELECT 1", seconds=5) == [(b"1",)]
    await database.close()


async def test_the_probe_reconnects_after_a_restart_of_the_server(
    database: Database, proxy: FaultyProxy
) -> None:
    assert await database.probe("SELECT 1", seconds=1) == [(b"1",)]
    proxy.set("refuse")
    with pytest.raises(Exception, match="refused"):
        await database.probe("SELECT 1", seconds=1)
    proxy.set("forward")
    assert await database.probe("SELECT 1", seconds=1) == [(b"1",)]
    assert await database.probe("SELECT 2", seconds=1) == [(b"2",)]
