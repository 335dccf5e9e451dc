"""The search path's SQL: statements made of fixed pieces and parameters.

A piece of SQL here is always a literal of this module or of `presentation`; whatever a client sent
is a parameter. What depends on how much a search finds is planned each time: a plan for any words
and filters, which PostgreSQL makes after some executions of a prepared statement, is a bad one for
most.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypedDict, Unpack

from pydantic_core import from_json

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import summaries
from scholarship_api.search.text.tsquery import MAX_RANKED, beginnings

Keys = tuple[float | str, ...]
"""The place of a row in the order of a search."""

COUNT_CAP: Final = 2_000
"""Totals are counted up to here and estimated above."""

TEXT_COUNT_CAP: Final = 1_000
"""The same with q, as each match is a row to be read; up to here they are ranked one by one."""

MANY: Final = 10
"""Caps: a larger total is estimated without counting, and its facets are counted in a sample."""

SAMPLE_ROWS: Final = 5_000
"""How many rows of the table that sample has."""

TRIAL_ROWS: Final = 1_000
"""In how many rows some match has to be, if the estimate of a large total is to be believed."""

TRIAL_MATCHES: Final = 3

_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_OF_ORDER: Final = ("s.status", "s.closes_at")


@dataclass(slots=True)
class Conditions:
    """WHERE pieces with their parameters."""

    pieces: list[str] = field(default_factory=lambda: ["s.status = 'published'"])
    params: dict[str, object] = field(default_factory=dict)
    text: str = "true"
    """The piece for q, apart, as a grade of the result has another one."""
    likely: float = math.inf
    """About how many awards have the words, as far as the vocabulary can tell."""

    def add(self, piece: str, **params: object) -> None:
        self.pieces.append(piece)
        self.params.update(params)

    def with_text(self, piece: str, *, likely: float = math.inf, **params: object) -> "Conditions":
        return Conditions(self.pieces, self.params | params, piece, likely)

    @property
    def of_order(self) -> str:
        """What the indexes of the orders can tell without the row."""
        return " AND ".join(piece for piece in self.pieces if piece.startswith(_OF_ORDER))

    @property
    def is_filtered(self) -> bool:
        """By more than what every search leaves out."""
        return len(self.pieces) > 1 + ("now" in self.params)

    @property
    def where(self) -> str:
        return " AND ".join([*self.pieces, self.text])


@dataclass(frozen=True, slots=True)
class Order:
    by: str
    after: str
    """The keyset condition; its parameters are key_0, key_1, ..."""
    keys: tuple[str, ...]
    """The last row's values for the cursor, as text where a float would lose digits."""


ORDERS: Final[Mapping[Sort, Order]] = {
    Sort.RELEVANCE: Order(
        by="s.distance, s.closes_at, s.id",
        after="(s.distance, s.closes_at, s.id) > (%(key_0)s::float8, %(key_1)s::timestamptz,"
        " %(key_2)s::text)",
        keys=("s.distance", "s.closes_at::text", "s.id"),
    ),
    Sort.DEADLINE: Order(
        by="s.closes_at, s.id",
        after="(s.closes_at, s.id) > (%(key_0)s::timestamptz, %(key_1)s::text)",
        keys=("s.closes_at::text", "s.id"),
    ),
    Sort.AMOUNT: Order(
        by="COALESCE(s.amount, -1::numeric) DESC, s.id DESC",
        after="(COALESCE(s.amount, -1::numeric), s.id) < (%(key_0)s::numeric, %(key_1)s::text)",
        keys=("COALESCE(s.amount, -1::numeric)::text", "s.id"),
    ),
    Sort.NEWEST: Order(
        by="s.created_at DESC, s.id DESC",
        after="(s.created_at, s.id) < (%(key_0)s::timestamptz, %(key_1)s::text)",
        keys=("s.created_at::text", "s.id"),
    ),
}

# Each part of the query counts by how often and where it stands, times its weight; several words
# for the same, of which ts_rank takes the mean, together, but no more than one word could. The more
# of the name was asked for, the better, by 5 % at most. The weight of a place, with those 5 %,
# is below 6/pi^2 of the better one's, which is what ts_rank gives a word that stands there once: no
# number of words makes up for a better place.
_DISTANCE: Final = """-(1 + 0.05 * least(1, %(letters)s::float8 / length(s.name))) * (
    SELECT coalesce(sum(part.weight * least(1, part.alternatives
        * ts_rank('{{0.18, 0.33, 0.57, 1.0}}', s.search_vector, part.words))), 0)
    FROM unnest({words}, %(weights)s::float8[], %(alternatives)s::int[])
        AS part (words, weight, alternatives)
)"""
_RANKED: Final = "%(ranked)s::text[]::tsquery[]"
_AFFORDABLE: Final = f"({_RANKED})[:greatest(1, {MAX_RANKED} / greatest(1, counted.total))]"
"""As many parts as so many matches can be ranked by, those that tell most."""


class Window(TypedDict):
    """Which rows of a result: at most `limit` after `keys`, without the first `offset`."""

    sort: Sort
    keys: Keys | None
    limit: int
    offset: int


@dataclass(slots=True)
class Rows:
    """The rows of a window, as PostgreSQL says them; see `presentation`."""

    items: list[bytes]
    standings: list[bytes]
    has_more: bool
    """Whether there are rows after the window."""
    keys: Keys | None
    """Of the last one, if the window is full."""
    among: int = 0
    """Of how many matches; see `page`."""


_SEPARATOR: Final = b"\x1f"
"""As a control character it is in no JSON."""


def _rows(picked: str, conditions: Conditions, order: Order, *, among: str, first: str = "") -> str:
    """The statement for the Rows of `picked`: the COLUMNS of a window and one more. `first` comes
    before their keys. All in one row, as each chunk and each value costs us time."""
    item = summaries.HIGHLIGHTED if "match" in conditions.params else summaries.ITEM
    return f"""
        SELECT
            string_agg(concat_ws(E'\\x1f', {summaries.STANDING}, {item}), E'\\x1f'
                ORDER BY s.number) FILTER (WHERE s.number <= %(limit)s::int),
            count(*) > %(limit)s::int,
            max(json_build_array({first}{", ".join(order.keys)})::text)
                FILTER (WHERE s.number = %(limit)s::int),
            {among}
        FROM (
            SELECT s.*, row_number() OVER (ORDER BY {order.by}) AS number
            FROM ({picked}) AS s
        ) AS s"""


def _read(row: tuple[Any, ...]) -> Rows:
    shown, has_more, keys, among = row
    pieces = shown.split(_SEPARATOR) if shown else []  # a standing, its item, the next standing
    return Rows(
        pieces[1::2],
        pieces[::2],
        has_more == b"t",
        keys and tuple(from_json(keys)),
        int(among),
    )


def _parameters(conditions: Conditions, window: Window) -> dict[str, object]:
    keys = {f"key_{position}": key for position, key in enumerate(window["keys"] or ())}
    given = {**conditions.params, **keys, "limit": window["limit"], "offset": window["offset"]}
    match = given.get("match")
    return given if match is None else {**given, "beginnings": beginnings(str(match))}


async def page(
    fetch: Fetch,
    conditions: Conditions,
    *,
    among: int | None = None,
    within: int | None = None,
    grade: int | None = None,
    **window: Unpack[Window],
) -> Rows:
    """The rows of a window, for all orders but relevance; `grade` comes before their keys.

    With `among` the matches are read as they lie and then sorted, but no more than so many: `among`
    of the rows is how many they were, and if that is all of them it is no order. With `within` no
    more than so many awards are looked at in the order, whether they match or not.
    """
    order = ORDERS[window["sort"]]
    where, after = conditions.where, "true" if window["keys"] is None else order.after
    # The rows are picked in an index that holds what is filtered by, and only then fetched.
    matches = f"SELECT s.id FROM scholarships AS s WHERE {where} AND {after}"
    columns, of_how_many = f"{summaries.COLUMNS}, s.closes_at, s.created_at", "0"
    if among is not None:
        columns, of_how_many = f"{columns}, picked.among", "coalesce(max(s.among), 0)"
        matches = (
            "SELECT s.id, count(*) OVER () AS among"
            " FROM (SELECT s.id, s.closes_at, s.amount, s.created_at"
            f" FROM scholarships AS s WHERE {where} AND {after} LIMIT {among:d}) AS s"
        )
    elif within is not None:
        matches = (
            "SELECT s.id FROM (SELECT s.* FROM scholarships AS s"
            f" WHERE {conditions.of_order} AND {after} ORDER BY {order.by} LIMIT {within:d})"
            f" AS s WHERE {where}"
        )
    picked = (
        f"SELECT {columns} FROM ({matches} ORDER BY {order.by}"
        " LIMIT %(limit)s::int + 1 OFFSET %(offset)s) AS picked JOIN scholarships AS s USING (id)"
    )
    first = "" if grade is None else f"{grade:d}, "
    statement = _rows(picked, conditions, order, among=of_how_many, first=first)
    [row] = await fetch(statement, _parameters(conditions, window))
    return _read(row)


async def ranked_page(
    fetch: Fetch,
    conditions: Conditions,
    *,
    cap: int,
    **window: Unpack[Window],
) -> tuple[int, Rows]:
    """The number of matches, or `cap` + 1 if there are more; and if there are no more the rows of a
    window in the order by relevance."""
    order = ORDERS[Sort.RELEVANCE]
    is_first = window["keys"] is None
    # What a cursor holds was affordable on the first page, and has to stay as it is.
    distance = _DISTANCE.format(words=_AFFORDABLE if is_first else _RANKED)
    picked = (
        f"SELECT s.* FROM (SELECT s.*, {distance} AS distance FROM matched AS s) AS s"
        f" WHERE counted.total <= {cap:d} AND {'true' if is_first else order.after}"
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
            {_rows(picked, conditions, order, among="0")}
        ) AS page
        """,
        _parameters(conditions, window),
    )
    return int(total), _read(tuple(row))


@dataclass(frozen=True, slots=True)
class Count:
    total: int
    is_exact: bool
    """Which it is up to the cap."""
    page: Rows | None = None
    """The rows of the window that was asked for, if the matches could be ranked."""


async def count(fetch: Fetch, conditions: Conditions, *, ranked: Window | None = None) -> Count:
    """The number of matches; and the rows of a window in the order by relevance if there are likely
    to be so few that they can be ranked, as counting finds what that has to read."""
    cap = _cap(conditions)
    estimate = None
    expected = conditions.likely
    # Nobody but the planner knows of the filters, but asking it takes a statement of its own.
    if expected > cap:
        expected = estimate = await expected_matches(fetch, conditions)
        # To it words and filters are independent of each other, and a phrase is its words.
        if estimate > MANY * cap and await _are_many(fetch, conditions):
            return Count(estimate, is_exact=False)
    page = None
    if ranked is not None and expected <= cap:
        total, page = await ranked_page(fetch, conditions, cap=cap, **ranked)
    else:
        total = await count_up_to(fetch, conditions, cap=cap + 1)
    if total <= cap:
        return Count(total, is_exact=True, page=page)
    if estimate is None:
        estimate = await expected_matches(fetch, conditions)
    return Count(max(total, estimate), is_exact=False)


async def expected_matches(fetch: Fetch, conditions: Conditions) -> int:
    """How many the planner expects."""
    explained = await fetch(f"EXPLAIN (FORMAT JSON) {_matches(conditions)}", conditions.params)
    return int(from_json(explained[0][0])[0]["Plan"]["Plan Rows"])


def _cap(conditions: Conditions) -> int:
    return COUNT_CAP if conditions.text == "true" else min(COUNT_CAP, TEXT_COUNT_CAP)


async def _are_many(fetch: Fetch, conditions: Conditions) -> bool:
    sample = await _sample(fetch, TRIAL_ROWS)
    found = await _number(
        fetch,
        f"SELECT count(*) FROM (SELECT FROM scholarships AS s {sample}"
        f" WHERE {conditions.where} LIMIT {TRIAL_MATCHES:d}) AS found",
        conditions.params,
    )
    return found == TRIAL_MATCHES


async def _sample(fetch: Fetch, rows: int) -> str:
    """The clause for so many rows of the table, the same ones each time."""
    awards = await _number(
        fetch,
        "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass",
    )
    return f"TABLESAMPLE SYSTEM ({min(100.0, 100 * rows / awards):f}) REPEATABLE (0)"


async def count_up_to(fetch: Fetch, conditions: Conditions, *, cap: int) -> int:
    """The number of matches, or `cap` if there are more."""
    # In no order: where few rows match, looking them up in an index takes less than the walk.
    counted = await _number(
        fetch,
        f"SELECT count(*) FROM ({_matches(conditions)} LIMIT {cap:d}) AS capped",
        conditions.params,
    )
    return int(counted)


async def _number(fetch: Fetch, statement: str, params: Mapping[str, object] = _NONE) -> float:
    [[number]] = await fetch(statement, params)
    return float(number)


def _matches(conditions: Conditions) -> str:
    return f"SELECT 1 FROM scholarships AS s WHERE {conditions.where}"


_FACETS: Final = """
WITH matched AS MATERIALIZED (
    SELECT s.fields_of_study, s.scholarship_type, s.residency_states, s.grade_levels,
        s.citizenship_required, s.renewable
    FROM scholarships AS s {sample} WHERE {where} {limit}
)
SELECT 'total' AS facet, '' AS value, count(*) AS count FROM matched
UNION ALL
SELECT 'fields_of_study', item, count(*)
FROM matched, unnest(CASE fields_of_study WHEN '{{}}' THEN '{{*}}' ELSE fields_of_study END) AS item
GROUP BY item
UNION ALL
SELECT 'states', item, count(*) FROM matched,
    unnest(CASE residency_states WHEN '{{}}' THEN '{{*}}' ELSE residency_states END) AS item
GROUP BY item
UNION ALL
SELECT 'grade_levels', item, count(*)
FROM matched, unnest(CASE grade_levels WHEN '{{}}' THEN '{{*}}' ELSE grade_levels END) AS item
GROUP BY item
UNION ALL
SELECT 'scholarship_types', scholarship_type, count(*) FROM matched GROUP BY 2
UNION ALL
SELECT 'citizenship', coalesce(citizenship_required, '*'), count(*) FROM matched GROUP BY 2
UNION ALL
SELECT 'renewable', renewable::text, count(*) FROM matched GROUP BY 2
"""


async def facets(
    fetch: Fetch, conditions: Conditions, *, total: int, exact: bool
) -> dict[str, dict[str, int]]:
    """How many matches name each value, by facet; `*` are those open to all.

    Exact where the total is; else scaled up from as many matches as would be counted, or where
    there are MANY, from those in a sample of SAMPLE_ROWS rows of the table.
    """
    sample = limit = ""
    cap = _cap(conditions)
    if not exact and total > MANY * cap:
        sample = await _sample(fetch, SAMPLE_ROWS)
    elif not exact:
        limit = f"LIMIT {max(cap, 1):d}"
    statement = _FACETS.format(sample=sample, where=conditions.where, limit=limit)
    counts: dict[str, dict[str, int]] = {}
    for facet, value, number in await fetch(statement, conditions.params):
        counts.setdefault(facet.decode(), {})[value.decode()] = int(number)
    sampled = counts.pop("total")[""]
    scale = 1.0 if exact or sampled == 0 else total / sampled
    return {
        facet: {value: round(number * scale) for value, number in values.items()}
        for facet, values in counts.items()
    }


async def organization_exists(fetch: Fetch, name: str) -> bool:
    [[exists]] = await fetch(
        "SELECT EXISTS (SELECT FROM scholarships WHERE status = 'published'"
        " AND organization_folded = public.fold_text(%(name)s))",
        {"name": name},
    )
    return bool(exists == b"t")
