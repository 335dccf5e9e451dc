"""The attributes of awards in the read model, which are rows of its table."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from scholarship_api.catalogue.read_model.postings import Value
from scholarship_api.catalogue.read_model.records import AwardRecord


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of the award itself, which is filtered by and counted, but held against nobody."""

    name: str
    values: Callable[[AwardRecord], Collection[Value]]
    filter: str
    facet: str | None = None
    at_most: bool = False
    """Whether the filter's value is the highest that is kept, instead of one of several."""


ATTRIBUTES: Final = (
    Attribute(
        "scholarship_type",
        lambda record: (record.scholarship_type,),
        filter="scholarship_types",
        facet="scholarship_types",
    ),
    Attribute(
        "renewable", lambda record: (record.renewable,), filter="renewable", facet="renewable"
    ),
    Attribute(
        "essay_required",
        lambda record: (record.essay_required,),
        filter="essay_required",
    ),
    Attribute(
        "recommendation_letters",
        lambda record: (record.recommendation_letters,),
        filter="max_recommendation_letters",
        at_most=True,
    ),
    Attribute(
        "coverage",
        lambda record: () if record.coverage_kind is None else (record.coverage_kind,),
        filter="coverage",
        facet="coverage",
    ),
    Attribute(
        "requirement_kinds",
        lambda record: set(record.requirement_kinds),
        filter="requirement_kinds",
        facet="requirement_kinds",
    ),
    Attribute("no_fee", lambda record: (not record.asks_for_fee,), filter="no_fee"),
)

FULL_COVERAGE: Final = ("full_tuition", "full_cost")
"""Kinds of coverage that are above any amount."""
