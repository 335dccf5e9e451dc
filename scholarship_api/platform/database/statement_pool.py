"""Single statements in autocommit, straight through libpq, each on the first free connection.

A pool leases connections and runs queries on them one after another. A query costs 30 us of CPU
this way; taking a connection from SQLAlchemy's pool and giving it back costs 70 more, and a cursor
of psycopg another 120.
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

MAX_PREPARED_STATEMENTS: Final = 64
"""How many statements a connection prepares; further ones are sent as text. PostgreSQL keeps each
in memory, the largest in 0.2 MB, and the texts of a few statements vary."""

_UNUSABLE: Final = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})
"""The SQLSTATEs after which a connection is closed: the server has ended it."""

_MUST_PREPARE_AGAIN: Final = frozenset({"26000", "0A000"})
"""The SQLSTATEs of a prepared statement that the connection no longer has, as psycopg may have sent
DEALLOCATE ALL, or whose result has other types than it had."""


_POSITION: Final = b"""
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                ELSE pg_current_wal_insert_lsn() END - '0/0'
"""
"""The position of a standby that was promoted goes on from where it was."""

POSITION_SECONDS: Final = 0.005
"""The pause before a standby that is behind is asked again: a commit arrives in milliseconds."""


class BehindError(Exception):
    """The standby has not replayed the writes that the query has to see."""


class Lease(NamedTuple):
    """A connection that is ours until it is released."""

    connection: BoundedConnection
    release: Callable[[], Awaitable[None]]


class PendingQuery:
    """A query that waits for a connection or for its rows, and the future of its rows."""

    __slots__ = (
        "_timer",
        "expires_at",
        "is_retry",
        "position",
        "result",
        "statement",
        "values",
        "waits_until",
    )

    def __init__(
        self,
        statement: bytes,
        parameters: list[bytes | None],
        *,
        seconds: float,
        position: int = 0,
        wait_seconds: float = 0.0,
    ) -> None:
        """A standby has to have replayed the primary's log up to `position`, in bytes.

        The query fails with BehindError when it has not after `wait_seconds`.
        """
        self.statement = statement
        self.values = parameters
        self.position = position
        now = time.monotonic()
        self.expires_at = now + seconds
        self.waits_until = now + wait_seconds
        self.is_retry = False
        self.result: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None

    def call_at_end(self, callback: Callable[[], None], *, at_most: float | None = None) -> None:
        """Call back when the query expires, or after `at_most` seconds, unless it is done before.

        Replaces the callback that was set before.
        """
        self._stop_timer()
        seconds = self.expires_at - time.monotonic()
        if at_most is not None and at_most < seconds:
            seconds = at_most
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
    `idle_lease_seconds` without a query. With `prepare` each connection prepares every statement
    once, which saves the server the parsing. With `retry` a query whose connection is lost is tried
    once more: as a rule the server was restarted since the last query.
    """

    def __init__(
        self,
        size: int,
        *,
        acquire: Callable[[], Awaitable[Lease]],
        max_lease_seconds: float,
        idle_lease_seconds: float,
        prepare: bool = False,
        retry: bool = False,
        remembers_position: bool = True,
    ) -> None:
        self.max_lease_seconds = max_lease_seconds
        self.idle_lease_seconds = idle_lease_seconds
        self.prepare = prepare
        self.retry = retry
        self.remembers_position = remembers_position
        self._size = size
        self._acquire = acquire
        self._waiting: deque[PendingQuery] = deque()
        self._connections: set[_LeasedConnection] = set()
        self._idle: list[_LeasedConnection] = []
        self._opening = 0
        self._releasing = 0
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of a statement with %(name)s parameters, within the deadline.

        Raises psycopg.Error, sqlalchemy.exc.TimeoutError when no connection is free in time, and
        what `libpq.values` raises.
        """
        numbered_statement, names = numbered(statement)
        query = PendingQuery(numbered_statement, values(names, parameters), seconds=seconds_left())
        self.submit(query)
        return await query.result

    def submit(self, query: PendingQuery) -> None:
        """Run the query on the next free connection; its result fails with the errors of `fetch`.

        A query that waits until its deadline fails with NoAnswerError.
        """
        if self._is_closed:
            query.fail(psycopg.OperationalError("the statement pool is closed"))
        elif self._idle:
            self._idle.pop().run(query)
        else:
            query.call_at_end(lambda: self._give_up(query), at_most=CONNECTION_WAIT_SECONDS)
            self._waiting.append(query)
            self._open_if_useful()

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
        self._releasing += 1
        self._spawn(self._release(connection.lease))

    async def _release(self, lease: Lease) -> None:
        try:
            await lease.release()
            # The task that waited longest for the connection has been woken and takes it in this
            # turn of the event loop. Without the turn this pool could take it back every time.
            await asyncio.sleep(0)
        finally:
            self._releasing -= 1
            self._open_if_useful()

    def _give_up(self, query: PendingQuery) -> None:
        if not self._connections:
            query.fail(NoAnswerError("no connection within the deadline"))
        elif time.monotonic() >= query.expires_at:
            query.fail(NoAnswerError("no answer within the deadline"))
        else:
            query.fail(sqlalchemy.exc.TimeoutError("no connection was free in time"))

    def _open_if_useful(self) -> None:
        is_full = len(self._connections) + self._opening + self._releasing >= self._size
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
        if self._is_closed:  # meanwhile
            await lease.release()
            return
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
        self._prepared = lease.connection.prepared_statements
        self._preparing: bytes | None = None
        self._position = 0
        """The position that the server had when it was asked last; it never goes back."""
        self._is_asking_position = False
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
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        self._query = query
        query.call_at_end(self._expire)
        if query.position > (self._position if self._pool.remembers_position else 0):
            self._ask_position()
        else:
            self._send(query)

    def end(self, error: Exception | None = None) -> None:
        """Release the connection. With an error it is closed, and its query fails or is retried."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._stop_listening()
        query, self._query = self._query, None
        if error is not None:
            self._pgconn.finish()
        self._pool.release(self)
        if query is not None and error is not None:
            self._fail(query, error)

    def _stop_listening(self) -> None:
        # Before libpq closes the socket: the next one that is opened gets its number.
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)

    def _fail(self, query: PendingQuery, error: Exception) -> None:
        if self._pool.retry and not query.is_retry and not isinstance(error, NoAnswerError):
            query.is_retry = True
            self._pool.submit(query)
        else:
            query.fail(error)

    def _ask_position(self) -> None:
        if self._query is None:  # it has expired
            return
        self._is_asking_position = True
        try:
            self._pgconn.send_query_params(_POSITION, [])
            if self._pgconn.flush():
                self._loop.add_writer(self._socket, self._flush)
        except psycopg.OperationalError as error:
            self.end(error)

    def _finish_position(self, query: PendingQuery, position: bytes | None) -> None:
        self._position = int(position or 0)
        if query.position <= self._position:
            self._send(query)
        elif time.monotonic() < query.waits_until:
            self._loop.call_later(POSITION_SECONDS, self._ask_position)
        else:
            self._query = None
            query.fail(BehindError())
            self.run_next()

    def _send(self, query: PendingQuery) -> None:
        statement = query.statement
        try:
            if name := self._prepared.get(statement):
                self._pgconn.send_query_prepared(name, query.values)
            elif self._pool.prepare and len(self._prepared) < MAX_PREPARED_STATEMENTS:
                self._preparing = self.lease.connection.new_statement_name()
                self._pgconn.send_prepare(self._preparing, statement)
            else:
                self._pgconn.send_query_params(statement, query.values)
            if self._pgconn.flush():  # more than the socket takes at once
                self._loop.add_writer(self._socket, self._flush)
        except psycopg.OperationalError as error:
            self.end(error)

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
        query, result, self._result = self._query, self._result, None
        if query is None or result is None:
            return
        self.lease.connection.last_response_at = time.monotonic()
        preparing, self._preparing = self._preparing, None
        is_position, self._is_asking_position = self._is_asking_position, False
        if is_position and result.status == pq.ExecStatus.TUPLES_OK:
            self._finish_position(query, result.get_value(0, 0))
        elif result.status == pq.ExecStatus.TUPLES_OK:
            self._query = None
            query.succeed(rows(result))
            self.run_next()
        elif result.status == pq.ExecStatus.COMMAND_OK and preparing is not None:
            self._prepared[query.statement] = preparing
            self._send(query)
        else:
            self._finish_with_error(query, error_from_result(result))

    def _finish_with_error(self, query: PendingQuery, error: psycopg.Error) -> None:
        if error.sqlstate in _UNUSABLE:
            self.end(error)
        elif error.sqlstate in _MUST_PREPARE_AGAIN and not query.is_retry:
            query.is_retry = True
            self._prepared.clear()
            self._send(query)
        else:
            self._query = None
            query.fail(error)
            self.run_next()

    def _expire(self) -> None:
        self._stop_listening()
        self.end(self.lease.connection.give_up())
