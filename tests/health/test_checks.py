"""Checks are shared between concurrent probes, bounded in time, and fail with fixed reasons."""

import asyncio
import time

import pytest

from scholarship_api.health.checks import DEADLINE_SECONDS, Check, Status, Unhealthy

pytestmark = pytest.mark.anyio


class Dependency:
    def __init__(self) -> None:
        self.checks = 0
        self.outcome: Status | Exception = "up"
        self.seconds = 0.0

    async def check(self) -> Status:
        self.checks += 1
        await asyncio.sleep(self.seconds)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


async def test_concurrent_probes_share_one_check(dependency: Dependency) -> None:
    dependency.seconds = 0.05
    check = Check(dependency.check, required=True)
    results = await asyncio.gather(*(check.result() for _ in range(50)))
    assert dependency.checks == 1
    assert {result.status for result in results} == {"up"}


async def test_a_result_is_reused_for_a_second(
    dependency: Dependency, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check(dependency.check, required=True)
    await check.result()
    await check.result()
    assert dependency.checks == 1
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.01)
    await check.result()
    assert dependency.checks == 2


async def test_a_client_that_disconnects_does_not_cancel_the_check_of_others(
    dependency: Dependency,
) -> None:
    dependency.seconds = 0.1
    check = Check(dependency.check, required=True)
    first, second = (asyncio.create_task(check.result()) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    assert (await second).status == "up"
    assert dependency.checks == 1


async def test_the_deadline_holds_when_cancellation_is_ignored() -> None:
    released = asyncio.Event()

    async def stubborn() -> Status:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return "up"

    check = Check(stubborn, required=True)
    started_at = time.monotonic()
    async with asyncio.timeout(DEADLINE_SECONDS + 5):
        result = await check.result()
    assert time.monotonic() - started_at > 0.9 * DEADLINE_SECONDS
    assert (result.status, result.reason) == ("down", "timeout")
    released.set()
    await check.close()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Unhealthy("refused"), "refused"), (RuntimeError("secret text of a driver"), "failed")],
)
@pytest.mark.parametrize(("required", "status"), [(True, "down"), (False, "degraded")])
async def test_failures_have_fixed_reasons(
    dependency: Dependency, error: Exception, reason: str, required: bool, status: str
) -> None:
    dependency.outcome = error
    result = await Check(dependency.check, required=required).result()
    assert (result.status, result.reason) == (status, reason)
    assert "secret" not in str(result.as_dict())
