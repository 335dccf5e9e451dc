"""Statements on synonyms and rules of the search."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.search_rules.models import SearchRule, SearchSynonym

Model = TypeVar("Model", SearchSynonym, SearchRule)


async def page(
    session: ReadSession, model: type[Model], *, after: uuid.UUID | None, limit: int
) -> Sequence[Model]:
    """Rows by id, in which order they were created."""
    statement = select(model).order_by(model.id).limit(limit)
    if after is not None:
        statement = statement.where(model.id > after)
    return (await session.scalars(statement)).all()


async def every(session: AsyncSession, model: type[Model]) -> Sequence[Model]:
    return (await session.scalars(select(model).order_by(model.id))).all()


async def read(
    session: AsyncSession, model: type[Model], row_id: uuid.UUID, *, lock: bool = False
) -> Model | None:
    statement = select(model).where(model.id == row_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def lock_table(session: WriteSession, model: type[Model]) -> None:
    """Keep others from adding rows until the transaction ends; readers go on."""
    await session.execute(text(f"LOCK TABLE {model.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


async def count(session: WriteSession, model: type[Model]) -> int:
    return (await session.scalars(select(func.count()).select_from(model))).one()


async def add(session: WriteSession, model: type[Model], values: Mapping[str, Any]) -> Model:
    statement = insert(model).values(values).returning(model)
    return (await session.scalars(statement)).one()


async def change(
    session: WriteSession, model: type[Model], row_id: uuid.UUID, values: Mapping[str, Any]
) -> Model:
    statement = (
        update(model)
        .where(model.id == row_id)
        .values(**values, version=model.version + 1, updated_at=func.now())
        .returning(model)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return (await session.scalars(statement)).one()


async def remove(session: WriteSession, model: type[Model], row_id: uuid.UUID) -> None:
    await session.execute(delete(model).where(model.id == row_id))


async def stems(session: AsyncSession, words: Collection[str]) -> dict[str, str | None]:
    """The stem of each word; None for a stop word."""
    rows = await session.execute(
        text(
            "SELECT word, (ts_lexize('pg_catalog.english_stem', word))[1] AS stem"
            " FROM unnest(CAST(:words AS text[])) AS given (word)"
        ),
        {"words": list(words)},
    )
    return {row.word: row.stem for row in rows}
