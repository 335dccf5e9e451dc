"""Failures of a real PostgreSQL have their own reasons, and end without a restart."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal
from structlog.testing import capture_logs

from scholarship_api.app import create_app
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.server.prestart import PrestartError, prestart
from scholarship_api.settings.settings import Settings
from tests.deploy.postgres_nodes import (
    DATABASE,
    OWNER,
    OWNER_PASSWORD,
    ROLE,
    ROLE_PASSWORD,
    PostgresNode,
    url_of,
)
from tests.deploy.redis_nodes import make_certificates
from tests.faults import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.server, pytest.mark.slow]

TLS_MAJOR: Final = 15
"""Debian's server; the wheel's has no TLS."""

PATIENCE_SECONDS: Final = 30.0

PASSWORD: Final = "planted p@ss%:/?#&+='\\w"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path_factory.mktemp("reasons") / "a") as node:
        migrations.upgrade(node.owner_url)
        node.create_role("hog", ROLE_PASSWORD)
        yield node


@asynccontextmanager
async def client_of(node: PostgresNode, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        Settings.model_validate(
            {
                "environment": "test",
                "database_url": node.url(),
                "rate_limit_backend_url": redis_url,
                "rate_limit_search": "1000000/minute",
                "rate_limit_per_minute": "1000000",
            }
        )
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as client,
    ):
        yield client


async def award(client: httpx.AsyncClient) -> int:
    return (await client.get("/api/v1/scholarships/none")).status_code


def reasons(logs: Sequence[Mapping[str, object]]) -> set[object]:
    return {entry["reason"] for entry in logs if entry["event"] == "database.unavailable"}


def end_sessions(node: PostgresNode) -> None:
    with node.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [ROLE]
        )


@contextmanager
def all_connections_taken(node: PostgresNode) -> Iterator[Callable[[], None]]:
    """By another role, apart from those that are reserved for superusers."""
    taken: list[psycopg.Connection] = []

    def take() -> None:
        end_sessions(node)
        with suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(node.url(user="hog")))

    try:
        yield take
    finally:
        for each in taken:
            each.close()


@contextmanager
def no_connection_for_the_role(node: PostgresNode) -> Iterator[Callable[[], None]]:
    node.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT 0")
    try:
        yield lambda: end_sessions(node)
    finally:
        node.execute(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")


@pytest.mark.parametrize("shortage", [all_connections_taken, no_connection_for_the_role])
async def test_a_server_without_a_free_connection_is_named_and_recovers(
    node: PostgresNode,
    redis_url: str,
    shortage: Callable[[PostgresNode], AbstractContextManager[Callable[[], None]]],
) -> None:
    async with client_of(node, redis_url) as client:
        assert await award(client) == 404
        with shortage(node) as cause:
            with capture_logs() as logs:

                async def is_refused() -> bool:
                    cause()  # again, as the service may have been faster
                    return await award(client) == 503 and "too_many_connections" in reasons(logs)

                assert await eventually(is_refused, seconds=PATIENCE_SECONDS)

            async def is_not_ready() -> bool:
                cause()
                return (await client.get("/readyz")).status_code == 503

            assert await eventually(is_not_ready, seconds=PATIENCE_SECONDS)
        await until_served(client)


async def until_served(client: httpx.AsyncClient) -> None:
    async def is_served() -> bool:
        return await award(client) == 404

    assert await eventually(is_served, seconds=PATIENCE_SECONDS)


async def test_a_rotated_password_is_named_and_the_former_one_works_again(
    node: PostgresNode, redis_url: str
) -> None:
    def set_password(password: str) -> None:
        with node.connect() as connection:
            connection.execute(
                SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(ROLE), Literal(password))
            )
        end_sessions(node)

    async with client_of(node, redis_url) as client:
        assert await award(client) == 404
        set_password("another")
        with capture_logs() as logs:

            async def is_refused() -> bool:
                return await award(client) == 503 and "access_denied" in reasons(logs)

            assert await eventually(is_refused, seconds=PATIENCE_SECONDS)
        set_password(ROLE_PASSWORD)
        await until_served(client)


@pytest.mark.parametrize(
    ("sqlstate", "reason"), [("53100", "disk_full"), ("53200", "out_of_memory")]
)
async def test_a_write_that_the_server_has_no_room_for_is_an_outage(
    node: PostgresNode, sqlstate: str, reason: str
) -> None:
    node.execute(
        "CREATE OR REPLACE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{sqlstate}'; END $$"
    )
    node.execute(
        "CREATE OR REPLACE TRIGGER planted BEFORE INSERT ON accounts"
        " FOR EACH STATEMENT EXECUTE FUNCTION planted()"
    )
    database = Database(Settings(environment="test", database_url=node.url()))
    try:
        with capture_logs() as logs, pytest.raises(DatabaseUnavailable):
            await insert(database)
        assert reasons(logs) == {reason}
    finally:
        await database.close()
        node.execute("DROP TRIGGER planted ON accounts")


async def insert(database: Database) -> None:
    async with database.write_session() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("INSERT INTO accounts DEFAULT VALUES")


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates") / "tls")


@pytest.fixture(scope="module")
def tls_node(
    tmp_path_factory: pytest.TempPathFactory, certificates: Path
) -> Iterator[PostgresNode]:
    node = PostgresNode(tmp_path_factory.mktemp("tls") / "a", major=TLS_MAJOR)
    with node:
        node.create_role("tls", PASSWORD)
        node.offer_tls(certificates)
        yield node


def tls_url(
    node: PostgresNode, *, user: str = OWNER, password: str = OWNER_PASSWORD, **query: str
) -> str:
    return url_of(node.address, user=user, password=password, query=query)


async def test_tls_with_a_private_authority_and_a_password_of_special_characters(
    tls_node: PostgresNode, certificates: Path
) -> None:
    query = {
        "sslmode": "verify-full",
        "sslrootcert": str(certificates / "ca.crt"),
        "channel_binding": "require",
    }
    url = tls_url(tls_node, **query)
    await asyncio.to_thread(prestart, Settings(environment="test", database_url=url))
    serving = tls_url(tls_node, user="tls", password=PASSWORD, **query)
    assert quote(PASSWORD, safe="") in serving
    database = Database(Settings(environment="test", database_url=serving))
    encrypted = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert await database.fetch(encrypted, {}) == [(b"TLSv1.3",)]
    assert await database.probe(encrypted, seconds=5) == [(b"TLSv1.3",)]
    async with database.write_session() as session:
        found = await (await session.connection()).exec_driver_sql(encrypted)
        assert found.scalar_one() == "TLSv1.3"
    await database.close()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"sslmode": "verify-full", "sslrootcert": "/missing.crt"}, "sslrootcert"),
        ({"sslmode": "verify-full", "sslrootcert": "OTHER"}, "not signed by a trusted authority"),
        ({"sslmode": "disable"}, "not without TLS"),
        ({"sslmode": "verify-full", "sslrootcert": "CA", "host": "localhost"}, "another host name"),
    ],
)
def test_a_connection_that_tls_prevents_says_why(
    tls_node: PostgresNode, certificates: Path, query: dict[str, str], sentence: str
) -> None:
    files = {"OTHER": certificates / "other.crt", "CA": certificates / "ca.crt"}
    values = {name: str(files.get(value, value)) for name, value in query.items()}
    host = values.pop("host", tls_node.host)
    url = url_of(f"{host}:{tls_node.port}", user=OWNER, password=OWNER_PASSWORD, query=values)
    with pytest.raises(PrestartError, match=sentence) as refusal:
        prestart(Settings(environment="test", database_url=url), wait_seconds=0)
    assert OWNER_PASSWORD not in str(refusal.value)
    assert DATABASE not in str(refusal.value)
