"""A vocabulary: codes with labels, and which codes are narrower ones of others.

This module needs neither the web framework nor a database.
"""

import functools
import importlib.resources
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

_DATA: Final = importlib.resources.files(__package__) / "data"

MAX_LISTED_CODES: Final = 60
"""Codes that an error lists as allowed; of longer vocabularies it gives the address."""

Broader = Callable[[str], tuple[str, ...]]
"""The codes that somebody with a code also satisfies, without that code itself."""


class UnknownCodeError(ValueError):
    """A code is in no list of its vocabulary; the message says what is allowed."""


class Term(NamedTuple):
    code: str
    label: str
    """The words for people, in English."""
    broader: tuple[str, ...] = ()
    """The codes directly above this one: `navajo` is also `american_indian_alaska_native`."""


def _no_broader(code: str) -> tuple[str, ...]:  # noqa: ARG001 - the signature of Broader
    return ()


@dataclass(frozen=True)
class Vocabulary:
    name: str
    title: str
    description: str
    pattern: str | None = None
    """The form of further codes than those of the list; None if there are no others."""
    has_list: bool = True
    normalise: Callable[[str], str] | None = None
    """Gives the canonical form of a code; default: folded letter case, spaces and hyphens."""
    broader_of_pattern: Broader = _no_broader
    """The broader codes of a code, by its form."""

    @functools.cached_property
    def terms(self) -> Mapping[str, Term]:
        """The listed codes in the order for people."""
        if not self.has_list:
            return {}
        lines = (_DATA / f"{self.name}.tsv").read_text(encoding="utf-8").splitlines()
        terms = (_term(line) for line in lines)
        return {term.code: term for term in terms}

    def parse(self, text: str) -> str:
        """Return the canonical code. Raises UnknownCodeError."""
        code = (self.normalise or fold)(text)
        if code in self.terms:
            return code
        if self.pattern is not None and re.fullmatch(self.pattern, code):
            return code
        raise UnknownCodeError(
            f"unknown code; allowed: {self._allowed()}; see /api/v1/vocabularies/{self.name}"
        )

    def label(self, code: str) -> str:
        """The words for a code; for one that is not listed, made from the code itself."""
        if term := self.terms.get(code):
            return term.label
        return code.rpartition(".")[2].replace("_", " ")

    def with_broader(self, code: str) -> tuple[str, ...]:
        """The code, and every broader one that somebody with the code also satisfies."""
        found = {code: None}
        pending = [code]
        while pending:
            current = pending.pop()
            term = self.terms.get(current)
            above = (*(term.broader if term else ()), *self.broader_of_pattern(current))
            for broader in above:
                if broader not in found:
                    found[broader] = None
                    pending.append(broader)
        return tuple(found)

    def _allowed(self) -> str:
        if self.terms and len(self.terms) <= MAX_LISTED_CODES:
            return ", ".join(self.terms)
        return f"the codes of {self.name}"


def _term(line: str) -> Term:
    code, label, *broader = line.split("\t")
    return Term(code, label, tuple(broader[0].split(" ")) if broader else ())


# --- Forms of codes ------------------------------------------------------------------------------


def fold(text: str) -> str:
    """`Full-Time` and `full time` are `full_time`."""
    return re.sub(r"[\s\-]+", "_", text.strip()).casefold()


def upper(text: str) -> str:
    return text.strip().upper()


def dotted_parent(code: str) -> tuple[str, ...]:
    """`sports.tennis` is also `sports`."""
    parent, dot, _ = code.rpartition(".")
    return (parent,) if dot else ()
