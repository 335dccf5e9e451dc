"""Single statements in autocommit, straight through libpq, each on the first free connection.

The pool leases connections and runs statements on them one after another. A statement costs 30 us
of CPU this way; taking a connection from SQLAlchemy's pool and giving it back costs 70 more, and a
cursor of psycopg another 120. Statements are planned for their parameters, and never prepared.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple, cast

import psycopg
import sqlalchemy.exc
from psycopg import pq
from psycopg.errors import error_from_result

from scholarship_api.platform.database.connection import (
    BoundedConnection,
    NoAnswerError,
    deadline,
    seconds_left,
)
from scholarship_api.platform.database.libpq import Row, numbered, rows, values

CONNECTION_WAIT_SECONDS: Final = 3.0
"""How long a query waits for a free connection: as long as a session waits for the engine's."""


CONNECTION_ENDED: Final = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})
"""The SQLSTATEs with which the server ends a connection."""


class Lease(NamedTuple):
    """A connection that is ours until it is released."""

    connection: BoundedConnection
    release: Callable[[], Awaitable[None]]


class PendingQuery:
    """A query that waits for a connection or for its rows, and the future of its rows."""

    __slots__ = ("_timer", "expires_at", "result", "statement", "values")

    def __init__(self, statement: bytes, parameters: list[bytes | None], seconds: float) -> None:
        self.statement = statement
        self.values = parameters
        self.expires_at = time.monotonic() + seconds
        self.result: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None

    def call_after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back unless the query is done before; replaces the callback before."""
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, callback)

    def succeed(self, found: list[Row]) -> None:
        self._stop_timer()
        if not self.result.done():
            self.result.set_result(found)

    def fail(self, error: Exception) -> None:
        self._stop_timer()
        if not self.result.done():
            self.result.set_exception(error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class StatementPool:
    """At most `size` connections at a time, which `acquire` leases.

    A connection is released after `max_lease_seconds`, so that others get their turn, and after
    `idle_lease_seconds` without a query.
    """

    def __init__(
        self,
        size: int,
        *,
        acquire: Callable[[], Awaitable[Lease]],
        max_lease_seconds: float,
        idle_lease_seconds: float,
    ) -> None:
        self.max_lease_seconds = max_lease_seconds
        self.idle_lease_seconds = idle_lease_seconds
        self._size = size
        self._acquire = acquire
        self._waiting: deque[PendingQuery] = deque()
        self._connections: set[_LeasedConnection] = set()
        self._idle: list[_LeasedConnection] = []
        self._opening = 0
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(
        self, statement: str, parameters: Mapping[str, object]
    ) -> "asyncio.Future[list[Row]]":
        """The rows to come of a statement with %(name)s parameters.

        The future fails with psycopg.Error, with NoAnswerError when the deadline passes, or with
        sqlalchemy.exc.TimeoutError when no connection is free in time. Raises what `libpq.values`
        raises.
        """
        numbered_statement, names = numbered(statement)
        query = PendingQuery(numbered_statement, values(names, parameters), seconds_left())
        if self._is_closed:
            query.fail(psycopg.OperationalError("the statement pool is closed"))
        elif self._idle:
            self._idle.pop().run(query)
        else:
            seconds = min(CONNECTION_WAIT_SECONDS, query.expires_at - time.monotonic())
            query.call_after(seconds, lambda: self._give_up(query))
            self._waiting.append(query)
            self._open_if_useful()
        return query.result

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of `submit`."""
        return await self.submit(statement, parameters)

    def next_query(self) -> PendingQuery | None:
        """The query that has waited longest; None when nothing waits."""
        while self._waiting:
            query = self._waiting.popleft()
            if not query.result.done():
                return query
        return None

    def mark_idle(self, connection: "_LeasedConnection") -> None:
        self._idle.append(connection)

    def release(self, connection: "_LeasedConnection") -> None:
        """End the connection's lease; another one is acquired if queries wait."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._spawn(connection.lease.release())
        self._open_if_useful()

    def _give_up(self, query: PendingQuery) -> None:
        if self._connections:
            query.fail(sqlalchemy.exc.TimeoutError("no connection was free in time"))
        else:  # the server has not let us connect yet
            query.fail(NoAnswerError("no connection within the deadline"))

    def _open_if_useful(self) -> None:
        is_full = len(self._connections) + self._opening >= self._size
        if self._opening < len(self._waiting) and not is_full:
            self._opening += 1
            self._spawn(self._open())

    async def _open(self) -> None:
        try:
            with deadline(None):  # not the first query's: others wait for this connection too
                lease = await self._acquire()
        except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
            if not self._connections:
                while query := self.next_query():
                    query.fail(error)
            return
        finally:
            self._opening -= 1
        connection = _LeasedConnection(lease, self)
        self._connections.add(connection)
        connection.run_next()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.get_running_loop().create_task(cast("Coroutine[Any, Any, None]", work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Release every connection; queries that still wait fail."""
        self._is_closed = True
        error = psycopg.OperationalError("the statement pool is closed")
        while query := self.next_query():
            query.fail(error)
        for connection in list(self._connections):
            connection.end(error)
        if self._tasks:
            await asyncio.wait(self._tasks)


class _LeasedConnection:
    """Runs one query at a time on a leased connection, driven by its socket's events."""

    def __init__(self, lease: Lease, pool: StatementPool) -> None:
        self.lease = lease
        self._pool = pool
        self._pgconn = lease.connection.pgconn
        self._socket = self._pgconn.socket
        self._lease_ends_at = time.monotonic() + pool.max_lease_seconds
        self._query: PendingQuery | None = None
        self._result: pq.abc.PGresult | None = None
        self._loop = asyncio.get_running_loop()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._socket, self._receive)

    def run_next(self) -> None:
        """Run the next query of the pool, or be idle, or end when the lease is over."""
        if time.monotonic() >= self._lease_ends_at:
            self.end()
        elif query := self._pool.next_query():
            self.run(query)
        else:
            self._idle_timer = self._loop.call_later(self._pool.idle_lease_seconds, self.end)
            self._pool.mark_idle(self)

    def run(self, query: PendingQuery) -> None:
        self._stop_idle_timer()
        self._query = query
        query.call_after(query.expires_at - time.monotonic(), self._expire)
        try:
            self._pgconn.send_query_params(query.statement, query.values)
            if self._pgconn.flush():  # more than the socket takes at once
                self._loop.add_writer(self._socket, self._flush)
        except psycopg.OperationalError as error:
            self.end(error)

    def end(self, error: Exception | None = None) -> None:
        """Release the connection; with an error it is closed, and its query fails."""
        self._stop_idle_timer()
        # Before libpq closes the socket: the next one that is opened gets its number.
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        query, self._query = self._query, None
        if error is not None:
            self._pgconn.finish()
            if query is not None:
                query.fail(error)
        self._pool.release(self)

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
                if result is None:  # the connection is ready for the next query
                    self._finish()
                    return
                self._result = result
        except psycopg.OperationalError as error:
            self.end(error)

    def _finish(self) -> None:
        query, self._query = self._query, None
        result, self._result = self._result, None
        if query is None or result is None:
            return
        self.lease.connection.last_response_at = time.monotonic()
        if result.status == pq.ExecStatus.TUPLES_OK:
            query.succeed(rows(result))
            self.run_next()
            return
        error = error_from_result(result)
        query.fail(error)
        if error.sqlstate in CONNECTION_ENDED:
            self.end(error)
        else:
            self.run_next()

    def _expire(self) -> None:
        self.end(NoAnswerError("no answer within the deadline"))

    def _stop_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
