"""Statements that commit by themselves, each on the connection that is free first.

A connection that the pool has lent is kept for a while, and statements follow each other on it
straight through libpq: 30 us of CPU each, where taking it from the pool and giving it back costs 70
and a cursor another 120. They are planned for their parameters, and never prepared.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, cast

import psycopg
import sqlalchemy.exc
from psycopg import pq
from psycopg.errors import error_from_result
from sqlalchemy import PoolProxiedConnection

from scholarship_api.platform.database.connection import (
    BoundedConnection,
    NoAnswerError,
    deadline,
    seconds_left,
)
from scholarship_api.platform.database.libpq import Row, numbered, values

WAIT_SECONDS: Final = 3.0
"""For a connection to be free."""

LENT_SECONDS: Final = 0.25
"""After which a connection goes back to the pool, for others who may wait for one."""

LINGER_SECONDS: Final = 0.05
"""And after which without a statement."""


class _Job:
    """A statement, and who waits for its rows."""

    __slots__ = ("answer", "ends_at", "sent", "timer", "values")

    def __init__(self, sent: bytes, parameters: list[bytes | None], seconds: float) -> None:
        self.sent = sent
        self.values = parameters
        self.answer: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self.ends_at = time.monotonic() + seconds
        self.timer: asyncio.TimerHandle | None = None

    def fail(self, error: Exception) -> None:
        self.stop_timer()
        if not self.answer.done():
            self.answer.set_exception(error)

    def give_up(self) -> None:
        self.fail(sqlalchemy.exc.TimeoutError("no connection was free in time"))

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Lanes:
    """At most `number` connections; `borrow` and `give_back` are the pool's."""

    def __init__(
        self,
        number: int,
        *,
        borrow: Callable[[], Awaitable[PoolProxiedConnection]],
        give_back: Callable[[PoolProxiedConnection], Awaitable[None]],
    ) -> None:
        self._number = number
        self._borrow = borrow
        self._give_back = give_back
        self._waiting: deque[_Job] = deque()
        self._lanes: set[_Lane] = set()
        self._idle: list[_Lane] = []
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of a statement with %(name)s parameters.

        Raises psycopg.Error, NoAnswerError when the deadline passes, sqlalchemy.exc.TimeoutError
        when no connection is free in time, and what `statements.values` raises.
        """
        sent, names = numbered(statement)
        job = _Job(sent, values(names, parameters), seconds_left())
        if self._idle:
            self._idle.pop().start(job)
        else:
            loop = asyncio.get_running_loop()
            seconds = min(WAIT_SECONDS, job.ends_at - time.monotonic())
            job.timer = loop.call_later(seconds, job.give_up)
            self._waiting.append(job)
            self._open_if_useful()
        return await job.answer

    def next_job(self) -> _Job | None:
        while self._waiting:
            job = self._waiting.popleft()
            if not job.answer.done():
                return job
        return None

    def rest(self, lane: "_Lane") -> None:
        """The lane has nothing to do."""
        self._idle.append(lane)

    def leave(self, lane: "_Lane") -> None:
        """The lane is at its end."""
        self._lanes.discard(lane)
        if lane in self._idle:
            self._idle.remove(lane)
        self._spawn(self._give_back(lane.pooled))
        self._open_if_useful()

    def _open_if_useful(self) -> None:
        if self._opening < len(self._waiting) and len(self._lanes) + self._opening < self._number:
            self._opening += 1
            self._spawn(self._open())

    async def _open(self) -> None:
        try:
            with deadline(None):  # of whoever came first: others wait too
                pooled = await self._borrow()
        except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
            if not self._lanes:
                while job := self.next_job():
                    job.fail(error)
            return
        finally:
            self._opening -= 1
        lane = _Lane(pooled, self)
        self._lanes.add(lane)
        lane.go_on()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.get_running_loop().create_task(cast("Coroutine[Any, Any, None]", work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Whoever still waits hears that the connection is closed."""
        error = psycopg.OperationalError("the connection is closed")
        while job := self.next_job():
            job.fail(error)
        for lane in list(self._lanes):
            lane.end(error)
        if self._tasks:
            await asyncio.wait(self._tasks)


class _Lane:
    """A connection that the pool has lent."""

    def __init__(self, pooled: PoolProxiedConnection, lanes: Lanes) -> None:
        self.pooled = pooled
        self._lanes = lanes
        self._connection = cast("BoundedConnection", pooled.driver_connection)
        self._pgconn = self._connection.pgconn
        self._socket = self._pgconn.socket
        self._ends_at = time.monotonic() + LENT_SECONDS
        self._job: _Job | None = None
        self._result: pq.abc.PGresult | None = None
        self._loop = asyncio.get_running_loop()
        self._linger: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._socket, self._receive)

    def start(self, job: _Job) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self._job = job
        job.stop_timer()
        job.timer = self._loop.call_later(job.ends_at - time.monotonic(), self._expire)
        try:
            self._pgconn.send_query_params(job.sent, job.values)
            if self._pgconn.flush():  # more than the socket takes at once
                self._loop.add_writer(self._socket, self._flush)
        except psycopg.OperationalError as lost:
            self.end(lost)

    def go_on(self) -> None:
        """With the next statement, if there is one and the pool need not get us back."""
        if time.monotonic() >= self._ends_at:
            self.end()
        elif job := self._lanes.next_job():
            self.start(job)
        else:
            self._linger = self._loop.call_later(LINGER_SECONDS, self.end)
            self._lanes.rest(self)

    def _flush(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self.end(error)

    def _receive(self) -> None:
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:  # and the connection is ready for the next statement
                    self._finish()
                    return
                self._result = result
        except psycopg.OperationalError as error:
            self.end(error)

    def _finish(self) -> None:
        job, self._job = self._job, None
        result, self._result = self._result, None
        if job is None or result is None:
            return
        self._connection.heard_at = time.monotonic()
        if result.status != pq.ExecStatus.TUPLES_OK:
            job.fail(error_from_result(result))
        else:
            job.stop_timer()
            if not job.answer.done():
                job.answer.set_result(_rows(result))
        self.go_on()

    def _expire(self) -> None:
        self.end(NoAnswerError("no answer within the deadline"))

    def end(self, error: Exception | None = None) -> None:
        """Give the connection back; cut it off with an error."""
        if self._linger is not None:
            self._linger.cancel()
        # First, as libpq closes the socket, whose number the next one gets.
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if error is not None:
            self._pgconn.finish()
        job, self._job = self._job, None
        if job is not None and error is not None:
            job.fail(error)
        self._lanes.leave(self)


def _rows(result: pq.abc.PGresult) -> list[Row]:
    get, columns = result.get_value, range(result.nfields)
    return [tuple([get(row, column) for column in columns]) for row in range(result.ntuples)]
