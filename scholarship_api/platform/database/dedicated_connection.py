"""One connection beside the engine's pool, for small reads that must not wait behind searches."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import psycopg
import sqlalchemy.exc

from scholarship_api.platform.database.connection import (
    BoundedConnection,
    NoAnswerError,
    deadline,
)
from scholarship_api.platform.database.libpq import Row
from scholarship_api.platform.database.statement_pool import (
    CONNECTION_ENDED,
    Lease,
    StatementPool,
)

RECYCLE_SECONDS: Final = 280
"""As long as the engine keeps a connection: less than the idle timeouts of common proxies."""


class DedicatedConnection:
    """A statement pool of one connection, which is opened at first use and kept.

    Probes have one, so that a busy pool does not look like a lost database; a new connection for
    each probe would load the server, and may be refused while the pool's own work well.
    """

    def __init__(self, open_connection: Callable[[], Awaitable[BoundedConnection]]) -> None:
        self._open_connection = open_connection
        self._pool = StatementPool(
            1,
            acquire=self._acquire,
            max_lease_seconds=RECYCLE_SECONDS,
            idle_lease_seconds=RECYCLE_SECONDS,
        )

    async def fetch(
        self, statement: str, parameters: Mapping[str, object] | None = None, *, seconds: float
    ) -> list[Row]:
        """The rows of a read with %(name)s parameters.

        Raises psycopg.Error, within `seconds` whatever happens.
        """
        with deadline(seconds):
            try:
                return await self._fetch(statement, parameters or {})
            except NoAnswerError:
                raise
            except psycopg.OperationalError as error:
                if error.sqlstate is not None and error.sqlstate not in CONNECTION_ENDED:
                    raise
                # As a rule the server was restarted since the last statement.
                return await self._fetch(statement, parameters or {})

    async def _fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        try:
            return await self._pool.fetch(statement, parameters)
        except sqlalchemy.exc.TimeoutError:  # the statement before this one has no answer yet
            raise NoAnswerError("no answer within the deadline") from None

    async def close(self) -> None:
        await self._pool.close()

    async def _acquire(self) -> Lease:
        connection = await self._open_connection()
        return Lease(connection, connection.close)
