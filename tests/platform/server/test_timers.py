"""A timer calls once, at the end that was set last."""

import asyncio

import pytest

from scholarship_api.platform.server.timers import Timer

pytestmark = pytest.mark.anyio


class Calls:
    """Counts the calls of a timer, and waits for them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.called = asyncio.Event()

    def add(self, name: str) -> None:
        self.names.append(name)
        self.called.set()


@pytest.fixture
async def calls() -> Calls:
    return Calls()


@pytest.fixture
async def timer() -> Timer:
    return Timer(asyncio.get_running_loop())


async def test_it_calls_once(timer: Timer, calls: Calls) -> None:
    timer.start(0.01, lambda: calls.add("first"))
    states = [timer.is_running]
    await calls.called.wait()
    states.append(timer.is_running)
    assert states == [True, False]
    await asyncio.sleep(0.05)
    assert calls.names == ["first"]


async def test_a_stopped_timer_does_not_call(timer: Timer, calls: Calls) -> None:
    timer.start(0.01, lambda: calls.add("first"))
    timer.stop()
    await asyncio.sleep(0.05)
    assert calls.names == []


@pytest.mark.parametrize("first_seconds", [0.02, 60])
async def test_only_the_last_start_counts(timer: Timer, calls: Calls, first_seconds: float) -> None:
    timer.start(first_seconds, lambda: calls.add("first"))
    timer.start(0.05, lambda: calls.add("second"))
    await calls.called.wait()
    assert calls.names == ["second"]


async def test_a_later_end_is_not_reached_early(timer: Timer, calls: Calls) -> None:
    loop = asyncio.get_running_loop()
    timer.start(0.01, lambda: calls.add("first"))
    timer.stop()
    started_at = loop.time()
    timer.start(0.1, lambda: calls.add("second"))
    await calls.called.wait()
    assert loop.time() - started_at > 0.09
    assert calls.names == ["second"]


async def test_it_can_be_started_from_its_own_call(timer: Timer, calls: Calls) -> None:
    def again() -> None:
        calls.names.append("first")
        timer.start(0.01, lambda: calls.add("second"))

    timer.start(0.01, again)
    await calls.called.wait()
    assert calls.names == ["first", "second"]


async def test_a_closed_timer_lets_go_of_its_callback(timer: Timer, calls: Calls) -> None:
    timer.start(0.01, lambda: calls.add("first"))
    timer.close()
    await asyncio.sleep(0.05)
    assert calls.names == []
