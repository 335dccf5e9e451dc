"""How many results suit each value of a filter."""

from collections.abc import Collection
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search.schemas import FACETS, Facets, FacetValue

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


def no_facets(names: Collection[str]) -> Facets:
    """These facets of a result without awards."""
    return Facets(**{name: [] for name in FACETS if name in names})


def count_facets(
    model: ReadModel, awards: BitMap, *, total: int, names: Collection[str] = FACETS
) -> Facets:
    """These facets of `total` results, counted in `awards`, which are all of them or a sample."""
    scale = total / len(awards) if awards else 1.0
    return Facets(
        **{
            facet: [
                FacetValue(value=value, count=round(number * scale))
                for value, number in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
            ]
            for facet, counted in model.facets(awards).items()
            if facet in names
        }
    )
