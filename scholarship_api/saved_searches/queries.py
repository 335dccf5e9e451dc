"""Statements on saved searches."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.saved_searches.models import SavedSearch


async def count(session: WriteSession, subject_id: uuid.UUID) -> int:
    statement = select(func.count()).where(SavedSearch.subject_id == subject_id)
    return (await session.scalars(statement)).one()


async def created_by(session: WriteSession, subject_id: uuid.UUID, key: str) -> SavedSearch | None:
    """The search that a request with this Idempotency-Key has created."""
    statement = select(SavedSearch).where(
        SavedSearch.subject_id == subject_id, SavedSearch.creation_key == key
    )
    return (await session.scalars(statement)).one_or_none()


async def add(session: WriteSession, values: dict[str, Any]) -> SavedSearch:
    statement = insert(SavedSearch).values(values).returning(SavedSearch)
    return (await session.scalars(statement)).one()


async def page(
    session: ReadSession, subject_id: uuid.UUID, *, after: uuid.UUID | None, limit: int
) -> Sequence[SavedSearch]:
    statement = select(SavedSearch).where(SavedSearch.subject_id == subject_id)
    if after is not None:
        statement = statement.where(SavedSearch.id > after)
    return (await session.scalars(statement.order_by(SavedSearch.id).limit(limit))).all()


async def read(
    session: AsyncSession, subject_id: uuid.UUID, search_id: uuid.UUID
) -> SavedSearch | None:
    statement = select(SavedSearch).where(
        SavedSearch.id == search_id, SavedSearch.subject_id == subject_id
    )
    return (await session.scalars(statement)).one_or_none()


async def by_id(session: AsyncSession, search_id: uuid.UUID) -> SavedSearch | None:
    statement = select(SavedSearch).where(SavedSearch.id == search_id)
    return (await session.scalars(statement)).one_or_none()


async def change(
    session: WriteSession, search_id: uuid.UUID, values: dict[str, Any]
) -> SavedSearch:
    statement = (
        update(SavedSearch)
        .where(SavedSearch.id == search_id)
        .values(**values, version=SavedSearch.version + 1, updated_at=func.now())
        .returning(SavedSearch)
    )
    changed = await session.scalars(statement, execution_options={"populate_existing": True})
    return changed.one()


async def remove(session: WriteSession, search_id: uuid.UUID) -> None:
    await session.execute(delete(SavedSearch).where(SavedSearch.id == search_id))
