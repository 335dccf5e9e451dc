"""The statements on the words of the catalogue."""

from collections.abc import Sequence
from typing import Final

from pydantic_core import from_json

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.snapshot import Entry, Source
from scholarship_api.search.text.edit_distance import Known

MIN_PREFIX: Final = 2
"""Shorter last words are not completed: they begin too many words to help."""

MAX_COMPLETIONS: Final = 24

_LOOK_UP: Final = """
SELECT json_build_array(
    w.folded, w.lexeme, coalesce(k.documents, 0),
    w.lexeme IS NULL OR w.folded ~ '^([0-9]+|.)$' OR k.documents IS NOT NULL,
    coalesce(c.lexemes, '[]'), coalesce(c.documents, 0),
    (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass))
FROM (
    SELECT u.position, u.folded, (ts_lexize('pg_catalog.english_stem', u.folded))[1] AS lexeme
    FROM (
        SELECT position, public.fold_text(word) COLLATE "C" AS folded
        FROM unnest(%(words)s::text[]) WITH ORDINALITY AS given (word, position)
    ) AS u
) AS w, LATERAL (
    SELECT sum(known.documents) AS documents FROM search_words AS known
    WHERE known.lexeme = w.lexeme
) AS k, LATERAL (
    SELECT json_agg(begun.lexeme) AS lexemes, sum(begun.documents) AS documents
    FROM (
        SELECT begun.lexeme, begun.documents FROM search_words AS begun
        WHERE w.position = %(completed)s::int AND w.lexeme IS NOT NULL
          AND length(w.folded) >= %(min_prefix)s::int
          AND begun.word >= w.folded AND begun.word < w.folded || chr(1114111)
        ORDER BY begun.documents DESC, begun.word LIMIT %(max_completions)s::int
    ) AS begun
) AS c
ORDER BY w.position
"""


async def look_up(
    source: Source, words: Sequence[str], *, completed: int | None = None
) -> list[Entry]:
    """The entry of each word; that of the one at position `completed` has its completions."""
    memory = source.memory.words
    keys = [(word, position == completed) for position, word in enumerate(words)]
    found = {key: entry for key in keys if (entry := memory.get(key)) is not None}
    new = [key for key in dict.fromkeys(keys) if key not in found]
    if new:
        positions = [number for number, (_, is_completed) in enumerate(new, 1) if is_completed]
        rows = await source.fetch(
            _LOOK_UP,
            {
                "words": [word for word, _ in new],
                "completed": positions[0] if positions else None,
                "min_prefix": MIN_PREFIX,
                "max_completions": MAX_COMPLETIONS,
            },
        )
        for key, (row,) in zip(new, rows, strict=True):
            folded, lexeme, documents, known, completions, begun, awards = from_json(row)
            completions = tuple(dict.fromkeys(completions))
            entry = Entry(folded, lexeme, documents, known, completions, begun, awards)
            found[key] = entry
            memory.keep(key, entry)
    return [found[key] for key in keys]


# Not =, for which the planner would take the index of trigrams: 0.5 ms each.
_SIMILAR: Final = """
SELECT k.word, k.lexeme, k.documents
FROM unnest(%(spellings)s::text[]) AS spelled (word)
JOIN search_words AS k ON k.word >= spelled.word COLLATE "C" AND k.word <= spelled.word COLLATE "C"
UNION
SELECT near.word, near.lexeme, near.documents
FROM unnest(%(words)s::text[]) AS typed (word), LATERAL (
    SELECT k.word, k.lexeme, k.documents FROM search_words AS k
    ORDER BY k.word OPERATOR(public.<->) typed.word LIMIT 60
) AS near
"""


async def similar(fetch: Fetch, words: Sequence[str], *, spellings: Sequence[str]) -> list[Known]:
    """Words of the catalogue that look like one of `words`, or are one of `spellings`."""
    rows = await fetch(_SIMILAR, {"words": list(words), "spellings": list(spellings)})
    return [
        Known(word.decode(), lexeme.decode(), int(documents)) for word, lexeme, documents in rows
    ]
