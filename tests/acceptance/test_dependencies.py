"""PostgreSQL and Redis stop and return. Needs the hooks of both."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import httpx

from tests.acceptance.deployment import (
    assert_error,
    is_ready,
    is_settled,
    required,
    run_hook,
    until,
)

LONGEST_REFUSAL_SECONDS = 13.0
"""The deadline of 8 s that docs/api.md promises, and 5 s for the network and a busy machine."""

LONGEST_PROBE_SECONDS = 7.0
"""The deadline of 2 s of readiness, and the same 5 s."""


@contextmanager
def stopped(client: httpx.Client, part: Literal["DATABASE", "REDIS"]) -> Iterator[None]:
    """Stop a server during the block; afterwards the service is ready without a restart."""
    required(f"START_{part}")
    required(f"STOP_{part}")
    assert is_ready(client)
    try:
        run_hook("STOP", part)
        until(
            lambda: is_settled(client, ready=False),
            seconds=15,
            what="the readiness probe notices",
        )
        yield
    finally:
        run_hook("START", part)
        until(
            lambda: is_settled(client, ready=True),
            seconds=60,
            what="the service is ready again",
        )


def refused(client: httpx.Client, code: str) -> None:
    began = time.monotonic()
    answer = client.get("/api/v1/search", params={"limit": 1})
    assert time.monotonic() - began < LONGEST_REFUSAL_SECONDS
    assert_error(answer, 503, code)
    assert int(answer.headers["Retry-After"]) > 0


def check_probes(client: httpx.Client, name: str) -> None:
    assert client.get("/healthz").status_code == 200
    began = time.monotonic()
    body = assert_error(client.get("/health/services"), 503, "SERVICE_UNAVAILABLE")
    assert time.monotonic() - began < LONGEST_PROBE_SECONDS
    assert body["details"]["services"][name]["status"] == "down"
    assert "://" not in str(body)


def test_without_the_database(client: httpx.Client) -> None:
    with stopped(client, "DATABASE"):
        check_probes(client, "database")
        refused(client, "DATABASE_UNAVAILABLE")
        assert_error(client.get("/health/database"), 503, "DATABASE_UNAVAILABLE")
    assert client.get("/api/v1/search", params={"limit": 1}).status_code == 200


def test_without_redis_limited_routes_are_closed(client: httpx.Client) -> None:
    with stopped(client, "REDIS"):
        check_probes(client, "rate_limiter")
        refused(client, "SERVICE_UNAVAILABLE")
    until(
        lambda: client.get("/api/v1/search", params={"limit": 1}).status_code == 200,
        seconds=10,
        what="searches are answered again",
    )
