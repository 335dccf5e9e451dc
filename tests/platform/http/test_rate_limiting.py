import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.app import rate_limit_groups
from scholarship_api.platform.http.rate_limiting import (
    CEILING_DECISION_SECONDS,
    RateLimitMiddleware,
    RateLimits,
    client_identity,
)
from scholarship_api.platform.http.request_context import ACCOUNT_ID_KEY
from scholarship_api.platform.rate_limiting.circuit_breaker import RETRY_AFTER_SECONDS
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings
from tests.faults import FaultyProxy, redis_target, redis_through_proxy

pytestmark = pytest.mark.anyio

SEARCH = "/api/v1/search"
NOWHERE = "/no/such/path"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    status = 404 if scope["path"].startswith("/no") else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


class Stack:
    """The middleware around an app, for clients whose addresses nobody else uses."""

    def __init__(self, url: str, **values: Any) -> None:  # noqa: ANN401
        rates = {
            "rate_limit_search": "10/minute",
            "rate_limit_eligibility": "3/minute",
            "rate_limit_scholarships": "4/minute",
            "rate_limit_analytics": "2/minute",
            "rate_limit_per_minute": 50,
        }
        settings = Settings(
            **{"environment": "staging", "rate_limit_backend_url": url, **rates, **values}
        )
        self.limiter = RateLimiter(settings)
        self.app: ASGIApp = RateLimitMiddleware(
            answer, limits=RateLimits(rate_limit_groups(settings), self.limiter)
        )
        self.network = f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}"

    async def request(
        self,
        path: str,
        method: str = "GET",
        *,
        host: str | None = None,
        account: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        async def identified(scope: Scope, receive: Receive, send: Send) -> None:
            if account is not None:
                scope[ACCOUNT_ID_KEY] = account
            await self.app(scope, receive, send)

        transport = ASGITransport(identified, client=(host or f"{self.network}::1", 1234))
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, f"http://test{path}", headers=headers)

    async def passes(self, path: str, times: int, **options: Any) -> int:  # noqa: ANN401
        answers = await asyncio.gather(*(self.request(path, **options) for _ in range(times)))
        return sum(answer.status_code != 429 for answer in answers)


@pytest.fixture
async def stack(redis_url: str) -> AsyncIterator[Stack]:
    stack = Stack(redis_url)
    yield stack
    await stack.limiter.close()


@pytest.mark.parametrize(
    ("host", "identity"),
    [
        ("192.0.2.7", "address:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "address:2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "address:192.0.2.7"),
        ("/run/socket", "address:unknown"),
    ],
)
async def test_clients_are_told_apart_by_address_and_ipv6_ones_by_network(
    host: str, identity: str
) -> None:
    assert client_identity({"client": (host, 1)}) == identity


async def test_an_ipv6_site_gets_four_times_the_limit_of_a_client(stack: Stack) -> None:
    """Each request comes from another /64 of one /48."""
    site = f"2001:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}"
    passed = [
        await stack.passes("/api/v1/analytics/summary", 1, host=f"{site}:{number:x}::1")
        for number in range(12)
    ]
    assert passed == [1] * 8 + [0] * 4
    answer = await stack.request("/api/v1/analytics/summary", host=f"{site}:ff::1", account="a")
    assert answer.status_code == 200


async def test_a_verified_account_counts_by_itself(stack: Stack) -> None:
    account = uuid.uuid4().hex
    assert await stack.passes(SEARCH, 10, account=account) == 10
    refused = await stack.request(SEARCH, account=account, host="2001:db8:ffff::1")
    assert refused.status_code == 429
    assert (await stack.request(SEARCH)).status_code == 200


async def test_40_parallel_requests_pass_exactly_10_times(stack: Stack) -> None:
    assert await stack.passes(SEARCH, 40) == 10


async def test_a_refusal_speaks_the_schema_and_says_when_to_come_back(stack: Stack) -> None:
    await stack.passes(SEARCH, 10)
    refused = await stack.request(SEARCH)
    assert refused.status_code == 429
    body = refused.json()
    assert body["code"] == "RATE_LIMITED"
    assert 0 < body["details"]["retry_after_seconds"] <= 60
    assert refused.headers["Retry-After"] == str(body["details"]["retry_after_seconds"])
    assert refused.headers["X-RateLimit-Limit"] == "10"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 61


async def test_successful_answers_count_down(stack: Stack) -> None:
    answers = [await stack.request(SEARCH) for _ in range(3)]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["9", "8", "7"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"10"}


async def test_the_groups_are_independent_and_refusals_burn_no_ceiling(stack: Stack) -> None:
    assert await stack.passes(SEARCH, 30) == 10
    assert await stack.passes("/eligibility/check", 30) == 3
    assert await stack.passes("/api/v1/scholarships", 30) == 4
    assert await stack.passes("/api/v1/interactions", 30) == 2
    assert await stack.passes(NOWHERE, 60) == 50 - 10 - 3 - 4 - 2


async def test_the_ceiling_bounds_all_groups_together(redis_url: str) -> None:
    stack = Stack(redis_url, rate_limit_per_minute=12)
    assert await stack.passes(SEARCH, 10) == 10
    assert await stack.passes("/api/v1/scholarships", 4) == 2
    refused = await stack.request("/api/v1/scholarships")
    assert refused.headers["X-RateLimit-Limit"] == "12"
    await stack.limiter.close()


async def test_no_bypass_by_headers_or_unknown_paths(stack: Stack) -> None:
    await stack.passes(SEARCH, 10)
    for number in range(3):
        for headers in (
            {"X-Forwarded-For": f"203.0.113.{number}"},
            {"X-Real-IP": f"203.0.113.{number}"},
            {"Forwarded": f"for=203.0.113.{number}"},
            {"Authorization": f"Bearer junk.{number}.token"},
        ):
            assert (await stack.request(SEARCH, headers=headers)).status_code == 429
    for path in ("/API/V1/SEARCH", "/api/v1/search/", "//api/v1//search", "/api/v1/%73earch"):
        assert (await stack.request(path)).status_code == 429
    assert (await stack.request(SEARCH, host=f"{stack.network}:1:2:3:4")).status_code == 429
    assert (await stack.request(SEARCH, "HEAD")).status_code == 429
    assert (await stack.request(SEARCH, "POST")).status_code == 429


async def test_options_is_free(stack: Stack) -> None:
    answers = [await stack.request(SEARCH, "OPTIONS") for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200}
    assert "X-RateLimit-Limit" not in answers[0].headers
    assert (await stack.request(SEARCH)).headers["X-RateLimit-Remaining"] == "9"


async def test_switched_off_it_neither_counts_nor_speaks(redis_url: str) -> None:
    stack = Stack(redis_url, rate_limit_enabled=False)
    assert await stack.passes(SEARCH, 60) == 60
    assert "X-RateLimit-Limit" not in (await stack.request(SEARCH)).headers
    await stack.limiter.close()


async def test_without_a_backend_routes_of_a_group_fail_closed_and_others_go_on(
    redis_url: str,
) -> None:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        stack = Stack(redis_through_proxy(redis_url, proxy))
        await stack.limiter.start()
        proxy.set("blackhole")
        refused_search = asyncio.create_task(stack.request(SEARCH))
        assert (await stack.request("/")).status_code == 200
        assert not refused_search.done()  # it waits for the deadline of the limiter
        assert [(await stack.request("/")).status_code for _ in range(10)] == [200] * 10
        answers = await asyncio.gather(refused_search, *(stack.request(SEARCH) for _ in range(7)))
        for refused in [*answers, await stack.request(SEARCH)]:
            assert refused.status_code == 503
            assert refused.json()["code"] == "SERVICE_UNAVAILABLE"
            assert refused.headers["Retry-After"] == "2"
        proxy.set("forward")
        await asyncio.sleep(RETRY_AFTER_SECONDS)
        assert (await stack.request(SEARCH)).status_code == 200
        await stack.limiter.close()


async def test_a_late_decision_is_counted_all_the_same(redis_url: str) -> None:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        stack = Stack(redis_through_proxy(redis_url, proxy))
        await stack.limiter.start()
        proxy.delay_seconds = CEILING_DECISION_SECONDS + 0.05
        assert await stack.passes(NOWHERE, 60) == 60
        proxy.delay_seconds = 0.0
        await asyncio.sleep(0.5)
        assert (await stack.request(NOWHERE)).status_code == 429
        await stack.limiter.close()
