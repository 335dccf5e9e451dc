"""Statements on saved searches."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Row, cast, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.applications.models import Application, ApplicationStatus
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.saved_searches.models import Channel, SavedSearch


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


# --- Matching changed awards ---------------------------------------------------------------------


async def to_index(
    session: ReadSession, *, before: dt.datetime, limit: int
) -> Sequence[Row[uuid.UUID, dict[str, Any]]]:
    """Searches that are told about, and not indexed since an instant."""
    statement = (
        select(SavedSearch.id, SavedSearch.query)
        .where(
            SavedSearch.notify_channel != Channel.NONE.value,
            or_(SavedSearch.indexed_at.is_(None), SavedSearch.indexed_at < before),
        )
        .order_by(SavedSearch.indexed_at.nulls_first())
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def index(
    session: WriteSession,
    *,
    ids: Sequence[uuid.UUID],
    query: dict[str, Any],
    digest: bytes,
    words: str | None,
) -> None:
    """Store the index of searches that have this query still."""
    statement = update(SavedSearch).where(SavedSearch.id.in_(ids), SavedSearch.query == query)
    await session.execute(
        statement.values(
            query_digest=digest,
            words=None if words is None else cast(words, TSQUERY),
            indexed_at=func.now(),
        ),
        execution_options={"synchronize_session": False},
    )


_CANDIDATES: Final = text("""
WITH changed AS MATERIALIZED (
    SELECT search_vector FROM scholarships WHERE id = ANY (:award_ids) AND status = 'published'
)
SELECT search.id, search.subject_id, search.query_digest, search.use_profile
FROM saved_searches AS search
WHERE search.notify_channel <> 'none' AND (
    search.words IS NULL
    OR EXISTS (SELECT FROM changed WHERE changed.search_vector @@ search.words)
)
""")
_ALL: Final = text("""
SELECT id, subject_id, query_digest, use_profile FROM saved_searches
WHERE notify_channel <> 'none'
""")


async def candidates(session: ReadSession, award_ids: Sequence[str] | None) -> Sequence[Row[Any]]:
    """Searches that are told about; with `award_ids` those whose words one of the awards has."""
    if award_ids is None:
        return (await session.execute(_ALL)).all()
    return (await session.execute(_CANDIDATES, {"award_ids": list(award_ids)})).all()


async def dismissals(
    session: ReadSession, subject_ids: Collection[uuid.UUID], award_ids: Collection[str]
) -> set[tuple[uuid.UUID, str]]:
    """Who has dismissed which of the awards."""
    statement = select(Application.subject_id, Application.scholarship_id).where(
        Application.scholarship_id.in_(award_ids),
        Application.subject_id.in_(subject_ids),
        Application.status == ApplicationStatus.DISMISSED.value,
    )
    return {(row[0], row[1]) for row in await session.execute(statement)}
