"""Statements that keep the index of saved searches."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic_core import to_json
from sqlalchemy import ARRAY, LargeBinary, Row, cast, func, select, text

from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.saved_searches.models import Channel, SavedQuery, SavedSearch


class Unindexed(NamedTuple):
    """A search without an entry."""

    id: uuid.UUID
    query: dict[str, Any]
    use_profile: bool


class Entry(NamedTuple):
    """The index entry of a query."""

    words: str | None
    tokens: Sequence[str]


async def unindexed(session: ReadSession, *, limit: int) -> list[Unindexed]:
    """Searches whose subjects are told about new results, and that have no entry."""
    statement = (
        select(SavedSearch.id, SavedSearch.query, SavedSearch.use_profile)
        .where(
            SavedSearch.notify_channel != Channel.NONE.value, SavedSearch.indexed_query.is_(None)
        )
        .order_by(SavedSearch.id)
        .limit(limit)
    )
    return [Unindexed(*row) for row in await session.execute(statement)]


async def known(session: ReadSession, digests: Collection[bytes]) -> set[bytes]:
    """Return the digests that have an entry."""
    statement = select(SavedQuery.digest).where(
        SavedQuery.digest == func.any(cast(list(digests), ARRAY(LargeBinary)))
    )
    return set(await session.scalars(statement))


_OUTDATED: Final = text("""
SELECT entry.digest, search.query
FROM (
    SELECT digest, indexed_at FROM saved_queries WHERE indexed_at < :before
    ORDER BY indexed_at LIMIT :limit
) AS entry
CROSS JOIN LATERAL (
    SELECT query FROM saved_searches WHERE indexed_query = entry.digest LIMIT 1
) AS search
""")


async def outdated(
    session: ReadSession, *, before: dt.datetime, limit: int
) -> Sequence[Row[bytes, dict[str, Any]]]:
    """Entries that were made before an instant, oldest first, with their queries."""
    return (await session.execute(_OUTDATED, {"before": before, "limit": limit})).all()


_GIVEN: Final = """
    SELECT given.digest, CAST(given.words AS tsquery) AS words,
        string_to_array(given.tokens, E'\\x1f') AS tokens
    FROM unnest(CAST(:digests AS bytea[]), CAST(:words AS text[]), CAST(:tokens AS text[]))
        AS given (digest, words, tokens)
"""
_RENEW: Final = text(f"""
UPDATE saved_queries AS entry
SET words = given.words, tokens = given.tokens, failures = 0, indexed_at = now()
FROM ({_GIVEN}) AS given WHERE entry.digest = given.digest
""")  # noqa: S608 - of literals


async def renew(session: WriteSession, entries: Mapping[bytes, Entry]) -> None:
    """Write these entries anew, those of them that are still there."""
    await session.execute(_RENEW, _parameters(entries))


# Searches that another transaction changes or deletes are left for the next time, so that nobody
# waits for two locks in different orders. Entries are locked in their order.
_LOCK: Final = text("""
SELECT search.id FROM saved_searches AS search
JOIN unnest(CAST(:ids AS uuid[]), CAST(:queries AS jsonb[]), CAST(:profiles AS boolean[]))
    AS given (id, query, use_profile) USING (id, query, use_profile)
FOR NO KEY UPDATE OF search SKIP LOCKED
""")
_ADD: Final = text(f"""
INSERT INTO saved_queries (digest, words, tokens)
SELECT * FROM ({_GIVEN}) AS given ORDER BY digest
ON CONFLICT (digest) DO NOTHING
""")  # noqa: S608 - of literals
_ASSIGN: Final = text("""
UPDATE saved_searches AS search SET indexed_query = entry.digest
FROM unnest(CAST(:ids AS uuid[]), CAST(:digests AS bytea[])) AS given (id, digest)
JOIN (
    SELECT digest FROM saved_queries WHERE digest = ANY (CAST(:digests AS bytea[]))
    ORDER BY digest FOR KEY SHARE
) AS entry ON entry.digest = given.digest
WHERE search.id = given.id
RETURNING search.id
""")


async def index(
    session: WriteSession,
    searches: Sequence[tuple[Unindexed, bytes]],
    new: Mapping[bytes, Entry],
) -> int:
    """Assign searches, given with the digests of their queries, to new and known entries.

    Returns how many there were; not those that are locked, or have changed meanwhile.
    """
    rows = await session.execute(
        _LOCK,
        {
            "ids": [each.id for each, _ in searches],
            "queries": [to_json(each.query).decode() for each, _ in searches],
            "profiles": [each.use_profile for each, _ in searches],
        },
    )
    locked = {row[0] for row in rows}
    assigned = {each.id: digest for each, digest in searches if each.id in locked}
    if not assigned:
        return 0
    # An entry without a search would keep the words of a search that has just been deleted.
    wanted = set(assigned.values())
    added = {digest: entry for digest, entry in new.items() if digest in wanted}
    if added:
        await session.execute(_ADD, _parameters(added))
    parameters = {"ids": list(assigned), "digests": list(assigned.values())}
    return len((await session.execute(_ASSIGN, parameters)).all())


def _parameters(entries: Mapping[bytes, Entry]) -> dict[str, object]:
    return {
        "digests": list(entries),
        "words": [entry.words for entry in entries.values()],
        "tokens": ["\x1f".join(entry.tokens) for entry in entries.values()],
    }
