"""A timeout ends in time, and a busy event loop does not use it up."""

import asyncio
import time

import pytest

from scholarship_api.platform.timeouts import SlicedTimeout

pytestmark = pytest.mark.anyio


async def test_an_answer_in_time_is_passed_on() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.02, answer.set_result, 7)
    assert await SlicedTimeout(1).wait(answer) == 7


async def test_an_error_is_passed_on() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    answer.set_exception(KeyError("x"))
    with pytest.raises(KeyError):
        await SlicedTimeout(1).wait(answer)


async def test_a_bare_future_fails_at_the_timeout() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    started_at = time.monotonic()
    with pytest.raises(TimeoutError):
        await SlicedTimeout(0.1).wait(answer)
    assert time.monotonic() - started_at > 0.09
    assert isinstance(answer.exception(), TimeoutError)


async def test_a_bare_future_is_cancelled_with_its_waiter() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(SlicedTimeout(1).wait(answer))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert answer.cancelled()


async def test_a_task_goes_on_when_its_waiter_gives_up() -> None:
    task = asyncio.create_task(asyncio.sleep(0.2, result=7))
    with pytest.raises(TimeoutError):
        await SlicedTimeout(0.02).wait(task)
    assert await task == 7


async def test_one_timeout_is_for_all_its_waits_together() -> None:
    timeout = SlicedTimeout(0.1)
    with pytest.raises(TimeoutError):
        await timeout.wait(asyncio.get_running_loop().create_future())
    second = timeout.wait(asyncio.get_running_loop().create_future())
    with pytest.raises(TimeoutError):
        second.send(None)  # ends before it waits for anything


async def test_a_long_turn_of_the_event_loop_is_not_taken_for_a_late_answer() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(SlicedTimeout(0.1).wait(answer))
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - the point
    asyncio.get_running_loop().call_later(0.01, answer.set_result, 7)
    assert await waiting == 7
