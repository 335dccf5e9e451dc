import asyncio
import math
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
import redis.asyncio
from limits import parse
from structlog.testing import capture_logs

from scholarship_api.app import create_app
from scholarship_api.platform.rate_limiting import limiter as limiter_module
from scholarship_api.platform.rate_limiting.circuit_breaker import RETRY_AFTER_SECONDS
from scholarship_api.platform.rate_limiting.limiter import (
    RateLimiter,
    RateLimiterStartError,
    RateLimiterUnavailable,
    verdict_of,
)
from scholarship_api.platform.rate_limiting.storage import (
    Bucket,
    Count,
    LocalWindows,
    SharedWindows,
    Window,
    Windows,
)
from scholarship_api.settings.settings import Settings
from tests.faults import FaultyProxy, Mode, redis_target, redis_through_proxy

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 0.4
SLACK_SECONDS = 0.6  # of a machine that runs other tests as well


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


@pytest.fixture(params=["shared", "local"])
async def windows(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Windows]:
    windows: Windows = SharedWindows(redis_url) if request.param == "shared" else LocalWindows()
    yield windows
    await windows.close()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(redis_target(redis_url)) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(redis_url: str, proxy: FaultyProxy) -> str:
    return redis_through_proxy(redis_url, proxy)


# --- Counting --------------------------------------------------------------------------------


async def test_parallel_requests_pass_exactly_as_often_as_allowed(windows: Windows) -> None:
    one = bucket(rate="10/minute")
    counts = await asyncio.gather(*(windows.hit([one]) for _ in range(40)))
    assert sum(count.passed for count in counts) == 10


async def test_several_processes_share_one_count(redis_url: str) -> None:
    one = bucket(rate="10/minute")
    workers = [SharedWindows(redis_url) for _ in range(3)]
    hits = [worker.hit([one]) for worker in workers for _ in range(20)]
    counts = await asyncio.gather(*hits)
    assert sum(count.passed for count in counts) == 10
    for worker in workers:
        await worker.close()


async def test_a_refused_request_counts_in_no_bucket(windows: Windows) -> None:
    client = uuid.uuid4().hex
    small, large = bucket("a", "2/minute", client), bucket("b", "10/minute", client)
    await windows.hit([small, large])
    await windows.hit([large, small])
    count = await windows.hit([small, large])
    assert not count.passed
    assert {w.bucket.group: w.remaining for w in count.windows} == {"a": 0, "b": 8}


async def test_the_state_of_every_bucket_comes_with_the_answer(windows: Windows) -> None:
    client = uuid.uuid4().hex
    one, other = bucket("a", "5/minute", client), bucket("b", "9/hour", client)
    await windows.hit([one])
    count = await windows.hit([one, other])
    assert count.passed
    assert [window.remaining for window in count.windows] == [3, 8]
    assert 0 < count.windows[0].seconds_to_reset <= 60
    assert 60 < count.windows[1].seconds_to_reset <= 3600


async def test_the_window_slides_and_the_announced_wait_is_enough(windows: Windows) -> None:
    one = bucket(rate="4/2second")
    count = await windows.hit([one])
    while count.passed:
        count = await windows.hit([one])
    wait = count.windows[0].seconds_to_wait
    assert 0 < wait < 4
    await asyncio.sleep(wait + 0.01)
    assert (await windows.hit([one])).passed


async def wait_is_minimal(window: Window) -> bool:
    wait = window.seconds_to_wait
    return _passes_after(window, wait + 0.002) and not _passes_after(window, wait - 0.002)


def _passes_after(window: Window, seconds: float) -> bool:
    """The counting rule itself, at a later time without further requests."""
    length, amount = window.bucket.limit.get_expiry(), window.bucket.limit.amount
    if seconds < window.current_seconds:
        previous, current = window.previous_count, window.current_count
        left = max(window.previous_seconds - seconds, 0)
    else:
        previous, current = window.current_count, 0
        left = max(window.current_seconds + length - seconds, 0)
    return math.floor(previous * left / length) + current < amount


@pytest.mark.parametrize(
    "state",
    [(0, 0, 10, 30), (10, 30, 5, 30), (10, 59.5, 1, 59.5), (7, 12.3, 9, 12.3), (3, 50, 8, 50)],
)
async def test_seconds_to_wait_is_what_the_counting_rule_implies(
    state: tuple[int, float, int, float],
) -> None:
    window = Window(bucket(), *state)
    assert window.remaining == 0
    assert await wait_is_minimal(window)


async def test_the_key_names_strategy_group_and_client(redis_url: str) -> None:
    windows = SharedWindows(redis_url.replace("redis://", "valkey://"))
    one = bucket()
    await windows.hit([one])
    client = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
    keys = await client.keys(f"*{one.identity}*")
    assert len(keys) == 1
    assert str(keys[0]).startswith("sliding-window-counter:")
    assert "/search/" in str(keys[0])
    assert 60 < await client.ttl(keys[0]) <= 120
    await client.aclose()
    await windows.close()


async def test_a_flushed_script_is_loaded_again(redis_url: str) -> None:
    windows = SharedWindows(redis_url)
    one = bucket()
    await windows.hit([one])
    client = redis.asyncio.Redis.from_url(redis_url)
    await client.script_flush()
    await client.aclose()
    count = await windows.hit([one])
    assert count.windows[0].remaining == 8
    await windows.close()


async def test_a_cancelled_request_disturbs_no_other(redis_url: str) -> None:
    windows = SharedWindows(redis_url)
    one = bucket(rate="1000/minute")
    await windows.hit([one])
    tasks = [asyncio.create_task(windows.hit([one])) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[1::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, Count) and outcome.passed for outcome in outcomes[::2])
    assert (await windows.hit([one])).passed
    await windows.close()


# --- Verdicts --------------------------------------------------------------------------------


def window(rate: str, used: int, seconds: float = 30) -> Window:
    return Window(bucket(rate=rate), 0, 0.0, used, seconds)


@pytest.mark.parametrize("order", [1, -1])
async def test_headers_tell_of_the_bucket_nearest_to_its_end(order: int) -> None:
    states = [window("30/minute", 3), window("100/minute", 90)][::order]
    verdict = verdict_of(states, passed=True, now=1000.0)
    assert verdict.headers == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "10",
        "X-RateLimit-Reset": "1030",
    }


@pytest.mark.parametrize("order", [1, -1])
async def test_a_refusal_tells_of_the_longest_wait(order: int) -> None:
    states = [window("5/minute", 5, 2.2), window("9/hour", 9, 40.5), window("8/hour", 1)][::order]
    verdict = verdict_of(states, passed=False, now=1000.0)
    refusal = verdict.refusal()
    assert refusal.status == 429
    assert refusal.details == {"retry_after_seconds": 41}
    assert refusal.headers == {
        "X-RateLimit-Limit": "9",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1041",
        "Retry-After": "41",
    }


# --- When the backend fails ------------------------------------------------------------------


def state(limiter: RateLimiter) -> str:
    return limiter.breaker_state


async def seconds_until_unavailable(limiter: RateLimiter, buckets: Sequence[Bucket]) -> float:
    started_at = time.monotonic()
    with pytest.raises(RateLimiterUnavailable) as failure:
        await limiter.hit(*buckets)
    assert failure.value.headers == {"Retry-After": "2"}
    return time.monotonic() - started_at


@pytest.mark.parametrize(
    ("environment", "mode"), [("staging", "refuse"), ("production", "blackhole")]
)
async def test_fails_closed_in_time_then_at_once_and_recovers(
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
        assert await seconds_until_unavailable(limiter, [one]) < DEADLINE_SECONDS + SLACK_SECONDS
    assert state(limiter) == "open"
    at_once = [await seconds_until_unavailable(limiter, [one]) for _ in range(20)]
    assert sum(at_once) < DEADLINE_SECONDS

    proxy.set("forward")
    await asyncio.sleep(RETRY_AFTER_SECONDS)
    assert (await limiter.hit(one)).passed
    assert state(limiter) == "closed"
    await limiter.close()


@pytest.mark.parametrize("environment", ["development", "test"])
async def test_elsewhere_the_in_memory_limiter_takes_over_and_says_so(
    proxy: FaultyProxy, proxied_url: str, environment: str
) -> None:
    limiter = RateLimiter(settings_for(environment, proxied_url))
    await limiter.start()
    proxy.set("refuse")
    one = bucket(rate="5/minute")
    with capture_logs() as logs:
        verdicts = [await limiter.hit(one) for _ in range(8)]
    assert [verdict.passed for verdict in verdicts] == [True] * 5 + [False] * 3
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
    started_at = time.monotonic()
    verdicts = await asyncio.gather(*(limiter.hit(bucket()) for _ in range(20)))
    assert all(verdict.passed for verdict in verdicts)
    assert time.monotonic() - started_at < 20 * 0.05, "the requests wait for each other"
    await limiter.close()


async def test_a_busy_process_does_not_take_its_own_delay_for_the_backends(
    redis_url: str,
) -> None:
    limiter = RateLimiter(settings_for("production", redis_url))
    await limiter.start()
    hits = [asyncio.create_task(limiter.hit(bucket())) for _ in range(20)]
    await asyncio.sleep(0)
    for _ in range(3):
        time.sleep(0.25)  # noqa: ASYNC251 - the point
        await asyncio.sleep(0)
    assert all(verdict.passed for verdict in await asyncio.gather(*hits))
    assert limiter.breaker_state == "closed"
    await limiter.close()


async def test_a_restarted_backend_costs_no_request(proxy: FaultyProxy, proxied_url: str) -> None:
    limiter = RateLimiter(settings_for("production", proxied_url))
    await limiter.start()
    one = bucket()
    await limiter.hit(one)
    proxy.set("refuse")
    proxy.set("forward")
    assert (await limiter.hit(one)).passed
    await limiter.close()


async def test_start_waits_for_the_backend(
    proxy: FaultyProxy, proxied_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter_module, "START_UP_DELAYS_SECONDS", (0.05,) * 100)
    proxy.set("refuse")
    limiter = RateLimiter(settings_for("production", proxied_url))
    starting = asyncio.create_task(limiter.start())
    await asyncio.sleep(0.2)
    assert not starting.done()
    proxy.set("forward")
    await asyncio.wait_for(starting, 10)
    assert (await limiter.hit(bucket())).passed
    await limiter.close()


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_start_gives_up_where_the_limiter_is_required(
    proxy: FaultyProxy, proxied_url: str, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter_module, "START_UP_DELAYS_SECONDS", (0.01, 0.02))
    proxy.set("refuse")
    limiter = RateLimiter(settings_for(environment, proxied_url))
    with capture_logs() as logs, pytest.raises(RateLimiterStartError) as refusal:
        await limiter.start()
    assert len([log for log in logs if log["event"] == "rate_limiter.unreachable"]) == 3
    assert proxy.host not in str(refusal.value) + str(logs)
    await limiter.close()


async def test_production_refuses_to_start_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter_module, "START_UP_DELAYS_SECONDS", (0.01,))
    app = create_app(settings_for("production", "redis://127.0.0.1:1/0"))
    with pytest.raises(RateLimiterStartError):
        async with app.router.lifespan_context(app):
            pytest.fail("started")


async def test_in_memory_only_says_so() -> None:
    limiter = RateLimiter(settings_for("development", "", disable_rate_limit_backend=True))
    with capture_logs() as logs:
        await limiter.start()
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("rate_limiter.in_memory", "warning")
    ]
    assert (await limiter.hit(bucket())).passed
    await limiter.close()


async def test_disabled_counts_nothing_and_says_so() -> None:
    limiter = RateLimiter(settings_for("test", "", rate_limit_enabled=False))
    with capture_logs() as logs:
        await limiter.start()
    assert [log["event"] for log in logs] == ["rate_limiter.disabled"]
    one = bucket(rate="1/minute")
    assert all([(await limiter.hit(one)).passed for _ in range(5)])
    await limiter.close()
