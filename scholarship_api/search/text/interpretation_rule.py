"""A rule of interpretation: a pattern, and the filters that such a phrase stands for."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

GROUP: Final = "group"
"""Stands for words about a person. They are no filter: awards open to all would stay. The words are
searched for, so that the awards that name the group are found."""


@dataclass(frozen=True, slots=True)
class Effect:
    filters: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    words: str = ""
    """The words to search for in place of the phrase."""


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    filter: str
    effect: Callable[[re.Match[str], dt.date], Effect | None]
    """None if the phrase means something else."""
    hints: tuple[str, ...]
    """Parts of words: the pattern fits only a query with one of them. They are found faster."""
    keeps_words: bool = False
    """Whether the words still rank, because awards say them."""

    def may_fit(self, text: str) -> bool:
        return any(hint in text for hint in self.hints)


def filter_rule(
    pattern: str,
    name: str,
    value: Any,  # noqa: ANN401
    *,
    hints: str,
    keeps_words: bool = False,
    words: str = "",
) -> Rule:
    """A rule with a constant, or with a function of the match and the day. `words` are searched for
    in place of the phrase."""

    def effect(match: re.Match[str], today: dt.date) -> Effect | None:
        result = value(match, today) if callable(value) else value
        if result is None:
            return None
        return Effect(result if isinstance(result, dict) else {name: result}, words=words)

    return Rule(re.compile(pattern), name, effect, tuple(hints.split()), keeps_words)


def group_rule(pattern: str, group: str, words: str = "", *, hints: str) -> Rule:
    """A rule for words about a person, which `words` replace if given."""
    return Rule(
        re.compile(pattern),
        GROUP,
        lambda _match, _today: Effect(group=group, words=words),
        tuple(hints.split()),
        keeps_words=not words,
    )
