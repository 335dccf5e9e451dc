"""How many results suit each value of a filter."""

from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search.schemas import Facets, FacetValue

NO_FACETS: Final = Facets(**{name: [] for name in Facets.model_fields})


def count_facets(model: ReadModel, awards: BitMap, *, total: int) -> Facets:
    """The facets of `total` results, counted in `awards`, which are all of them or a sample."""
    scale = total / len(awards) if awards else 1.0
    return Facets(
        **{
            facet: [
                FacetValue(value=value, count=round(number * scale))
                for value, number in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
            ]
            for facet, counted in model.facets(awards).items()
        }
    )
