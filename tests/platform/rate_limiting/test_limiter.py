"""The limiter decides in time, fails closed where it must, and recovers."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from limits import parse
from structlog.testing import capture_logs

from scholarship_api.platform.rate_limiting.buckets import Bucket, BucketState, Hit
from scholarship_api.platform.rate_limiting.circuit_breaker import RETRY_AFTER_SECONDS
from scholarship_api.platform.rate_limiting.limiter import (
    RateLimiter,
    RateLimiterUnavailable,
    decide,
)
from scholarship_api.settings.settings import Settings
from tests.faults import FaultyProxy, Mode, redis_target, redis_through_proxy

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 0.4
SLACK_SECONDS = 5.0  # the machine runs other tests as well


def bucket(group: str = "search", rate: str = "10/minute", identity: str | None = None) -> Bucket:
    return Bucket(group, identity or uuid.uuid4().hex, parse(rate))


def settings_for(environment: str, url: str, **values: Any) -> Settings:  # noqa: ANN401
    if environment == "production":
        values = {
            "jwt_secret_key": uuid.uuid4().hex + uuid.uuid4().hex,
            "database_url": "postgresql://nobody@localhost/nothing",
            "cors_allowed_origins": "https://app.example",
            "allowed_hosts": "api.example",
            **values,
        }
    return Settings(environment=environment, rate_limit_backend_url=url, **values)


@pytest.fixture
def proxy(redis_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(redis_url: str, proxy: FaultyProxy) -> str:
    return redis_through_proxy(redis_url, proxy)


# --- Decisions -------------------------------------------------------------------------------


def state_after(rate: str, used: int, seconds: float = 30) -> BucketState:
    return BucketState(bucket(rate=rate), 0, 0.0, used, seconds)


@pytest.mark.parametrize("order", [1, -1])
async def test_headers_are_those_of_the_bucket_with_the_fewest_requests_left(order: int) -> None:
    states = [state_after("30/minute", 3), state_after("100/minute", 90)][::order]
    decision = decide(Hit(allowed=True, states=tuple(states)), now=1000.0)
    assert decision.headers == {
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "10",
        "x-ratelimit-reset": "1030",
    }


@pytest.mark.parametrize("order", [1, -1])
async def test_a_refusal_has_the_longest_wait(order: int) -> None:
    states = [
        state_after("5/minute", 5, 2.2),
        state_after("9/hour", 9, 40.5),
        state_after("8/hour", 1),
    ][::order]
    decision = decide(Hit(allowed=False, states=tuple(states)), now=1000.0)
    refusal = decision.refusal()
    assert refusal.status == 429
    assert refusal.details == {"retry_after_seconds": 41}
    assert refusal.headers == {
        "x-ratelimit-limit": "9",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1041",
        "retry-after": "41",
    }


# --- When the backend fails ------------------------------------------------------------------


def breaker_state(limiter: RateLimiter) -> str:
    return limiter.breaker_state


async def is_unavailable_in_time(limiter: RateLimiter, one: Bucket) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS + SLACK_SECONDS):
        with pytest.raises(RateLimiterUnavailable) as failure:
            await limiter.hit(one)
    assert failure.value.headers == {"Retry-After": "2"}


def is_unavailable_at_once(limiter: RateLimiter, one: Bucket) -> None:
    """The refusal waits for nothing: the first step of the coroutine is its last."""
    with pytest.raises(RateLimiterUnavailable) as failure:
        limiter.hit(one).send(None)
    assert failure.value.headers == {"Retry-After": "2"}


@pytest.mark.parametrize(
    ("environment", "mode"), [("staging", "refuse"), ("production", "blackhole")]
)
async def test_requests_fail_closed_in_time_then_at_once_and_recover(
    proxy: FaultyProxy,
    proxied_url: str,
    environment: str,
    mode: Mode,
) -> None:
    limiter = RateLimiter(settings_for(environment, proxied_url))
    await limiter.start()
    one = bucket()
    assert (await limiter.hit(one)).remaining == 9

    proxy.set(mode)
    for _ in range(3):
        await is_unavailable_in_time(limiter, one)
    assert breaker_state(limiter) == "open"
    for _ in range(20):
        is_unavailable_at_once(limiter, one)

    proxy.set("forward")
    await asyncio.sleep(RETRY_AFTER_SECONDS)
    assert (await limiter.hit(one)).allowed
    assert breaker_state(limiter) == "closed"
    await limiter.close()


@pytest.mark.parametrize("environment", ["development", "test"])
async def test_development_and_test_count_in_memory_and_log_it(
    proxy: FaultyProxy, proxied_url: str, environment: str
) -> None:
    limiter = RateLimiter(settings_for(environment, proxied_url))
    await limiter.start()
    proxy.set("refuse")
    one = bucket(rate="5/minute")
    with capture_logs() as logs:
        decisions = [await limiter.hit(one) for _ in range(8)]
    assert [decision.allowed for decision in decisions] == [True] * 5 + [False] * 3
    assert [log["log_level"] for log in logs if log["event"] == "rate_limiter.in_memory"] == [
        "warning"
    ]
    await limiter.close()


async def test_a_slow_answer_within_the_deadline_is_an_answer(
    proxy: FaultyProxy, proxied_url: str
) -> None:
    proxy.delay_seconds = 0.05
    limiter = RateLimiter(settings_for("production", proxied_url))
    await limiter.start()
    # One after another, 20 answers would take 1 s, longer than the deadline of the last.
    decisions = await asyncio.gather(*(limiter.hit(bucket()) for _ in range(20)))
    assert all(decision.allowed for decision in decisions)
    await limiter.close()


async def test_a_busy_process_does_not_take_its_own_delay_for_the_backend(
    redis_url: str,
) -> None:
    limiter = RateLimiter(settings_for("production", redis_url))
    await limiter.start()
    hits = [asyncio.create_task(limiter.hit(bucket())) for _ in range(20)]
    await asyncio.sleep(0)
    for _ in range(3):
        time.sleep(0.25)  # noqa: ASYNC251 - the point
        await asyncio.sleep(0)
    assert all(decision.allowed for decision in await asyncio.gather(*hits))
    assert limiter.breaker_state == "closed"
    await limiter.close()


async def test_a_restart_of_the_backend_fails_no_request(
    proxy: FaultyProxy, proxied_url: str
) -> None:
    limiter = RateLimiter(settings_for("production", proxied_url))
    await limiter.start()
    one = bucket()
    await limiter.hit(one)
    proxy.set("refuse")
    proxy.set("forward")
    assert (await limiter.hit(one)).allowed
    await limiter.close()


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_the_limiter_starts_without_its_backend_and_uses_it_later(
    proxy: FaultyProxy, proxied_url: str, environment: str
) -> None:
    proxy.set("refuse")
    limiter = RateLimiter(settings_for(environment, proxied_url))
    with capture_logs() as logs:
        await limiter.start()
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("rate_limiter.unreachable", "warning")
    ]
    assert proxy.host not in str(logs)
    with pytest.raises(RateLimiterUnavailable):
        await limiter.hit(bucket())
    proxy.set("forward")
    assert (await limiter.hit(bucket())).allowed
    await limiter.close()


async def test_counting_in_memory_is_logged() -> None:
    limiter = RateLimiter(settings_for("development", "", disable_rate_limit_backend=True))
    with capture_logs() as logs:
        await limiter.start()
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("rate_limiter.in_memory", "warning")
    ]
    assert (await limiter.hit(bucket())).allowed
    await limiter.close()


async def test_a_disabled_limiter_counts_nothing_and_logs_it() -> None:
    limiter = RateLimiter(settings_for("test", "", rate_limit_enabled=False))
    with capture_logs() as logs:
        await limiter.start()
    assert [log["event"] for log in logs] == ["rate_limiter.disabled"]
    one = bucket(rate="1/minute")
    assert all([(await limiter.hit(one)).allowed for _ in range(5)])
    await limiter.close()
