"""Words of a synthetic catalogue, chosen by the share of awards that contain them."""

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
"""The sweep: shares of all awards that contain a word, from rare to common."""

PAGE: Final = 20
"""Awards in a page."""

WORDS_PER_MAGNITUDE: Final = 60
"""Words chosen from each range of shares that differ by less than a factor of two."""

LARGEST_SHARE: Final = 0.6
"""Words that more awards contain are left out, because nobody searches for them."""

# Words whose completions all have the same stem. The last word of a query is completed, so the
# plain tsquery of such a word finds the same awards as the search.
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
    """Share of all awards that contain the word: exact in a sweep, else from term statistics."""


def vocabulary(connection: "psycopg.Connection[Any]", rows: int) -> list[Word]:
    """Words with a share between those of the sweep, in the order of their stems."""
    found = connection.execute(_WORDS).fetchall()
    words = [Word(text, lexeme, documents / rows) for text, lexeme, documents in found]
    return [word for word in words if SHARES[0] <= word.share <= LARGEST_SHARE]


def sweep(connection: "psycopg.Connection[Any]", rows: int) -> list[Word]:
    """For each of SHARES the word with the nearest share, and its exact share."""
    words = vocabulary(connection, rows)
    chosen = []
    for share in SHARES:
        nearest = min(words, key=lambda word: abs(math.log(word.share / share)))
        words.remove(nearest)
        [exact] = connection.execute(_SHARE, [f"'{nearest.lexeme}'"]).fetchone() or [0.0]
        chosen.append(Word(nearest.text, nearest.lexeme, exact))
    return chosen


def pairs(words: Sequence[Word], *, rows: int, seed: int) -> list[tuple[Word, Word]]:
    """Pairs of words, each pair once, that at least a page of awards should contain together.

    The words are spread evenly over the logarithm of their share. Common words, which are few, are
    then as frequent in queries as rare ones. The result has tens of thousands of pairs.
    """
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    by_magnitude: dict[int, list[Word]] = {}
    for word in words:
        by_magnitude.setdefault(math.floor(math.log2(word.share)), []).append(word)
    spread = [
        word
        for group in by_magnitude.values()
        for word in random.sample(group, min(len(group), WORDS_PER_MAGNITUDE))
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


def misspelt(text: str) -> str:
    """The word with two letters in the middle swapped."""
    middle = len(text) // 2
    return text[: middle - 1] + text[middle] + text[middle - 1] + text[middle + 1 :]
