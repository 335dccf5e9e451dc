"""A search request as conditions of its SQL."""

import datetime as dt
from typing import Final

from scholarship_api.search.schemas import SearchRequest, as_instant
from scholarship_api.search.sql.statements import Conditions
from scholarship_api.search.text.tsquery import TextQuery
from scholarship_api.vocabulary import accepted_by

_AMOUNT: Final = "COALESCE(s.amount, -1::numeric)"
"""As ix_scholarships_amount has it; amounts are never negative."""

MATCH: Final = "s.search_vector @@ %(match)s::tsquery"


def conditions_of(
    request: SearchRequest,
    *,
    now: dt.datetime,
    organization: str | None,
    text: TextQuery | None,
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
        # Most filters keep what is open to all. With words, the index of these is enough: reading
        # that of the filters too takes 300 ms on a million awards, and IS TRUE keeps from it.
        alone = "" if request.q is None else " IS TRUE"
        conditions.add(f"(s.filter_tokens && %({name})s::text[]){alone}", **{name: tokens})
    _add_amounts_and_grades(conditions, request)
    _add_deadlines(conditions, request)
    return conditions if text is None else for_text(conditions, text)


def for_text(conditions: Conditions, text: TextQuery) -> Conditions:
    """The same conditions with `text` as what q asks for."""
    return conditions.with_text(
        MATCH,
        likely=text.likely,
        match=text.match,
        ranked=[part.tsquery for part in text.ranked],
        weights=[part.weight for part in text.ranked],
        alternatives=[part.alternatives for part in text.ranked],
        letters=text.letters,
    )


def _add_amounts_and_grades(conditions: Conditions, request: SearchRequest) -> None:
    if request.min_amount is not None:
        conditions.add(f"{_AMOUNT} >= %(min_amount)s::numeric", min_amount=request.min_amount)
    if request.max_amount is not None:
        conditions.add(
            f"{_AMOUNT} BETWEEN 0 AND %(max_amount)s::numeric", max_amount=request.max_amount
        )
    if request.min_gpa is not None:
        conditions.add(
            "(s.min_gpa IS NULL OR s.min_gpa <= %(gpa)s::numeric)"
            " AND (s.max_gpa IS NULL OR s.max_gpa >= %(gpa)s::numeric)",
            gpa=request.min_gpa,
        )
    if request.renewable is not None:
        conditions.add("s.renewable = %(renewable)s::boolean", renewable=request.renewable)


def _add_deadlines(conditions: Conditions, request: SearchRequest) -> None:
    for name, sign, margin in (("deadline_after", ">=", -2), ("deadline_before", "<=", 3)):
        bound = getattr(request, name)
        if isinstance(bound, dt.datetime):
            # The sort key, so that an index begins or ends there; without a deadline it is never.
            conditions.add(
                f"s.closes_at {sign} %({name})s::timestamptz AND s.closes_at < 'infinity'",
                **{name: as_instant(bound)},
            )
        elif bound is not None:
            # The day in its own zone, and for the index the instants that it can be at all.
            conditions.add(
                f"s.deadline_date {sign} %({name})s::date"
                f" AND s.closes_at {sign} (%({name})s::date + {margin})::timestamptz",
                **{name: bound},
            )


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
