"""How a dependency is asked, so that neither it nor the number of askers can hurt."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from scholarship_api.platform.timeouts import Patience

Status = Literal["up", "down", "degraded", "not_configured", "disabled", "in_memory"]

DEADLINE_SECONDS: Final = 1.0
SHARED_SECONDS: Final = 1.0


class Unhealthy(Exception):
    """The dependency does not do its work. `reason` is a fixed word."""

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
    """Asks a dependency at most once at a time and once a second, however many want to know.

    `ask` answers the status, or raises Unhealthy; anything else that it raises is `failed`. A
    check that is not `required` is degraded where it would be down.
    """

    def __init__(self, ask: Callable[[], Awaitable[Status]], *, required: bool) -> None:
        self.required = required
        self._ask = ask
        self._known: Result | None = None
        self._known_until = 0.0
        self._running: asyncio.Task[Result] | None = None
        self._stragglers: set[asyncio.Task[Status]] = set()

    @property
    def last_known(self) -> Result | None:
        return self._known

    async def result(self) -> Result:
        """Fresh, or at most SHARED_SECONDS old; within DEADLINE_SECONDS."""
        if self._known is not None and time.monotonic() < self._known_until:
            return self._known
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="health check")
        # A client that hangs up must not cancel what others wait for.
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        tasks = [*self._stragglers, *([self._running] if self._running else ())]
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
        except Exception:  # noqa: BLE001 - whatever it is, the probe has to answer
            reason = "failed"
        finally:
            self._running = None
        if status == "down" and not self.required:
            status = "degraded"
        self._known = Result(status, time.monotonic() - started_at, reason)
        self._known_until = time.monotonic() + SHARED_SECONDS
        return self._known

    async def _within_deadline(self) -> Status:
        # Not asyncio.timeout: that waits until the cancellation has been dealt with.
        task = asyncio.ensure_future(self._ask())
        self._stragglers.add(task)
        task.add_done_callback(self._forget)
        try:
            return await Patience(DEADLINE_SECONDS).wait(task)
        except TimeoutError:
            raise Unhealthy("timeout") from None
        finally:
            task.cancel()

    def _forget(self, task: asyncio.Task[Status]) -> None:
        self._stragglers.discard(task)
        if not task.cancelled():
            task.exception()  # seen
