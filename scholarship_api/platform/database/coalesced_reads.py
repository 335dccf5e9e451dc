"""One small read for each request, sent once for all requests that wait for it together.

A read that starts after a request has arrived may answer that request and every other one that
waits. Under load one round trip serves dozens of requests, as one flush serves a group of commits.
"""

import asyncio
import contextvars
import datetime as dt
from collections.abc import Callable
from typing import Final, NamedTuple

import psycopg

from scholarship_api.platform.database.dedicated_connection import DedicatedConnection
from scholarship_api.platform.database.libpq import Row

READ_SECONDS: Final = 3.0
"""For one read, connecting included. A request waits for two reads at most: the one in flight and
its own."""


class Read(NamedTuple):
    started_at: dt.datetime
    row: Row
    """The first row of the answer."""


class CoalescedRead:
    """The first row of `statement`, in which `%(now)s` is the instant at which the read starts."""

    def __init__(
        self,
        statement: str,
        *,
        connection: DedicatedConnection,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._statement = statement
        self._connection = connection
        self._clock = clock
        self._waiting: list[asyncio.Future[Read]] = []
        self._reading: asyncio.Task[None] | None = None

    def __call__(self) -> "asyncio.Future[Read]":
        """The read to come; fails with psycopg.Error within twice READ_SECONDS."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Read] = loop.create_future()
        self._waiting.append(future)
        if self._reading is None:
            # An empty context: the task outlives this request, and must not inherit its deadline.
            # It starts after all that is ready to run, so that other requests come along.
            self._reading = loop.create_task(
                self._read(), name="coalesced reads", context=contextvars.Context()
            )
        return future

    async def _read(self) -> None:
        """Read until nobody waits any more."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                started_at = self._clock()
                try:
                    [row] = await self._connection.fetch(
                        self._statement, {"now": started_at}, seconds=READ_SECONDS
                    )
                except psycopg.Error as error:
                    for future in waiting:
                        if not future.done():
                            future.set_exception(error)
                else:
                    read = Read(started_at, row)
                    for future in waiting:
                        if not future.done():
                            future.set_result(read)
        finally:
            self._reading = None
