"""Liveness, readiness, metrics and the index, while the dependencies are up, down or frozen."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import make_url

from scholarship_api import __version__
from scholarship_api.app import create_app
from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.errors import ErrorBody, install_handlers
from scholarship_api.health import checks, paths, routes
from scholarship_api.health.middleware import ProbeMiddleware
from scholarship_api.health.service import HealthService
from scholarship_api.platform import shutdown
from scholarship_api.platform.database import migrations, revisions
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings
from tests.faults import (
    FaultyProxy,
    Mode,
    frozen,
    postgres_socket,
    postmaster_pid,
    redis_target,
    redis_through_proxy,
    through_proxy,
)

pytestmark = pytest.mark.anyio

READINESS_SECONDS = 2.0


@asynccontextmanager
async def service(**values: Any) -> AsyncIterator[AsyncClient]:  # noqa: ANN401
    nowhere = {
        "database_url": "postgresql://nobody@127.0.0.1:1/none",
        "rate_limit_backend_url": "redis://127.0.0.1:1",
    }
    settings = Settings(**{"environment": "staging", **nowhere, **values})
    database, limiter = Database(settings), RateLimiter(settings)
    health = HealthService(settings=settings, database=database, limiter=limiter)
    app = FastAPI(openapi_url=None)
    app.state.settings, app.state.health = settings, health
    app.include_router(routes.router)
    install_handlers(app)
    middleware = ProbeMiddleware(app, health=health)
    async with AsyncClient(
        transport=ASGITransport(middleware), base_url="http://10.1.2.3"
    ) as client:
        yield client
    await health.close()
    await limiter.close()
    await database.close()


@pytest.fixture
def database_proxy(database_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(postgres_socket(database_url)) as proxy:
        yield proxy


@pytest.fixture
def redis_proxy(redis_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        yield proxy


@pytest.fixture
async def client(
    database_url: str, redis_url: str, database_proxy: FaultyProxy, redis_proxy: FaultyProxy
) -> AsyncIterator[AsyncClient]:
    async with service(
        database_url=through_proxy(database_url, database_proxy),
        rate_limit_backend_url=redis_through_proxy(redis_url, redis_proxy),
    ) as client:
        yield client


async def readiness(client: AsyncClient) -> Response:
    """The answer of /readyz: a new result, given in time, that reveals no internals."""
    await asyncio.sleep(1.02)  # results are reused for a second
    async with asyncio.timeout(READINESS_SECONDS + 5):
        response = await client.get("/readyz")
    if response.status_code == 503:
        assert ErrorBody.model_validate(response.json()).code == "SERVICE_UNAVAILABLE"
    for secret in ("127.0.0.", "psycopg", "redis", "Connect", "Error", "valkey"):
        assert secret not in response.text
    return response


def services(response: Response) -> dict[str, dict[str, Any]]:
    body = response.json()
    found: dict[str, dict[str, Any]] = (body.get("details") or body)["services"]
    return found


@pytest.mark.parametrize("path", ["/healthz", "/health"])
async def test_liveness_checks_no_dependency(path: str) -> None:
    async with service() as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]


@pytest.mark.parametrize("path", ["/readyz", "/health/services"])
async def test_ready_when_everything_is_up(client: AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json()
    assert body["status"] == "ok"
    assert {name: found["status"] for name, found in services(response).items()} == {
        "database": "up",
        "rate_limiter": "up",
        "migrations": "up",
        "outbound": "not_configured",
    }
    assert all(found["latency_ms"] >= 0 for found in services(response).values())


@pytest.mark.parametrize(("mode", "reason"), [("refuse", "refused"), ("blackhole", "timeout")])
async def test_not_ready_without_the_database_then_ready_again(
    client: AsyncClient, database_proxy: FaultyProxy, mode: Mode, reason: str
) -> None:
    assert (await client.get("/readyz")).status_code == 200
    database_proxy.set(mode)
    response = await readiness(client)
    assert response.status_code == 503
    assert services(response)["database"]["status"] == "down"
    assert services(response)["database"]["reason"] == reason
    assert services(response)["rate_limiter"]["status"] == "up"
    assert f"database ({reason})" in response.json()["message"]
    assert (await client.get("/healthz")).status_code == 200

    alone = await client.get("/health/database")
    assert alone.status_code == 503
    assert alone.json()["code"] == "DATABASE_UNAVAILABLE"

    database_proxy.set("forward")
    assert (await readiness(client)).status_code == 200
    assert (await client.get("/health/database")).json()["status"] == "up"


@pytest.mark.parametrize(("mode", "reason"), [("refuse", "refused"), ("blackhole", "timeout")])
async def test_not_ready_without_the_limiters_backend_then_ready_again(
    client: AsyncClient, redis_proxy: FaultyProxy, mode: Mode, reason: str
) -> None:
    assert (await client.get("/readyz")).status_code == 200
    redis_proxy.set(mode)
    response = await readiness(client)
    assert response.status_code == 503
    assert services(response)["rate_limiter"]["reason"] == reason
    assert services(response)["database"]["status"] == "up"
    redis_proxy.set("forward")
    assert (await readiness(client)).status_code == 200


async def test_a_lost_backend_only_degrades_where_the_in_memory_limiter_takes_over(
    database_url: str, redis_url: str
) -> None:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        proxy.set("refuse")
        async with service(
            environment="test",
            database_url=database_url,
            rate_limit_backend_url=redis_through_proxy(redis_url, proxy),
        ) as client:
            response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert services(response)["rate_limiter"]["status"] == "degraded"


async def test_readiness_says_that_the_limiter_is_in_memory_or_disabled(database_url: str) -> None:
    for values, status in (
        ({"rate_limit_backend_url": ""}, "in_memory"),
        ({"rate_limit_enabled": False}, "disabled"),
    ):
        async with service(environment="test", database_url=database_url, **values) as client:
            response = await client.get("/readyz")
            assert response.status_code == 200
            assert services(response)["rate_limiter"]["status"] == status


@pytest.mark.slow
async def test_a_frozen_database_is_reported_in_time(tmp_path: Path, redis_url: str) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=False) as url:
        migrations.upgrade(url)
        async with service(database_url=url, rate_limit_backend_url=redis_url) as client:
            assert (await client.get("/readyz")).status_code == 200
            with frozen(postmaster_pid(tmp_path / "postgres")):
                response = await readiness(client)
                assert response.status_code == 503
                assert services(response)["database"]["reason"] == "timeout"
            assert (await readiness(client)).status_code == 200


def set_revisions(url: str, *applied: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY)"
        )
        connection.execute("DELETE FROM alembic_version")
        for revision in applied:
            connection.execute("INSERT INTO alembic_version VALUES (%s)", [revision])


async def test_missing_migrations_are_not_ready_and_unknown_newer_ones_are(
    scratch_database_url: str, redis_url: str
) -> None:
    urls = {"database_url": scratch_database_url, "rate_limit_backend_url": redis_url}
    async with service(**urls) as client:
        assert services(await client.get("/readyz"))["migrations"]["reason"] == "behind"
        set_revisions(scratch_database_url)
        response = await readiness(client)
        assert response.status_code == 503
        assert services(response)["migrations"]["reason"] == "behind"
        set_revisions(scratch_database_url, revisions.head())
        assert (await readiness(client)).status_code == 200
        set_revisions(scratch_database_url, "of_a_newer_release")
        assert (await readiness(client)).status_code == 200


async def test_a_database_at_an_older_revision_is_not_ready(
    scratch_database_url: str, redis_url: str
) -> None:
    urls = {"database_url": scratch_database_url, "rate_limit_backend_url": redis_url}
    set_revisions(scratch_database_url, "0001")
    async with service(**urls) as client:
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert "migrations (behind)" in response.json()["message"]


@pytest.mark.parametrize("is_recent", [True, False])
async def test_draining_is_not_ready_at_once_and_tells_recent_results_only(
    client: AsyncClient,
    database_proxy: FaultyProxy,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_recent: bool,
) -> None:
    monkeypatch.setattr(checks, "RESULT_TTL_SECONDS", 60 if is_recent else 0)
    before = services(await client.get("/readyz"))
    monkeypatch.setattr(shutdown, "state", shutdown.DrainState())
    shutdown.state.begin()
    database_proxy.set("blackhole")
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert "shutting_down" in response.json()["message"]
    assert services(response) == (before if is_recent else {})
    assert (await client.get("/healthz")).status_code == 200


@asynccontextmanager
async def web_server(answer: bytes | None) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        else:
            await reader.read()  # until the client disconnects
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"), [(OK, None), (BROKEN, "bad_answer"), (None, "timeout")]
)
@pytest.mark.parametrize("required", [True, False])
async def test_a_failing_outbound_host_degrades_unless_it_is_required(
    answer: bytes | None, reason: str | None, required: bool, database_url: str, redis_url: str
) -> None:
    async with (
        web_server(OK) as good,
        web_server(answer) as url,
        service(
            database_url=database_url,
            rate_limit_backend_url=redis_url,
            outbound_check_urls=f"{good},{url}",
            outbound_required=required,
        ) as client,
    ):
        response = await client.get("/readyz")
        outbound = services(response)["outbound"]
        assert outbound.get("reason") == reason
        if reason is None:
            expected = (200, "up")
        else:
            expected = (503, "down") if required else (200, "degraded")
        assert (response.status_code, outbound["status"]) == expected
        assert url not in response.text


async def test_probes_answer_get_and_head_only(client: AsyncClient) -> None:
    for path in ("/healthz", "/readyz", "/health/database", "/metrics"):
        refused = await client.post(path)
        assert refused.status_code == 405
        assert refused.headers["Allow"] == "GET, HEAD"
        assert refused.json()["code"] == "METHOD_NOT_ALLOWED"


# --- Metrics -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Basic operators-only", 401),
        ("Bearer ", 401),
        ("Bearer öperators", 401),
        ("Bearer operators-only", 200),
        ("bearer operators-only", 200),
    ],
)
async def test_metrics_require_the_token(sent: str | None, status: int) -> None:
    headers = [(b"Authorization", sent.encode())] if sent else []
    async with service(environment="test", metrics_token="operators-only") as client:
        response = await client.get("/metrics", headers=headers)
    assert response.status_code == status
    if status == 200:
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        assert "# TYPE http_requests_total counter" in response.text
    else:
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.json()["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("environment", "status"), [("development", 200), ("test", 404), ("staging", 404)]
)
async def test_without_a_token_metrics_exist_in_development_only(
    environment: str, status: int
) -> None:
    async with service(environment=environment) as client:
        assert (await client.get("/metrics")).status_code == status


# --- The index -----------------------------------------------------------------------------------


@pytest.mark.parametrize("docs", [True, False])
@pytest.mark.parametrize("path", ["/", "/api", "/status"])
async def test_the_index_gives_name_version_and_links(path: str, docs: bool) -> None:
    async with service(enable_docs=docs) as client:
        body = (await client.get(path)).json()
    assert body["status"] == "active"
    assert body["version"] == __version__
    assert body["environment"] == "staging"
    assert ("docs" in body["links"]) is docs
    assert ("openapi" in body["links"]) is docs


async def test_a_process_is_ready_when_its_catalogue_is_loaded(database_url: str) -> None:
    app = create_app(Settings(environment="test", database_url=database_url))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        before = await client.get("/readyz")
        async with app.router.lifespan_context(app):
            after = await client.get("/readyz")
    assert before.status_code == 503
    assert before.json()["message"] == "Not ready: catalogue (loading)."
    assert after.status_code == 200


async def test_the_probes_are_documented() -> None:
    app = FastAPI()
    app.include_router(routes.router)
    documented = app.openapi()["paths"]
    assert {paths.INDEX, *paths.PROBE_PATHS} - {paths.LIVENESS_ALIAS} == documented.keys()
    assert "503" in documented[paths.READINESS]["get"]["responses"]


async def test_the_routes_answer_the_probes_without_the_middleware(database_url: str) -> None:
    settings = Settings(environment="test", database_url=database_url)
    database, limiter = Database(settings), RateLimiter(settings)
    app = FastAPI()
    app.state.health = HealthService(settings=settings, database=database, limiter=limiter)
    app.include_router(routes.router)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json()["status"] == "ok"
    await app.state.health.close()
    await database.close()
