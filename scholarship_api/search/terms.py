"""The query language: words, "quoted phrases", -exclusions; every string is a valid query.

Parsing is pure; what the words mean (their stems, corrections and prefixes) comes from the
catalogue's vocabulary, see `queries.resolve_words`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_WORDS: Final = 32

_CLAUSE: Final = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: int
    """Where it stands in the query, so that a correction can be put in its place."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Clause:
    """Words that must all be there; next to each other if a phrase; absent if excluded."""

    words: tuple[Word, ...]
    is_phrase: bool = False
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    clauses: tuple[Clause, ...]

    @property
    def words(self) -> Iterator[Word]:
        for clause in self.clauses:
            yield from clause.words

    @property
    def prefix_word(self) -> Word | None:
        """The last word, which may still be being typed, unless it is quoted or excluded."""
        last = self.clauses[-1] if self.clauses else None
        if last is None or last.is_phrase or last.is_excluded:
            return None
        return last.words[-1]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the vocabulary knows of one word."""

    lexeme: str | None
    """The stem under which PostgreSQL indexes the word; None for a stop word."""
    completions: tuple[str, ...] = ()
    """Stems of the words that begin with it."""
    correction: str | None = None
    """The spelling that was looked up in its place."""


class Place(StrEnum):
    """Prefixes of the lexemes that say where a word stands; see the first migration."""

    NAME = "n"
    ORGANIZATION = "o"


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A query as PostgreSQL's `tsquery` texts."""

    match: str
    """What decides which awards are found."""
    exact: str | None = None
    """The same without completions, where they differ: it ranks whole words first."""
    placed: str | None = None
    """`match` with all its words in one place, which `in_place` names; None when all it does is
    exclude. It stands alone: beside `match`, which it implies, the planner would multiply both."""
    did_you_mean: str | None = None

    def in_place(self, place: Place) -> str | None:
        """The tsquery text for awards that have all the words in their name or organization."""
        return None if self.placed is None else self.placed.replace("'?/", f"'{place}/")


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


def compile_query(query: Query, meanings: Mapping[Word, Meaning]) -> TextQuery | None:
    """The tsquery texts; None when nothing is left to look for (only stop words, only signs)."""
    match, exact, placed = [], [], []
    is_wanted = False
    for clause in query.clauses:
        if clause.is_phrase or clause.is_excluded:
            phrase = _phrase(clause, meanings)
            if phrase:
                term = f"!({phrase})" if clause.is_excluded else f"({phrase})"
                match.append(term)
                exact.append(term)
                placed.append(term)
                if not clause.is_excluded:
                    is_wanted = True
                    placed += [_anywhere([lexeme]) for lexeme in _lexemes(clause, meanings)]
            continue
        for word in clause.words:
            meaning = meanings[word]
            whole = [] if meaning.lexeme is None else [meaning.lexeme]
            alternatives = list(dict.fromkeys([*whole, *meaning.completions]))
            if alternatives:
                match.append(f"({'|'.join(map(_quote, alternatives))})")
                placed.append(_anywhere(alternatives))
                is_wanted = True
            if whole:
                exact.append(_quote(whole[0]))
    if not match:
        return None
    matched, exactly = "&".join(match), "&".join(exact)
    return TextQuery(
        match=matched,
        exact=exactly if exact and _plain(exactly) != _plain(matched) else None,
        placed="&".join(placed) if is_wanted else None,
        did_you_mean=_corrected(query, meanings),
    )


def _phrase(clause: Clause, meanings: Mapping[Word, Meaning]) -> str:
    text, last = "", 0
    for position, word in enumerate(clause.words):
        lexeme = meanings[word].lexeme
        if lexeme is None:
            continue
        # A stop word leaves a gap: "school of nursing" is 'school' <2> 'nurs'.
        text += f"<{position - last}>{_quote(lexeme)}" if text else _quote(lexeme)
        last = position
    return text


def _lexemes(clause: Clause, meanings: Mapping[Word, Meaning]) -> list[str]:
    lexemes = (meanings[word].lexeme for word in clause.words)
    return [lexeme for lexeme in lexemes if lexeme is not None]


def _anywhere(alternatives: list[str]) -> str:
    return f"({'|'.join(_quote(f'?/{lexeme}') for lexeme in alternatives)})"


def _quote(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _plain(tsquery: str) -> str:
    return tsquery.replace("(", "").replace(")", "")


def _corrected(query: Query, meanings: Mapping[Word, Meaning]) -> str | None:
    text = query.text
    for word in reversed(list(query.words)):
        correction = meanings[word].correction
        if correction is not None:
            text = text[: word.start] + correction + text[word.end :]
    return text if text != query.text else None
