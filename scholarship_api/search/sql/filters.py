"""The filters of a search and the facets that count their values: one row of FILTERS for each.

A new filter is a field of SearchRequest and a row here.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from scholarship_api.search.schemas import SearchRequest, as_instant
from scholarship_api.search.sql.conditions import Conditions
from scholarship_api.search.text.tsquery import TextQuery
from scholarship_api.vocabulary import accepted_by

UNRESTRICTED: Final = "*"
"""The value of an award that names none and is open to all."""

MATCH: Final = "s.search_vector @@ %(match)s::tsquery"

_AMOUNT: Final = "COALESCE(s.amount, -1::numeric)"
"""The expression of ix_scholarships_amount. Amounts are never negative."""


@dataclass(frozen=True, slots=True)
class Facet:
    """How many results suit each value of a column."""

    name: str
    """The field of schemas.Facets."""
    column: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    field: str
    """The field of SearchRequest, and the name of the SQL parameter."""
    clause: Callable[[Any], str]
    """SQL for a value of the field."""
    parameter: Callable[[Any], object] = lambda value: value
    facet: Facet | None = None
    is_token: bool = False
    """Whether the clause is one on the indexed column of filter tokens."""


def _clause(sql: str) -> Callable[[Any], str]:
    return lambda _: sql


def _token_filter(
    field: str,
    prefix: str,
    *,
    facet: Facet,
    values: Callable[[Any], list[str]],
    keeps_unrestricted: bool = True,
) -> Filter:
    """A filter on `filter_tokens`, which holds a token for each value, such as s:CA for a state."""

    def tokens(value: object) -> list[str]:
        unrestricted = [UNRESTRICTED] if keeps_unrestricted else []
        return [f"{prefix}:{each}" for each in (*unrestricted, *values(value))]

    clause = f"(s.filter_tokens && %({field})s::text[])"
    return Filter(field, _clause(clause), tokens, facet, is_token=True)


def _deadline_clause(value: dt.date | dt.datetime, *, field: str, sign: str, margin: int) -> str:
    if isinstance(value, dt.datetime):
        # On the sort key, so that a scan of its index can begin or end there. An award without a
        # deadline has the key 'infinity'.
        return f"s.closes_at {sign} %({field})s::timestamptz AND s.closes_at < 'infinity'"
    # The day in the award's own zone. For the index also the instants that can be on this day in
    # some zone.
    return (
        f"s.deadline_date {sign} %({field})s::date"
        f" AND s.closes_at {sign} (%({field})s::date + {margin})::timestamptz"
    )


def _deadline_filter(field: str, *, sign: str, margin: int) -> Filter:
    return Filter(
        field,
        partial(_deadline_clause, field=field, sign=sign, margin=margin),
        lambda value: as_instant(value) if isinstance(value, dt.datetime) else value,
    )


FILTERS: Final = (
    _token_filter(
        "fields_of_study",
        "f",
        facet=Facet("fields_of_study", "fields_of_study", is_list=True),
        values=list,
    ),
    _token_filter(
        "scholarship_types",
        "t",
        facet=Facet("scholarship_types", "scholarship_type"),
        values=list,
        keeps_unrestricted=False,
    ),
    _token_filter(
        "states", "s", facet=Facet("states", "residency_states", is_list=True), values=list
    ),
    _token_filter(
        "grade_level",
        "g",
        facet=Facet("grade_levels", "grade_levels", is_list=True),
        values=lambda value: [value],
    ),
    _token_filter(
        "citizenship",
        "c",
        facet=Facet("citizenship", "citizenship_required"),
        values=lambda value: list(accepted_by(value)),
    ),
    Filter("min_amount", _clause(f"{_AMOUNT} >= %(min_amount)s::numeric")),
    Filter("max_amount", _clause(f"{_AMOUNT} BETWEEN 0 AND %(max_amount)s::numeric")),
    Filter(
        "min_gpa",
        _clause(
            "(s.min_gpa IS NULL OR s.min_gpa <= %(min_gpa)s::numeric)"
            " AND (s.max_gpa IS NULL OR s.max_gpa >= %(min_gpa)s::numeric)"
        ),
    ),
    Filter(
        "renewable",
        _clause("s.renewable = %(renewable)s::boolean"),
        facet=Facet("renewable", "renewable"),
    ),
    _deadline_filter("deadline_after", sign=">=", margin=-2),
    _deadline_filter("deadline_before", sign="<=", margin=3),
)

FACETS: Final = tuple(each.facet for each in FILTERS if each.facet is not None)


def conditions_of(
    request: SearchRequest, *, now: dt.datetime, organization: str | None
) -> Conditions:
    """The conditions of a request without its `q`."""
    conditions = Conditions()
    if not request.include_closed:
        conditions.add("s.closes_at >= %(now)s::timestamptz", now=now)
    if organization is not None:
        conditions.add(
            "s.organization_folded = public.fold_text(%(organization)s::text)",
            organization=organization,
        )
    # With q, the index of words is enough. Reading the index of filter tokens too takes 300 ms on a
    # million awards, because most filters keep what is open to all; IS TRUE keeps the planner from
    # it.
    token_suffix = "" if request.q is None else " IS TRUE"
    for each in FILTERS:
        value = getattr(request, each.field)
        if value is None or value == []:
            continue
        suffix = token_suffix if each.is_token else ""
        conditions.add(each.clause(value) + suffix, **{each.field: each.parameter(value)})
    return conditions


def with_query(conditions: Conditions, text: TextQuery) -> Conditions:
    """The same conditions, with `text` for `q`."""
    return conditions.with_text(
        MATCH,
        estimated_matches=text.estimated_matches,
        match=text.match,
        clauses=[clause.tsquery for clause in text.weighted_clauses],
        weights=[clause.weight for clause in text.weighted_clauses],
        alternative_counts=[clause.alternative_count for clause in text.weighted_clauses],
        query_length=text.query_length,
    )
