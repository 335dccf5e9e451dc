"""The sessions that requests get.

The request's dependency owns the transaction: it commits when the route succeeds and rolls back
when the route raises; services never commit. Reads and writes get different types.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession


class ReadSession(AsyncSession):
    """A session in a read-only transaction."""


class WriteSession(AsyncSession):
    """A session whose transaction the request's dependency commits."""


async def _read_session(request: Request) -> AsyncIterator[ReadSession]:
    async with request.app.state.database.read_session() as session:
        yield session


async def _write_session(request: Request) -> AsyncIterator[WriteSession]:
    async with request.app.state.database.write_session() as session:
        yield session


# scope="function": the transaction ends before the answer is sent, so that a client that was told
# 201 can rely on it, and a slow reader of the answer holds no connection.
Reading = Annotated[ReadSession, Depends(_read_session, scope="function")]
Writing = Annotated[WriteSession, Depends(_write_session, scope="function")]
