"""PostgreSQL: the engine, and the sessions that requests get.

The request's dependency owns the transaction: it commits when the route succeeds and rolls back
when it raises; services never commit. Reads and writes get different types.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

import psycopg
from fastapi import Depends, Request
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from scholarship_api.settings import Settings


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
"""The driver's own connection, in autocommit, for the prepared statements of the search path."""


class Database:
    """The engine and what is made from it; one per process."""

    def __init__(self, settings: Settings) -> None:
        self.engine: AsyncEngine = create_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_max_overflow,
            pool_pre_ping=True,
            pool_recycle=280,
            pool_timeout=3,
            connect_args={"connect_timeout": 5, "options": "-c statement_timeout=6000"},
        )
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._read_only = self.engine.execution_options(postgresql_readonly=True)

    @asynccontextmanager
    async def read_session(self) -> AsyncIterator[ReadSession]:
        async with ReadSession(self._read_only) as session:
            yield session

    @asynccontextmanager
    async def write_session(self) -> AsyncIterator[WriteSession]:
        async with WriteSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def driver_connection(self) -> AsyncIterator[DriverConnection]:
        async with self._autocommit.connect() as connection:
            raw = await connection.get_raw_connection()
            yield cast("DriverConnection", raw.driver_connection)

    async def close(self) -> None:
        await self.engine.dispose()


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
