"""Statements that find the saved searches whose results a changed award may be."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    LargeBinary,
    Row,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.applications.models import Application, ApplicationStatus
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.profiles.models import Profile
from scholarship_api.saved_searches.models import Channel, SavedSearch
from scholarship_api.saved_searches.tokens import BEGINNING_PREFIX, WORD_PREFIX
from scholarship_api.search.text.required_lexemes import BEGINNING_LETTERS

MAX_FAILURES: Final = 3
"""A search that could not be compared with changed awards so often is not compared any more."""

_IS_NOTIFIED: Final = SavedSearch.notify_channel != Channel.NONE.value


async def to_index(
    session: ReadSession, *, before: dt.datetime, limit: int
) -> Sequence[Row[uuid.UUID, dict[str, Any]]]:
    """Searches that are told about, and not indexed since an instant."""
    search = select(SavedSearch.id, SavedSearch.query).where(_IS_NOTIFIED)
    # Each part reads an index, and no part more than the limit.
    parts = (
        search.where(SavedSearch.tokens.is_(None)).limit(limit),
        search.where(SavedSearch.indexed_at.is_(None)).limit(limit),
        search.where(SavedSearch.indexed_at < before).order_by(SavedSearch.indexed_at).limit(limit),
    )
    found: dict[uuid.UUID, Row[uuid.UUID, dict[str, Any]]] = {}
    for part in parts:
        if len(found) < limit:
            found |= {row.id: row for row in await session.execute(part)}
    return list(found.values())[:limit]


class Entry(NamedTuple):
    """The stored index, to find the searches of a query."""

    digest: bytes
    words: str | None
    tokens: Sequence[str]


async def indexed(
    session: ReadSession, digests: Collection[bytes], *, since: dt.datetime
) -> dict[bytes, Entry]:
    """The entries of equal queries that were stored since an instant, by their digests."""
    statement = (
        select(SavedSearch.query_digest, cast(SavedSearch.words, Text), SavedSearch.tokens)
        .ext(distinct_on(SavedSearch.query_digest))
        .where(
            _IS_NOTIFIED,
            SavedSearch.query_digest == func.any(cast(list(digests), ARRAY(LargeBinary))),
            SavedSearch.indexed_at >= since,
            SavedSearch.tokens.is_not(None),
        )
    )
    rows = await session.execute(statement)
    return {
        digest: Entry(digest, words, search_tokens)
        for digest, words, search_tokens in rows
        if digest is not None and search_tokens is not None
    }


_STORE: Final = text("""
UPDATE saved_searches AS search
SET query_digest = given.digest, words = CAST(given.words AS tsquery),
    tokens = string_to_array(given.tokens, E'\\x1f'), indexed_at = now(), match_failures = 0
FROM unnest(CAST(:ids AS uuid[]), CAST(:queries AS jsonb[]), CAST(:digests AS bytea[]),
    CAST(:words AS text[]), CAST(:tokens AS text[])) AS given (id, query, digest, words, tokens)
WHERE search.id = given.id AND search.query = given.query
""")


async def index(
    session: WriteSession, entries: Sequence[tuple[uuid.UUID, dict[str, Any], Entry]]
) -> None:
    """Store the index of searches that have this query still."""
    await session.execute(
        _STORE,
        {
            "ids": [search_id for search_id, _, _ in entries],
            "queries": [to_json(query).decode() for _, query, _ in entries],
            "digests": [entry.digest for _, _, entry in entries],
            "words": [entry.words for _, _, entry in entries],
            "tokens": ["\x1f".join(entry.tokens) for _, _, entry in entries],
        },
    )


_CANDIDATES: Final = text(f"""
WITH changed AS MATERIALIZED (
    SELECT given.number, award.search_vector,
        string_to_array(given.tokens, E'\\x1f')
        || ARRAY(SELECT '{WORD_PREFIX}' || lexeme FROM unnest(lexemes) AS lexeme)
        || ARRAY(SELECT DISTINCT '{BEGINNING_PREFIX}' || left(lexeme, {BEGINNING_LETTERS})
            FROM unnest(lexemes) AS lexeme) AS tokens
    FROM unnest(CAST(:award_ids AS text[]), CAST(:tokens AS text[]))
        WITH ORDINALITY AS given (id, tokens, number)
    JOIN scholarships AS award ON award.id = given.id AND award.status = 'published'
    CROSS JOIN LATERAL tsvector_to_array(award.search_vector) AS lexemes
), found AS MATERIALIZED (
    SELECT search.query_digest, CASE WHEN search.use_profile THEN search.id END AS search_id,
        changed.number
    FROM changed CROSS JOIN LATERAL (
        SELECT * FROM saved_searches AS search
        WHERE search.notify_channel <> 'none' AND search.tokens && changed.tokens
          AND search.match_failures < {MAX_FAILURES}
          AND (search.words IS NULL OR changed.search_vector @@ search.words)
        OFFSET 0
    ) AS search
)
SELECT query_digest, search_id, array_agg(DISTINCT CAST(number AS int)) AS numbers
FROM found GROUP BY query_digest, search_id
""")  # noqa: S608 - of literals


# Without the statistics of a new index, the planner would rather read every search.
_BY_INDEX: Final = text("""
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true)
""")


class Candidate(NamedTuple):
    """A query that may have new results."""

    digest: bytes
    search_id: uuid.UUID | None
    """The only search with the query, where it uses the stored profile."""


async def candidates(
    session: ReadSession, tokens: Mapping[str, Sequence[str]]
) -> dict[Candidate, list[str]]:
    """The queries that the awards may be results of, each with these awards.

    `tokens` has the tokens of filters of each award.
    """
    award_ids = list(tokens)
    await session.execute(_BY_INDEX)
    rows = await session.execute(
        _CANDIDATES,
        {"award_ids": award_ids, "tokens": ["\x1f".join(tokens[each]) for each in award_ids]},
    )
    return {
        Candidate(row.query_digest, row.search_id): [award_ids[n - 1] for n in row.numbers]
        for row in rows
    }


async def every_query(session: ReadSession) -> list[Candidate]:
    """All queries that somebody is told about, for a comparison with what the index finds."""
    statement = select(
        SavedSearch.query_digest,
        case((SavedSearch.use_profile, SavedSearch.id)).label("search_id"),
    )
    statement = statement.where(_IS_NOTIFIED, SavedSearch.query_digest.is_not(None)).distinct()
    return [Candidate(*row) for row in await session.execute(statement)]


class StoredQuery(NamedTuple):
    search_id: uuid.UUID
    """One of the searches with this query."""
    subject_id: uuid.UUID
    query: dict[str, Any]
    use_profile: bool


async def stored_queries(
    session: ReadSession, candidates: Collection[Candidate]
) -> dict[Candidate, StoredQuery]:
    """The queries of these searches, without those that have changed meanwhile."""
    columns = (SavedSearch.id, SavedSearch.subject_id, SavedSearch.query, SavedSearch.use_profile)
    digests = [each.digest for each in candidates if each.search_id is None]
    shared = (
        select(SavedSearch.query_digest, *columns)
        .ext(distinct_on(SavedSearch.query_digest))
        .where(
            _IS_NOTIFIED,
            ~SavedSearch.use_profile,
            SavedSearch.query_digest == func.any(cast(digests, ARRAY(LargeBinary))),
        )
    )
    ids = [each.search_id for each in candidates if each.search_id is not None]
    single = select(SavedSearch.query_digest, *columns).where(
        _IS_NOTIFIED, SavedSearch.id == func.any(cast(ids, ARRAY(Uuid)))
    )
    found = {}
    for digest, *values in [*await session.execute(shared), *await session.execute(single)]:
        stored = StoredQuery(*values)
        found[Candidate(digest, stored.search_id if stored.use_profile else None)] = stored
    return found


async def add_failure(session: WriteSession, candidate: Candidate) -> int:
    """Count a failure of all searches with this query. Returns how many there were."""
    statement = update(SavedSearch).values(match_failures=SavedSearch.match_failures + 1)
    statement = statement.where(_IS_NOTIFIED, _has_query([candidate]))
    rows = await session.scalars(
        statement.returning(SavedSearch.match_failures),
        execution_options={"synchronize_session": False},
    )
    return max(rows.all(), default=MAX_FAILURES)


def _has_query(candidates: Collection[Candidate]) -> ColumnElement[bool]:
    digests = [each.digest for each in candidates if each.search_id is None]
    ids = [each.search_id for each in candidates if each.search_id is not None]
    return or_(
        and_(
            ~SavedSearch.use_profile,
            SavedSearch.query_digest == func.any(cast(digests, ARRAY(LargeBinary))),
        ),
        SavedSearch.id == func.any(cast(ids, ARRAY(Uuid))),
    )


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
    session: AsyncSession, candidates: Collection[Candidate], *, lock: bool = False
) -> list[tuple[Candidate, Notified]]:
    """The searches with these queries whose subjects are told; with `lock`, locked against deletion
    until the commit."""
    statement = (
        select(
            SavedSearch.query_digest,
            SavedSearch.use_profile,
            SavedSearch.id,
            SavedSearch.subject_id,
            SavedSearch.created_at,
            SavedSearch.notify_frequency,
            Profile.timezone,
        )
        .outerjoin(Profile, Profile.subject_id == SavedSearch.subject_id)
        .where(_IS_NOTIFIED, _has_query(candidates))
        .order_by(SavedSearch.id)
    )
    if lock:
        statement = statement.with_for_update(read=True, key_share=True, of=SavedSearch)
    found = []
    for row in await session.execute(statement):
        search = Notified(
            row.id, row.subject_id, row.created_at, row.notify_frequency, row.timezone
        )
        found.append((Candidate(row.query_digest, row.id if row.use_profile else None), search))
    return found
