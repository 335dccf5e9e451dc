"""PostgreSQL for one process: sessions, single statements, and connections for bulk work.

A failure of the server (it cannot be reached, is busy or is locked) becomes DatabaseUnavailable
(503) within REQUEST_SECONDS, also when the server is frozen; the next request tries again.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString, cast

import psycopg
import sqlalchemy.exc
from sqlalchemy import (
    Connection,
    PoolProxiedConnection,
    PoolResetState,
    QueuePool,
    event,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from scholarship_api.platform.database.coalesced_reads import CoalescedRead
from scholarship_api.platform.database.connection import BoundedConnection, deadline
from scholarship_api.platform.database.connection_settings import (
    SESSION_TIMEOUTS,
    replica_arguments,
    serving_arguments,
)
from scholarship_api.platform.database.connector import Connector
from scholarship_api.platform.database.errors import (
    as_unavailable,
    raising_unavailable,
    refuses_writes,
)
from scholarship_api.platform.database.libpq import Row
from scholarship_api.platform.database.replicas import Replicas
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.platform.database.statement_pool import Lease, StatementPool
from scholarship_api.platform.observability import metrics, tracing
from scholarship_api.settings.settings import Settings

REQUEST_SECONDS: Final = 7.5
"""For all that one request asks of the database. The answer is promised within 8 s; the rest is for
the answer itself."""

PING_SECONDS: Final = 2.0
"""For the pool's ping of an idle connection, so that a lost one leaves time to open another."""

POOL_WAIT_SECONDS: Final = 3.0
"""How long a session waits for a free connection of the pool."""

RECYCLE_SECONDS: Final = 280
"""How long a connection is kept: less than the idle timeouts of common proxies (300 s and more)."""

MAX_LEASE_SECONDS: Final = 0.25
"""How long the statement pool keeps a connection of the engine's pool, where sessions may wait."""

IDLE_LEASE_SECONDS: Final = 0.05
"""How long the statement pool keeps a connection without a statement."""

BulkConnection = psycopg.AsyncConnection[Any]
"""The driver's own connection, in autocommit."""


class Database:
    """The engine and what is made from it; one per process.

    `seconds` bounds all waiting for the server inside a block. None is for bulk work: each single
    answer is bounded instead. Every block raises DatabaseUnavailable.
    """

    def __init__(self, settings: Settings) -> None:
        self._connector = Connector(
            serving_arguments(
                settings.database_url.get_secret_value(), pgbouncer=settings.database_pgbouncer
            )
        )
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._connector.open,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_max_overflow,
            hide_parameters=True,  # values of people have no place in error texts
            pool_pre_ping=True,
            pool_reset_on_return=None,  # _roll_back does it
            pool_recycle=RECYCLE_SECONDS,
            pool_timeout=POOL_WAIT_SECONDS,
        )
        self._prepares = not settings.database_pgbouncer
        self._probes = self._dedicated_connection()
        self._coalesced_reads = self._dedicated_connection()
        # The overflow is left to sessions.
        self._statements = StatementPool(
            settings.database_pool_size,
            acquire=self._lease,
            max_lease_seconds=MAX_LEASE_SECONDS,
            idle_lease_seconds=IDLE_LEASE_SECONDS,
            prepare=self._prepares,
        )
        self.replicas = self._replicas_of(settings)
        """None when DATABASE_READ_URL names none."""
        self._read_only = self.engine.execution_options(postgresql_readonly=True)
        _bound_ping(self.engine)
        _keep_servers_read_only_default(self.engine)
        event.listen(self.engine.sync_engine, "reset", _roll_back)
        event.listen(self.engine.sync_engine, "handle_error", _leave_read_only_server)
        if settings.database_pgbouncer:
            event.listen(self.engine.sync_engine, "begin", _set_timeouts)
        metrics.declare_reads()
        metrics.watch_pool(
            cast("QueuePool", self.engine.sync_engine.pool),
            limit=settings.database_pool_size + settings.database_max_overflow,
        )
        tracing.watch_engine(self.engine.sync_engine)

    @asynccontextmanager
    async def read_session(
        self, *, seconds: float | None = REQUEST_SECONDS
    ) -> AsyncIterator[ReadSession]:
        with raising_unavailable(), deadline(seconds):
            async with ReadSession(self._read_only) as session:
                yield session

    @asynccontextmanager
    async def write_session(
        self, *, seconds: float | None = REQUEST_SECONDS
    ) -> AsyncIterator[WriteSession]:
        with raising_unavailable(), deadline(seconds):
            made = WriteSession(self.engine, expire_on_commit=False)
            async with made as session, session.begin():
                yield session

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of one statement with %(name)s parameters, in autocommit.

        Each value is PostgreSQL's text in UTF-8, or None. A third of a session's CPU.
        """
        with tracing.span("postgresql"):
            try:
                return await self._statements.fetch(statement, parameters)
            except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
                failure = as_unavailable(error)
                if failure is error:
                    raise
                raise failure from error

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """As `fetch`, from a read replica where one has every write that this process has seen."""
        if self.replicas is not None:
            found = await self.replicas.fetch(statement, parameters)
            if found is not None:
                return found
        return await self.fetch(statement, parameters)

    def coalesced_read(
        self, statement: LiteralString, *, clock: Callable[[], dt.datetime]
    ) -> CoalescedRead:
        """A read that all requests share which wait for it at the same time."""
        return CoalescedRead(statement, pool=self._coalesced_reads, clock=clock)

    async def probe(self, statement: str, *, seconds: float) -> list[Row]:
        """The rows of a small statement on a connection that only probes use.

        A busy pool must not look like a lost database, and a new connection for each probe would
        load the server that it watches. Raises psycopg.Error within `seconds`.
        """
        with deadline(seconds):
            return await self._probes.fetch(statement, {})

    @asynccontextmanager
    async def bulk_connection(
        self, *, seconds: float | None = None
    ) -> AsyncIterator[BulkConnection]:
        with raising_unavailable(), deadline(seconds), tracing.span("postgresql"):
            pooled = await self._check_out()
            connection = cast("BoundedConnection", pooled.driver_connection)
            try:
                connection.switch_autocommit(on=True)
                yield connection
            except psycopg.Error as error:
                if refuses_writes(error):
                    connection.pgconn.finish()
                raise
            finally:
                if connection.is_idle:
                    connection.switch_autocommit(on=False)
                await self._check_in(pooled)

    async def close(self) -> None:
        if self.replicas is not None:
            await self.replicas.close()
        for pool in (self._coalesced_reads, self._statements, self._probes):
            await pool.close()
        await self.engine.dispose()

    @property
    def _pool(self) -> QueuePool:
        # The pool itself: SQLAlchemy's own connection around a pooled one costs four times as much.
        return cast("QueuePool", self.engine.sync_engine.pool)

    async def _check_out(self) -> PoolProxiedConnection:
        return await greenlet_spawn(self._pool.connect)

    async def _check_in(self, pooled: PoolProxiedConnection) -> None:
        if not cast("BoundedConnection", pooled.driver_connection).is_idle:
            await greenlet_spawn(pooled.invalidate)  # closed, which the pool has not seen
        elif self._pool.checkedin() < self._pool.size():
            pooled.close()
        else:  # beyond what the pool keeps: this closes the connection, which takes a greenlet
            await greenlet_spawn(pooled.close)

    async def _lease(self) -> Lease:
        pooled = await self._check_out()
        connection = cast("BoundedConnection", pooled.driver_connection)
        return Lease(connection, lambda: self._check_in(pooled))

    def _replicas_of(self, settings: Settings) -> Replicas | None:
        arguments = [
            host
            for url in settings.database_read_url
            for host in replica_arguments(
                url.get_secret_value(), pgbouncer=settings.database_pgbouncer
            )
        ]
        if not arguments:
            return None
        return Replicas(
            arguments,
            size=settings.database_pool_size,
            max_lag_seconds=settings.read_replica_max_lag,
            through_pooler=settings.database_pgbouncer,
            ask_primary=self._ask_primary,
        )

    async def _ask_primary(self, statement: str) -> list[Row]:
        return await self.probe(statement, seconds=PING_SECONDS)

    def _dedicated_connection(self) -> StatementPool:
        """A statement pool of one connection beside the engine's, opened at first use and kept."""
        return StatementPool(
            1,
            acquire=self._open_beside_pool,
            max_lease_seconds=RECYCLE_SECONDS,
            idle_lease_seconds=RECYCLE_SECONDS,
            prepare=self._prepares,
            retry=True,
        )

    async def _open_beside_pool(self) -> Lease:
        connection = await self._connector.open()
        connection.switch_autocommit(on=True)
        return Lease(connection, connection.close)


def _set_timeouts(connection: Connection) -> None:
    """Set SESSION_TIMEOUTS for one transaction: the session is another client's after it."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    connection.execute(_SET_LOCAL, SESSION_TIMEOUTS)


_SET_LOCAL: Final = text(
    "SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in SESSION_TIMEOUTS)
)


def _bound_ping(engine: AsyncEngine) -> None:
    dialect = engine.sync_engine.dialect
    ping = dialect.do_ping

    def bounded_ping(dbapi_connection: DBAPIConnection) -> bool:
        if cast("BoundedConnection", dbapi_connection.driver_connection).may_skip_ping:
            return True
        with deadline(PING_SECONDS):
            return ping(dbapi_connection)

    dialect.do_ping = bounded_ping  # type: ignore[method-assign]


def _keep_servers_read_only_default(engine: AsyncEngine) -> None:
    """Begin write transactions as the server does by default, never with READ WRITE.

    A server with default_transaction_read_only, which some services set while the disk is almost
    full, must stay read-only. SQLAlchemy sets read_only=False after each read session.
    """
    dialect: Any = engine.sync_engine.dialect
    set_readonly = dialect.set_readonly
    dialect.set_readonly = lambda connection, value: set_readonly(connection, value or None)


def _leave_read_only_server(context: ExceptionContext) -> None:
    """Drop the pool after a refused write: its connections lead to a standby or a full disk."""
    if refuses_writes(context.original_exception):
        context.is_disconnect = True


def _roll_back(connection: DBAPIConnection, _: object, state: PoolResetState) -> None:
    """Roll back as SQLAlchemy does, but without a wait where there is nothing to roll back."""
    driver = cast("BoundedConnection", connection.driver_connection)
    if not (state.terminate_only or driver.closed or driver.is_idle):
        connection.rollback()
