"""uvicorn's server with a shutdown that loses no request: at SIGTERM, on reload, on recycling."""

import asyncio
import dataclasses
import math
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Final, cast

import structlog
from uvicorn.config import Config
from uvicorn.server import Server

from scholarship_api.platform import shutdown
from scholarship_api.platform.server.limits import ConnectionState
from scholarship_api.platform.server.protocol import BoundedHttpProtocol
from scholarship_api.platform.server.shared_state import SharedState

_log = structlog.stdlib.get_logger(__name__)

_POLL_SECONDS: Final = 0.05
_ABORT_SECONDS: Final = 0.5
"""The end of the drain, in which aborted requests are answered."""
_EXIT_SECONDS: Final = 0.5
"""From the end of the lifespan until the arbiter knows that the worker has ended."""
_MAX_IDLE_SECONDS: Final = 5.0
"""Longest wait for idle connections at a shutdown. Balancers keep connections open for long, and a
service that ends does not wait for a long KEEPALIVE."""


@dataclasses.dataclass(frozen=True, slots=True)
class ShutdownTimeouts:
    """How long a worker takes to end, in seconds.

    gunicorn's arbiter kills what is left after graceful_timeout, and still exits 0, so
    delay + drain + closing = graceful_timeout. The last 0.5 s of the drain are for the responses
    of aborted requests, the last 0.5 s of closing for the end of the process.
    """

    delay: float = 0.0
    """Go on accepting, so that balancers can stop sending requests."""
    drain: float = 28.0
    """For requests in progress."""
    closing: float = 2.0
    """For the lifespan's shutdown."""
    idle: float = 5.0
    """For connections that are kept alive but idle, or on which no request has come yet."""


class GracefulServer(Server):
    """The server of one worker.

    It ends for one of three reasons. Terminated (SIGTERM, or the arbiter ends): readiness fails at
    once, SHUTDOWN_DELAY passes, accepting stops. Replaced (SIGTERM after a reload): accepting stops
    when a successor serves, however long that takes. Recycled (max_requests): accepting stops when
    it holds the recycle slot. Then each connection ends with its next response, or when the idle
    timeout has passed: closing it earlier would lose a request that is on its way. SIGINT and
    SIGQUIT force the shutdown: it waits for requests in progress only.
    """

    def __init__(
        self,
        config: Config,
        *,
        state: ConnectionState,
        timeouts: ShutdownTimeouts,
        shared: SharedState,
        generation: int,
        max_requests: int,
        is_orphan: Callable[[], bool],
    ) -> None:
        super().__init__(config)
        self.server_state: ConnectionState = state
        self._timeouts = timeouts
        self._shared = shared
        self._generation = generation
        self._max_requests = max_requests
        self._is_orphan = is_orphan
        self._terminated_at: float | None = None
        self._forced = False

    # --- When to end ------------------------------------------------------------------------------

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Not recorded for uvicorn to raise again: the worker shall exit 0, through its hooks.
        self._forced = self._forced or sig != signal.SIGTERM
        # The arbiter repeats SIGTERM for a worker that is replaced but still serves.
        if self._forced or not self._replaced:
            self._terminate()
        self.should_exit = True

    def _terminate(self) -> None:
        if self._terminated_at is None:
            self._terminated_at = time.monotonic()
        shutdown.state.begin()

    def _follow_arbiter(self) -> bool:
        """Terminate if the arbiter has ended or ends; whether this server is terminated."""
        if self._terminated_at is None:
            if self._is_orphan():
                _log.error("arbiter.lost", pid=os.getpid())
                self._terminate()
            elif self._shared.is_shutting_down:
                self._terminate()
        return self._terminated_at is not None

    @property
    def _replaced(self) -> bool:
        return self._shared.generation != self._generation

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._shared.mark_ready(self._generation)
        self._shared.release_recycle_slot()

    async def on_tick(self, counter: int) -> bool:
        if await super().on_tick(counter):
            return True  # a signal
        if self._follow_arbiter():
            return True
        served = self.server_state.total_requests
        if served >= self._max_requests and self._shared.acquire_recycle_slot():
            _log.info("worker.recycled", pid=os.getpid(), requests=served)
            return True
        return False

    # --- How to end -------------------------------------------------------------------------------

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        began = time.monotonic()
        self._drain_connections()
        if self._terminated_at is None and self._replaced:
            await self._until(self._has_successor, math.inf)
        if self._terminated_at is not None:
            accepts_until = self._terminated_at + self._timeouts.delay
            await self._until(lambda: self._forced, accepts_until)
        self._stop_accepting(sockets or [])
        _log.info("worker.stopped_accepting", pid=os.getpid())
        await self._finish_requests()
        await self._abort_requests()
        await self._close_application()
        _log.info("worker.finished", pid=os.getpid(), seconds=round(time.monotonic() - began, 3))

    def _has_successor(self) -> bool:
        return self._shared.current_generation_is_ready or self._terminated_at is not None

    def _connections(self) -> list[BoundedHttpProtocol]:
        return cast("list[BoundedHttpProtocol]", list(self.server_state.connections))

    def _drain_connections(self) -> None:
        self.server_state.draining = True
        for connection in self._connections():
            connection.drain()

    def _stop_accepting(self, sockets: list[socket.socket]) -> None:
        # The other workers hold the same sockets: what waits in their backlog is accepted there.
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()

    async def _finish_requests(self) -> None:
        stopped = time.monotonic()

        def idle_until() -> float:
            if self._forced:
                return stopped
            if self._terminated_at is None:
                return stopped + self._timeouts.idle
            return stopped + min(self._timeouts.idle, _MAX_IDLE_SECONDS)

        def end() -> float:
            if self._terminated_at is None:  # nobody waits for us
                return stopped + max(self._timeouts.idle, self._timeouts.drain)
            drain_ends = self._terminated_at + self._timeouts.delay + self._timeouts.drain
            return drain_ends - _ABORT_SECONDS

        def finished() -> bool:
            now = time.monotonic()
            if now >= idle_until():
                for connection in self._connections():
                    connection.close_idle()
            return now >= end() or not (self.server_state.connections or self.server_state.tasks)

        await self._until(finished, math.inf)

    async def _until(self, condition: Callable[[], bool], end: float) -> None:
        """Poll `condition` until it holds or the monotonic clock shows `end`."""
        # Connections that the loop has accepted are reported to us in its next turn.
        await asyncio.sleep(_POLL_SECONDS)
        while not condition() and time.monotonic() < end:
            self._follow_arbiter()
            await super().on_tick(0)  # the Date header, and the heartbeat that the arbiter expects
            await asyncio.sleep(_POLL_SECONDS)

    async def _abort_requests(self) -> None:
        tasks = list(self.server_state.tasks)
        for connection in self._connections():
            connection.abort_request()
        for task in tasks:
            task.cancel("the worker ends")
        if tasks:
            _log.error("requests.cut_off", pid=os.getpid(), count=len(tasks))
            await asyncio.wait(tasks, timeout=_ABORT_SECONDS)
        for connection in self._connections():
            connection.transport.close()

    async def _close_application(self) -> None:
        seconds = self._timeouts.closing - _EXIT_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await self.lifespan.shutdown()
        except TimeoutError:
            _log.error("closing.cut_off", pid=os.getpid(), after_seconds=seconds)
        # The lifespan's task ends just after it has reported its shutdown.
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {cast("asyncio.Task[object]", asyncio.current_task())}
        if left:
            _log.error("tasks.left", pid=os.getpid(), tasks=sorted(t.get_name() for t in left))
