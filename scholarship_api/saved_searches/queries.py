"""Statements on saved searches."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.saved_searches.models import Channel, SavedQuery, SavedSearch, SavedSearchMatch


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
    await session.execute(insert(SavedSearch).values(values))
    return await _written(session, values["id"])


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
    await session.execute(
        update(SavedSearch)
        .where(SavedSearch.id == search_id)
        .values(**values, version=SavedSearch.version + 1, updated_at=func.now()),
        execution_options={"synchronize_session": False},
    )
    return await _written(session, search_id)


async def _written(session: WriteSession, search_id: uuid.UUID) -> SavedSearch:
    """The search as it is now, with `paused_until`, which RETURNING does not give."""
    statement = select(SavedSearch).where(SavedSearch.id == search_id)
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return found.one()


async def end_pause(session: WriteSession, search_id: uuid.UUID) -> None:
    """Compare changed awards with the query of this search again, if it is paused."""
    query = select(SavedSearch.indexed_query).where(SavedSearch.id == search_id)
    await session.execute(
        update(SavedQuery)
        .where(SavedQuery.digest == query.scalar_subquery(), SavedQuery.paused_until.is_not(None))
        .values(failures=0, paused_until=None),
        execution_options={"synchronize_session": False},
    )


async def remove(session: WriteSession, search_id: uuid.UUID) -> None:
    await session.execute(delete(SavedSearch).where(SavedSearch.id == search_id))


# --- Telling about matches -----------------------------------------------------------------------


class DueMatch(NamedTuple):
    id: int
    search_id: uuid.UUID
    scholarship_id: str
    subject_id: uuid.UUID
    channel: str
    search_name: str
    award_name: str | None
    """None for an award that is no longer public, or that the subject has dismissed."""
    organization: str | None


# A message refers to its subject. An erasure locks the subject, then removes its matches. A locked
# subject is skipped, so that the two never wait for each other.
_DUE: Final = text("""
SELECT match.id, match.search_id, match.scholarship_id, search.subject_id, search.notify_channel,
    search.name, award.name, award.organization
FROM saved_search_matches AS match
JOIN saved_searches AS search ON search.id = match.search_id
JOIN subjects AS subject ON subject.id = search.subject_id
LEFT JOIN scholarships AS award ON award.id = match.scholarship_id AND award.status = 'published'
    AND NOT EXISTS (
        SELECT FROM applications AS application
        WHERE application.subject_id = search.subject_id
          AND application.scholarship_id = match.scholarship_id
          AND application.status = 'dismissed')
WHERE match.told_at IS NULL AND match.due_at <= :now AND match.search_id IN (
    SELECT search_id FROM (
        SELECT search_id FROM saved_search_matches
        WHERE told_at IS NULL AND due_at <= :now ORDER BY due_at, search_id LIMIT :limit
    ) AS first_due)
ORDER BY match.search_id, match.id
LIMIT :limit
FOR UPDATE OF match SKIP LOCKED
FOR KEY SHARE OF subject SKIP LOCKED
""")


async def is_anyone_notified(session: ReadSession) -> bool:
    """Whether there is a search whose subject is told about new results."""
    statement = select(exists().where(SavedSearch.notify_channel != Channel.NONE.value))
    return bool((await session.scalars(statement)).one())


_ADD_MATCHES: Final = text("""
INSERT INTO saved_search_matches (search_id, scholarship_id, due_at)
SELECT * FROM unnest(CAST(:searches AS uuid[]), CAST(:awards AS text[]),
    CAST(:due AS timestamptz[]))
ON CONFLICT (search_id, scholarship_id) DO NOTHING
""")


async def add_matches(
    session: WriteSession, matches: Sequence[tuple[uuid.UUID, str, dt.datetime]]
) -> None:
    """Add matches (search, award, when to tell); one that is known stays as it is."""
    searches, awards, due = zip(*matches, strict=True)
    parameters = {"searches": list(searches), "awards": list(awards), "due": list(due)}
    await session.execute(_ADD_MATCHES, parameters)


async def due_matches(session: WriteSession, *, now: dt.datetime, limit: int) -> list[DueMatch]:
    """Matches to tell now, those of a search together; locked with their subjects until the
    transaction ends. Those of a subject that is being erased are left out."""
    rows = await session.execute(_DUE, {"now": now, "limit": limit})
    return [DueMatch(*row) for row in rows]


async def mark_told(session: WriteSession, ids: Sequence[int]) -> None:
    await session.execute(
        update(SavedSearchMatch)
        .where(SavedSearchMatch.id == func.any(cast(list(ids), ARRAY(BigInteger))))
        .values(told_at=func.now()),
        execution_options={"synchronize_session": False},
    )
