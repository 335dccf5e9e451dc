"""Statements that find the saved searches whose results a changed award may be."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, LargeBinary, Text, case, cast, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.applications.models import Application, ApplicationStatus
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.profiles.models import Profile
from scholarship_api.saved_searches.models import Channel, SavedQuery, SavedSearch
from scholarship_api.saved_searches.tokens import BEGINNING_PREFIX, WORD_PREFIX
from scholarship_api.search.text.required_lexemes import BEGINNING_LETTERS

MAX_FAILURES: Final = 3
"""A query that could not be compared with changed awards so often is paused."""

PAUSE: Final = dt.timedelta(days=1)
"""How long a query is not compared with changed awards."""

_IS_NOTIFIED: Final = SavedSearch.notify_channel != Channel.NONE.value

# The vector is concatenated with nothing to have its value once, not once for each comparison.
_CANDIDATES: Final = text(f"""
WITH changed AS MATERIALIZED (
    SELECT given.number, award.search_vector || CAST('' AS tsvector) AS search_vector,
        string_to_array(given.tokens, E'\\x1f')
        || ARRAY(SELECT '{WORD_PREFIX}' || lexeme FROM unnest(lexemes) AS lexeme)
        || ARRAY(SELECT DISTINCT '{BEGINNING_PREFIX}' || left(lexeme, {BEGINNING_LETTERS})
            FROM unnest(lexemes) AS lexeme) AS tokens
    FROM unnest(CAST(:award_ids AS text[]), CAST(:tokens AS text[]))
        WITH ORDINALITY AS given (id, tokens, number)
    JOIN scholarships AS award ON award.id = given.id AND award.status = 'published'
    CROSS JOIN LATERAL tsvector_to_array(award.search_vector) AS lexemes
)
SELECT query.digest, array_agg(CAST(changed.number AS int)) AS numbers
FROM changed CROSS JOIN LATERAL (
    SELECT * FROM saved_queries AS query
    WHERE query.tokens && changed.tokens AND coalesce(query.paused_until <= now(), true)
      AND (query.words IS NULL OR changed.search_vector @@ query.words)
    OFFSET 0
) AS query
GROUP BY query.digest
""")  # noqa: S608 - of literals


# Without the statistics of a new index, the planner would rather read every search.
_BY_INDEX: Final = text("""
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true)
""")


async def candidates(
    session: ReadSession, tokens: Mapping[str, Sequence[str]]
) -> dict[bytes, list[str]]:
    """The digests of queries that the awards may be results of, each with these awards.

    `tokens` has the tokens of filters of each award.
    """
    award_ids = list(tokens)
    await session.execute(_BY_INDEX)
    rows = await session.execute(
        _CANDIDATES,
        {"award_ids": award_ids, "tokens": ["\x1f".join(tokens[each]) for each in award_ids]},
    )
    return {row.digest: [award_ids[n - 1] for n in row.numbers] for row in rows}


class StoredQuery(NamedTuple):
    digest: bytes
    subject_id: uuid.UUID
    """The subject of one of the searches with this query."""
    query: dict[str, Any]
    use_profile: bool


_STORED: Final = text("""
SELECT digest, search.* FROM unnest(CAST(:digests AS bytea[])) AS digest
CROSS JOIN LATERAL (
    SELECT subject_id, query, use_profile FROM saved_searches
    WHERE indexed_query = digest AND notify_channel <> 'none' LIMIT 1
) AS search
""")


async def stored_queries(session: ReadSession, digests: Collection[bytes]) -> list[StoredQuery]:
    """The queries with these digests that somebody is told about."""
    rows = await session.execute(_STORED, {"digests": list(digests)})
    return [StoredQuery(*row) for row in rows]


async def add_failure(session: WriteSession, digest: bytes) -> dt.datetime | None:
    """Count a failure of a query. Returns the end of its pause, if it is paused now."""
    statement = (
        update(SavedQuery)
        .where(SavedQuery.digest == digest)
        .values(
            failures=(SavedQuery.failures + 1) % MAX_FAILURES,
            paused_until=case(
                (SavedQuery.failures + 1 >= MAX_FAILURES, func.now() + PAUSE),
            ),
        )
        .returning(SavedQuery.paused_until)
    )
    rows = await session.scalars(statement, execution_options={"synchronize_session": False})
    return rows.one_or_none()


async def dismissals(
    session: AsyncSession, award_ids: Collection[str]
) -> set[tuple[uuid.UUID, str]]:
    """Who has dismissed which of the awards."""
    statement = select(Application.subject_id, Application.scholarship_id).where(
        Application.scholarship_id == func.any(cast(list(award_ids), ARRAY(Text))),
        Application.status == ApplicationStatus.DISMISSED.value,
    )
    return {(row[0], row[1]) for row in await session.execute(statement)}


class Notified(NamedTuple):
    """A search whose subject is told about new results."""

    id: uuid.UUID
    subject_id: uuid.UUID
    created_at: dt.datetime
    frequency: str
    timezone: str | None
    """The subject's own."""


async def notified(
    session: AsyncSession, digests: Collection[bytes], *, lock: bool = False
) -> list[tuple[bytes, Notified]]:
    """The searches with these queries whose subjects are told; with `lock`, locked against deletion
    until the commit."""
    statement = (
        select(
            SavedSearch.indexed_query,
            SavedSearch.id,
            SavedSearch.subject_id,
            SavedSearch.created_at,
            SavedSearch.notify_frequency,
            Profile.timezone,
        )
        .outerjoin(Profile, Profile.subject_id == SavedSearch.subject_id)
        .where(
            _IS_NOTIFIED,
            SavedSearch.indexed_query == func.any(cast(list(digests), ARRAY(LargeBinary))),
        )
        .order_by(SavedSearch.id)
    )
    if lock:
        statement = statement.with_for_update(read=True, key_share=True, of=SavedSearch)
    return [
        (
            row.indexed_query,
            Notified(row.id, row.subject_id, row.created_at, row.notify_frequency, row.timezone),
        )
        for row in await session.execute(statement)
    ]
