"""The rule of `rules` in SQL, made from the same table, and the statements that use it."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    False_,
    Integer,
    Select,
    and_,
    case,
    desc,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from scholarship_api.catalogue.models import Scholarship
from scholarship_api.eligibility.rules import CRITERIA, MAX_SCORE, Criterion, Relation, Verdict
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.vocabulary import Status, accepted_by

Profile = Mapping[str, Any]
"""The known values of a student, by field name."""

Column = Any
"""An attribute of Scholarship, found by name."""

RANKS: Final = {verdict: rank for rank, verdict in enumerate(Verdict)}
"""The position of each verdict in the order of results."""

_APPLIES: Final[Mapping[Relation, Callable[[Column], ColumnElement[bool]]]] = {
    Relation.AT_LEAST: lambda column: column.is_not(None),
    Relation.AT_MOST: lambda column: column.is_not(None),
    Relation.ONE_OF: lambda column: func.cardinality(column) > 0,
    Relation.CITIZEN: lambda column: column.is_not(None),
    Relation.TRUE: lambda column: column.is_(True),
}

_IS_FAILED: Final[Mapping[Relation, Callable[[Column, Any], ColumnElement[bool]]]] = {
    Relation.AT_LEAST: lambda column, actual: column > actual,
    Relation.AT_MOST: lambda column, actual: column < actual,
    Relation.ONE_OF: lambda column, actual: and_(
        func.cardinality(column) > 0, literal(actual) != func.all(column)
    ),
    Relation.CITIZEN: lambda column, actual: column.not_in(accepted_by(actual)),
    Relation.TRUE: lambda column, actual: false() if actual else column.is_(True),
}


def is_failed(criterion: Criterion, profile: Profile) -> ColumnElement[bool]:
    """True where the criterion is failed; else false or NULL."""
    actual = profile.get(criterion.field)
    if actual is None:
        return false()
    return _IS_FAILED[criterion.relation](getattr(Scholarship, criterion.column), actual)


def is_unknown(criterion: Criterion, profile: Profile) -> ColumnElement[bool]:
    if profile.get(criterion.field) is not None:
        return false()
    return _APPLIES[criterion.relation](getattr(Scholarship, criterion.column))


def score(profile: Profile) -> ColumnElement[int]:
    """The same as `rules.Assessment.score`, in hundredths."""
    left = _number(MAX_SCORE)
    for criterion in CRITERIA:
        for condition, cost in (
            (is_failed(criterion, profile), criterion.failed_cost),
            (is_unknown(criterion, profile), criterion.missing_cost),
        ):
            if cost and not isinstance(condition, False_):
                left -= case((condition, _number(cost)), else_=_number(0))
    return func.greatest(_number(0), left)


def is_ineligible(profile: Profile) -> ColumnElement[bool]:
    failed = or_(*(is_failed(criterion, profile) for criterion in CRITERIA))
    return func.coalesce(failed, false())


def verdict_rank(profile: Profile) -> ColumnElement[int]:
    """The rank (RANKS) of `rules.Assessment.verdict`."""
    unknown = or_(*(is_unknown(criterion, profile) for criterion in CRITERIA))
    return case(
        (is_ineligible(profile), _number(RANKS[Verdict.INELIGIBLE])),
        (unknown, _number(RANKS[Verdict.NEEDS_INFORMATION])),
        else_=_number(RANKS[Verdict.ELIGIBLE]),
    )


def _number(value: int) -> ColumnElement[int]:
    # A literal instead of a parameter, so that the planner knows the value.
    return literal_column(str(value), Integer)


COLUMNS: Final = (
    Scholarship.id,
    Scholarship.status,
    Scholarship.deadline_kind,
    Scholarship.deadline_date,
    Scholarship.recurs,
    Scholarship.application_deadline,
    *(getattr(Scholarship, criterion.column) for criterion in CRITERIA),
)
"""The columns by which an award is assessed and explained."""


async def by_ids(session: ReadSession, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read the awards with these ids that are not drafts: COLUMNS by name, by id."""
    statement = select(*COLUMNS).where(
        Scholarship.id.in_(set(ids)), Scholarship.status != Status.DRAFT.value
    )
    rows = (await session.execute(statement)).mappings()
    return {row["id"]: dict(row) for row in rows}


async def ranked(
    session: ReadSession,
    profile: Profile,
    *,
    closing_after: dt.datetime | None,
    limit: int,
    offset: int,
) -> list[dict[str, Any]]:
    """Read a page of the published awards (COLUMNS by name), by verdict, score, deadline and id."""
    # An index has all columns of the ranking; the other columns are read for the page only.
    page = (
        _candidates(
            Scholarship.id,
            verdict_rank(profile).label("rank"),
            score(profile).label("score"),
            closing_after=closing_after,
        )
        .order_by("rank", desc("score"), Scholarship.closes_at, Scholarship.id)
        .limit(limit)
        .offset(offset)
        .subquery("page")
    )
    statement = (
        select(*COLUMNS)
        .join(page, page.c.id == Scholarship.id)
        .order_by(page.c.rank, page.c.score.desc(), Scholarship.closes_at, Scholarship.id)
    )
    return [dict(row) for row in (await session.execute(statement)).mappings()]


async def count(
    session: ReadSession, profile: Profile, *, closing_after: dt.datetime | None
) -> tuple[int, int]:
    """Count the awards that `ranked` orders, and the eligible ones among them."""
    eligible = verdict_rank(profile) == _number(RANKS[Verdict.ELIGIBLE])
    statement = _candidates(
        func.count(), func.count().filter(eligible), closing_after=closing_after
    )
    total, eligible_count = (await session.execute(statement)).one()
    return total, eligible_count


def _candidates(
    *columns: ColumnElement[Any] | InstrumentedAttribute[Any], closing_after: dt.datetime | None
) -> Select[Any]:
    statement = select(*columns).where(Scholarship.status == Status.PUBLISHED.value)
    if closing_after is None:
        return statement
    return statement.where(Scholarship.closes_at >= closing_after)
