"""The recommendation score in SQL, made from the tables of `rules`, and the ranking by it."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Text,
    case,
    cast,
    desc,
    func,
    literal,
    literal_column,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import array

from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.summaries import shortened_description
from scholarship_api.eligibility import service as eligibility
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.recommendations import rules
from scholarship_api.vocabulary import ScholarshipType, Status

COLUMNS: Final = (
    *eligibility.AWARD_COLUMNS,
    Scholarship.name,
    Scholarship.organization,
    Scholarship.amount,
    Scholarship.currency,
    Scholarship.deadline_timezone,
    Scholarship.scholarship_type,
    literal_column(shortened_description("scholarships.description"), Text).label("description"),
)


def score(profile: Mapping[str, Any], *, now: dt.datetime) -> ColumnElement[int]:
    """The same as `rules.total` for an award that is open at `now`, in thousandths."""
    points = eligibility.match_score(profile) * _number(rules.MATCH_WEIGHT)
    if field := profile.get("field_of_study"):
        is_named = literal(field) == func.any(Scholarship.fields_of_study)
        points += case((is_named, _number(rules.FIELD_NAMED)), else_=_number(0))
    points += case(
        *(
            (Scholarship.amount >= _number(minimum), _number(gained))
            for minimum, gained in rules.AMOUNTS
        ),
        else_=_number(0),
    )
    points += _deadline_points(now)
    by_type = {kind.value: _number(gained) for kind, gained in rules.TYPES.items()}
    if profile.get("financial_need"):
        by_type[ScholarshipType.NEED_BASED.value] = _number(rules.NEED_WITH_NEED)
    points += case(by_type, value=Scholarship.scholarship_type, else_=_number(0))
    return func.least(_number(rules.MAX_SCORE), func.greatest(_number(0), points))


def _deadline_points(now: dt.datetime) -> ColumnElement[int]:
    today = cast(func.timezone(Scholarship.deadline_timezone, now), Date)
    starts = array([_number(start) for start, _ in rules.DEADLINES])
    # The operand occurs once: finding the day in a time zone is the most expensive part.
    band = func.width_bucket(Scholarship.deadline_date - today, starts, type_=Integer)
    return case(
        {
            position: _number(gained)
            for position, (_, gained) in enumerate(rules.DEADLINES, start=1)
        },
        value=band,
        else_=_number(0),
    )


async def best(
    session: ReadSession,
    profile: Mapping[str, Any],
    *,
    include_ineligible: bool,
    now: dt.datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Read the open awards (COLUMNS by name) by score, then by deadline and id."""
    ranking = select(Scholarship.id, score(profile, now=now).label("score")).where(
        Scholarship.status == Status.PUBLISHED.value, Scholarship.closes_at >= now
    )
    if not include_ineligible:
        ranking = ranking.where(not_(eligibility.is_ineligible(profile)))
    # The other columns are read for the page only.
    page = (
        ranking.order_by(desc("score"), Scholarship.closes_at, Scholarship.id)
        .limit(limit)
        .subquery("page")
    )
    statement = (
        select(*COLUMNS)
        .join(page, page.c.id == Scholarship.id)
        .order_by(page.c.score.desc(), Scholarship.closes_at, Scholarship.id)
    )
    return [dict(row) for row in (await session.execute(statement)).mappings()]


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), Integer)
