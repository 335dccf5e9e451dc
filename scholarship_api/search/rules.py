"""The rules that operators have made: which awards are pinned, hidden or boosted for which queries,
and which words are synonyms or exceptions.

A rule names words. They are compared with those of a query without letter case, accents and the
endings of plurals, and as they were typed: before corrections, synonyms and interpretation.
"""

import datetime as dt
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from scholarship_api.search import limits
from scholarship_api.search.text import parser
from scholarship_api.search.text.synonyms import BUILT_IN, SynonymTable, singular

_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")


class Boost(NamedTuple):
    """Awards whose score by relevance is multiplied: those of the ids, of the organization, or
    those that name the field of study."""

    factor: float
    award_ids: tuple[str, ...] = ()
    organization: str | None = None
    field_of_study: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    words: tuple[str, ...]
    """As `normal_words` gives them."""
    is_exact: bool
    """Whether the query has these words only, in this order; otherwise it has them among others."""
    pins: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    boosts: tuple[Boost, ...] = ()
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None

    def is_active(self, now: dt.datetime) -> bool:
        return (self.starts_at is None or self.starts_at <= now) and (
            self.ends_at is None or now < self.ends_at
        )


@dataclass(frozen=True, slots=True)
class SeparatedWords:
    """Words with one stem that are not mixed: an award with the others alone is no result."""

    words: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """The rules of one query together."""

    pins: tuple[str, ...] = ()
    """The ids of awards, in the order in which they come first."""
    hides: frozenset[str] = frozenset()
    boosts: tuple[Boost, ...] = ()
    separated: tuple[SeparatedWords, ...] = ()


NO_EFFECT: Final = Effect()


@dataclass(frozen=True, slots=True)
class SearchRules:
    """All rules that are enabled, as they were at one version of them."""

    rules: Sequence[Rule] = ()
    """In the order in which they take effect."""
    separated: Sequence[SeparatedWords] = ()
    synonyms: SynonymTable = BUILT_IN
    never_corrected: frozenset[str] = frozenset()
    """Words in small letters without accents."""
    synonyms_changed_at: dt.datetime | None = None
    """The last change of the table of synonyms; None if there never was one."""
    _index: "_Index" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", _Index(self.rules, self.separated))

    @property
    def instants(self) -> list[dt.datetime]:
        """When rules begin and end to be active, in order."""
        return sorted(
            {
                instant
                for rule in self.rules
                for instant in (rule.starts_at, rule.ends_at)
                if instant is not None
            }
        )

    def effect_on(self, q: str, *, now: dt.datetime) -> Effect:
        """The effect on a query; NO_EFFECT, at the cost of a look into a set, for nearly all."""
        if not self._index.may_concern(q):
            return NO_EFFECT
        try:
            typed = list(_searched_words(q))
        except ValueError:  # which the search refuses
            return NO_EFFECT
        words = tuple(map(_normal, typed))
        rules = [rule for rule in self._index.rules_for(words) if rule.is_active(now)]
        separated = self._index.separated_for(map(folded, typed))
        if not rules and not separated:
            return NO_EFFECT
        hides = frozenset(award_id for rule in rules for award_id in rule.hides)
        pins = dict.fromkeys(
            award_id for rule in rules for award_id in rule.pins if award_id not in hides
        )
        return Effect(
            pins=tuple(pins)[: limits.MAX_PINS],
            hides=hides,
            boosts=tuple(boost for rule in rules for boost in rule.boosts)[: limits.MAX_BOOSTS],
            separated=separated[: limits.MAX_SEPARATED_PAIRS],
        )


class _Index:
    """Rules by their words."""

    def __init__(self, rules: Sequence[Rule], separated: Sequence[SeparatedWords]) -> None:
        self._exact: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._containing: dict[str, list[int]] = defaultdict(list)
        """By the first word."""
        self._rules = rules
        for place, rule in enumerate(rules):
            if rule.is_exact:
                self._exact[rule.words].append(place)
            else:
                self._containing[rule.words[0]].append(place)
        self._separated: dict[str, list[tuple[SeparatedWords, int]]] = defaultdict(list)
        """By each word, with the place of the pair among all."""
        for place, pair in enumerate(separated):
            for word in pair.words:
                self._separated[word].append((pair, place))
            for word in pair.others:
                self._separated[word].append((SeparatedWords(pair.others, pair.words), place))
        first_words = {rule.words[0] for rule in rules}
        self._typed_words: Final = frozenset(
            {typed for word in first_words for typed in _typed_forms(word)} | self._separated.keys()
        )

    def may_concern(self, q: str) -> bool:
        """Whether a rule may concern the query; False for certain."""
        if not self._typed_words:
            return False
        return not q.isascii() or not self._typed_words.isdisjoint(_ASCII_WORD.findall(q.lower()))

    def rules_for(self, words: tuple[str, ...]) -> Iterator[Rule]:
        places = set(self._exact.get(words, ()))
        present = set(words)
        for word in present:
            places.update(
                place
                for place in self._containing.get(word, ())
                if present.issuperset(self._rules[place].words)
            )
        return (self._rules[place] for place in sorted(places))

    def separated_for(self, words: Iterable[str]) -> tuple[SeparatedWords, ...]:
        """Oldest first, those that the query does not ask for by words of both sides."""
        found = {pair: place for word in words for pair, place in self._separated.get(word, ())}
        return tuple(
            sorted(
                (pair for pair in found if SeparatedWords(pair.others, pair.words) not in found),
                key=lambda pair: found[pair],
            )
        )


def normal_words(text: str) -> tuple[str, ...]:
    """The words of a query as rules compare them, without those that it excludes.

    Raises ValueError for too many words.
    """
    return tuple(map(_normal, _searched_words(text)))


def folded(word: str) -> str:
    """In small letters, without accents."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _searched_words(text: str) -> Iterator[str]:
    for clause in parser.parse(text).clauses:
        if not clause.is_excluded:
            yield from (word.text for word in clause.words)


def _normal(word: str) -> str:
    return singular(folded(word))


def _typed_forms(word: str) -> Iterator[str]:
    """The words whose singular this is: with and without the ending of a plural."""
    yield word
    yield word + "s"
    if word.endswith("y"):
        yield word[:-1] + "ies"


RULES_BY_DEFAULT: Final = SearchRules()
"""No rules, and the built-in synonyms."""
