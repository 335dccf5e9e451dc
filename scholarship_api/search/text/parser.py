"""The query language: words, "quoted phrases", -exclusions; every string is a valid query.

What the words mean in the catalogue is for `understanding` to find out.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_WORDS: Final = 32

_CLAUSE: Final = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_WORD: Final = re.compile(r"[^\W_]+")


class Word(NamedTuple):
    text: str
    start: int
    """Where it stands in the query, so that a correction can be put in its place."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Clause(NamedTuple):
    """Words that must all be there; next to each other if a phrase; absent if excluded."""

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
        """Those that are neither quoted nor excluded."""
        return tuple(
            word
            for clause in self.clauses
            if not clause.is_phrase and not clause.is_excluded
            for word in clause.words
        )

    @property
    def prefix_word(self) -> Word | None:
        """The last word, which may still be being typed, unless it is quoted or excluded."""
        last = self.clauses[-1] if self.clauses else None
        if last is None or last.is_phrase or last.is_excluded:
            return None
        return last.words[-1]


def parse(text: str) -> Query:
    """Raises ValueError when there are more than MAX_WORDS words."""
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
        excluded = found["minus"] is not None
        # An excluded need-based excludes the two words side by side, not awards with either.
        phrase = len(words) > 1 and (group == "phrase" or excluded)
        is_quoted = group == "phrase"
        clauses.append(Clause(words, is_phrase=phrase or is_quoted, is_excluded=excluded))
    query = Query(text, tuple(clauses))
    if sum(1 for _ in query.words) > MAX_WORDS:
        raise ValueError(f"must hold at most {MAX_WORDS} words")
    return query
