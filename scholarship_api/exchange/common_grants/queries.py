"""Statements that find published awards in the orders and by the filters of CommonGrants."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from scholarship_api.catalogue.stored_awards import COLUMNS, StoredAward, from_row
from scholarship_api.platform.database.libpq import Fetch

STATUS: Final = """CASE
    WHEN s.opens_at > %(now)s THEN 'forecasted'
    WHEN s.deadline_kind = 'rolling' THEN 'open'
    WHEN s.application_deadline IS NULL THEN 'custom'
    WHEN s.application_deadline >= %(now)s THEN 'open'
    WHEN s.recurs = 'yearly' THEN 'forecasted'
    ELSE 'closed' END"""
"""`status.value`, as `opportunities.status_of` has it."""

_PUBLISHED: Final = "s.status = 'published'"
LAST_MODIFIED_AT: Final = "lastModifiedAt"
_SORT_KEYS: Final[Mapping[str, str | None]] = {
    LAST_MODIFIED_AT: "s.updated_at",
    "createdAt": "s.created_at",
    "title": "s.name_folded",
    "status.value": STATUS,
    "keyDates.closeDate": "s.application_deadline",
    "funding.maxAwardAmount": "COALESCE(s.amount_max, s.amount_min)",
    "funding.minAwardAmount": "s.amount_min",
    # No award has these: all are equal.
    "funding.totalAmountAvailable": None,
    "funding.estimatedAwardCount": None,
}
SORT_KEYS: Final = frozenset(_SORT_KEYS)


class Condition(NamedTuple):
    sql: str
    parameters: Mapping[str, object]


class Window(NamedTuple):
    sort_by: str
    descending: bool
    limit: int
    offset: int


def status_is(statuses: Sequence[str], *, excluded: bool) -> Condition:
    operator = "<> ALL" if excluded else "= ANY"
    return Condition(f"({STATUS}) {operator} (%(statuses)s::text[])", {"statuses": list(statuses)})


def closes_between(
    low: dt.date | dt.datetime, high: dt.date | dt.datetime, *, outside: bool
) -> Condition:
    """A date is a day in the award's own time zone."""
    inside = f"{_closing('>=', low, 'closes_min')} AND {_closing('<=', high, 'closes_max')}"
    condition = f"NOT ({inside}) AND s.application_deadline IS NOT NULL" if outside else inside
    return Condition(condition, {"closes_min": low, "closes_max": high})


def _closing(operator: str, bound: dt.date | dt.datetime, parameter: str) -> str:
    if isinstance(bound, dt.datetime):
        return f"s.application_deadline {operator} %({parameter})s::timestamptz"
    return f"s.deadline_date {operator} %({parameter})s::date"


def amount_between(column: str, low: str, high: str, currency: str, *, outside: bool) -> Condition:
    """`column` is `min` or `max`. Amounts in other currencies are left out."""
    amount = "s.amount_min" if column == "min" else "COALESCE(s.amount_max, s.amount_min)"
    names = {name: f"{column}_{name}" for name in ("low", "high", "currency")}
    inside = f"{amount} BETWEEN %({names['low']})s::numeric AND %({names['high']})s::numeric"
    condition = f"NOT ({inside})" if outside else inside
    return Condition(
        f"s.currency = %({names['currency']})s AND {condition}",
        {names["low"]: low, names["high"]: high, names["currency"]: currency},
    )


def has_id(award_ids: Sequence[str]) -> Condition:
    return Condition("s.id = ANY (%(ids)s::text[])", {"ids": list(award_ids)})


def needs_money(*, wanted: bool) -> Condition:
    return Condition("s.financial_need = %(financial_need)s::bool", {"financial_need": wanted})


NOTHING: Final = Condition("false", {})


async def page(
    fetch: Fetch, window: Window, conditions: Sequence[Condition], *, now: dt.datetime
) -> list[StoredAward]:
    """The awards of a page; those without a value of the sort key come last in both directions."""
    # The ids are found in an index alone; only the rows of the page are read.
    rows = await fetch(
        f"""
        SELECT row_to_json(award) FROM (
            SELECT {COLUMNS} FROM (
                SELECT s.id, row_number() OVER (ORDER BY {_order(window)}) AS place
                FROM scholarships AS s WHERE {_where(conditions)}
                ORDER BY {_order(window)}
                LIMIT %(limit)s OFFSET %(offset)s
            ) AS page JOIN scholarships AS s USING (id) ORDER BY page.place
        ) AS award
        """,
        {
            **_parameters(conditions),
            "now": now,
            "limit": window.limit,
            "offset": window.offset,
        },
    )
    return [from_row(row) for (row,) in rows]


async def count(fetch: Fetch, conditions: Sequence[Condition], *, now: dt.datetime) -> int:
    [(total,)] = await fetch(
        f"SELECT count(*) FROM scholarships AS s WHERE {_where(conditions)}",
        {**_parameters(conditions), "now": now},
    )
    return int(total)


async def by_opportunity_id(fetch: Fetch, opportunity_id: uuid.UUID) -> StoredAward | None:
    """The published award of an opportunity."""
    rows = await fetch(
        f"SELECT row_to_json(award) FROM (SELECT {COLUMNS} FROM scholarships AS s"
        f" WHERE {_PUBLISHED} AND public.opportunity_id(s.id) = %(id)s::uuid) AS award",
        {"id": str(opportunity_id)},
    )
    return from_row(rows[0][0]) if rows else None


def _where(conditions: Sequence[Condition]) -> str:
    return " AND ".join([_PUBLISHED, *(f"({condition.sql})" for condition in conditions)])


def _parameters(conditions: Sequence[Condition]) -> dict[str, Any]:
    return {name: value for each in conditions for name, value in each.parameters.items()}


def _order(window: Window) -> str:
    key = _SORT_KEYS[window.sort_by]
    if key is None:
        return "s.id"
    direction = "DESC" if window.descending else "ASC"
    # A key that is never null is sorted by its index, which knows no NULLS LAST.
    nulls = "" if window.sort_by == LAST_MODIFIED_AT else " NULLS LAST"
    return f"{key} {direction}{nulls}, s.id"
