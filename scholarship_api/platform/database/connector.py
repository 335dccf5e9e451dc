"""Opens connections to the primary among the servers that a URL names.

The service writes, so a standby is of no use to it, whatever `target_session_attrs` says. libpq
finds the primary of several hosts by trying them in turn; here the time is divided over them, so
that a frozen old primary cannot use up all of it, and the server that worked last comes first.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakSet

import psycopg
from psycopg.conninfo import conninfo_attempts_async

from scholarship_api.platform.database.connection import (
    CONNECT_SECONDS,
    BoundedConnection,
    NoAnswerError,
    Server,
    seconds_left,
)

_ONE_PRIMARY: Final = frozenset({"read-write", "primary"})


class StandbyError(psycopg.OperationalError):
    """The server is a standby: it accepts no writes, and its data may be old."""


class Connector:
    """One for each URL. `arguments` are those of psycopg's `connect`.

    With `target_session_attrs` read-write or primary, only one of the hosts can be right at a time.
    When another one than before is, the connections to the others are shut down: statements that
    wait on a frozen server fail at once, instead of at their deadlines.
    """

    def __init__(self, arguments: Mapping[str, Any], *, accepts_standby: bool = False) -> None:
        self._arguments = dict(arguments)
        self._accepts_standby = accepts_standby
        self._primary: Server | None = None
        self._silent: Server | None = None
        self._opened: WeakSet[BoundedConnection] = WeakSet()

    async def open(self) -> BoundedConnection:
        """A connection to the primary, within CONNECT_SECONDS and the deadline.

        Raises psycopg.OperationalError, that of the last server tried.
        """
        end = time.monotonic() + seconds_left(CONNECT_SECONDS)
        error: psycopg.OperationalError = NoAnswerError("no address within the deadline")
        try:
            async with asyncio.timeout(seconds_left(CONNECT_SECONDS)):
                attempts = await conninfo_attempts_async(self._arguments)
        except TimeoutError:
            raise error from None
        attempts.sort(key=self._order)
        for tried, attempt in enumerate(attempts):
            share = max(end - time.monotonic(), 0) / (len(attempts) - tried)
            try:
                connection = await self._attempt(attempt, seconds=share)
            except psycopg.OperationalError as failure:
                error = failure
            else:
                self._found(connection)
                return connection
        raise error

    def is_silent(self, server: Server | None) -> None:
        """Try this server last from now on: it has left a statement without an answer."""
        self._silent = server

    def _order(self, attempt: Mapping[str, Any]) -> int:
        server = _server(attempt)
        return 2 if server == self._silent else 0 if server == self._primary else 1

    async def _attempt(self, attempt: Mapping[str, Any], *, seconds: float) -> BoundedConnection:
        try:
            async with asyncio.timeout(seconds):
                connection = await BoundedConnection.connect(**attempt)
        except TimeoutError:
            raise NoAnswerError("no connection within the deadline") from None
        connection.server = _server(attempt)
        connection.on_silence = self.is_silent
        # Reported by the server at the start of each connection, since PostgreSQL 14.
        is_standby = connection.pgconn.parameter_status(b"in_hot_standby") == b"on"
        if is_standby and not self._accepts_standby:
            await connection.close()
            raise StandbyError("the server is a standby")
        return connection

    def _found(self, connection: BoundedConnection) -> None:
        before, self._primary = self._primary, connection.server
        if self._silent == connection.server:
            self._silent = None
        has_moved = before is not None and before != connection.server
        if has_moved and self._arguments.get("target_session_attrs") in _ONE_PRIMARY:
            for older in list(self._opened):
                older.shut_down()
            self._opened.clear()
        self._opened.add(connection)


def _server(attempt: Mapping[str, Any]) -> Server:
    return attempt.get("host"), attempt.get("hostaddr"), attempt.get("port")
