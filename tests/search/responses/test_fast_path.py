"""Cached responses on the fast path: sent, counted and logged as on the ordinary path."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Scope

from scholarship_api.app import create_app
from scholarship_api.platform.observability import logging
from scholarship_api.search import metrics
from scholarship_api.search.responses.json_response import RenderedJson
from scholarship_api.search.responses.response_cache import CachedRoute
from scholarship_api.settings.settings import Settings
from tests.faults import (
    FaultyProxy,
    postgres_socket,
    redis_target,
    redis_through_proxy,
    through_proxy,
)
from tests.search.conftest import Insert

pytestmark = pytest.mark.anyio

PATH: Final = "/api/v1/search?q=numbat"
ORIGIN: Final = "https://app.example.org"
PROXY: Final = "10.1.2.3"
SINGLE_RESPONSE_HEADERS: Final = {
    "content-length",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-trace-id",
}


@pytest.fixture(scope="module")
def awards(insert_awards: Insert) -> None:
    insert_awards(
        [
            {
                "id": "numbat",
                "name": "Numbat grant",
                "organization": "Numbat Trust",
                "scholarship_type": "merit_based",
                "description": "",
                "deadline_kind": "rolling",
            }
        ]
    )


@pytest.fixture
def settings(module_database_url: str, awards: None) -> Settings:
    return Settings(
        environment="test",
        database_url=SecretStr(module_database_url),
        allowed_hosts=["testserver"],
        cors_allowed_origins=[ORIGIN],
        trusted_proxy_ips=[ipaddress.ip_network(f"{PROXY}/32")],
        rate_limit_search="5/minute",
        disable_rate_limit_backend=True,
    )


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(PROXY, 1), raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield client


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        yield client


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The source of each answer."""
    sources: list[str] = []
    monkeypatch.setattr(metrics, "observe_search", lambda source, **_: sources.append(source))
    return sources


def untimed(response: httpx.Response) -> dict[str, Any] | None:
    """The body without the time that it took; None for a 304."""
    if response.status_code == 304:
        return None
    body: dict[str, Any] = response.json()
    assert body.pop("took_ms") >= 0
    return body


def fixed_headers(response: httpx.Response) -> list[tuple[str, str]]:
    headers = response.headers.multi_items()
    return sorted(header for header in headers if header[0] not in SINGLE_RESPONSE_HEADERS)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Origin": ORIGIN},
        {"Origin": "https://elsewhere.example"},
        {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"},
        {"If-None-Match": "*"},
        {"Accept-Encoding": "gzip", "Cookie": "a=b", "User-Agent": "x"},
    ],
)
async def test_the_response_is_the_same_with_the_fast_path_on_and_off(
    sent: dict[str, str], app: FastAPI, client: httpx.AsyncClient, sources: list[str]
) -> None:
    first, on = [await client.get(PATH, headers=sent) for _ in range(2)]
    app.state.fast_path.is_on = False
    off = await client.get(PATH, headers=sent)
    assert sources == ["database", "cache", "cache"]
    for answer in (on, off):
        assert answer.status_code == first.status_code
        assert fixed_headers(answer) == fixed_headers(first)
        assert set(answer.headers) == set(first.headers)
        assert untimed(answer) == untimed(first)
    allowed = ORIGIN if sent.get("Origin") == ORIGIN else None
    assert on.headers.get("Access-Control-Allow-Origin") == allowed


async def test_the_switch_turns_the_fast_path_off(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes: list[str] = []
    cached_answer = app.state.answers.cached_answer

    def noted(route: CachedRoute, scope: Scope) -> Awaitable[tuple[RenderedJson, float] | None]:
        routes.append(route.route)
        answer: Awaitable[tuple[RenderedJson, float] | None] = cached_answer(route, scope)
        return answer

    monkeypatch.setattr(app.state.answers, "cached_answer", noted)
    for app.state.fast_path.is_on in (True, False):
        for _ in range(2):
            assert (await client.get(PATH)).status_code == 200
        assert routes == ["/api/v1/search"]


async def test_each_origin_and_host_has_its_own_cached_route(
    client: httpx.AsyncClient,
) -> None:
    for _ in range(2):
        assert (await client.get(PATH, headers={"Origin": ORIGIN})).status_code == 200
    plain = await client.get(PATH)
    assert "Access-Control-Allow-Origin" not in plain.headers
    refused = await client.get(PATH, headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_HOST")


@pytest.mark.parametrize(
    "sent",
    [
        [("Content-Length", "0")],
        [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-For", "203.0.113.8")],
    ],
)
async def test_unusual_requests_take_the_ordinary_path_to_the_same_answer(
    sent: list[tuple[str, str]], client: httpx.AsyncClient
) -> None:
    cached = [await client.get(PATH) for _ in range(2)][1]
    unusual = await client.get(PATH, headers=sent)
    assert unusual.json()["items"] == cached.json()["items"]
    assert fixed_headers(unusual) == fixed_headers(cached)
    twice = await client.get(PATH, headers=[("Host", "testserver"), ("Host", "evil.example")])
    assert twice.status_code == 400


async def test_each_client_behind_a_proxy_has_its_own_limit(client: httpx.AsyncClient) -> None:
    async def ask(address: str) -> httpx.Response:
        return await client.get(PATH, headers={"X-Forwarded-For": address})

    one = [await ask("203.0.113.7") for _ in range(6)]
    assert [answer.status_code for answer in one] == [200] * 5 + [429]
    assert one[5].json()["code"] == "RATE_LIMITED"
    assert one[5].headers["X-Content-Type-Options"] == "nosniff"
    assert (await ask("203.0.113.8")).headers["X-RateLimit-Remaining"] == "4"


async def test_a_request_whose_cached_response_is_outdated_is_counted_once(
    client: httpx.AsyncClient, module_database_url: str, sources: list[str]
) -> None:
    answers = [await client.get(PATH) for _ in range(2)]
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as database:
        database.execute("UPDATE scholarships SET version = version + 1 WHERE id = 'numbat'")
    answers += [await client.get(PATH) for _ in range(2)]
    assert sources == ["database", "cache", "database", "cache"]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == list("4321")


async def test_both_paths_log_alike_under_the_trace_id_of_the_caller(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.configure(settings.model_copy(update={"log_format": "json"}))
    headers = {"X-Request-ID": "order-7", "X-Forwarded-For": "203.0.113.7"}
    async with running(create_app(settings)) as client:
        capsys.readouterr()
        answers = [await client.get(PATH, headers=headers) for _ in range(2)]
        await asyncio.sleep(0)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [answer.headers["X-Trace-ID"] for answer in answers] == ["order-7"] * 2
    ordinary, fast = lines
    assert (ordinary["bytes"], fast["bytes"]) == tuple(len(answer.content) for answer in answers)
    own = {"timestamp", "latency_ms", "bytes"}
    assert {n: v for n, v in ordinary.items() if n not in own} == {
        n: v for n, v in fast.items() if n not in own
    }
    assert fast["trace_id"] == fast["request_id"] == "order-7"
    assert (fast["path"], fast["client_ip"]) == ("/api/v1/search", "203.0.113.7")


async def test_no_cached_response_is_sent_while_the_database_is_away(
    settings: Settings,
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database_url = SecretStr(through_proxy(url, proxy))
        app = create_app(settings.model_copy(update={"database_url": database_url}))
        async with running(app) as client:
            assert [(await client.get(PATH)).status_code for _ in range(2)] == [200, 200]
            proxy.set("refuse")
            away = await client.get(PATH)
            assert (away.status_code, away.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
            assert int(away.headers["Retry-After"]) > 0
            proxy.set("forward")
            assert (await client.get(PATH)).status_code == 200


async def test_a_cancelled_request_on_the_fast_path_is_logged(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.configure(settings.model_copy(update={"log_format": "json"}))
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database_url = SecretStr(through_proxy(url, proxy))
        async with running(
            create_app(settings.model_copy(update={"database_url": database_url}))
        ) as client:
            assert (await client.get(PATH)).status_code == 200
            await asyncio.sleep(0)
            capsys.readouterr()
            proxy.set("blackhole")
            asking = asyncio.create_task(client.get(PATH))
            await asyncio.sleep(0.3)
            asking.cancel()
            await asyncio.wait([asking])
            await asyncio.sleep(0)
            lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
            proxy.set("forward")
    assert [(line["path"], line["status"]) for line in lines] == [("/api/v1/search", 499)]


async def test_no_cached_response_is_sent_while_requests_cannot_be_counted(
    settings: Settings, redis_url: str
) -> None:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        staging = {
            "environment": "staging",
            "disable_rate_limit_backend": False,
            "rate_limit_backend_url": SecretStr(redis_through_proxy(redis_url, proxy)),
        }
        async with running(create_app(settings.model_copy(update=staging))) as client:
            assert [(await client.get(PATH)).status_code for _ in range(2)] == [200, 200]
            proxy.set("refuse")
            away = await client.get(PATH)
            assert (away.status_code, away.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
