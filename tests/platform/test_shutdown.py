"""Draining never ends, and no background task outlives the registry."""

import asyncio

import pytest
from structlog.testing import capture_logs

from scholarship_api.platform.shutdown import DrainState, TaskRegistry

pytestmark = pytest.mark.anyio


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.01)
        ended.append("cleaned up")


def test_draining_never_ends() -> None:
    state = DrainState()
    assert not state.draining
    state.begin()
    state.begin()
    assert state.draining


async def test_close_cancels_and_awaits_the_clean_up() -> None:
    registry = TaskRegistry()
    ended: list[str] = []
    tasks = [registry.spawn(forever(ended), f"task {n}") for n in range(3)]
    await asyncio.sleep(0)
    await registry.close()
    assert ended == ["cleaned up"] * 3
    assert all(task.cancelled() for task in tasks)
    assert len(registry) == 0


async def test_close_waits_for_a_task_that_ignores_its_cancellation() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await registry_was_closed.wait()

    registry_was_closed = asyncio.Event()
    registry = TaskRegistry()
    task = registry.spawn(stubborn(), "stubborn")
    await asyncio.sleep(0)
    closing = asyncio.create_task(registry.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    registry_was_closed.set()
    await closing
    assert task.done()


async def test_tasks_that_end_are_forgotten() -> None:
    registry = TaskRegistry()
    await registry.spawn(asyncio.sleep(0), "short")
    await asyncio.sleep(0)
    assert len(registry) == 0


async def test_a_failure_is_logged_with_the_name_of_the_task() -> None:
    async def fail() -> None:
        raise ValueError("reason")

    registry = TaskRegistry()
    with capture_logs() as logs:
        task = registry.spawn(fail(), "refresh")
        await asyncio.wait([task])
        await asyncio.sleep(0)
    assert [(line["event"], line["task"]) for line in logs] == [
        ("background_task.failed", "refresh")
    ]
    assert isinstance(logs[0]["exc_info"], ValueError)


async def test_nothing_starts_after_close() -> None:
    registry = TaskRegistry()
    await registry.close()
    with pytest.raises(RuntimeError, match="late was not started"):
        registry.spawn(asyncio.sleep(0), "late")
