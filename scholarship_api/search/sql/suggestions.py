"""The statements of the suggestions: names and organizations that continue what is typed."""

from collections.abc import Iterable
from typing import Final

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql.statements import estimate_matches
from scholarship_api.search.text import dictionary, parser
from scholarship_api.search.text.tsquery import quote

# Walks along the index from one distinct text to the next, whatever the number of awards with each.
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

_NAMES: Final = f"""
SELECT DISTINCT ON (found.name_folded) found.name FROM (
    SELECT s.name, s.name_folded FROM ({{matches}}) AS s
    ORDER BY s.closes_at, s.id LIMIT {limits.SUGGESTED_FROM_AWARDS}
) AS found ORDER BY found.name_folded LIMIT %(limit)s::int
"""
# IS TRUE keeps the prefix out of the index, which would look up every award with a word that begins
# so, and then drop all but the few that have the other words.
_NAMES_BY_WORDS: Final = _NAMES.format(
    matches="""
    SELECT s.id, s.name, s.name_folded, s.closes_at FROM scholarships AS s
    WHERE s.status = 'published' AND s.closes_at >= %(now)s
      AND s.search_vector @@ %(looked_up)s::tsquery
      AND (%(last_prefix)s::tsquery IS NULL
           OR (s.search_vector @@ %(last_prefix)s::tsquery) IS TRUE)
    LIMIT %(max_lookups)s::int
"""
)
_NAMES_BY_DEADLINE: Final = _NAMES.format(
    matches="""
    SELECT s.id, s.name, s.name_folded, s.closes_at FROM (
        SELECT s.* FROM scholarships AS s
        WHERE s.status = 'published' AND s.closes_at >= %(now)s
        ORDER BY s.closes_at, s.id LIMIT %(max_scanned)s::int
    ) AS s WHERE s.search_vector @@ %(words)s::tsquery
"""
)


async def complete_texts(
    fetch: Fetch, prefix: str, *, now: object, limit: int
) -> tuple[list[str], list[str]]:
    """Names and organizations of open awards that begin with `prefix` (folded)."""
    params = {"prefix": prefix, "end": prefix + "\U0010ffff", "now": now, "limit": limit}
    names = await fetch(_COMPLETE_NAMES, params)
    return _texts(names), _texts(await fetch(_COMPLETE_ORGANIZATIONS, params))


async def names_with(snapshot: Snapshot, folded: str, *, limit: int) -> list[str]:
    """Names of open awards with all words of `folded`, of which the last may be incomplete.

    They come from the awards that close soonest: among all matches, or where those are too many to
    read, among MAX_SUGGESTION_LOOKUPS of them or the next MAX_SUGGESTION_SCANNED awards to close.
    """
    try:
        typed = [word.text for word in parser.parse(folded.replace('"', " ")).words]
    except ValueError:  # no name has so many words
        return []
    if not typed:
        return []
    *before, last = await dictionary.look_up(snapshot, typed)
    whole_words = "&".join(quote(f"n/{term.lexeme}") for term in before if term.lexeme)
    stems = sorted({last.folded, last.lexeme or last.folded})
    last_prefix = "|".join(f"{quote(f'n/{stem}')}:*" for stem in stems)
    words = f"{whole_words}&({last_prefix})" if whole_words else last_prefix
    params: dict[str, object] = {"now": snapshot.now, "limit": limit}
    if await _estimated_names(snapshot, words) > limits.SUGGESTION_SCAN_SHARE * last.awards:
        params |= {"words": words, "max_scanned": limits.MAX_SUGGESTION_SCANNED}
        return _texts(await snapshot.fetch(_NAMES_BY_DEADLINE, params))
    params |= {
        "looked_up": words,
        "last_prefix": None,
        "max_lookups": limits.MAX_SUGGESTION_LOOKUPS,
    }
    if whole_words and await _estimated_names(snapshot, whole_words) < await _estimated_names(
        snapshot, last_prefix
    ):
        params |= {"looked_up": whole_words, "last_prefix": last_prefix}
    return _texts(await snapshot.fetch(_NAMES_BY_WORDS, params))


async def _estimated_names(snapshot: Snapshot, words: str) -> int:
    """About how many names contain the words. The dictionary only counts whole awards."""
    return await estimate_matches(snapshot.fetch, words)


async def fold(fetch: Fetch, text: str) -> str:
    """Lower case without accents, as the names are indexed."""
    [folded] = _texts(await fetch("SELECT public.fold_text(%(text)s)", {"text": text}))
    return folded


def _texts(rows: Iterable[tuple[bytes, ...]]) -> list[str]:
    return [text.decode() for (text,) in rows]
