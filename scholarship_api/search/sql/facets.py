"""How many results suit each value of a filter."""

from collections.abc import Iterator, Mapping
from typing import Final

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.schemas import Facets, FacetValue
from scholarship_api.search.sql import counts
from scholarship_api.search.sql.conditions import Conditions
from scholarship_api.search.sql.filters import FACETS, UNRESTRICTED, Facet
from scholarship_api.vocabulary import accepted_by

_TOTAL: Final = "total"

NO_FACETS: Final = Facets(**{facet.name: [] for facet in FACETS})
"""The facets of no results."""


async def count_facets(
    fetch: Fetch, conditions: Conditions, *, total: int, is_exact: bool
) -> Facets:
    """Exact where the total is. Else scaled up from as many matches as are counted, or for a total
    above SAMPLE_ABOVE_CAPS, from the matches in a sample of the table."""
    sample = limit = ""
    cap = counts.cap_of(conditions)
    if not is_exact and total > limits.SAMPLE_ABOVE_CAPS * cap:
        sample = await counts.sample_clause(fetch, limits.SAMPLE_ROWS)
    elif not is_exact:
        limit = f"LIMIT {max(cap, 1):d}"
    statement = _statement(conditions, sample=sample, limit=limit)
    counted: dict[str, dict[str, int]] = {}
    for facet, value, number in await fetch(statement, conditions.params):
        counted.setdefault(facet.decode(), {})[value.decode()] = int(number)
    sampled = counted.pop(_TOTAL)[""]
    scale = 1.0 if is_exact or sampled == 0 else total / sampled
    return _facets(
        {
            facet: {value: round(number * scale) for value, number in values.items()}
            for facet, values in counted.items()
        }
    )


def _statement(conditions: Conditions, *, sample: str, limit: str) -> str:
    """Rows of (facet, value, count); the value UNRESTRICTED stands for awards that name none."""
    columns = ", ".join(f"s.{facet.column}" for facet in FACETS)
    return f"""
        WITH matched AS MATERIALIZED (
            SELECT {columns} FROM scholarships AS s {sample} WHERE {conditions.where} {limit}
        )
        SELECT '{_TOTAL}' AS facet, '' AS value, count(*) AS count FROM matched
        UNION ALL {" UNION ALL ".join(_branches())}
        """


def _branches() -> Iterator[str]:
    for facet in FACETS:
        if facet.is_list:
            yield f"""
                SELECT '{facet.name}', item, count(*)
                FROM matched, unnest(CASE {facet.column} WHEN '{{}}' THEN '{{{UNRESTRICTED}}}'
                    ELSE {facet.column} END) AS item
                GROUP BY item"""
        else:
            yield f"""
                SELECT '{facet.name}', coalesce({facet.column}::text, '{UNRESTRICTED}'), count(*)
                FROM matched GROUP BY 2"""


def _facets(counted: Mapping[str, Mapping[str, int]]) -> Facets:
    return Facets(**{facet.name: _values(facet, counted.get(facet.name, {})) for facet in FACETS})


def _values(facet: Facet, counted: Mapping[str, int]) -> list[FacetValue]:
    """The values that are named, the most frequent one first; all include the unrestricted
    awards."""
    named = dict(counted)
    unrestricted = named.pop(UNRESTRICTED, 0)
    if facet.name == "citizenship":
        # The filter also keeps awards for those who include the asked citizenship.
        suited = {
            value: sum(named.get(accepted, 0) for accepted in accepted_by(value)) for value in named
        }
    else:
        suited = named
    ranked = sorted(suited.items(), key=lambda pair: (-pair[1], pair[0]))
    return [FacetValue(value=value, count=number + unrestricted) for value, number in ranked]
