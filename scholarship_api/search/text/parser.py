"""The query language: words, "quoted phrases", -exclusions, OR and NOT. Every string is a valid
query.

Parsing needs no database. `analysis` finds out what the words stand for in the catalogue.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from scholarship_api.catalogue.word_boundaries import UNSPACED
from scholarship_api.search import limits
from scholarship_api.search.text import capitals, normalization

_CLAUSE: Final = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_WORD: Final = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{UNSPACED}]")

_EITHER: Final = "OR"
_EXCLUDED: Final = "NOT"


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
    is_alternative: bool = False
    """Whether OR stands before it: an award may have the words before OR instead."""


class Query(NamedTuple):
    text: str
    """As it was typed, without invisible characters."""
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
    def alternatives(self) -> frozenset[Word]:
        """The plain words that OR stands before."""
        return frozenset(
            clause.words[0]
            for clause in self.clauses
            if clause.is_alternative and not clause.is_phrase and not clause.is_excluded
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
    text = normalization.visible_text(text)
    clauses = list(_clauses(text))
    if normalization.is_in_capitals(text):
        # Capitals tell nothing here: OR and NOT are words, and so are most state codes.
        clauses = [
            clause._replace(
                words=tuple(word._replace(text=word.text.lower()) for word in clause.words)
            )
            for clause in clauses
        ]
        clauses = capitals.recognise(text, clauses)
    else:
        clauses = _with_operators(capitals.recognise(text, clauses))
    query = Query(text, tuple(clauses))
    if sum(1 for _ in query.words) > limits.MAX_QUERY_WORDS:
        raise ValueError(f"must hold at most {limits.MAX_QUERY_WORDS} words")
    return query


def _clauses(text: str) -> Iterator[Clause]:
    for found in _CLAUSE.finditer(text):
        group = "plain" if found["phrase"] is None else "phrase"
        offset = found.start(group)
        words = [Word(word.group(), offset + word.start()) for word in _WORD.finditer(found[group])]
        if not words:
            continue
        is_excluded = found["minus"] is not None
        if group == "phrase":
            every_letter = tuple(part for word in words for part in _pairs_of_letters(word))
            yield Clause(every_letter, is_phrase=True, is_excluded=is_excluded)
        elif is_excluded:
            # -need-based excludes awards with the two words side by side, not awards with either.
            every_letter = tuple(part for word in words for part in _pairs_of_letters(word))
            yield Clause(every_letter, is_phrase=len(every_letter) > 1, is_excluded=True)
        else:
            yield from _plain_clauses(words)


def _plain_clauses(words: list[Word]) -> Iterator[Clause]:
    """One clause of the words with spaces between them, and one for each text without spaces."""
    spaced: list[Word] = []
    for word in words:
        if not _IS_UNSPACED.match(word.text):
            spaced.append(word)
            continue
        if spaced:
            yield Clause(tuple(spaced))
            spaced = []
        pairs = _pairs_of_letters(word)
        yield Clause(pairs, is_phrase=len(pairs) > 1)
    if spaced:
        yield Clause(tuple(spaced))


def _pairs_of_letters(word: Word) -> tuple[Word, ...]:
    """The word; a text without spaces as it is indexed, in pairs of neighbouring letters."""
    if not _IS_UNSPACED.match(word.text) or len(word.text) == 1:
        return (word,)
    count = min(len(word.text) - 1, limits.MAX_LETTER_PAIRS)
    return tuple(Word(word.text[at : at + 2], word.start + at) for at in range(count))


def _with_operators(clauses: list[Clause]) -> list[Clause]:
    """OR and NOT between clauses become properties of the clause that follows."""
    found: list[Clause] = []
    at = 0
    while at < len(clauses):
        operator = _operator_at(clauses, at, has_words_before=bool(found))
        if operator is None:
            found.append(clauses[at])
            at += 1
            continue
        following = clauses[at + 1]
        if operator == _EITHER:
            found.append(following._replace(is_alternative=True))
        else:
            is_phrase = following.is_phrase or len(following.words) > 1
            found.append(following._replace(is_phrase=is_phrase, is_excluded=True))
        at += 2
    return found


def _operator_at(clauses: list[Clause], at: int, *, has_words_before: bool) -> str | None:
    clause = clauses[at]
    if clause.is_phrase or clause.is_excluded or len(clause.words) != 1:
        return None
    text = clause.words[0].text
    is_last = at + 1 == len(clauses)
    if is_last or not (text == _EXCLUDED or (text == _EITHER and has_words_before)):
        return None
    return text
