"""A search request as conditions of its SQL."""

import datetime as dt
from typing import Final

from scholarship_api.search import terms
from scholarship_api.search.queries import Conditions
from scholarship_api.search.schemas import SearchRequest, as_instant
from scholarship_api.vocabulary import accepted_by

MATCH: Final = "s.search_vector @@ %(match)s::tsquery"


def conditions_of(
    request: SearchRequest,
    *,
    now: dt.datetime,
    organization: str | None,
    text: terms.TextQuery | None,
) -> Conditions:
    conditions = Conditions()
    if not request.include_closed:
        conditions.add("s.closes_at >= %(now)s::timestamptz", now=now)
    if organization is not None:
        conditions.add(
            "s.organization_folded = public.fold_text(%(organization)s::text)",
            organization=organization,
        )
    for name, tokens in _token_filters(request).items():
        conditions.add(f"s.filter_tokens && %({name})s::text[]", **{name: tokens})
    _add_amounts_and_grades(conditions, request)
    _add_deadlines(conditions, request)
    if text is None:
        return conditions
    exact = {} if text.exact is None else {"exact": text.exact}
    return conditions.with_text(MATCH, match=text.match, **exact)


def _add_amounts_and_grades(conditions: Conditions, request: SearchRequest) -> None:
    if request.min_amount is not None:
        conditions.add("s.amount >= %(min_amount)s::numeric", min_amount=request.min_amount)
    if request.max_amount is not None:
        conditions.add("s.amount <= %(max_amount)s::numeric", max_amount=request.max_amount)
    if request.min_gpa is not None:
        conditions.add(
            "(s.min_gpa IS NULL OR s.min_gpa <= %(gpa)s::numeric)"
            " AND (s.max_gpa IS NULL OR s.max_gpa >= %(gpa)s::numeric)",
            gpa=request.min_gpa,
        )
    if request.renewable is not None:
        conditions.add("s.renewable = %(renewable)s::boolean", renewable=request.renewable)


def _add_deadlines(conditions: Conditions, request: SearchRequest) -> None:
    for name, sign in (("deadline_after", ">="), ("deadline_before", "<=")):
        bound = getattr(request, name)
        if isinstance(bound, dt.datetime):
            conditions.add(
                f"s.application_deadline {sign} %({name})s::timestamptz",
                **{name: as_instant(bound)},
            )
        elif bound is not None:
            conditions.add(f"s.deadline_date {sign} %({name})s::date", **{name: bound})


def _token_filters(request: SearchRequest) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    if request.fields_of_study:
        filters["fields"] = ["f:*", *(f"f:{name}" for name in request.fields_of_study)]
    if request.scholarship_types:
        filters["types"] = [f"t:{name}" for name in request.scholarship_types]
    if request.states:
        filters["states"] = ["s:*", *(f"s:{code}" for code in request.states)]
    if request.grade_level:
        filters["grades"] = ["g:*", f"g:{request.grade_level}"]
    if request.citizenship:
        filters["citizenship"] = [f"c:{code}" for code in ("*", *accepted_by(request.citizenship))]
    return filters
