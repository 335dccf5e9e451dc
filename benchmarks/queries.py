"""Queries over a synthetic catalogue: words by how many awards hold them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import psycopg

SEARCH: Final = "/api/v1/search"
SHARES: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
"""Of all awards: the sweep."""

PAGE: Final = 20
"""Awards in a page."""

PER_MAGNITUDE: Final = 60
LARGEST_SHARE: Final = 0.6

# Words whose completions all have the word's own stem: the last word of a query is completed, and
# the plain tsquery of such a word finds the same awards.
_WORDS: Final = """
SELECT min(w.word), w.lexeme, sum(w.documents)
FROM search_words AS w
WHERE w.word ~ '^[a-z]{4,20}$'
  AND NOT EXISTS (
      SELECT FROM search_words AS longer
      WHERE longer.word > w.word AND longer.word < w.word || chr(1114111)
        AND longer.lexeme <> w.lexeme)
GROUP BY w.lexeme
ORDER BY w.lexeme
"""
_SHARE: Final = """
SELECT count(*)::float8 / (SELECT count(*) FROM scholarships)
FROM scholarships WHERE status = 'published' AND search_vector @@ %s::tsquery
"""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    lexeme: str
    share: float
    """Of all awards; as the vocabulary estimates it, unless it is of a sweep."""


def vocabulary(connection: "psycopg.Connection[Any]", rows: int) -> list[Word]:
    """Words of the shares of the sweep, in the order of their stems."""
    found = connection.execute(_WORDS).fetchall()
    words = [Word(text, lexeme, documents / rows) for text, lexeme, documents in found]
    return [word for word in words if SHARES[0] <= word.share <= LARGEST_SHARE]


def sweep(connection: "psycopg.Connection[Any]", rows: int) -> list[Word]:
    """For each of SHARES the word that comes nearest, with its exact share."""
    words = vocabulary(connection, rows)
    chosen = []
    for share in SHARES:
        nearest = min(words, key=lambda word: abs(math.log(word.share / share)))
        words.remove(nearest)
        [exact] = connection.execute(_SHARE, [f"'{nearest.lexeme}'"]).fetchone() or [0.0]
        chosen.append(Word(nearest.text, nearest.lexeme, exact))
    return chosen


def pairs(words: Sequence[Word], *, rows: int, seed: int) -> list[tuple[Word, Word]]:
    """Pairs of words, each pair once, of which a page of awards can be expected to hold both.

    The words are spread evenly over the logarithm of their share, so that common ones, of which
    there are few, are as frequent in queries as rare ones. Tens of thousands of pairs.
    """
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    by_magnitude: dict[int, list[Word]] = {}
    for word in words:
        by_magnitude.setdefault(math.floor(math.log2(word.share)), []).append(word)
    spread = [
        word
        for group in by_magnitude.values()
        for word in random.sample(group, min(len(group), PER_MAGNITUDE))
    ]
    found = [
        (one, other)
        for one, other in combinations(spread, 2)
        if one.share * other.share * rows >= PAGE
    ]
    random.shuffle(found)
    return found


def search(**parameters: object) -> str:
    """The path of a search."""
    return f"{SEARCH}?{urlencode(parameters, doseq=True)}"
