"""The end of a process: the draining state and the background tasks.

Each process (each gunicorn worker) has its own `state`. The server calls `state.begin()` at
SIGTERM; readiness answers 503 from then on. A worker that is only replaced (recycling, reload) does
not drain, because the service goes on.

The application's lifespan makes one `TaskRegistry` and awaits its `close()` before it closes the
database and the limiter, which the tasks use.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_log = structlog.stdlib.get_logger(__name__)


class DrainState:
    """Whether this process has begun to end. Draining never ends."""

    def __init__(self) -> None:
        self._draining = False

    @property
    def draining(self) -> bool:
        """True from the moment at which readiness has to answer 503."""
        return self._draining

    def begin(self) -> None:
        """Start draining. Safe in a signal handler, and to call again."""
        self._draining = True


state = DrainState()


class TaskRegistry:
    """Background tasks of one event loop. `close()` ends them all."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `coroutine` until it ends or `close()` cancels it.

        An exception of the task is logged as `background_task.failed` with its name. Raises
        RuntimeError after `close()`; the coroutine is then closed, not run.
        """
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"the process is shutting down: {name} was not started")
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cancel every task and wait until each has ended, its clean-up included."""
        self._closed = True
        while self._tasks:
            running = list(self._tasks)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            # The done callbacks are scheduled by now, but may not have run.
            self._tasks.difference_update(running)
        _log.info("background_tasks.closed")

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background_task.failed", task=task.get_name(), exc_info=error)
