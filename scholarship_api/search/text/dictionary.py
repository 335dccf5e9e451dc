"""Lookups in the dictionary: the words of the catalogue, with their stems and frequencies."""

from collections.abc import Sequence
from typing import Final

from pydantic_core import from_json

from scholarship_api.catalogue.parted_stems import PARTED_STEMS, REPRESENTATIVES
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.snapshot import Snapshot, TermStatistics
from scholarship_api.search.text.capitals import INFORMATION_TECHNOLOGY
from scholarship_api.search.text.edit_distance import DictionaryTerm

_GROUPS: Final = {
    group[0]: " ".join(group) for groups in PARTED_STEMS.values() for group in groups
} | {"it": "it"}

# Words beyond ASCII are not in search_words. They are searched for as they are.
_LOOK_UP: Final = """
SELECT json_build_array(
    w.folded, coalesce('=' || w.representative, w.lexeme), coalesce(k.documents, 0),
    w.lexeme IS NULL OR w.folded ~ '^([0-9]+|.)$' OR w.folded ~ '[^\x01-\x7f]'
        OR k.documents IS NOT NULL,
    EXISTS (SELECT FROM search_words AS same WHERE same.word >= w.folded AND same.word <= w.folded),
    coalesce(c.lexemes, '[]'), coalesce(c.documents, 0),
    (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass))
FROM (
    SELECT u.position, u.folded, nullif(u.representative, '') AS representative, u.words,
        (ts_lexize('pg_catalog.english_stem', u.folded))[1] AS lexeme
    FROM (
        SELECT position, public.fold_text(word) COLLATE "C" AS folded, representative, words
        FROM unnest(%(words)s::text[], %(representatives)s::text[], %(groups)s::text[])
            WITH ORDINALITY AS given (word, representative, words, position)
    ) AS u
) AS w, LATERAL (
    SELECT sum(known.documents) AS documents FROM search_words AS known
    WHERE known.lexeme = w.lexeme
      AND (w.representative IS NULL OR known.word = ANY (string_to_array(w.words, ' ')))
) AS k, LATERAL (
    SELECT json_agg(longer.lexeme) AS lexemes, sum(longer.documents) AS documents
    FROM (
        SELECT longer.lexeme, longer.documents FROM search_words AS longer
        WHERE w.position = %(completed)s::int AND w.lexeme IS NOT NULL
          AND length(w.folded) >= %(min_prefix_letters)s::int
          AND longer.word >= w.folded AND longer.word < w.folded || chr(1114111)
          AND (w.representative IS NULL OR longer.lexeme <> w.lexeme)
        ORDER BY longer.documents DESC, longer.word LIMIT %(max_completions)s::int
    ) AS longer
) AS c
ORDER BY w.position
"""


async def look_up(
    snapshot: Snapshot, words: Sequence[str], *, completed: int | None = None
) -> list[TermStatistics]:
    """The statistics of each word; those of the word at position `completed` with completions."""
    cache = snapshot.cache.terms
    keys = [(word, position == completed) for position, word in enumerate(words)]
    found = {key: term for key in keys if (term := cache.get(key)) is not None}
    new = [key for key in dict.fromkeys(keys) if key not in found]
    if new:
        positions = [number for number, (_, is_completed) in enumerate(new, 1) if is_completed]
        representatives = [_representative(word) for word, _ in new]
        rows = await snapshot.fetch(
            _LOOK_UP,
            {
                "words": [word for word, _ in new],
                "representatives": representatives,
                "groups": [_GROUPS.get(word, "") for word in representatives],
                "completed": positions[0] if positions else None,
                "min_prefix_letters": limits.MIN_PREFIX_LETTERS,
                "max_completions": limits.MAX_COMPLETIONS,
            },
        )
        for key, (row,) in zip(new, rows, strict=True):
            folded, lexeme, documents, is_recognised, is_word, completions, *rest = from_json(row)
            term = TermStatistics(
                folded,
                lexeme,
                documents,
                is_recognised,
                is_word,
                tuple(dict.fromkeys(completions)),
                *rest,
            )
            found[key] = term
            cache.put(key, term)
    return [found[key] for key in keys]


async def spellings(snapshot: Snapshot, words: Sequence[str]) -> dict[str, str]:
    """Those words that an award has exactly so, with their spelling in the dictionary.

    Sends no statement for words that were looked up before, such as those of the query.
    """
    cache = snapshot.cache.terms
    found = {word: cache.get((word, False)) or cache.get((word, True)) for word in words}
    new = [word for word, term in found.items() if term is None]
    found |= zip(new, await look_up(snapshot, new), strict=True)
    return {word: term.folded for word, term in found.items() if term is not None and term.is_word}


def _representative(word: str) -> str:
    """The word that stands for it in the index, if its stem is shared with unlike words."""
    if word == INFORMATION_TECHNOLOGY:
        return "it"
    return REPRESENTATIVES.get(word.lower(), "")


# A range instead of =, for which the planner would use the index of trigrams: 0.5 ms each.
_SIMILAR: Final = f"""
SELECT k.word, k.lexeme, k.documents
FROM unnest(%(spellings)s::text[]) AS spelled (word)
JOIN search_words AS k ON k.word >= spelled.word COLLATE "C" AND k.word <= spelled.word COLLATE "C"
UNION
SELECT near.word, near.lexeme, near.documents
FROM unnest(%(words)s::text[]) AS typed (word), LATERAL (
    SELECT k.word, k.lexeme, k.documents FROM search_words AS k
    ORDER BY k.word OPERATOR(public.<->) typed.word LIMIT {limits.MAX_SIMILAR_WORDS}
) AS near
"""  # noqa: S608 - made of literals


async def similar(
    fetch: Fetch, words: Sequence[str], *, spellings: Sequence[str]
) -> list[DictionaryTerm]:
    """Words of the catalogue that have trigrams in common with one of `words`, or are one of
    `spellings`."""
    rows = await fetch(_SIMILAR, {"words": list(words), "spellings": list(spellings)})
    return [
        DictionaryTerm(word.decode(), lexeme.decode(), int(documents))
        for word, lexeme, documents in rows
    ]
