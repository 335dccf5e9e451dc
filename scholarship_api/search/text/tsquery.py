"""Compiles a query into PostgreSQL's tsquery texts: which awards match, how they rank, and what to
search for when none matches.

Compiling is pure; `analysis` finds the meaning of the words.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from scholarship_api.catalogue.parted_stems import STEMS
from scholarship_api.catalogue.word_boundaries import UNSPACED
from scholarship_api.search import limits
from scholarship_api.search.text.parser import Clause, Query, Word
from scholarship_api.search.text.weights import (
    CORRECTION_BOOST,
    PHRASE_BOOST,
    PREFIX_BOOST,
    PROXIMITY_BOOST,
)


@dataclass(frozen=True, slots=True)
class Synonym:
    """A lexeme, or several with the tsquery text of their phrase."""

    lexemes: tuple[str, ...]
    phrase: str | None = None


class ExpandedTerm(NamedTuple):
    """One word of the query, with everything that is searched for in its place."""

    lexeme: str | None
    """The stem under which PostgreSQL indexes the word; None for a stop word."""
    weight: float = 1.0
    """Its inverse document frequency."""
    share: float = 1.0
    """About which share of all awards contains the word or a completion; 1 if that is not known."""
    completions: tuple[str, ...] = ()
    """Stems of words that begin with it."""
    correction: str | None = None
    """The spelling that is searched for instead; empty if the word was joined to the one before."""
    halves: tuple[str, ...] = ()
    """Stems of the two words that it consists of when a space is missing; it has no lexeme then."""
    others: tuple[str, ...] = ()
    """Stems of further words that may have been intended."""
    is_optional: bool = False
    """Beside other words it only ranks: awards without it match too."""
    is_preferred: bool = False
    """The same, together with its synonyms: a filter stands for it."""


@dataclass(frozen=True, slots=True)
class SynonymGroup:
    """Neighbouring plain words that have synonyms together."""

    word_count: int
    synonyms: tuple[Synonym, ...]
    own_boost: float = 1.0
    """The factor of the weights of the words themselves."""
    synonym_weight: float = 1.0
    """The weight of the synonyms."""
    has_own_words: bool = True
    """Whether awards contain the words themselves."""


_QUOTED: Final = re.compile(r"'((?:[^']|'')+)'")

# The ends of stems that their words may lack: study has the stem studi, hoping hope, and disability
# disabl.
_CHANGED_STEM_END: Final = re.compile("(?<=..)(?:[eiy]|(?<=b)l)$")

_UNSPACED_LEXEME: Final = re.compile(f"'([{UNSPACED}]{{2}})'")
_PHRASE_OPERATOR: Final = re.compile(r"<\d+>")
_PARTED: Final = re.compile("'=([a-z]+)'")

_NO_GROUPS: Final[Mapping[Word, SynonymGroup]] = MappingProxyType({})

_ANY_FIELD: Final = "?/"
"""Stands for the prefix of a Field in a field query."""


class Field(StrEnum):
    """Prefixes of lexemes that say in which field a word stands; see the first migration."""

    NAME = "n"
    ORGANIZATION = "o"


class WeightedClause(NamedTuple):
    """A clause that adds to the score of the awards that match it; see `sql/scoring.py`."""

    weight: float
    tsquery: str
    alternative_count: int = 1
    """The number of lexemes any one of which is enough; ts_rank takes the mean of their ranks."""

    @classmethod
    def of(cls, weight: float, tsquery: str, alternative_count: int = 1) -> "WeightedClause":
        """With the weight rounded, which keeps cursors short."""
        return cls(round(weight, 3), tsquery, alternative_count)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A query as PostgreSQL's tsquery texts."""

    match: str
    """Decides which awards match."""
    weighted_clauses: tuple[WeightedClause, ...] = ()
    """Decide how the matches rank; the heaviest clause comes first."""
    field_query: str | None = None
    """`match` with all its words in one field, for `in_field`; None for exclusions alone. It is
    used without `match`, which it implies: the planner would multiply the shares of both."""
    did_you_mean: str | None = None
    is_corrected: bool = True
    """Whether `did_you_mean` is searched for; otherwise it is offered only."""
    ignored_words: tuple[str, ...] = ()
    """Words of the query that are searched for nowhere."""
    uncorrected: "TextQuery | None" = None
    """The same query without the words that were corrected; None where no word was."""
    typed: str = ""
    """The query as it was typed, without superfluous spaces."""
    query_length: int = 0
    """The characters of the query."""
    estimated_matches: float = math.inf
    """About how many awards match, if the words are independent of each other."""
    without_synonyms: "TextQuery | None" = None
    """The same query without synonyms, for a result that is too large to be ranked with them."""
    relaxations: "tuple[TextQuery, ...]" = ()
    """Queries with fewer and fewer of the words, for when no award has all of them."""

    @property
    def is_within_bounds(self) -> bool:
        """Whether PostgreSQL and a cursor may have the texts."""
        return max(len(self.match), len(self.field_query or "")) <= limits.MAX_TSQUERY_CHARACTERS

    def for_matches(self, count: int) -> "TextQuery":
        """With only as many weighted clauses, the heaviest ones, as this many matches can be ranked
        by."""
        room = max(1, limits.MAX_RANKED_CLAUSES_TIMES_MATCHES // max(count, 1))
        if len(self.weighted_clauses) <= room:
            return self
        return replace(self, weighted_clauses=self.weighted_clauses[:room])

    def in_field(self, field: Field) -> str | None:
        """The tsquery text for awards with all the words in this field."""
        if self.field_query is None:
            return None
        return self.field_query.replace(f"'{_ANY_FIELD}", f"'{field}/")


def compile_query(
    query: Query,
    terms: Mapping[Word, ExpandedTerm],
    groups: Mapping[Word, SynonymGroup] = _NO_GROUPS,
    *,
    awards: float = math.inf,
    uncorrected: Mapping[Word, ExpandedTerm] | None = None,
) -> TextQuery | None:
    """The tsquery texts; None when there is nothing to search for, only stop words or signs.

    `groups` are keyed by their first words, which all stand in plain clauses. `awards` is the size
    of the catalogue. `uncorrected` are the terms without those that were corrected.
    """
    text = _compile(query, terms, groups, awards)
    if text is not None and uncorrected is not None:
        other = _compile(query, uncorrected, groups, awards)
        if other is not None:
            # The corrections still rank, so that awards with all words come first.
            boosted = {
                word: term._replace(weight=term.weight * CORRECTION_BOOST)
                if term.correction is not None
                else term
                for word, term in terms.items()
            }
            other = replace(
                other,
                weighted_clauses=_weighted_clauses(query, boosted, groups),
                did_you_mean=text.did_you_mean,
                is_corrected=False,
            )
        text = replace(text, uncorrected=other)
    # The synonyms of words that no award contains are all there is to find, so they stay.
    needed = {word: group for word, group in groups.items() if not group.has_own_words}
    if text is None or needed == groups:
        return text
    return replace(text, without_synonyms=_compile(query, terms, needed, awards))


def _compile(
    query: Query,
    terms: Mapping[Word, ExpandedTerm],
    groups: Mapping[Word, SynonymGroup],
    awards: float,
) -> TextQuery | None:
    fixed, fixed_in_field = _fixed_clauses(query, terms)
    parts = _plain_parts(query, terms, groups)
    has_phrase = any(clause.is_phrase and not clause.is_excluded for clause in query.clauses)
    required = [part for part in parts if not part.is_optional]
    if not required and not (has_phrase and fixed):
        required = parts
    if not required and not fixed:
        return None
    weighted_clauses = _weighted_clauses(query, terms, groups)
    did_you_mean = _corrected_query(query, terms)
    ignored_words = tuple(_ignored_words(query, terms, groups))

    def with_any(count: int, *, relaxations: tuple[TextQuery, ...] = ()) -> TextQuery:
        """A query that any `count` of the required parts satisfy."""
        match = [_any_of([part.match for part in required], count)] if required else []
        in_field = [_any_of([part.in_field for part in required], count)] if required else []
        is_strict = count == len(required)
        return TextQuery(
            match="&".join([*fixed, *match]),
            weighted_clauses=weighted_clauses,
            field_query="&".join([*fixed_in_field, *in_field]) if weighted_clauses else None,
            did_you_mean=did_you_mean,
            ignored_words=ignored_words,
            typed=" ".join(query.text.split()),
            query_length=len(query.text),
            estimated_matches=awards * math.prod([part.share for part in required])
            if is_strict
            else awards,
            relaxations=relaxations,
        )

    relaxations = map(with_any, _relaxed_counts(len(required)))
    return with_any(
        len(required),
        relaxations=tuple(relaxed for relaxed in relaxations if relaxed.is_within_bounds),
    )


def _relaxed_counts(count: int) -> Iterator[int]:
    """How many of `count` parts each relaxation asks for."""
    if count <= limits.MAX_COMBINED_WORDS:
        yield from sorted({count - 1, count // 2} - {0, 1, -1}, reverse=True)
    if count > 1:
        yield 1


def _any_of(parts: Sequence[str], count: int) -> str:
    if count == len(parts):
        return "&".join(parts)
    return f"({'|'.join('&'.join(some) for some in combinations(parts, count))})"


class _Part(NamedTuple):
    """The requirement that some of the words make of an award."""

    match: str
    in_field: str
    share: float
    is_optional: bool


def _fixed_clauses(query: Query, terms: Mapping[Word, ExpandedTerm]) -> tuple[list[str], list[str]]:
    """Phrases and exclusions, which no relaxation gives up: as tsquery texts for any field, and for
    all words in one field."""
    fixed, in_field = [], []
    for clause in query.clauses:
        phrase = _phrase_of(clause, terms) if clause.is_phrase or clause.is_excluded else ""
        if phrase:
            text = f"!({phrase})" if clause.is_excluded else f"({phrase})"
            fixed.append(text)
            in_field.append(text)
            if not clause.is_excluded:
                in_field += [f"({_in_any_field(lexeme)})" for lexeme in _lexemes(clause, terms)]
    return fixed, in_field


def _plain_parts(
    query: Query, terms: Mapping[Word, ExpandedTerm], groups: Mapping[Word, SynonymGroup]
) -> list[_Part]:
    parts: list[_Part] = []
    for words, group in _grouped(query, groups):
        part = _part([terms[word] for word in words], group.synonyms if group else ())
        if part is None:
            continue
        if words[0] in query.alternatives and parts:
            part = _either(parts.pop(), part)
        parts.append(part)
    return parts


def _either(one: _Part, other: _Part) -> _Part:
    return _Part(
        match=f"({one.match}|{other.match})",
        in_field=f"({one.in_field}|{other.in_field})",
        share=min(1.0, one.share + other.share),
        is_optional=one.is_optional and other.is_optional,
    )


def _ignored_words(
    query: Query, terms: Mapping[Word, ExpandedTerm], groups: Mapping[Word, SynonymGroup]
) -> Iterator[str]:
    searched = {
        word
        for words, group in _grouped(query, groups)
        if group and group.synonyms
        for word in words
    }
    for word in query.words:
        term = terms[word]
        if word not in searched and term.correction is None and not _choices(term):
            yield word.text


def _part(terms: Sequence[ExpandedTerm], synonyms: Sequence[Synonym]) -> _Part | None:
    """The part for the words of a group; None if there is nothing to search for."""
    own = [(term, choices) for term in terms if (choices := _choices(term))]
    if not own and not synonyms:
        return None
    match = [_all_of([choices for _, choices in own], quote)] if own else []
    in_field = [_all_of([choices for _, choices in own], _in_any_field)] if own else []
    for synonym in synonyms:
        match.append(synonym.phrase or quote(synonym.lexemes[0]))
        in_field.append("&".join(map(_in_any_field, synonym.lexemes)))
    return _Part(
        match=f"({'|'.join(match)})",
        in_field=f"({'|'.join(in_field)})",
        share=1.0 if synonyms else math.prod(term.share for term, _ in own),
        is_optional=all(term.is_preferred for term in terms)
        or (not synonyms and all(term.is_optional or term.is_preferred for term, _ in own)),
    )


def _grouped(
    query: Query, groups: Mapping[Word, SynonymGroup]
) -> Iterator[tuple[tuple[Word, ...], SynonymGroup | None]]:
    """The plain words, those of a group together."""
    plain = query.plain_words
    at = 0
    while at < len(plain):
        group = groups.get(plain[at])
        word_count = group.word_count if group else 1
        yield tuple(plain[at : at + word_count]), group
        at += word_count


def _choices(term: ExpandedTerm) -> list[tuple[str, ...]]:
    """The lexemes any of which is enough for the term; both halves where a space is missing."""
    whole = [] if term.lexeme is None else [(term.lexeme,)]
    split = [term.halves] if term.halves else []
    other = [(lexeme,) for lexeme in (*term.others, *term.completions)]
    return list(dict.fromkeys([*whole, *split, *other]))


def _all_of(terms: Sequence[Sequence[tuple[str, ...]]], quoted: Callable[[str], str]) -> str:
    """One choice of each term, as a text that needs parentheses around it."""
    each = ["|".join("&".join(map(quoted, choice)) for choice in choices) for choices in terms]
    return each[0] if len(each) == 1 else "&".join(f"({text})" for text in each)


def _weighted_clauses(
    query: Query, terms: Mapping[Word, ExpandedTerm], groups: Mapping[Word, SynonymGroup]
) -> tuple[WeightedClause, ...]:
    weighted: list[WeightedClause] = []
    for clause in query.clauses:
        if clause.is_phrase and not clause.is_excluded:
            weighted += [
                WeightedClause.of(terms[word].weight, quote(lexeme))
                for word in clause.words
                if (lexeme := terms[word].lexeme) is not None
            ]
    previous: tuple[str, float] | None = None
    for words, group in _grouped(query, groups):
        own_boost = group.own_boost if group else 1.0
        for word in words:
            term = terms[word]
            weighted += _term_clauses(
                term, own_boost, has_synonyms=group is not None and bool(group.synonyms)
            )
            weight = term.weight * own_boost
            for lexeme in _own_lexemes(term):
                if previous and previous[0] != lexeme:
                    pair = f"{quote(previous[0])}&{quote(lexeme)}"
                    weighted.append(
                        WeightedClause.of(PROXIMITY_BOOST * min(previous[1], weight), pair)
                    )
                previous = lexeme, weight
        if group:
            single = [synonym.lexemes[0] for synonym in group.synonyms if not synonym.phrase]
            if single:
                weighted.append(_any_lexeme(group.synonym_weight, single))
            weighted += [
                WeightedClause.of(group.synonym_weight * PHRASE_BOOST, synonym.phrase)
                for synonym in group.synonyms
                if synonym.phrase
            ]
    weighted.sort(key=attrgetter("weight"), reverse=True)
    return tuple(weighted[: limits.MAX_WEIGHTED_CLAUSES])


def _term_clauses(
    term: ExpandedTerm, own_boost: float, *, has_synonyms: bool
) -> list[WeightedClause]:
    """The clauses that one term adds, whatever stands beside it."""
    own = _own_lexemes(term)
    weight = term.weight * own_boost
    clauses = [WeightedClause.of(weight, quote(lexeme)) for lexeme in own]
    further = [lexeme for lexeme in (*term.others, *term.completions) if lexeme not in own]
    if further:
        boost = PREFIX_BOOST if own or has_synonyms else 1.0
        clauses.append(_any_lexeme(weight * boost, further))
    return clauses


def _own_lexemes(term: ExpandedTerm) -> tuple[str, ...]:
    return term.halves or ((term.lexeme,) if term.lexeme else ())


def _any_lexeme(weight: float, lexemes: Sequence[str]) -> WeightedClause:
    return WeightedClause.of(weight, "|".join(map(quote, lexemes)), len(lexemes))


def _phrase_of(clause: Clause, terms: Mapping[Word, ExpandedTerm]) -> str:
    return phrase([terms[word].lexeme for word in clause.words])


def _lexemes(clause: Clause, terms: Mapping[Word, ExpandedTerm]) -> list[str]:
    lexemes = (terms[word].lexeme for word in clause.words)
    return [lexeme for lexeme in lexemes if lexeme is not None]


def phrase(lexemes: Sequence[str | None]) -> str:
    """The tsquery text for words that stand side by side; None is a stop word and leaves a gap:
    "school of nursing" is 'school' <2> 'nurs'."""
    text, last = "", 0
    for position, lexeme in enumerate(lexemes):
        if lexeme is None:
            continue
        text += f"<{position - last}>{quote(lexeme)}" if text else quote(lexeme)
        last = position
    return text


def _in_any_field(lexeme: str) -> str:
    return quote(f"{_ANY_FIELD}{lexeme}")


def quote(lexeme: str) -> str:
    """A lexeme as a tsquery text."""
    if "'" in lexeme or "\\" in lexeme:
        lexeme = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{lexeme}'"


def highlighted(match: str) -> str:
    """The tsquery text of the words to highlight: a word that is told apart from others with its
    stem stands in the text as itself and not as its lexeme, and so does a pair of letters."""
    if not match.isascii() and _UNSPACED_LEXEME.search(match):
        match = _PHRASE_OPERATOR.sub("&", match)
        match = _UNSPACED_LEXEME.sub(lambda found: "&".join(map(quote, found[1])), match)
    return _PARTED.sub(lambda found: quote(STEMS[found[1]]), match)


def word_beginnings(match: str) -> str:
    """A regular expression that finds the beginnings of the words of a tsquery, and of some other
    words: the end of a stem is left off where some words with the stem lack it."""
    lexemes = lexemes_of(highlighted(match))
    return "|".join(sorted({re.escape(_CHANGED_STEM_END.sub("", lexeme)) for lexeme in lexemes}))


def lexemes_of(match: str) -> frozenset[str]:
    """The lexemes that a tsquery names."""
    return frozenset(found.replace("''", "'") for found in _QUOTED.findall(match))


def _corrected_query(query: Query, terms: Mapping[Word, ExpandedTerm]) -> str | None:
    """The query with its corrections; None if there are none."""
    text, joined_end = query.text, 0
    for word in reversed(list(query.words)):
        correction = terms[word].correction
        if correction:
            text = text[: word.start] + correction + text[max(word.end, joined_end) :]
        # A word that was joined to the one before goes, with the space between them.
        joined_end = word.end if correction == "" else 0
    return text if text != query.text else None
