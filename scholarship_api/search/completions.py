"""The statements of the suggestions: texts of the catalogue that go on from what is typed."""

from collections.abc import Iterable
from typing import Final

from scholarship_api.platform.database import Fetch

# Walks the index from one distinct text to the next, whatever the number of awards behind each.
_COMPLETE: Final = """
WITH RECURSIVE walk AS (
    (SELECT {column} AS folded, {text} AS text, 1 AS step FROM scholarships
     WHERE status = 'published' AND closes_at >= %(now)s
       AND {column} >= %(prefix)s AND {column} < %(end)s
     ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT following.folded, following.text, walk.step + 1
    FROM walk, LATERAL (
        SELECT {column} AS folded, {text} AS text FROM scholarships
        WHERE status = 'published' AND closes_at >= %(now)s
          AND {column} > walk.folded AND {column} < %(end)s
        ORDER BY {column} LIMIT 1) AS following
    WHERE walk.step < %(limit)s::int
)
SELECT text FROM walk ORDER BY folded
"""
_COMPLETE_NAMES: Final = _COMPLETE.format(column="name_folded", text="name")
_COMPLETE_ORGANIZATIONS: Final = _COMPLETE.format(column="organization_folded", text="organization")

_NAMES_WITH: Final = """
SELECT DISTINCT ON (found.name_folded) found.name FROM (
    SELECT s.name, s.name_folded FROM scholarships AS s
    WHERE s.status = 'published' AND s.closes_at >= %(now)s
      AND s.search_vector @@ %(words)s::tsquery
    ORDER BY s.closes_at, s.id LIMIT 50
) AS found ORDER BY found.name_folded LIMIT %(limit)s::int
"""


async def complete_texts(
    fetch: Fetch, prefix: str, *, now: object, limit: int
) -> tuple[list[str], list[str]]:
    """Names and organizations of open awards that begin with `prefix` (folded)."""
    params = {"prefix": prefix, "end": prefix + "\U0010ffff", "now": now, "limit": limit}
    names = await fetch(_COMPLETE_NAMES, params)
    return _texts(names), _texts(await fetch(_COMPLETE_ORGANIZATIONS, params))


async def names_with(fetch: Fetch, words: str, *, now: object, limit: int) -> list[str]:
    """Names of open awards that `words` (a tsquery text) match."""
    params = {"words": words, "now": now, "limit": limit}
    return _texts(await fetch(_NAMES_WITH, params))


async def fold(fetch: Fetch, text: str) -> str:
    """Lower case without accents, as names are indexed."""
    [folded] = _texts(await fetch("SELECT public.fold_text(%(text)s)", {"text": text}))
    return folded


def _texts(rows: Iterable[tuple[bytes, ...]]) -> list[str]:
    return [text.decode() for (text,) in rows]
