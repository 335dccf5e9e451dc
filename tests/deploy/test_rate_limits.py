"""Limits that all workers share, as clients see them."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.deploy.gunicorn_server import RunningServer, running_server

pytestmark = pytest.mark.server

SEARCH = "/api/v1/search"
NOWHERE = "/no/such/path"
METRICS_TOKEN = "for-operators-only"
LIMITS = {
    "RATE_LIMIT_SEARCH": "10/minute",
    "RATE_LIMIT_ELIGIBILITY": "3/minute",
    "RATE_LIMIT_SCHOLARSHIPS": "4/minute",
    "RATE_LIMIT_ANALYTICS": "2/minute",
    "RATE_LIMIT_PER_MINUTE": "30",
}


@pytest.fixture(scope="module")
def server(database_url: str, redis_url: str) -> Iterator[RunningServer]:
    settings = {
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "WEB_CONCURRENCY": "3",
        "METRICS_TOKEN": METRICS_TOKEN,
        "TRUSTED_PROXY_IPS": "10.0.0.0/8",
        **LIMITS,
    }
    with running_server(settings) as server:
        yield server


class Client:
    """A client with an address of its own, and a new connection for each request."""

    def __init__(self, server: RunningServer, stack: ExitStack) -> None:
        self.address = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])  # noqa: S311
        transport = httpx.HTTPTransport(
            local_address=self.address, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._client = stack.enter_context(
            httpx.Client(transport=transport, base_url=server.url, timeout=30)
        )

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:  # noqa: ANN401
        return self._client.request(method, path, **options)

    def passes(self, path: str, times: int) -> int:
        """How many of `count` parallel requests pass."""
        with ThreadPoolExecutor(times) as threads:
            answers = list(threads.map(lambda _: self.ask(path), range(times)))
        assert {answer.status_code for answer in answers} <= {200, 401, 404, 405, 422, 429}
        return sum(answer.status_code != 429 for answer in answers)


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with ExitStack() as stack:
        yield Client(server, stack)


def test_exactly_10_of_40_parallel_requests_pass(client: Client) -> None:
    assert client.passes(SEARCH, 40) == 10


def test_several_workers_counted_them_together(server: RunningServer, client: Client) -> None:
    with ThreadPoolExecutor(20) as threads:
        statuses = Counter(threads.map(lambda _: client.ask(SEARCH).status_code, range(20)))
    assert statuses == {200: 10, 429: 10}
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    lines = client.ask("/metrics", headers=headers).text.splitlines()
    assert 'rate_limiter_state{state="shared"} 3.0' in lines


def test_a_429_tells_the_limit_and_the_time_to_wait(client: Client) -> None:
    first = client.ask(SEARCH)
    assert first.headers["X-RateLimit-Limit"] == "10"
    assert first.headers["X-RateLimit-Remaining"] == "9"
    assert int(first.headers["X-RateLimit-Reset"]) > time.time()
    assert "Retry-After" not in first.headers
    client.passes(SEARCH, 9)

    refused = client.ask(SEARCH, headers={"Origin": "https://app.example.org"})

    assert refused.status_code == 429
    body = refused.json()
    assert body["code"] == "RATE_LIMITED"
    assert body["status"] == 429
    assert body["trace_id"] == refused.headers["X-Trace-ID"] == refused.headers["X-Request-ID"]
    assert 1 <= body["details"]["retry_after_seconds"] <= 60
    assert refused.headers["Retry-After"] == str(body["details"]["retry_after_seconds"])
    assert refused.headers["X-RateLimit-Limit"] == "10"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


def test_the_groups_are_independent_of_each_other(client: Client) -> None:
    assert client.passes(SEARCH, 15) == 10
    assert client.passes("/eligibility/check", 8) == 3
    assert client.passes("/api/v1/scholarships", 8) == 4
    assert client.passes("/api/v1/analytics/summary", 8) == 2


def test_the_root_alias_is_the_same_group(client: Client) -> None:
    assert client.passes("/search", 6) == 6
    assert client.passes(SEARCH, 10) == 4


def test_unknown_paths_count_towards_the_ceiling(client: Client) -> None:
    assert client.passes(NOWHERE, 29) == 29
    assert client.ask(SEARCH).status_code == 200
    refused = client.ask(SEARCH)
    assert refused.status_code == 429
    assert refused.headers["X-RateLimit-Limit"] == "30"
    assert client.ask("/").status_code == 429


def test_headers_and_spellings_of_a_path_do_not_bypass_the_limit(client: Client) -> None:
    client.passes(SEARCH, 10)
    for number in range(3):
        for headers in (
            {"X-Forwarded-For": f"203.0.113.{number}"},
            {"X-Forwarded-For": f"203.0.113.{number}, 10.0.0.1"},
            {"X-Real-IP": f"203.0.113.{number}"},
            {"Authorization": f"Bearer junk{number}.junk.junk"},
            {"Authorization": f"Bearer {number}"},
            {"X-Request-ID": f"request-{number}"},
        ):
            assert client.ask(SEARCH, headers=headers).status_code == 429, headers
    for path in ("/api/v1/search/", "/api/v1//search", "/API/v1/search", "/api/v1/%73earch"):
        assert client.ask(path).status_code == 429, path
    for method in ("HEAD", "POST", "DELETE"):
        assert client.ask(SEARCH, method).status_code == 429, method


def test_each_client_is_counted_by_itself(server: RunningServer, client: Client) -> None:
    client.passes(SEARCH, 11)
    with ExitStack() as stack:
        assert Client(server, stack).ask(SEARCH).headers["X-RateLimit-Remaining"] == "9"


def test_options_probes_and_metrics_are_not_limited(client: Client) -> None:
    preflight = {
        "Origin": "https://app.example.org",
        "Access-Control-Request-Method": "GET",
    }
    for _ in range(12):
        assert client.ask(SEARCH, "OPTIONS", headers=preflight).status_code == 200
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = client.ask(path, headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
            assert answer.status_code == 200, answer.text
            assert "X-RateLimit-Limit" not in answer.headers
    client.passes(NOWHERE, 30)
    assert client.ask(NOWHERE).status_code == 429
    assert client.ask("/healthz").status_code == 200
