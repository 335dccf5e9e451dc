"""A psycopg connection on which no wait outlives its deadline, whatever the server does.

A server that is frozen, or a network that swallows packets, answers neither the statement nor its
cancellation: psycopg itself waits 5 s for the latter, so that `asyncio.timeout(1)` around a query
returned after 11 s. Here the socket is closed instead, and the server rolls back by itself.
"""

import asyncio
import itertools
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import psycopg
from psycopg import waiting
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

CONNECT_SECONDS: Final = 5.0
"""How long connecting may take, over all addresses of the server together."""

ANSWER_SECONDS: Final = 7.0
"""How long one answer of the server may take when no deadline is set. This is more than
statement_timeout, so that a server that is only busy can say so and keeps the connection."""

SKIP_PING_SECONDS: Final = 2.0
"""How long after its last answer an idle connection is used without a ping. A lost connection is
noticed at once where the server has closed it; a ping finds the other ones."""

Server = tuple[str | None, str | None, str | None]
"""Host, address and port of a server, as they were tried."""

_deadline: ContextVar[float | None] = ContextVar("database_deadline", default=None)


class NoAnswerError(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Bound all waiting for the database inside the block, connecting included.

    An inner deadline never extends an outer one. None lifts the outer one: each answer may then
    take ANSWER_SECONDS, however many there are.
    """
    before = _deadline.get()
    after = None if seconds is None else time.monotonic() + seconds
    _deadline.set(after if before is None or after is None else min(before, after))
    try:
        yield
    finally:
        _deadline.set(before)


def seconds_left(at_most: float = ANSWER_SECONDS) -> float:
    """The time until the deadline, or `at_most` if that is less."""
    end = _deadline.get()
    return at_most if end is None else min(max(end - time.monotonic(), 0), at_most)


class BoundedConnection(psycopg.AsyncConnection[Any]):
    """Raises NoAnswerError when a deadline passes; is closed when its task is cancelled."""

    last_response_at: float = 0.0
    """When the server last answered, on the monotonic clock."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - psycopg's
        super().__init__(*arguments, **options)
        self.server: Server | None = None
        self.on_silence: Callable[[Server | None], None] = lambda _: None
        """Called with `server` when a deadline has passed without an answer."""
        self.prepared_statements: dict[bytes, bytes] = {}
        """The names of the statements that the statement pool has prepared on it."""
        self._statement_numbers = itertools.count()

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = ANSWER_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 - the overridden signature
    ) -> RV:
        # psycopg's own timer is used: asyncio.timeout around it would set and cancel another one.
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
            raise self.give_up() from None
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise
        self.last_response_at = time.monotonic()
        return answer

    def new_statement_name(self) -> bytes:
        """A name for a prepared statement that the connection has never had."""
        return b"statement_%d" % next(self._statement_numbers)

    def give_up(self) -> NoAnswerError:
        """Close the connection whose server has not answered in time; the error to raise."""
        self.pgconn.finish()
        self.on_silence(self.server)
        return NoAnswerError("no answer within the deadline")

    def shut_down(self) -> None:
        """End the connection without closing it: whatever waits on it fails at once."""
        if not self.closed:
            with socket.socket(fileno=os.dup(self.pgconn.socket)) as shared, suppress(OSError):
                shared.shutdown(socket.SHUT_RDWR)

    @property
    def is_idle(self) -> bool:
        """Whether it is connected and in no transaction."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def may_skip_ping(self) -> bool:
        """Whether it answered lately, and the server has sent nothing since.

        Something to read on an idle connection is, as a rule, the server closing it.
        """
        if not self.is_idle or time.monotonic() - self.last_response_at > SKIP_PING_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN | select.POLLRDHUP)
        return not poll.poll(0)

    def switch_autocommit(self, *, on: bool) -> None:
        """`set_autocommit` for an idle connection, without its lock and its wait."""
        if not self.is_idle:
            raise psycopg.ProgrammingError("the connection is in a transaction")
        self._autocommit = on
