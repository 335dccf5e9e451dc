"""Statements on saved searches."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Row,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.applications.models import Application, ApplicationStatus
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.profiles.models import Profile
from scholarship_api.saved_searches.models import Channel, SavedSearch, SavedSearchMatch


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


# --- Telling about matches -----------------------------------------------------------------------


class Notified(NamedTuple):
    """A search whose subject is told about new results."""

    id: uuid.UUID
    created_at: dt.datetime
    frequency: str
    timezone: str | None
    """The subject's own."""


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


_DUE: Final = text("""
SELECT match.id, match.search_id, match.scholarship_id, search.subject_id, search.notify_channel,
    search.name, award.name, award.organization
FROM saved_search_matches AS match
JOIN saved_searches AS search ON search.id = match.search_id
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
""")


async def is_anyone_notified(session: ReadSession) -> bool:
    """Whether there is a search whose subject is told about new results."""
    statement = select(exists().where(SavedSearch.notify_channel != Channel.NONE.value))
    return bool((await session.scalars(statement)).one())


async def notified(session: WriteSession, ids: Collection[uuid.UUID]) -> list[Notified]:
    """Return the searches whose subjects are told, locked against deletion until the commit."""
    statement = (
        select(
            SavedSearch.id, SavedSearch.created_at, SavedSearch.notify_frequency, Profile.timezone
        )
        .outerjoin(Profile, Profile.subject_id == SavedSearch.subject_id)
        .where(SavedSearch.id.in_(ids), SavedSearch.notify_channel != Channel.NONE.value)
        .order_by(SavedSearch.id)
        .with_for_update(read=True, key_share=True, of=SavedSearch)
    )
    return [Notified(*row) for row in await session.execute(statement)]


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
    """Matches to tell now, those of a search together; locked until the transaction ends."""
    rows = await session.execute(_DUE, {"now": now, "limit": limit})
    return [DueMatch(*row) for row in rows]


async def mark_told(session: WriteSession, ids: Sequence[int]) -> None:
    await session.execute(
        update(SavedSearchMatch)
        .where(SavedSearchMatch.id == func.any(cast(list(ids), ARRAY(BigInteger))))
        .values(told_at=func.now()),
        execution_options={"synchronize_session": False},
    )
