"""PostgreSQL or Redis stops, freezes or cannot be reached, under a running server."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from scholarship_api.platform.database import migrations
from tests.deploy.dependencies import Postgres, Valkey
from tests.deploy.gunicorn_server import RunningServer, running_server, until
from tests.faults import (
    FaultyProxy,
    postgres_socket,
    redis_target,
    redis_through_proxy,
    through_proxy,
)

pytestmark = [pytest.mark.server, pytest.mark.slow]

READINESS_SECONDS = 2.0
DATABASE_SECONDS = 8.0
LIMITER_SECONDS = 0.4
UNLIMITED_SECONDS = 0.1
SLACK_SECONDS = 5.0  # of a machine that runs other tests as well


class ProxiedPostgres(Postgres):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.proxy = FaultyProxy(postgres_socket(self.url))

    @contextmanager
    def black_holed(self) -> Iterator[None]:
        self.proxy.set("blackhole")
        yield
        self.proxy.set("forward")


class ProxiedValkey(Valkey):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.proxy = FaultyProxy(redis_target(self.url))

    @contextmanager
    def black_holed(self) -> Iterator[None]:
        self.proxy.set("blackhole")
        yield
        self.proxy.set("forward")


@dataclass
class Service:
    server: RunningServer
    postgres: ProxiedPostgres
    valkey: ProxiedValkey
    client: httpx.Client
    """Send each request on a connection of its own, so that every worker gets some."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A production server with two workers, with its own PostgreSQL and Valkey."""
    folder = tmp_path_factory.mktemp("dependencies")
    with ExitStack() as stack:
        postgres, valkey = ProxiedPostgres(folder), ProxiedValkey(folder)
        stack.callback(postgres.close)
        stack.callback(valkey.close)
        stack.enter_context(postgres.proxy)
        stack.enter_context(valkey.proxy)
        database_url = through_proxy(postgres.url, postgres.proxy)
        migrations.upgrade(database_url)
        settings = {
            "DATABASE_URL": database_url,
            "RATE_LIMIT_BACKEND_URL": redis_through_proxy(valkey.url, valkey.proxy),
            "RATE_LIMIT_SEARCH": "100000/minute",
            "RATE_LIMIT_PER_MINUTE": "100000",
        }
        server = stack.enter_context(running_server(settings, ready_path="/readyz"))
        client = stack.enter_context(
            httpx.Client(
                base_url=server.url, timeout=20, limits=httpx.Limits(max_keepalive_connections=0)
            )
        )
        yield Service(server, postgres, valkey, client)


@dataclass
class Timed:
    response: httpx.Response
    seconds: float

    @property
    def code(self) -> Any:  # noqa: ANN401
        return self.response.json()["code"]


def ask(service: Service, path: str) -> Timed:
    started_at = time.monotonic()
    response = service.client.get(path)
    return Timed(response, time.monotonic() - started_at)


def search_path() -> str:
    return f"/api/v1/search?q={uuid.uuid4().hex}"


def statuses(service: Service, path: str, times: int = 4) -> set[int]:
    return {ask(service, path).response.status_code for _ in range(times)}


def assert_survived(service: Service, workers: list[int]) -> None:
    """Assert that the same workers serve again and that no response was a 500."""
    assert_serves(service)
    assert service.server.workers() == workers
    answered = {line["status"] for line in service.server.log.named("request.finished")}
    assert 503 in answered
    assert 500 not in answered
    assert "Traceback" not in service.server.log.text()


def assert_serves(service: Service) -> None:
    until(lambda: statuses(service, "/readyz") == {200}, reason=lambda: "not ready again")
    until(lambda: statuses(service, search_path()) == {200}, reason=lambda: "does not search")


Fault = Callable[[Any], AbstractContextManager[None]]
FAULTS = [
    pytest.param(lambda server: server.stopped(), id="stopped"),
    pytest.param(lambda server: server.stopped_for_a_moment(), id="SIGSTOP"),
    pytest.param(lambda server: server.black_holed(), id="black hole"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_service_answers_503_without_postgresql_and_recovers(
    service: Service, fault: Fault
) -> None:
    assert_serves(service)
    workers = service.server.workers()
    with fault(service.postgres), ThreadPoolExecutor(8) as threads:
        time.sleep(1.05)  # results of probes are shared for a second
        searches: list[Future[Timed]] = [
            threads.submit(ask, service, search_path()) for _ in range(6)
        ]
        assert statuses(service, "/healthz") == {200}
        ready = ask(service, "/readyz")
        assert ready.response.status_code == 503
        assert ready.seconds < READINESS_SECONDS + SLACK_SECONDS
        assert ready.response.json()["details"]["services"]["database"]["status"] == "down"
        assert ready.response.json()["details"]["services"]["rate_limiter"]["status"] == "up"
        database = ask(service, "/health/database")
        assert (database.response.status_code, database.code) == (503, "DATABASE_UNAVAILABLE")
        for search in searches:
            answer = search.result()
            assert (answer.response.status_code, answer.code) == (503, "DATABASE_UNAVAILABLE")
            assert answer.seconds < DATABASE_SECONDS + SLACK_SECONDS
            assert int(answer.response.headers["Retry-After"]) >= 1
    assert_survived(service, workers)


@pytest.mark.parametrize("fault", FAULTS)
def test_limited_routes_answer_503_without_redis_and_recover(
    service: Service, fault: Fault
) -> None:
    assert_serves(service)
    workers = service.server.workers()
    with fault(service.valkey), ThreadPoolExecutor(8) as threads:
        time.sleep(1.05)
        searches: list[Future[Timed]] = [
            threads.submit(ask, service, search_path()) for _ in range(12)
        ]
        unlimited = [ask(service, path) for path in ("/healthz", "/", "/status", "/none") * 5]
        assert {answer.response.status_code for answer in unlimited} == {200, 404}
        assert max(answer.seconds for answer in unlimited) < UNLIMITED_SECONDS + SLACK_SECONDS
        ready = ask(service, "/readyz")
        assert ready.response.status_code == 503
        assert ready.seconds < READINESS_SECONDS + SLACK_SECONDS
        assert ready.response.json()["details"]["services"]["rate_limiter"]["status"] == "down"
        assert ready.response.json()["details"]["services"]["database"]["status"] == "up"
        for answer in [*(search.result() for search in searches), ask(service, search_path())]:
            assert (answer.response.status_code, answer.code) == (503, "SERVICE_UNAVAILABLE")
            assert answer.seconds < LIMITER_SECONDS + SLACK_SECONDS
            assert answer.response.headers["Retry-After"] == "2"
    assert_survived(service, workers)


def test_workers_start_without_redis(service: Service) -> None:
    assert_serves(service)
    with service.valkey.stopped():
        killed = service.server.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(set(service.server.workers()) - set(killed)) == len(killed))
        until(lambda: statuses(service, "/healthz") == {200})
        ready = ask(service, "/readyz")
        assert ready.response.status_code == 503
        assert ready.response.json()["details"]["services"]["rate_limiter"]["status"] == "down"
        assert statuses(service, search_path()) == {503}
        assert not set(killed) & set(service.server.workers())
    assert_serves(service)
