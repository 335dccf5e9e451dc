"""One small read for each request, sent once for all requests that wait for it together.

A read that starts after a request has arrived may answer that request and every other one that
waits. Under load one round trip serves dozens of requests, as one flush serves a group of commits.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Final, LiteralString, NamedTuple

from scholarship_api.platform.database.libpq import Row
from scholarship_api.platform.database.statement_pool import PendingQuery, StatementPool

READ_SECONDS: Final = 3.0
"""For one read, connecting included. A request waits for two reads at most: the one in flight and
its own."""


class Read(NamedTuple):
    started_at: dt.datetime
    row: Row
    """The first row of the answer."""


class CoalescedRead:
    """The first row of `statement`, in which `$1` is the instant at which the read starts.

    Callbacks do the work, where tasks would cost a request more CPU than the read itself.
    """

    def __init__(
        self,
        statement: LiteralString,
        *,
        pool: StatementPool,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._statement = statement.encode()
        self._pool = pool
        self._clock = clock
        self._waiting: list[asyncio.Future[Read]] = []
        """For the next read."""
        self._served: list[asyncio.Future[Read]] = []
        """By the read in flight."""
        self._is_reading = False
        self._started_at = clock()

    def __call__(self) -> "asyncio.Future[Read]":
        """The read to come; fails with psycopg.Error within twice READ_SECONDS."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Read] = loop.create_future()
        self._waiting.append(future)
        if not self._is_reading:
            self._is_reading = True
            # After all that is ready to run, so that the other requests of this turn come along.
            loop.call_soon(self._start)
        return future

    def _start(self) -> None:
        self._served, self._waiting = self._waiting, []
        self._started_at = self._clock()
        query = PendingQuery(
            self._statement, [self._started_at.isoformat().encode()], seconds=READ_SECONDS
        )
        query.result.add_done_callback(self._finish)
        self._pool.submit(query)

    def _finish(self, result: "asyncio.Future[list[Row]]") -> None:
        served, self._served = self._served, []
        self._is_reading = bool(self._waiting)
        if self._is_reading:
            asyncio.get_running_loop().call_soon(self._start)
        error = result.exception()
        if error is not None:
            for future in served:
                if not future.done():
                    future.set_exception(error)
            return
        read = Read(self._started_at, result.result()[0])
        for future in served:
            if not future.done():
                future.set_result(read)
