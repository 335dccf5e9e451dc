"""How many results suit each value of a filter, and statistics of their amounts and deadlines."""

import datetime as dt
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.ages import days_since_1970
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search.response_schemas import AmountStatistics, Facets, FacetValue, MonthCount
from scholarship_api.search.schemas import FACETS
from scholarship_api.vocabularies.service import is_named

FILTERS: Final = {
    "fields_of_study": "fields_of_study",
    "scholarship_types": "scholarship_types",
    "states": "states",
    "grade_levels": "grade_level",
    "citizenship": "citizenship",
    "renewable": "renewable",
    "countries": "countries",
    "enrollment": "enrollment",
    "institution_types": "institution_types",
    "institution_categories": "institution_categories",
    "coverage": "coverage",
    "requirement_kinds": "requirement_kinds",
}
"""The filter of each facet."""

VOCABULARIES: Final = {
    **{name: (name,) for name in FACETS if name != "renewable"},
    "citizenship": ("countries", "immigration_statuses"),
    "coverage": ("coverage_kinds",),
    "requirement_kinds": ("requirement_kinds",),
}
"""The vocabularies with the labels of each facet's values."""

MONTHS: Final = 12
"""Months of deadlines that are counted: a round of each award that comes back every year."""

_HUNDREDTH: Final = Decimal("0.01")


def no_facets(names: Collection[str]) -> Facets:
    """These facets of a result without awards."""
    return Facets(
        **{name: [] for name in FACETS if name in names},
        amounts=_no_amounts() if "amounts" in names else None,
        deadline_months=[] if "deadline_months" in names else None,
    )


def with_values_named(facets: Facets, q: str) -> Facets:
    """The facets without the values that the words of `q` do not begin."""
    return facets.model_copy(
        update={
            name: [
                entry
                for entry in getattr(facets, name)
                if is_named(entry.value, q, vocabularies=VOCABULARIES.get(name, ()))
            ]
            for name in FACETS
            if getattr(facets, name)
        }
    )


def count_facets(
    model: ReadModel,
    awards: BitMap,
    *,
    total: int,
    now: dt.datetime,
    names: Collection[str] = FACETS,
) -> Facets:
    """These facets of `total` results, counted in `awards`, which are all of them or a sample."""
    scale = total / len(awards) if awards else 1.0
    counted = model.facets(awards) if not set(names).isdisjoint(FACETS) else {}
    return Facets(
        **{
            facet: [
                FacetValue(value=value, count=round(number * scale))
                for value, number in sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
            ]
            for facet, values in counted.items()
            if facet in names
        },
        amounts=_amounts(model, awards, scale) if "amounts" in names else None,
        deadline_months=(
            list(_deadline_months(model, awards, scale, now.date()))
            if "deadline_months" in names
            else None
        ),
    )


def _no_amounts() -> AmountStatistics:
    return AmountStatistics(known=0)


def _amounts(model: ReadModel, awards: BitMap, scale: float) -> AmountStatistics:
    bounds = model.amount_bounds(awards)
    if bounds is None:
        return _no_amounts()
    known = len(awards - model.without_amount())
    low, high = bounds
    return AmountStatistics(
        known=round(known * scale),
        min=_money(low),
        max=_money(high),
        mean=(_money(model.amounts_of(awards)) / known).quantize(_HUNDREDTH),
    )


def _money(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


def _deadline_months(
    model: ReadModel, awards: BitMap, scale: float, today: dt.date
) -> Iterator[MonthCount]:
    month = today.replace(day=1)
    for _ in range(MONTHS):
        following = (month + dt.timedelta(days=31)).replace(day=1)
        closing = model.closing_days_between(days_since_1970(month), days_since_1970(following) - 1)
        if number := closing.intersection_cardinality(awards):
            yield MonthCount(month=f"{month:%Y-%m}", count=round(number * scale))
        month = following
