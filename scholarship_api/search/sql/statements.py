"""The statements that fetch the rows of a page.

Each is one row of PostgreSQL's answer, because every row and every value costs time in Python.
Statements are planned with their parameters each time: the plan for any parameters, which
PostgreSQL makes after some executions of a prepared statement, is bad for most words and filters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict, Unpack

from pydantic_core import from_json

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import summaries
from scholarship_api.search.sql.conditions import Conditions
from scholarship_api.search.sql.scoring import negated_score
from scholarship_api.search.text.tsquery import word_beginnings

Keyset = tuple[float | str, ...]
"""The sort key of a row: what a cursor continues after."""


@dataclass(frozen=True, slots=True)
class Order:
    by: str
    after: str
    """The condition on rows after the keyset, whose values are the parameters key_0, key_1, ..."""
    keyset: tuple[str, ...]
    """SQL for the keyset of a row, as text where a float would lose digits."""


ORDERS: Final[Mapping[Sort, Order]] = {
    Sort.RELEVANCE: Order(
        by="s.negated_score, s.closes_at, s.id",
        after="(s.negated_score, s.closes_at, s.id)"
        " > (%(key_0)s::float8, %(key_1)s::timestamptz, %(key_2)s::text)",
        keyset=("s.negated_score", "s.closes_at::text", "s.id"),
    ),
    Sort.DEADLINE: Order(
        by="s.closes_at, s.id",
        after="(s.closes_at, s.id) > (%(key_0)s::timestamptz, %(key_1)s::text)",
        keyset=("s.closes_at::text", "s.id"),
    ),
    Sort.AMOUNT: Order(
        by="COALESCE(s.amount, -1::numeric) DESC, s.id DESC",
        after="(COALESCE(s.amount, -1::numeric), s.id) < (%(key_0)s::numeric, %(key_1)s::text)",
        keyset=("COALESCE(s.amount, -1::numeric)::text", "s.id"),
    ),
    Sort.NEWEST: Order(
        by="s.created_at DESC, s.id DESC",
        after="(s.created_at, s.id) < (%(key_0)s::timestamptz, %(key_1)s::text)",
        keyset=("s.created_at::text", "s.id"),
    ),
}


class Window(TypedDict):
    """Which rows of a result: at most `limit` after `keyset`, without the first `offset`."""

    sort: Sort
    keyset: Keyset | None
    limit: int
    offset: int


@dataclass(slots=True)
class Rows:
    """The rows of a window, as PostgreSQL writes them; `sql/summaries.py` completes them."""

    items: list[bytes]
    availability_sources: list[bytes]
    has_more: bool
    """Whether there are rows after the window."""
    keyset: Keyset | None
    """The sort key of the last row."""
    matches_read: int = 0
    """How many matches were read, if that was limited."""

    @classmethod
    def none(cls) -> "Rows":
        return cls([], [], has_more=False, keyset=None)


_SEPARATOR: Final = b"\x1f"
"""A control character, which JSON escapes, so that it is in no item."""


async def page(
    fetch: Fetch,
    conditions: Conditions,
    *,
    sort_limit: int | None = None,
    scan_limit: int | None = None,
    tier: int | None = None,
    **window: Unpack[Window],
) -> Rows:
    """The rows of a window, in any order but relevance; `tier` precedes their keyset.

    `sort_limit` reads at most this many matches, in no order, and sorts them. If `matches_read`
    reaches the limit, the rows are not the first ones. `scan_limit` looks at no more than this many
    awards, in the order, whether they match or not.
    """
    order = ORDERS[window["sort"]]
    where, after = conditions.where, "true" if window["keyset"] is None else order.after
    # An index that contains the columns of the filters finds the ids; only then rows are read.
    matches = f"SELECT s.id FROM scholarships AS s WHERE {where} AND {after}"
    columns, matches_read = f"{summaries.COLUMNS}, s.closes_at, s.created_at", "0"
    if sort_limit is not None:
        columns, matches_read = f"{columns}, picked.found", "coalesce(max(s.found), 0)"
        matches = (
            "SELECT s.id, count(*) OVER () AS found"
            " FROM (SELECT s.id, s.closes_at, s.amount, s.created_at"
            f" FROM scholarships AS s WHERE {where} AND {after} LIMIT {sort_limit:d}) AS s"
        )
    elif scan_limit is not None:
        matches = (
            "SELECT s.id FROM (SELECT s.* FROM scholarships AS s"
            f" WHERE {conditions.index_only} AND {after} ORDER BY {order.by} LIMIT {scan_limit:d})"
            f" AS s WHERE {where}"
        )
    picked = (
        f"SELECT {columns} FROM ({matches} ORDER BY {order.by}"
        " LIMIT %(limit)s::int + 1 OFFSET %(offset)s) AS picked JOIN scholarships AS s USING (id)"
    )
    statement = _rows_statement(picked, conditions, order, matches_read=matches_read, tier=tier)
    [row] = await fetch(statement, _params(conditions, window))
    return _rows(row)


async def ranked_page(
    fetch: Fetch, conditions: Conditions, *, cap: int, **window: Unpack[Window]
) -> tuple[int, Rows]:
    """The number of matches and the rows of a window by relevance, in one statement.

    With more than `cap` matches the number is `cap` + 1, and there are no rows.
    """
    order = ORDERS[Sort.RELEVANCE]
    is_first_page = window["keyset"] is None
    picked = (
        f"SELECT s.* FROM (SELECT s.*, {negated_score()} AS negated_score FROM matched AS s) AS s"
        f" WHERE counted.total <= {cap:d} AND {'true' if is_first_page else order.after}"
        f" ORDER BY {order.by} LIMIT %(limit)s::int + 1 OFFSET %(offset)s"
    )
    [(total, *row)] = await fetch(
        f"""
        WITH matched AS MATERIALIZED (
            SELECT {summaries.COLUMNS}, s.closes_at, s.search_vector FROM scholarships AS s
            WHERE {conditions.where} LIMIT {cap + 1:d}
        ), counted AS MATERIALIZED (
            SELECT count(*) AS total FROM matched
        )
        SELECT counted.total, page.* FROM counted, LATERAL (
            {_rows_statement(picked, conditions, order, matches_read="0")}
        ) AS page
        """,
        _params(conditions, window),
    )
    return int(total), _rows(tuple(row))


def _rows_statement(
    picked: str,
    conditions: Conditions,
    order: Order,
    *,
    matches_read: str,
    tier: int | None = None,
) -> str:
    """The statement for the Rows of `picked`, which has the rows of a window and one more."""
    item = summaries.HIGHLIGHTED if "match" in conditions.params else summaries.ITEM
    keyset = ", ".join(order.keyset if tier is None else (f"{tier:d}", *order.keyset))
    return f"""
        SELECT
            string_agg(concat_ws(E'\\x1f', {summaries.AVAILABILITY_SOURCE}, {item}), E'\\x1f'
                ORDER BY s.number) FILTER (WHERE s.number <= %(limit)s::int),
            count(*) > %(limit)s::int,
            max(json_build_array({keyset})::text) FILTER (WHERE s.number = %(limit)s::int),
            {matches_read}
        FROM (
            SELECT s.*, row_number() OVER (ORDER BY {order.by}) AS number
            FROM ({picked}) AS s
        ) AS s"""


def _rows(row: tuple[Any, ...]) -> Rows:
    text, has_more, keyset, matches_read = row
    # An availability source, its item, the next availability source, ...
    parts = text.split(_SEPARATOR) if text else []
    return Rows(
        parts[1::2],
        parts[::2],
        has_more == b"t",
        keyset and tuple(from_json(keyset)),
        int(matches_read),
    )


def _params(conditions: Conditions, window: Window) -> dict[str, object]:
    keyset = {f"key_{position}": key for position, key in enumerate(window["keyset"] or ())}
    given = {**conditions.params, **keyset, "limit": window["limit"], "offset": window["offset"]}
    match = given.get("match")
    return given if match is None else {**given, "word_beginnings": word_beginnings(str(match))}


async def organization_exists(fetch: Fetch, name: str) -> bool:
    """Whether an award of this organization is published."""
    [[exists]] = await fetch(
        "SELECT EXISTS (SELECT FROM scholarships WHERE status = 'published'"
        " AND organization_folded = public.fold_text(%(name)s))",
        {"name": name},
    )
    return bool(exists == b"t")
