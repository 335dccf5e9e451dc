"""A query as PostgreSQL's tsquery texts: what is found, what comes first, what if nothing is found.

Compiling is pure; what the words mean comes from `understanding`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from scholarship_api.search.text.parser import Clause, Query, Word

MAX_COMBINED: Final = 6
"""Of more words than these, any one will do when nothing has all of them."""

MAX_RANKED: Final = 20_000
"""Matches times parts of the query: each takes 5 us."""

MAX_REMEMBERED: Final = 2_000
"""Words whose texts are kept: they take 500 bytes each."""

ONCE: Final = 0.6
"""What ts_rank gives a word that stands once at the best place; a phrase there gets 1."""

FURTHER: Final = 0.05
"""What a completion counts beside the word itself, so that whole words come first."""

NEARNESS: Final = 1.0
"""What it counts that two words stand near each other, beside the rarer one of them."""


@dataclass(frozen=True, slots=True)
class Synonym:
    """Another way to say it: a lexeme, or a phrase as a tsquery text."""

    lexemes: tuple[str, ...]
    phrase: str | None = None


class Meaning(NamedTuple):
    """What the vocabulary knows of one word."""

    lexeme: str | None
    """The stem under which PostgreSQL indexes the word; None for a stop word."""
    weight: float = 1.0
    """How much it tells: the fewer awards hold it, the more."""
    share: float = 1.0
    """Of all awards about so much holds it or a completion; 1 where that is not known."""
    completions: tuple[str, ...] = ()
    """Stems of the words that begin with it."""
    correction: str | None = None
    """The spelling that was looked up in its place; empty if the word before took it in."""
    halves: tuple[str, ...] = ()
    """Stems of the two words that it is when a space is put in; then it has no lexeme."""
    others: tuple[str, ...] = ()
    """Stems of further words that may have been meant."""
    is_optional: bool = False
    """Beside other words it ranks, and excludes nothing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Words of one clause that are looked up as one, as they have synonyms together."""

    length: int
    synonyms: tuple[Synonym, ...]
    own_weight: float = 1.0
    """What the words themselves count."""
    weight: float = 1.0
    """What the synonyms count."""
    has_own_words: bool = True
    """Whether awards hold the words themselves."""


_QUOTED: Final = re.compile(r"'((?:[^']|'')+)'")

# Ends of stems that their words may lack: study has studi, hoping hope, disability disabl.
_TURNED: Final = re.compile("(?<=..)(?:[eiy]|(?<=b)l)$")

_NO_UNITS: Final[Mapping[Word, Unit]] = MappingProxyType({})


class Place(StrEnum):
    """Prefixes of the lexemes that say where a word stands; see the first migration."""

    NAME = "n"
    ORGANIZATION = "o"


class Ranked(NamedTuple):
    """A part of the query that makes an award rank higher."""

    weight: float
    tsquery: str
    alternatives: int = 1
    """Lexemes of which one will do: ts_rank takes their mean."""

    @classmethod
    def of(cls, weight: float, tsquery: str, alternatives: int = 1) -> "Ranked":
        """With a weight that is short in a cursor."""
        return cls(round(weight, 3), tsquery, alternatives)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A query as PostgreSQL's `tsquery` texts."""

    match: str
    """What decides which awards are found."""
    ranked: tuple[Ranked, ...] = ()
    """What decides which of them come first; those that tell most before the others."""
    placed: str | None = None
    """`match` with all its words in one place, which `in_place` names; None when all it does is
    exclude. It stands alone: beside `match`, which it implies, the planner would multiply both."""
    did_you_mean: str | None = None
    letters: int = 0
    """Of what was asked for."""
    likely: float = math.inf
    """About how many awards have all the words, if those have nothing to do with each other."""
    narrower: "TextQuery | None" = None
    """Without synonyms, for a result that is too large to be ranked with them."""
    looser: "tuple[TextQuery, ...]" = ()
    """What to look for when nothing has all the words: fewer and fewer of them."""

    def for_matches(self, count: int) -> "TextQuery":
        """The same with as many parts as so many matches can be ranked by, those that tell most."""
        room = max(1, MAX_RANKED // max(count, 1))
        return self if len(self.ranked) <= room else replace(self, ranked=self.ranked[:room])

    def in_place(self, place: Place) -> str | None:
        """The tsquery text for awards that have all the words in their name or organization."""
        return None if self.placed is None else self.placed.replace("'?/", f"'{place}/")


def compile_query(
    query: Query,
    meanings: Mapping[Word, Meaning],
    units: Mapping[Word, Unit] = _NO_UNITS,
    *,
    awards: float = math.inf,
) -> TextQuery | None:
    """The tsquery texts; None when nothing is left to look for (only stop words, only signs).

    `units` are found by their first words, which all stand in plain clauses. `awards` is how many
    there are in the catalogue.
    """
    text = _compile(query, meanings, units, awards)
    own = {word: unit for word, unit in units.items() if not unit.has_own_words}
    if text is None or own == units:
        return text
    return replace(text, narrower=_compile(query, meanings, own, awards))


def _compile(
    query: Query, meanings: Mapping[Word, Meaning], units: Mapping[Word, Unit], awards: float
) -> TextQuery | None:
    fixed, fixed_places = _fixed(query, meanings)
    wanted = _wanted(query, meanings, units)
    is_wanted = any(clause.is_phrase and not clause.is_excluded for clause in query.clauses)
    required = [part for part in wanted if not part.is_optional]
    if not required and not (is_wanted and fixed):
        required = wanted
    if not required and not fixed:
        return None
    ranked = _ranked(query, meanings, units)
    did_you_mean = _corrected(query, meanings)

    def with_any(count: int, *, looser: tuple[TextQuery, ...] = ()) -> TextQuery:
        """With so many of the required parts."""
        parts = [_some_of([part.match for part in required], count)] if required else []
        places = [_some_of([part.placed for part in required], count)] if required else []
        return TextQuery(
            match="&".join([*fixed, *parts]),
            ranked=ranked,
            placed="&".join([*fixed_places, *places]) if ranked else None,
            did_you_mean=did_you_mean,
            letters=len(query.text),
            likely=awards * math.prod([part.share for part in required])
            if count == len(required)
            else awards,
            looser=looser,
        )

    looser = tuple(with_any(count) for count in _fewer(len(required)))
    return with_any(len(required), looser=looser)


def _fewer(count: int) -> Iterator[int]:
    if count <= MAX_COMBINED:
        yield from sorted({count - 1, count // 2} - {0, 1, -1}, reverse=True)
    if count > 1:
        yield 1


def _some_of(parts: Sequence[str], count: int) -> str:
    if count == len(parts):
        return "&".join(parts)
    return f"({'|'.join('&'.join(some) for some in combinations(parts, count))})"


class _Part(NamedTuple):
    """What an award has to have for some of the words."""

    match: str
    placed: str
    share: float
    is_optional: bool


def _fixed(query: Query, meanings: Mapping[Word, Meaning]) -> tuple[list[str], list[str]]:
    """Phrases and exclusions, which hold whatever else is given up; anywhere, and in one place."""
    fixed, places = [], []
    for clause in query.clauses:
        phrase = _phrase(clause, meanings) if clause.is_phrase or clause.is_excluded else ""
        if phrase:
            term = f"!({phrase})" if clause.is_excluded else f"({phrase})"
            fixed.append(term)
            places.append(term)
            if not clause.is_excluded:
                places += [f"({_anywhere(lexeme)})" for lexeme in _lexemes(clause, meanings)]
    return fixed, places


def _wanted(
    query: Query, meanings: Mapping[Word, Meaning], units: Mapping[Word, Unit]
) -> list[_Part]:
    parts = (
        _part(tuple([meanings[word] for word in words]), unit.synonyms if unit else ())
        for words, unit in _plain(query, units)
    )
    return [part for part in parts if part is not None]


@lru_cache(maxsize=MAX_REMEMBERED)
def _part(meanings: tuple[Meaning, ...], synonyms: tuple[Synonym, ...]) -> _Part | None:
    """Of words that are looked up as one; None if there is nothing to look for."""
    own = [(meaning, ways) for meaning in meanings if (ways := _ways(meaning))]
    if not own and not synonyms:
        return None
    match = [_all_of([ways for _, ways in own], quote)] if own else []
    placed = [_all_of([ways for _, ways in own], _anywhere)] if own else []
    for synonym in synonyms:
        match.append(synonym.phrase or quote(synonym.lexemes[0]))
        placed.append("&".join(map(_anywhere, synonym.lexemes)))
    return _Part(
        match=f"({'|'.join(match)})",
        placed=f"({'|'.join(placed)})",
        share=1.0 if synonyms else math.prod(meaning.share for meaning, _ in own),
        is_optional=not synonyms and all(meaning.is_optional for meaning, _ in own),
    )


def _plain(
    query: Query, units: Mapping[Word, Unit]
) -> Iterator[tuple[tuple[Word, ...], Unit | None]]:
    """The words outside of phrases and exclusions, those of a unit together."""
    plain = query.plain_words
    at = 0
    while at < len(plain):
        unit = units.get(plain[at])
        length = unit.length if unit else 1
        yield tuple(plain[at : at + length]), unit
        at += length


def _ways(meaning: Meaning) -> list[tuple[str, ...]]:
    """The word's lexemes, each of which will do; two where a space was left out."""
    whole = [] if meaning.lexeme is None else [(meaning.lexeme,)]
    split = [meaning.halves] if meaning.halves else []
    other = [(lexeme,) for lexeme in (*meaning.others, *meaning.completions)]
    return list(dict.fromkeys([*whole, *split, *other]))


def _all_of(words: Sequence[Sequence[tuple[str, ...]]], quoted: Callable[[str], str]) -> str:
    """One of the ways of each word; to be put in parentheses."""
    each = ["|".join("&".join(map(quoted, way)) for way in ways) for ways in words]
    return each[0] if len(each) == 1 else "&".join(f"({text})" for text in each)


def _ranked(
    query: Query, meanings: Mapping[Word, Meaning], units: Mapping[Word, Unit]
) -> tuple[Ranked, ...]:
    ranked: list[Ranked] = []
    for clause in query.clauses:
        if clause.is_phrase and not clause.is_excluded:
            ranked += [
                Ranked.of(meanings[word].weight, quote(lexeme))
                for word in clause.words
                if (lexeme := meanings[word].lexeme) is not None
            ]
    before: tuple[str, float] | None = None
    for words, unit in _plain(query, units):
        own_weight = unit.own_weight if unit else 1.0
        for word in words:
            meaning = meanings[word]
            ranked += _ranked_alone(
                meaning, own_weight, has_synonyms=unit is not None and bool(unit.synonyms)
            )
            weight = meaning.weight * own_weight
            for lexeme in _whole(meaning):
                if before and before[0] != lexeme:
                    pair = f"{quote(before[0])}&{quote(lexeme)}"
                    ranked.append(Ranked.of(NEARNESS * min(before[1], weight), pair))
                before = lexeme, weight
        if unit:
            single = [synonym.lexemes[0] for synonym in unit.synonyms if not synonym.phrase]
            if single:
                ranked.append(_any(unit.weight, single))
            ranked += [
                Ranked.of(unit.weight * ONCE, synonym.phrase)
                for synonym in unit.synonyms
                if synonym.phrase
            ]
    return tuple(sorted(ranked, key=attrgetter("weight"), reverse=True))


@lru_cache(maxsize=MAX_REMEMBERED)
def _ranked_alone(meaning: Meaning, own_weight: float, *, has_synonyms: bool) -> tuple[Ranked, ...]:
    """What one word adds, whatever is beside it."""
    whole = _whole(meaning)
    weight = meaning.weight * own_weight
    ranked = [Ranked.of(weight, quote(lexeme)) for lexeme in whole]
    further = [lexeme for lexeme in (*meaning.others, *meaning.completions) if lexeme not in whole]
    if further:
        share = FURTHER if whole or has_synonyms else 1.0
        ranked.append(_any(weight * share, further))
    return tuple(ranked)


def _whole(meaning: Meaning) -> tuple[str, ...]:
    return meaning.halves or ((meaning.lexeme,) if meaning.lexeme else ())


def _any(weight: float, lexemes: Sequence[str]) -> Ranked:
    return Ranked.of(weight, "|".join(map(quote, lexemes)), len(lexemes))


def _phrase(clause: Clause, meanings: Mapping[Word, Meaning]) -> str:
    return phrase([meanings[word].lexeme for word in clause.words])


def _lexemes(clause: Clause, meanings: Mapping[Word, Meaning]) -> list[str]:
    lexemes = (meanings[word].lexeme for word in clause.words)
    return [lexeme for lexeme in lexemes if lexeme is not None]


def phrase(lexemes: Sequence[str | None]) -> str:
    """Words that stand side by side, as a tsquery text; None is a stop word, which leaves a gap:
    "school of nursing" is 'school' <2> 'nurs'."""
    text, last = "", 0
    for position, lexeme in enumerate(lexemes):
        if lexeme is None:
            continue
        text += f"<{position - last}>{quote(lexeme)}" if text else quote(lexeme)
        last = position
    return text


def _anywhere(lexeme: str) -> str:
    return quote(f"?/{lexeme}")


def quote(lexeme: str) -> str:
    """A lexeme as a tsquery text."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def beginnings(match: str) -> str:
    """A regular expression for how the words of a tsquery's lexemes begin, and some others: the end
    of a stem is left off where not all of its words have it."""
    lexemes = {found.replace("''", "'") for found in _QUOTED.findall(match)}
    return "|".join(sorted({re.escape(_TURNED.sub("", lexeme)) for lexeme in lexemes}))


def _corrected(query: Query, meanings: Mapping[Word, Meaning]) -> str | None:
    text, end = query.text, 0
    for word in reversed(list(query.words)):
        correction = meanings[word].correction
        if correction:
            text = text[: word.start] + correction + text[max(word.end, end) :]
        # Taken in by the word before: what stood between them goes with it.
        end = word.end if correction == "" else 0
    return text if text != query.text else None
