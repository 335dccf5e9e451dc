"""The order of the middleware, seen from outside: which one answers first."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from scholarship_api.app import create_app, rate_limit_groups
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

HOST = "api.example.org"
ORIGIN = "https://app.example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
LONG = "/api/v1/search?q=" + "x" * 2048


@pytest.fixture
def app(database_url: str, redis_url: str) -> FastAPI:
    return create_app(
        Settings(
            environment="test",
            database_url=database_url,
            rate_limit_backend_url=redis_url,
            rate_limit_search="1/minute",
            rate_limit_per_minute=1000,
            allowed_hosts=HOST,
            cors_allowed_origins=ORIGIN,
        )
    )


def connect(app: Any, address: str = "203.0.113.9") -> httpx.AsyncClient:  # noqa: ANN401
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 51234))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")


def code(response: httpx.Response) -> str:
    assert response.headers["x-trace-id"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "Origin" in response.headers["vary"].split(", ")
    return str(response.json().get("code", response.status_code))


async def test_the_outer_layer_answers_first(app: FastAPI) -> None:
    strange = {"Host": "evil.example.net"}
    async with app.router.lifespan_context(app), connect(app) as client:
        # CORS before hosts and everything below.
        preflight = await client.options(LONG, headers=strange | PREFLIGHT)
        assert (preflight.status_code, preflight.text) == (200, "OK")
        # Probes before hosts, sizes and rate limits.
        assert code(await client.get("/healthz?" + "x" * 3000, headers=strange)) == "200"
        # Hosts before sizes.
        assert code(await client.get(LONG, headers=strange)) == "INVALID_HOST"
        # Sizes before rate limits: refusals do not use up the one search of a minute.
        for _ in range(3):
            assert code(await client.get(LONG)) == "URI_TOO_LONG"
        assert code(await client.get("/api/v1/search")) == "200"
        # Rate limits before routes.
        assert code(await client.get("/api/v1/search?limit=nonsense")) == "RATE_LIMITED"
        assert code(await client.delete("/api/v1/search")) == "RATE_LIMITED"


async def test_faults_of_every_layer_below_are_answered_inside_cors(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("broken middleware")

    for middleware in (
        "scholarship_api.health.middleware.ProbeMiddleware",
        "scholarship_api.platform.http.hosts.HostsMiddleware",
        "scholarship_api.platform.http.size_limits.SizeLimitsMiddleware",
        "scholarship_api.platform.http.rate_limiting.RateLimitMiddleware",
        "scholarship_api.platform.http.methods.MethodsMiddleware",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"{middleware}.__call__", fails)
            async with connect(app) as client:
                response = await client.get("/", headers={"Origin": ORIGIN})
        assert code(response) == "INTERNAL_ERROR"
        assert response.headers["access-control-allow-origin"] == ORIGIN


async def test_lifespan_leaves_nothing_behind(app: FastAPI) -> None:
    before = asyncio.all_tasks()
    for _ in range(2):
        async with app.router.lifespan_context(app), connect(app) as client:
            assert (await client.get("/readyz")).status_code == 200
            app.state.tasks.spawn(asyncio.sleep(3600), "forever")
        assert asyncio.all_tasks() == before
        assert app.state.database.engine.pool.checkedin() == 0


async def test_a_fault_while_closing_keeps_nothing_else_open(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    async def fails() -> None:
        closed.append("limiter")
        raise RuntimeError("cannot close")

    async def note() -> None:
        closed.append("database")

    original = app.state.limiter.close, app.state.database.close
    monkeypatch.setattr(app.state.limiter, "close", fails)
    monkeypatch.setattr(app.state.database, "close", note)
    with pytest.raises(RuntimeError, match="cannot close"):
        async with app.router.lifespan_context(app):
            pass
    assert closed == ["limiter", "database"]
    for close in original:
        await close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "package",
    [
        "sentry_sdk",
        "httpx",
        "openpyxl",
        "icalendar",
        "rapidfuzz",
        "joserfc",
        "procrastinate",
        "mcp",
    ],
)
def test_what_only_some_deployments_use_is_not_imported_for_all(package: str) -> None:
    program = f"import sys, scholarship_api.app; sys.exit({package!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/v1/search", "search"),
        ("/api/v1/search/suggestions", "search"),
        ("/search", "search"),
        ("/api/v1/multi-search", "search"),
        ("/api/v1/search/", "search"),
        ("//api//v1//search", "search"),
        ("/api/v1//search", "search"),
        ("/API/v1/Search", "search"),
        ("/api/v1/scholarships", "scholarships"),
        ("/api/v1/scholarships/sch_001", "scholarships"),
        ("/api/v1/scholarships/smart-search", "search"),
        ("/api/v1/scholarships/recommendations", "scholarships"),
        ("/api/v1/scholarships/eligibility-check", "eligibility"),
        ("/api/v1/scholarships//bulk-eligibility-check/", "eligibility"),
        ("/api/v1/eligibility/check", "eligibility"),
        ("/eligibility/check", "eligibility"),
        ("/api/v1/analytics/summary", "analytics"),
        ("/api/v1/interactions", "analytics"),
        ("/api/v1/events", "events"),
        ("/", None),
        ("/api", None),
        ("/api/v1", None),
        ("/api/v1/auth/me", None),
        ("/api/v1/searching", None),
        ("/x/api/v1/search", None),
    ],
)
async def test_every_path_counts_in_the_group_of_its_feature(path: str, group: str | None) -> None:
    assert rate_limit_groups(Settings(environment="test")).group_of(path) == group


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """The endpoint and every function that it depends on."""
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from calls_of(each)


async def test_no_request_waits_for_a_thread(app: FastAPI) -> None:
    # FastAPI calls a function in a thread unless it is a coroutine.
    called = {
        call
        for route in iter_route_contexts(app.routes)
        if (dependant := getattr(route, "dependant", None)) is not None
        for call in calls_of(dependant)
        if inspect.isroutine(call)
    }
    assert called
    assert [
        call.__qualname__
        for call in called
        if not (inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call))
    ] == []


async def test_every_configured_limit_is_used() -> None:
    settings = Settings(
        environment="test",
        rate_limit_search="1/minute",
        rate_limit_eligibility="2/minute",
        rate_limit_scholarships="3/hour",
        rate_limit_analytics="4/minute",
        rate_limit_events="7/minute",
        rate_limit_students="6/minute",
        rate_limit_per_minute=5,
    )
    limits = rate_limit_groups(settings).limits(str)
    assert {group: str(limit.limit) for group, limit in limits.items()} == {
        "search": "1 per 1 minute",
        "eligibility": "2 per 1 minute",
        "scholarships": "3 per 1 hour",
        "analytics": "4 per 1 minute",
        "events": "7 per 1 minute",
        "students": "6 per 1 minute",
        "ceiling": "5 per 1 minute",
    }
