"""A psycopg connection on which no wait outlives its deadline, whatever the server does.

A server that is frozen, or a network that swallows packets, answers neither the statement nor its
cancellation: psycopg itself waits 5 s for the latter, so that `asyncio.timeout(1)` around a query
returned after 11 s. Here the socket is closed instead, and the server rolls back by itself.
"""

import asyncio
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, LiteralString, Self

import psycopg
from psycopg import waiting
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 7.0
"""For one answer of the server when no deadline is set. More than statement_timeout, so that a
server that is only busy gets to say so and keeps the connection."""

TRUSTED_SECONDS: Final = 2.0
"""After which an idle connection is asked for a sign of life before it is used."""

_deadline: ContextVar[float | None] = ContextVar("database_deadline", default=None)


class NoAnswerError(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Bound all waiting for the database inside the block, connecting included.

    A deadline that is set already is never extended, but None lifts it: each answer then has
    ANSWER_SECONDS of its own, however many there are.
    """
    before = _deadline.get()
    after = None if seconds is None else time.monotonic() + seconds
    _deadline.set(after if before is None or after is None else min(before, after))
    try:
        yield
    finally:
        _deadline.set(before)


def seconds_left(at_most: float = ANSWER_SECONDS) -> float:
    """Before the deadline."""
    end = _deadline.get()
    return at_most if end is None else min(max(end - time.monotonic(), 0), at_most)


class BoundedConnection(psycopg.AsyncConnection[Any]):
    """Raises NoAnswerError when a deadline passes; is closed when its task is cancelled."""

    heard_at: float = 0.0
    """When the server last answered, on the monotonic clock."""

    @classmethod
    async def open(cls, *arguments: Any, **options: Any) -> Self:  # noqa: ANN401
        """`connect`, of which all attempts together get CONNECT_SECONDS."""
        try:
            async with asyncio.timeout(seconds_left(CONNECT_SECONDS)):
                return await cls.connect(*arguments, **options)
        except TimeoutError:
            raise NoAnswerError("no connection within the deadline") from None

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = ANSWER_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 - the overridden signature
    ) -> RV:
        # By psycopg's own timer: asyncio.timeout around it would set, and cancel, another one.
        seconds = seconds_left()
        if timeout is not None:
            seconds = min(seconds, timeout)
        end = time.monotonic() + seconds
        try:
            answer = await waiting.wait_async(
                gen, self.pgconn.socket, interval=interval, timeout=seconds
            )
        except psycopg.OperationalError:
            if time.monotonic() < end:
                raise
            self.pgconn.finish()
            raise NoAnswerError("no answer within the deadline") from None
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise
        self.heard_at = time.monotonic()
        return answer

    @property
    def is_idle(self) -> bool:
        """Connected, and in no transaction."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def is_trusted(self) -> bool:
        """Whether it may be used without asking the server first.

        It has answered lately, and nothing is there to be read, as it is when the server has ended
        the connection.
        """
        if not self.is_idle or time.monotonic() - self.heard_at > TRUSTED_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN | select.POLLRDHUP)
        return not poll.poll(0)

    def commit_each_statement(self, *, each: bool) -> None:
        """`set_autocommit` for an idle connection, without its lock and its wait."""
        if not self.is_idle:
            raise psycopg.ProgrammingError("the connection is in a transaction")
        self._autocommit = each


class ProbeConnection:
    """A connection beside the pool, so that a busy pool does not look like a lost database.

    Kept for RECYCLE_SECONDS, as a new one for each probe would load the server that it watches,
    and may be refused while the pool's own connections work well.
    """

    RECYCLE_SECONDS: Final = 280

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: BoundedConnection | None = None
        self._recycle_at = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, statement: LiteralString, *, seconds: float) -> list[tuple[Any, ...]]:
        """The rows of `statement`. Raises psycopg.Error, within `seconds` whatever happens."""
        async with self._one_at_a_time:
            with deadline(seconds):
                return await self._fetch(statement)

    async def _fetch(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        connection = self._connection
        if connection is not None and not connection.closed:
            if time.monotonic() < self._recycle_at:
                try:
                    return await self._rows(connection, statement)
                except NoAnswerError:
                    raise
                except psycopg.OperationalError:
                    if not connection.closed:
                        raise
                    # The server was restarted since the last probe.
            else:
                await connection.close()
        self._connection = await BoundedConnection.open(
            self._conninfo, autocommit=True, prepare_threshold=None
        )
        self._recycle_at = time.monotonic() + self.RECYCLE_SECONDS
        return await self._rows(self._connection, statement)

    @staticmethod
    async def _rows(
        connection: BoundedConnection, statement: LiteralString
    ) -> list[tuple[Any, ...]]:
        async with await connection.execute(statement) as cursor:
            return await cursor.fetchall()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
