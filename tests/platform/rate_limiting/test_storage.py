"""Counting in one step, for all workers, and in all buckets or none."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from limits import parse

from scholarship_api.platform.rate_limiting.buckets import Bucket, Hit
from scholarship_api.platform.rate_limiting.shared_storage import SharedStorage
from scholarship_api.platform.rate_limiting.storage import InMemoryStorage, WindowStorage

pytestmark = pytest.mark.anyio


def bucket(group: str = "search", rate: str = "10/minute", identity: str | None = None) -> Bucket:
    return Bucket(group, identity or uuid.uuid4().hex, parse(rate))


@pytest.fixture(params=["shared", "in memory"])
async def storage(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[WindowStorage]:
    storage: WindowStorage = (
        SharedStorage(redis_url) if request.param == "shared" else InMemoryStorage()
    )
    yield storage
    await storage.close()


async def test_parallel_requests_pass_exactly_as_often_as_allowed(storage: WindowStorage) -> None:
    one = bucket(rate="10/minute")
    hits = await asyncio.gather(*(storage.hit([one]) for _ in range(40)))
    assert sum(hit.allowed for hit in hits) == 10


async def test_several_processes_share_one_count(redis_url: str) -> None:
    one = bucket(rate="10/minute")
    workers = [SharedStorage(redis_url) for _ in range(3)]
    calls = [worker.hit([one]) for worker in workers for _ in range(20)]
    assert sum(hit.allowed for hit in await asyncio.gather(*calls)) == 10
    for worker in workers:
        await worker.close()


async def test_a_refused_request_counts_in_no_bucket(storage: WindowStorage) -> None:
    client = uuid.uuid4().hex
    small, large = bucket("a", "2/minute", client), bucket("b", "10/minute", client)
    await storage.hit([small, large])
    await storage.hit([large, small])
    hit = await storage.hit([small, large])
    assert not hit.allowed
    assert {state.bucket.group: state.remaining for state in hit.states} == {"a": 0, "b": 8}


async def test_the_state_of_every_bucket_comes_with_the_answer(storage: WindowStorage) -> None:
    client = uuid.uuid4().hex
    one, other = bucket("a", "5/minute", client), bucket("b", "9/hour", client)
    await storage.hit([one])
    hit = await storage.hit([one, other])
    assert hit.allowed
    assert [state.remaining for state in hit.states] == [3, 8]
    assert [state.bucket for state in hit.states] == [one, other]
    assert 0 < hit.states[0].seconds_to_reset <= 60
    assert 0 < hit.states[1].seconds_to_reset <= 3600


async def test_the_window_slides_and_the_announced_wait_is_enough(storage: WindowStorage) -> None:
    one = bucket(rate="4/2second")
    hit = await storage.hit([one])
    while hit.allowed:
        hit = await storage.hit([one])
    wait = hit.states[0].seconds_to_wait
    assert 0 < wait < 4
    await asyncio.sleep(wait + 0.01)
    assert (await storage.hit([one])).allowed


async def test_the_key_names_strategy_group_and_client(redis_url: str) -> None:
    storage = SharedStorage(redis_url)
    one = bucket()
    await storage.hit([one])
    client = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
    keys = await client.keys(f"*{one.identity}*")
    assert len(keys) == 1
    assert str(keys[0]).startswith("sliding-window-counter:")
    assert "/search/" in str(keys[0])
    assert 60 < await client.ttl(keys[0]) <= 120
    await client.aclose()
    await storage.close()


async def test_a_flushed_script_is_loaded_again(redis_url: str) -> None:
    storage = SharedStorage(redis_url)
    one = bucket()
    await storage.hit([one])
    client = redis.asyncio.Redis.from_url(redis_url)
    await client.script_flush()
    await client.aclose()
    hit = await storage.hit([one])
    assert hit.states[0].remaining == 8
    await storage.close()


async def test_a_cancelled_request_disturbs_no_other(redis_url: str) -> None:
    storage = SharedStorage(redis_url)
    one = bucket(rate="1000/minute")
    await storage.hit([one])
    tasks = [asyncio.create_task(storage.hit([one])) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[1::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, Hit) and outcome.allowed for outcome in outcomes[::2])
    assert (await storage.hit([one])).allowed
    await storage.close()
