"""Phrases of a query that are filters: "no essay", "due in March", "for PhD students".

The rules are data, in `interpretation_rules.py`. Interpretation is pure and needs no database. The
caller decides which filters exist and whether the query is the name of an award, which is never
interpreted.
"""

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scholarship_api.search.text import normalization, synonyms
from scholarship_api.search.text.capitals import STATE_NAMES
from scholarship_api.search.text.interpretation_rule import GROUP, Effect, Rule
from scholarship_api.search.text.interpretation_rules import RULES
from scholarship_api.search.text.parser import parse

_QUOTATION_MARK: Final = '"'
_WORD: Final = re.compile(r"[^\W_]+")
_UNNAMED_SCHOOL: Final = re.compile(
    r"\b(?:help|money|pay|paying|fund|funds|funding|afford)\b.*[a-z]{3} school\b"
    r"|[a-z]{3} school (?:scholarships?|grants?|fellowships?|funding|money|financial aid)\b"
)
"""A text about the costs of a school, of which awards name the subject: nursing school."""
_NAMED_SCHOOL: Final = re.compile(
    r"\b(?:law|med|medical|grad|graduate|high|business|trade|dental) school\b"
)
"""A school that awards name."""
_RETURN: Final = re.compile(
    r"\b(?:go|going|return|returning) (?:back )?to (?:school|college|university)\b"
)
"""Words about a way into education, which few awards say."""

_TWO_CAPITALS: Final = re.compile(r"(?<![A-Z])[A-Z]{2}(?![A-Z])")
"""A text without two capitals names no state by its code, and needs no parsing."""

_EXCLUDED: Final = re.compile(r"(?:(?:^|\s)-|\bNOT |\b(?:not|non|never|except)[ -](?:an? )?)$")
"""The end of a text before a phrase that awards must not have."""

_AGE: Final = re.compile(
    r"\b(?:i'?m|i am|aged?|over|under) [0-9]{2}\b(?:[ -]?(?:years?|yrs?)(?:[ -]olds?)?)?"
    r"|\b[0-9]{2}[ -]?(?:(?:years?|yrs?)[ -]olds?|yo)\b"
)
"""The age of a person, which few awards name as a number."""

_STOP_WORDS: Final = frozenset(
    "a an and any are at be by can do for from have i in is it me my of on or our that the their"
    " there this to who with which you your im required requirement requirements".split()
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that was understood."""

    text: str
    filter: str
    value: Any
    is_removed: bool
    """Whether its words are no longer searched for."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    q: str | None
    """The words that are left to search for; None if there are none but common ones."""
    filters: Mapping[str, Any] = field(default_factory=dict)
    phrases: tuple[Phrase, ...] = ()
    preferred_words: frozenset[str] = frozenset()
    """Words of `q` that rank, because a filter stands for them. Awards without them are found."""


def interpret(q: str, *, today: dt.date, filters: Collection[str]) -> Interpretation:
    """The filters of a query and the words that are left, using only these filters."""
    text = normalization.visible_text(q)
    # Some letters get longer in small letters; then positions would differ.
    if _QUOTATION_MARK in q or len(text.lower()) != len(text):
        return Interpretation(q)
    reading = _Reading(text)
    for rule in RULES:
        if rule.filter == GROUP or rule.filter in filters:
            reading.apply(rule, today)
    if "states" in filters:
        reading.find_state_code()
    reading.prefer_common_words()
    if not reading.phrases and not reading.preferred:
        return Interpretation(q)
    return Interpretation(
        q=_words_to_search(reading),
        filters=reading.filters,
        phrases=tuple(reading.phrases),
        preferred_words=frozenset(reading.preferred),
    )


def _words_to_search(reading: "_Reading") -> str | None:
    words = reading.text.split()
    if _has_words([word for word in words if word not in reading.added]):
        return " ".join(words)
    # Common words beside those that replace a phrase only keep awards out.
    return " ".join(word for word in words if word in reading.added) or None


class _Reading:
    """A query while rules are applied to it. The text keeps its length, so positions stay true."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = text.lower()
        self.filters: dict[str, Any] = {}
        self.phrases: list[Phrase] = []
        self.preferred: set[str] = set()
        self.added: set[str] = set()
        """Words that are searched for in place of the phrase of a filter."""
        self._typed = text
        self._is_taken = [False] * len(text)

    def apply(self, rule: Rule, today: dt.date) -> None:
        if not rule.may_fit(self.folded):
            return
        for match in rule.pattern.finditer(self.folded):
            start, end = match.span()
            if any(self._is_taken[start:end]) or _EXCLUDED.search(self._typed, 0, start):
                continue
            effect = rule.effect(match, today)
            if effect is not None and not self.filters.keys() & effect.filters.keys():
                self._is_taken[start:end] = [True] * (end - start)
                self.filters |= effect.filters
                self._note(rule, effect, start, end)

    def find_state_code(self) -> None:
        """Take the code of a state, if the query names only one and nothing else is a state."""
        codes = _state_codes(self.text, self._is_taken)
        if "states" not in self.filters and len(codes) == 1:
            self.filters["states"] = codes
            self.preferred.add(codes[0].lower())
            self.phrases.append(Phrase(codes[0], "states", codes, is_removed=False))

    def prefer_common_words(self) -> None:
        """Words about schools rank where awards rather name the subject."""
        if _UNNAMED_SCHOOL.search(self.folded) and not _NAMED_SCHOOL.search(self.folded):
            self.preferred.add("school")
        returning = _RETURN.search(self.folded)
        if returning is not None:
            self.preferred.update({"back", *_WORD.findall(returning.group())})
        age = _AGE.search(self.folded)
        if age is not None:
            self.preferred.update(_WORD.findall(age.group()))

    def _note(self, rule: Rule, effect: Effect, start: int, end: int) -> None:
        typed = self._typed[start:end].strip(" ,")
        if rule.filter == GROUP:
            self.phrases.append(Phrase(typed, GROUP, effect.group, is_removed=False))
        for name, value in effect.filters.items():
            is_removed = not rule.keeps_words and not effect.words
            self.phrases.append(Phrase(typed, name, value, is_removed=is_removed))
        if not rule.keeps_words:
            replacing = effect.words.split()
            if rule.filter == GROUP:
                # The first word names the group; awards need not say the others.
                self.preferred.update(replacing[1:])
            else:
                self.preferred.update(replacing)
                self.added.update(replacing)
            words = effect.words[: end - start].ljust(end - start)
            self.text = self.text[:start] + words + self.text[end:]
            self.folded = self.folded[:start] + words + self.folded[end:]
        elif rule.filter != GROUP:
            self.preferred.update(_WORD.findall(self.folded[start:end]))


def _state_codes(text: str, is_taken: list[bool]) -> list[str]:
    """The codes of states in a query that has other words too."""
    if _TWO_CAPITALS.search(text) is None:
        return []
    try:
        words = parse(text).plain_words
    except ValueError:
        return []
    codes = [
        word.text
        for word in words
        if word.text in STATE_NAMES and not any(is_taken[word.start : word.end])
    ]
    return codes if len(words) > 1 else []


def _has_words(texts: Sequence[str]) -> bool:
    return any(
        word not in _STOP_WORDS and not synonyms.is_noise(word)
        for text in texts
        for word in _WORD.findall(text.lower())
    )
