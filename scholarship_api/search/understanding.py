"""What the words of a query mean in this catalogue: stems, completions, corrections."""

from typing import Final

from psycopg.rows import DictRow

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database import DriverConnection
from scholarship_api.search import queries, terms

MIN_PREFIX: Final = 2
"""Shorter last words are not completed: they begin too many words to help."""

MAX_COMPLETIONS: Final = 24
MAX_CORRECTED: Final = 40
"""Letters; longer words are looked up as they are."""


async def understand(connection: DriverConnection, q: str) -> terms.TextQuery | None:
    """None when `q` holds nothing to look for. Raises ValidationFailed for too many words."""
    try:
        query = terms.parse(q)
    except ValueError as error:
        raise ValidationFailed.of("q", str(error)) from None
    if not query.clauses:
        return None
    return terms.compile_query(query, await _meanings(connection, query))


async def _meanings(
    connection: DriverConnection, query: terms.Query
) -> dict[terms.Word, terms.Meaning]:
    words = list(query.words)
    resolved = await queries.resolve_words(connection, [word.text for word in words])
    excluded = {word for clause in query.clauses if clause.is_excluded for word in clause.words}
    meanings: dict[terms.Word, terms.Meaning] = {}
    for word, row in zip(words, resolved, strict=True):
        completed: list[str] = []
        is_prefix = word == query.prefix_word and row["lexeme"] is not None
        if is_prefix and len(row["folded"]) >= MIN_PREFIX:
            completed = await queries.completions(connection, row["folded"], limit=MAX_COMPLETIONS)
        lexeme, correction = row["lexeme"], None
        if not row["known"]:
            if not completed and word not in excluded:
                lexeme, correction = await _correct(connection, row)
            elif completed:
                lexeme = None
        meanings[word] = terms.Meaning(lexeme, tuple(completed), correction)
    return meanings


async def _correct(connection: DriverConnection, row: DictRow) -> tuple[str, str | None]:
    """The nearest word of the catalogue, if one is near enough for the word's length."""
    word: str = row["folded"]
    if len(word) > MAX_CORRECTED:
        return row["lexeme"], None
    best: tuple[float, int, str, str] | None = None
    for near in await queries.similar_words(connection, word):
        distance: int = near["distance"]
        # Two neighbouring letters swapped are one slip, which Levenshtein counts as two.
        if distance == 2 and sorted(near["word"]) == sorted(word):  # noqa: PLR2004
            distance = 1
        if distance <= _slips(word):
            candidate = (distance, -near["documents"], near["word"], near["lexeme"])
            best = candidate if best is None else min(best, candidate)
    if best is None:
        return row["lexeme"], None
    return best[3], best[2]


def _slips(word: str) -> int:
    """How many slips of the pen a word of this length may hold (as Elasticsearch's AUTO, +1)."""
    for shorter_than, slips in ((3, 0), (6, 1), (9, 2)):
        if len(word) < shorter_than:
            return slips
    return 3
