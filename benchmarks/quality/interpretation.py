"""Precision and recall of the filters that are understood from queries.

The labelled queries stand in interpretation.txt. Rules are developed with every second query; the
others are held out.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from scholarship_api.search.text.interpretation import interpret
from scholarship_api.search.text.interpretation_rule import GROUP
from scholarship_api.search.text.interpretation_rules import RULES

QUERIES: Final = Path(__file__).with_name("interpretation.txt")
TODAY: Final = dt.date(2026, 11, 30)
"""The day for which the queries are labelled."""

_ALL_FILTERS: Final = frozenset(rule.filter for rule in RULES) | {"deadline_after"}


class Labelled(NamedTuple):
    q: str
    filters: frozenset[str]
    """Each as name=value."""
    is_held_out: bool


class Quality(NamedTuple):
    precision: float
    recall: float
    wrong: tuple[str, ...]
    missed: tuple[str, ...]


def read() -> list[Labelled]:
    lines = [
        line
        for line in QUERIES.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    labelled = []
    for position, line in enumerate(lines):
        q, _, labels = line.partition(" => ")
        filters = frozenset() if labels == "-" else frozenset(labels.split(", "))
        labelled.append(Labelled(q, filters, is_held_out=position % 2 == 1))
    return labelled


def understood(q: str) -> frozenset[str]:
    """The filters of a query, as they are labelled."""
    found = interpret(q, today=TODAY, filters=_ALL_FILTERS)
    texts = {f"{name}={_text(value)}" for name, value in found.filters.items()}
    groups = {f"{GROUP}={phrase.value}" for phrase in found.phrases if phrase.filter == GROUP}
    return frozenset(texts | groups)


def measure(queries: Sequence[Labelled]) -> Quality:
    wrong, missed = [], []
    right = 0
    for query in queries:
        found = understood(query.q)
        right += len(found & query.filters)
        wrong += [f"{query.q}: {each}" for each in sorted(found - query.filters)]
        missed += [f"{query.q}: {each}" for each in sorted(query.filters - found)]
    return Quality(
        precision=right / max(1, right + len(wrong)),
        recall=right / max(1, right + len(missed)),
        wrong=tuple(wrong),
        missed=tuple(missed),
    )


def _text(value: Any) -> str:  # noqa: ANN401 - of any filter
    if isinstance(value, list):
        return str(value[0])
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
