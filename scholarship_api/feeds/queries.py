"""Statements on feeds."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.feeds.models import Feed
from scholarship_api.platform.database.sessions import ReadSession, WriteSession


async def count(session: WriteSession, subject_id: uuid.UUID) -> int:
    return (await session.scalars(select(func.count()).where(Feed.subject_id == subject_id))).one()


async def add(session: WriteSession, values: dict[str, Any]) -> Feed:
    return (await session.scalars(insert(Feed).values(values).returning(Feed))).one()


async def created_by(session: WriteSession, subject_id: uuid.UUID, key: str) -> Feed | None:
    """The feed that a request with this Idempotency-Key has created."""
    statement = select(Feed).where(Feed.subject_id == subject_id, Feed.creation_key == key)
    return (await session.scalars(statement)).one_or_none()


async def replace_address(
    session: WriteSession, feed_id: uuid.UUID, *, digest: bytes | None
) -> None:
    await session.execute(update(Feed).where(Feed.id == feed_id).values(digest=digest))


async def page(
    session: ReadSession, subject_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> Sequence[Feed]:
    statement = select(Feed).where(Feed.subject_id == subject_id)
    if after is not None:
        statement = statement.where(Feed.id > after)
    return (await session.scalars(statement.order_by(Feed.id).limit(limit))).all()


async def of_digest(session: AsyncSession, digest: bytes) -> Feed | None:
    return (await session.scalars(select(Feed).where(Feed.digest == digest))).one_or_none()


async def remove(
    session: WriteSession, subject_id: uuid.UUID, feed_id: uuid.UUID
) -> uuid.UUID | None:
    """The id of the removed feed; None when there was none."""
    statement = delete(Feed).where(Feed.id == feed_id, Feed.subject_id == subject_id)
    return (await session.scalars(statement.returning(Feed.id))).one_or_none()
