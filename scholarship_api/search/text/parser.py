"""The query language: words, "quoted phrases" and -exclusions. Every string is a valid query.

Parsing needs no database. `analysis` finds out what the words stand for in the catalogue.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from scholarship_api.search import limits

_CLAUSE: Final = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_WORD: Final = re.compile(r"[^\W_]+")


class Word(NamedTuple):
    text: str
    start: int
    """The position in the query, where a correction is put in the word's place."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Clause(NamedTuple):
    """Words that an award must all contain: next to each other if they are a phrase. An award must
    not contain an excluded clause."""

    words: tuple[Word, ...]
    is_phrase: bool = False
    is_excluded: bool = False


class Query(NamedTuple):
    text: str
    clauses: tuple[Clause, ...]

    @property
    def words(self) -> Iterator[Word]:
        for clause in self.clauses:
            yield from clause.words

    @property
    def plain_words(self) -> tuple[Word, ...]:
        """The words that are neither quoted nor excluded."""
        return tuple(
            word
            for clause in self.clauses
            if not clause.is_phrase and not clause.is_excluded
            for word in clause.words
        )

    @property
    def prefix_word(self) -> Word | None:
        """The last word, which may be incomplete, unless it is quoted or excluded."""
        last = self.clauses[-1] if self.clauses else None
        if last is None or last.is_phrase or last.is_excluded:
            return None
        return last.words[-1]


def parse(text: str) -> Query:
    """Raises ValueError when there are more than MAX_QUERY_WORDS words."""
    text = unicodedata.normalize("NFC", text)
    clauses: list[Clause] = []
    for found in _CLAUSE.finditer(text):
        group = "plain" if found["phrase"] is None else "phrase"
        offset = found.start(group)
        words = tuple(
            Word(word.group(), offset + word.start()) for word in _WORD.finditer(found[group])
        )
        if not words:
            continue
        is_quoted = group == "phrase"
        is_excluded = found["minus"] is not None
        # -need-based excludes awards with the two words side by side, not awards with either.
        is_phrase = is_quoted or (is_excluded and len(words) > 1)
        clauses.append(Clause(words, is_phrase=is_phrase, is_excluded=is_excluded))
    query = Query(text, tuple(clauses))
    if sum(1 for _ in query.words) > limits.MAX_QUERY_WORDS:
        raise ValueError(f"must hold at most {limits.MAX_QUERY_WORDS} words")
    return query
