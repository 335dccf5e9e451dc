"""PostgreSQL: the engine, and the sessions that requests get.

The request's dependency owns the transaction: it commits when the route succeeds and rolls back
when it raises; services never commit. Reads and writes get different types.

What fails because the server cannot be reached, is busy or is locked becomes DatabaseUnavailable
(503) within REQUEST_SECONDS, also when the server is frozen; the next request tries again.
"""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Final, LiteralString, cast

import psycopg
import sqlalchemy.exc
import structlog
from fastapi import Depends, Request
from sqlalchemy import (
    Connection,
    MetaData,
    PoolProxiedConnection,
    PoolResetState,
    QueuePool,
    event,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.util import greenlet_spawn

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.coalesced_reads import GroupedRead
from scholarship_api.platform.database.connection import (
    CONNECT_SECONDS,
    BoundedConnection,
    NoAnswerError,
    ProbeConnection,
    deadline,
)
from scholarship_api.platform.database.libpq import Row
from scholarship_api.platform.database.statement_pool import Lanes
from scholarship_api.platform.observability import metrics, tracing
from scholarship_api.settings.settings import Settings

REQUEST_SECONDS: Final = 7.5
"""For all that one request asks of the database: the contract's 8 s less the answer itself."""

PING_SECONDS: Final = 2.0
"""For the pool's test of an idle connection, so that a lost one leaves time to make another."""

POOL_WAIT_SECONDS: Final = 3.0

SESSION_TIMEOUTS: Final = {
    "statement_timeout": "6s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
}

PLANNING: Final = {
    "random_page_cost": "1.1",  # as disks are now; the rows are wide, their indexes are not
    "jit": "off",  # compiling takes longer than any statement of ours gains by it
    "work_mem": "16MB",  # a bitmap of a common word, row by row
}

_CONNECTION: Final[dict[str, Any]] = {
    "connect_timeout": int(CONNECT_SECONDS),
    "application_name": "scholarship-api",
    "client_encoding": "UTF8",
    "keepalives_idle": 30,  # seconds
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # milliseconds
}

_REASONS: Final = {
    "28": "access_denied",
    "3D": "access_denied",
    "53": "too_many_connections",
    "55": "locked",
    "57": "shutting_down",
}
"""By the class of the SQLSTATE."""

_log = structlog.stdlib.get_logger(__name__)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ReadSession(AsyncSession):
    """A session in a read-only transaction."""


class WriteSession(AsyncSession):
    """A session whose transaction the request's dependency commits."""


DriverConnection = psycopg.AsyncConnection[Any]
"""The driver's own connection, in autocommit, for bulk work."""

Fetch = Callable[[str, Mapping[str, object]], Awaitable[list[Row]]]
"""Of `Database.fetch`."""


class Database:
    """The engine and what is made from it; one per process.

    `seconds` bounds all waiting for the server inside a block; None is for bulk work, of which
    each single answer is bounded instead. Every block raises DatabaseUnavailable.
    """

    def __init__(self, settings: Settings) -> None:
        url = make_url(settings.database_url.get_secret_value())
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_max_overflow,
            hide_parameters=True,  # values of people have no place in error texts
            pool_pre_ping=True,
            pool_reset_on_return=None,  # _roll_back does it
            pool_recycle=280,
            pool_timeout=POOL_WAIT_SECONDS,
            connect_args=_connect_args(url.query, pgbouncer=settings.database_pgbouncer),
        )
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pgbouncer = settings.database_pgbouncer
        self.probe = ProbeConnection(self._conninfo)
        self._grouped_reads: list[GroupedRead] = []
        # The overflow is left to others.
        self._lanes = Lanes(
            settings.database_pool_size, borrow=self._borrow, give_back=self._give_back
        )
        self._read_only = self.engine.execution_options(postgresql_readonly=True)
        _bound_ping(self.engine)
        event.listen(self.engine.sync_engine, "reset", _roll_back)
        if settings.database_pgbouncer:
            event.listen(self.engine.sync_engine, "begin", _set_timeouts)
        metrics.watch_pool(
            cast("QueuePool", self.engine.sync_engine.pool),
            limit=settings.database_pool_size + settings.database_max_overflow,
        )
        tracing.watch_engine(self.engine.sync_engine)

    @asynccontextmanager
    async def read_session(
        self, *, seconds: float | None = REQUEST_SECONDS
    ) -> AsyncIterator[ReadSession]:
        with _available(), deadline(seconds):
            async with ReadSession(self._read_only) as session:
                yield session

    @asynccontextmanager
    async def write_session(
        self, *, seconds: float | None = REQUEST_SECONDS
    ) -> AsyncIterator[WriteSession]:
        with _available(), deadline(seconds):
            made = WriteSession(self.engine, expire_on_commit=False)
            async with made as session, session.begin():
                yield session

    @asynccontextmanager
    async def driver_connection(
        self, *, seconds: float | None = REQUEST_SECONDS
    ) -> AsyncIterator[DriverConnection]:
        with _available(), deadline(seconds), tracing.span("postgresql"):
            pooled = await self._borrow()
            connection = cast("BoundedConnection", pooled.driver_connection)
            try:
                connection.commit_each_statement(each=True)
                yield connection
            finally:
                if connection.is_idle:
                    connection.commit_each_statement(each=False)
                await self._give_back(pooled)

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of one statement with %(name)s parameters, in autocommit.

        Each value is PostgreSQL's text in UTF-8, or None. A third of a driver connection's CPU.
        """
        with tracing.span("postgresql"):
            try:
                return await self._lanes.fetch(statement, parameters)
            except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
                failure = unavailable(error)
                if failure is error:
                    raise
                raise failure from error

    @property
    def _pool(self) -> QueuePool:
        # Itself: SQLAlchemy's own connection around a pooled one costs four times as much.
        return cast("QueuePool", self.engine.sync_engine.pool)

    async def _borrow(self) -> PoolProxiedConnection:
        return await greenlet_spawn(self._pool.connect)

    async def _give_back(self, pooled: PoolProxiedConnection) -> None:
        if not cast("BoundedConnection", pooled.driver_connection).is_idle:
            await greenlet_spawn(pooled.invalidate)  # cut off, unseen by the pool
        elif self._pool.checkedin() < self._pool.size():
            pooled.close()
        else:  # beyond what the pool keeps: closed in truth, which takes a greenlet
            await greenlet_spawn(pooled.close)

    def grouped_read(
        self, statement: LiteralString, *, clock: Callable[[], dt.datetime]
    ) -> GroupedRead:
        """A statement for every request, on a connection beside the pool; closed with it."""
        read = GroupedRead(
            statement,
            open_connection=self._open_beside_pool,
            prepare=not self._pgbouncer,
            clock=clock,
        )
        self._grouped_reads.append(read)
        return read

    async def _open_beside_pool(self) -> BoundedConnection:
        return await BoundedConnection.open(
            self._conninfo, autocommit=True, prepare_threshold=None, **_CONNECTION
        )

    async def close(self) -> None:
        for read in self._grouped_reads:
            await read.close()
        await self._lanes.close()
        await self.probe.close()
        await self.engine.dispose()


def _connect_args(query: Any, *, pgbouncer: bool) -> dict[str, Any]:  # noqa: ANN401
    arguments: dict[str, Any] = {"async_creator_fn": BoundedConnection.open, **_CONNECTION}
    if pgbouncer:
        # In transaction mode the next statement may meet another server connection, on which
        # nothing is prepared; and PgBouncer refuses `options` at the start of a connection.
        return arguments | {"prepare_threshold": None}
    session = [f"-c {name}={value}" for name, value in (SESSION_TIMEOUTS | PLANNING).items()]
    given = query.get("options", ())
    return arguments | {"options": " ".join([*([given] if given else ()), *session])}


def _set_timeouts(connection: Connection) -> None:
    """SESSION_TIMEOUTS for one transaction, as a session's settings would leak to its next user."""
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
        if cast("BoundedConnection", dbapi_connection.driver_connection).is_trusted:
            return True
        with deadline(PING_SECONDS):
            return ping(dbapi_connection)

    dialect.do_ping = bounded_ping  # type: ignore[method-assign]


def _roll_back(connection: DBAPIConnection, _: object, state: PoolResetState) -> None:
    """As SQLAlchemy would, but without a wait where there is nothing to roll back."""
    driver = cast("BoundedConnection", connection.driver_connection)
    if not (state.terminate_only or driver.closed or driver.is_idle):
        connection.rollback()


def unavailability(error: BaseException) -> str | None:
    """Why the database could not do its work, as a fixed word; None if it is no such error."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return "pool_exhausted"
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        reason = _driver_reason(error.orig)
        return "unreachable" if reason is None and error.connection_invalidated else reason
    return _driver_reason(error)


def _driver_reason(error: BaseException | None) -> str | None:
    if not isinstance(error, psycopg.OperationalError):
        return None
    if isinstance(error, NoAnswerError | psycopg.errors.ConnectionTimeout):
        return "timeout"
    if isinstance(error, psycopg.errors.QueryCanceled):
        return "statement_timeout"
    if error.sqlstate:
        return _REASONS.get(error.sqlstate[:2], "failed")
    return "refused" if "refused" in str(error) else "unreachable"


def unavailable(error: Exception) -> Exception:
    """What to raise from `error`: DatabaseUnavailable, counted and logged, or `error` itself."""
    reason = unavailability(error)
    if reason is None:
        return error
    metrics.count_database_failure(reason)
    _log.warning("database.unavailable", reason=reason)
    return DatabaseUnavailable()


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
        failure = unavailable(error)
        if failure is error:
            raise
        raise failure from error


async def _read_session(request: Request) -> AsyncIterator[ReadSession]:
    async with request.app.state.database.read_session() as session:
        yield session


async def _write_session(request: Request) -> AsyncIterator[WriteSession]:
    async with request.app.state.database.write_session() as session:
        yield session


async def _driver_connection(request: Request) -> AsyncIterator[DriverConnection]:
    async with request.app.state.database.driver_connection() as connection:
        yield connection


# scope="function": the transaction ends before the answer is sent, so that a client that was told
# 201 can rely on it, and a slow reader of the answer holds no connection.
Reading = Annotated[ReadSession, Depends(_read_session, scope="function")]
Writing = Annotated[WriteSession, Depends(_write_session, scope="function")]
Driver = Annotated[DriverConnection, Depends(_driver_connection, scope="function")]
