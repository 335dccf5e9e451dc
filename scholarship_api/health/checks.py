"""Checks of dependencies that are shared between probes and bounded in time.

A slow dependency cannot hold a probe for longer than its deadline, and frequent probes cannot load
a dependency.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from scholarship_api.platform.timeouts import SlicedTimeout

Status = Literal["up", "down", "degraded", "not_configured", "disabled", "in_memory"]

DEADLINE_SECONDS: Final = 1.0
"""For one check. All run at once, so that a probe is answered within 2 s."""

RESULT_TTL_SECONDS: Final = 1.0
"""How long probes share a result: each dependency is checked once a second at most."""


class Unhealthy(Exception):
    """The dependency does not work. `reason` is a fixed word that reveals no internals."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Result:
    status: Status
    seconds: float
    reason: str | None = None

    def as_dict(self) -> dict[str, object]:
        answer: dict[str, object] = {
            "status": self.status,
            "latency_ms": round(self.seconds * 1000, 1),
        }
        return answer if self.reason is None else {**answer, "reason": self.reason}


class Check:
    """One dependency, checked at most once at a time and once in RESULT_TTL_SECONDS.

    `check` returns the status or raises Unhealthy; any other exception becomes the reason `failed`.
    A dependency that is not `required` is reported as degraded instead of down.
    """

    def __init__(self, check: Callable[[], Awaitable[Status]], *, required: bool) -> None:
        self.required = required
        self._check = check
        self._last: Result | None = None
        self._expires_at = 0.0
        self._running: asyncio.Task[Result] | None = None
        self._unfinished: set[asyncio.Task[Status]] = set()
        """Includes checks that ran into the deadline and have not dealt with their cancellation."""

    @property
    def current_result(self) -> Result | None:
        """The last result; None if it is older than RESULT_TTL_SECONDS."""
        return self._last if time.monotonic() < self._expires_at else None

    async def result(self) -> Result:
        """At most RESULT_TTL_SECONDS old, and available within DEADLINE_SECONDS."""
        if (current := self.current_result) is not None:
            return current
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="health check")
        # A client that disconnects must not cancel a check that other clients wait for.
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        tasks = [*self._unfinished, *([self._running] if self._running else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> Result:
        started_at = time.monotonic()
        reason: str | None = None
        status: Status = "down"
        try:
            status = await self._within_deadline()
        except Unhealthy as finding:
            reason = finding.reason
        except Exception:  # noqa: BLE001 - the probe must be answered in every case
            reason = "failed"
        finally:
            self._running = None
        if status == "down" and not self.required:
            status = "degraded"
        self._last = Result(status, time.monotonic() - started_at, reason)
        self._expires_at = time.monotonic() + RESULT_TTL_SECONDS
        return self._last

    async def _within_deadline(self) -> Status:
        # asyncio.timeout would wait until the check has dealt with its cancellation.
        task = asyncio.ensure_future(self._check())
        self._unfinished.add(task)
        task.add_done_callback(self._discard)
        try:
            return await SlicedTimeout(DEADLINE_SECONDS).wait(task)
        except TimeoutError:
            raise Unhealthy("timeout") from None
        finally:
            task.cancel()

    def _discard(self, task: asyncio.Task[Status]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled():
            task.exception()  # otherwise asyncio logs that it was never retrieved
