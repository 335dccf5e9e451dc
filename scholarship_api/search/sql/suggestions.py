"""The statements of the suggestions: texts of the catalogue that go on from what is typed."""

from collections.abc import Iterable
from typing import Final

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.snapshot import Source
from scholarship_api.search.sql.statements import Conditions, expected_matches
from scholarship_api.search.text import dictionary, parser
from scholarship_api.search.text.tsquery import quote

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

FEW: Final = 0.01
"""Of all awards. Names with words that fewer have are looked up in the index of words, others are
met on a walk along the deadlines: at this share both take as long on a million awards."""

MAX_READ: Final = 250
"""Awards that are looked up, in no order; more would add to the time of looking them up."""

MAX_WALKED: Final = 5_000
"""Awards, of which 50 match if FEW of all do. Common words may never be in one name, and then the
walk would be one along all awards."""

_NAMES: Final = """
SELECT DISTINCT ON (found.name_folded) found.name FROM (
    SELECT s.name, s.name_folded FROM ({matches}) AS s ORDER BY s.closes_at, s.id LIMIT 50
) AS found ORDER BY found.name_folded LIMIT %(limit)s::int
"""
# IS TRUE keeps a condition out of the index, which would look up every award with a word that
# begins so, and then keep those few that have the other words.
_NAMES_OF_FEW: Final = _NAMES.format(
    matches="""
    SELECT s.id, s.name, s.name_folded, s.closes_at FROM scholarships AS s
    WHERE s.status = 'published' AND s.closes_at >= %(now)s
      AND s.search_vector @@ %(looked_up)s::tsquery
      AND (%(begun)s::tsquery IS NULL OR (s.search_vector @@ %(begun)s::tsquery) IS TRUE)
    LIMIT %(max_read)s::int
"""
)
_NAMES_OF_MANY: Final = _NAMES.format(
    matches="""
    SELECT s.id, s.name, s.name_folded, s.closes_at FROM (
        SELECT s.* FROM scholarships AS s
        WHERE s.status = 'published' AND s.closes_at >= %(now)s
        ORDER BY s.closes_at, s.id LIMIT %(max_walked)s::int
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


async def names_with(source: Source, folded: str, *, limit: int) -> list[str]:
    """Names of open awards with all words of `folded`, the last of which may be begun only.

    Those of the 50 that close soonest; where more match than can be read, of MAX_READ of them, or
    of those among the next MAX_WALKED awards to close.
    """
    try:
        typed = [word.text for word in parser.parse(folded.replace('"', " ")).words]
    except ValueError:  # no name has so many
        return []
    if not typed:
        return []
    *before, last = await dictionary.look_up(source, typed)
    whole = "&".join(quote(f"n/{entry.lexeme}") for entry in before if entry.lexeme)
    stems = sorted({last.folded, last.lexeme or last.folded})
    begun = "|".join(f"{quote(f'n/{stem}')}:*" for stem in stems)
    sought = f"{whole}&({begun})" if whole else begun
    params: dict[str, object] = {"now": source.now, "limit": limit}
    if await _expected(source, sought) > FEW * last.awards:
        params |= {"words": sought, "max_walked": MAX_WALKED}
        return _texts(await source.fetch(_NAMES_OF_MANY, params))
    params |= {"looked_up": sought, "begun": None, "max_read": MAX_READ}
    if whole and await _expected(source, whole) < await _expected(source, begun):
        params |= {"looked_up": whole, "begun": begun}
    return _texts(await source.fetch(_NAMES_OF_FEW, params))


async def _expected(source: Source, words: str) -> int:
    """In how many names the words are; the vocabulary knows of whole awards only."""
    conditions = Conditions()
    conditions.add("s.search_vector @@ %(words)s::tsquery", words=words)
    return await expected_matches(source.fetch, conditions)


async def fold(fetch: Fetch, text: str) -> str:
    """Lower case without accents, as names are indexed."""
    [folded] = _texts(await fetch("SELECT public.fold_text(%(text)s)", {"text": text}))
    return folded


def _texts(rows: Iterable[tuple[bytes, ...]]) -> list[str]:
    return [text.decode() for (text,) in rows]
