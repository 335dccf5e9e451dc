"""The search path's SQL, on the driver: prepared statements made of fixed pieces and parameters.

A piece of SQL here is always a literal of this module; whatever a client sent is a parameter.
What depends on how much a search finds is planned each time: a plan for any words and filters,
which PostgreSQL makes after some executions of a prepared statement, is a bad one for most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.rows import DictRow, dict_row, scalar_row

from scholarship_api.platform.database import DriverConnection
from scholarship_api.search.schemas import Sort

COUNT_CAP: Final = 2_000
"""Totals are counted up to here and estimated above, in an index that holds every filter."""

TEXT_COUNT_CAP: Final = 1_000
"""The same with q, as each match is a row to be read; up to here they are ranked one by one."""

MANY: Final = 10
"""Caps: a larger total is estimated without counting, and its facets are counted in a sample."""

SAMPLE_ROWS: Final = 5_000
"""How many rows of the table that sample has."""

TRIAL_ROWS: Final = 1_000
"""In how many rows some match has to be, if the estimate of a large total is to be believed."""

TRIAL_MATCHES: Final = 3

MARK_START: Final = "\x02"
MARK_END: Final = "\x03"
"""Around highlighted words until the text is escaped; they can't occur in stored text."""


_OF_ORDER: Final = ("s.status", "s.closes_at")


@dataclass(slots=True)
class Conditions:
    """WHERE pieces with their parameters."""

    pieces: list[str] = field(default_factory=lambda: ["s.status = 'published'"])
    params: dict[str, object] = field(default_factory=dict)
    text: str = "true"
    """The piece for q, apart, as a grade of the result has another one."""

    def add(self, piece: str, **params: object) -> None:
        self.pieces.append(piece)
        self.params.update(params)

    def with_text(self, piece: str, **params: object) -> "Conditions":
        return Conditions(self.pieces, self.params | params, piece)

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

_ITEM: Final = """s.id, s.name, s.organization, s.amount, s.currency, s.application_deadline,
    s.deadline_kind, s.deadline_timezone, s.recurs, s.status, s.scholarship_type,
    left(s.description, 201) AS description"""

# Applied to the page's rows only, outside the LIMIT: highlighting reads the whole text.
_MATCH: Final = """ts_headline('public.scholarship',
    concat_ws(' | ', f.name, f.organization, f.searched), %(match)s::tsquery,
    E'StartSel=\\x02, StopSel=\\x03, MaxFragments=2, MaxWords=24, MinWords=8,'
    ' FragmentDelimiter=" … "') AS match"""

# Each part of the query counts by how often and where it stands, times its weight; several words
# for the same, of which ts_rank takes the mean, together, but no more than one word could. The more
# of the name was asked for, the better, by 5 % at most. The weight of a place, with those 5 %,
# is below 6/pi^2 of the better one's, which is what ts_rank gives a word that stands there once: no
# number of words makes up for a better place.
_DISTANCE: Final = """-(1 + 0.05 * least(1, %(letters)s::float8 / length(s.name))) * (
    SELECT coalesce(sum(part.weight * least(1, part.alternatives
        * ts_rank('{0.18, 0.33, 0.57, 1.0}', s.search_vector, part.words))), 0)
    FROM unnest(%(ranked)s::text[]::tsquery[], %(weights)s::float8[], %(alternatives)s::int[])
        AS part (words, weight, alternatives)
)"""


async def page(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    sort: Sort,
    keys: Sequence[float | str] | None,
    limit: int,
    offset: int,
    among: int | None = None,
    within: int | None = None,
) -> list[DictRow]:
    """At most `limit` rows, without the first `offset`; `keys` is the cursor's place.

    For all orders but relevance: with `among` the matches are read as they lie and then sorted, but
    no more than so many: `among` of each row is how many they were, and if that is all of them it
    is no order. With `within` no more than so many awards are looked at in the order, whether they
    match or not.
    """
    order = ORDERS[sort]
    params: dict[str, object] = {**conditions.params, "limit": limit, "offset": offset}
    where, after = conditions.where, "true"
    if keys is not None:
        after = order.after
        params |= {f"key_{position}": key for position, key in enumerate(keys)}
    if sort is Sort.RELEVANCE:
        source = f"(SELECT s.*, {_DISTANCE} AS distance FROM scholarships AS s WHERE {where}) AS s"
        where = after
    else:
        # The rows are picked in an index that holds what is filtered by, and only then fetched.
        matches = f"SELECT s.id FROM scholarships AS s WHERE {where} AND {after}"
        if among is not None:
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
        source = (
            f"({matches} ORDER BY {order.by} LIMIT %(limit)s OFFSET %(skipped)s)"
            " AS picked JOIN scholarships AS s USING (id)"
        )
        params |= {"skipped": offset, "offset": 0}
        where = "true"
    columns = [_ITEM, *(f"{key} AS key_{position}" for position, key in enumerate(order.keys))]
    if among is not None:
        columns.append("among")
    if "match" in params:
        columns.append("left(s.description, 5000) AS searched")
    found = (
        f"SELECT {', '.join(columns)} FROM {source} WHERE {where}"
        f" ORDER BY {order.by} LIMIT %(limit)s OFFSET %(offset)s"
    )
    if "match" in params:
        found = f"SELECT f.*, {_MATCH} FROM ({found}) AS f"
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(found, params, prepare=False)
        return await cursor.fetchall()


async def count(connection: DriverConnection, conditions: Conditions) -> tuple[int, bool]:
    """The number of matches and whether it is exact, which it is up to the cap."""
    cap = _cap(conditions)
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(f"EXPLAIN (FORMAT JSON) {_matches(conditions)}", conditions.params)
        plan: Any = await cursor.fetchone()
    estimate = int(plan[0]["Plan"]["Plan Rows"])
    # To the planner words and filters are independent of each other, and a phrase is its words.
    if estimate > MANY * cap and await _are_many(connection, conditions):
        return estimate, False
    counted = await count_up_to(connection, conditions, cap=cap + 1)
    return (counted, True) if counted <= cap else (max(counted, estimate), False)


def _cap(conditions: Conditions) -> int:
    return COUNT_CAP if conditions.text == "true" else min(COUNT_CAP, TEXT_COUNT_CAP)


async def _are_many(connection: DriverConnection, conditions: Conditions) -> bool:
    sample = await _sample(connection, TRIAL_ROWS)
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM scholarships AS s {sample}"
            f" WHERE {conditions.where} LIMIT {TRIAL_MATCHES:d}) AS found",
            conditions.params,
            prepare=False,
        )
        found: Any = await cursor.fetchone()
    return int(found) == TRIAL_MATCHES


async def _sample(connection: DriverConnection, rows: int) -> str:
    """The clause for so many rows of the table, the same ones each time."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass"
        )
        awards = float(await cursor.fetchone() or 1)
    return f"TABLESAMPLE SYSTEM ({min(100.0, 100 * rows / awards):f}) REPEATABLE (0)"


async def count_up_to(connection: DriverConnection, conditions: Conditions, *, cap: int) -> int:
    """The number of matches, or `cap` if there are more."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        # In the order of the index that holds all filters: it is read instead of the rows.
        order = " ORDER BY s.closes_at, s.id" if conditions.text == "true" else ""
        await cursor.execute(
            f"SELECT count(*) FROM ({_matches(conditions)}{order} LIMIT {cap:d}) AS capped",
            conditions.params,
            prepare=False,
        )
        counted: Any = await cursor.fetchone()
    return int(counted)


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
    connection: DriverConnection, conditions: Conditions, *, total: int, exact: bool
) -> dict[str, dict[str, int]]:
    """How many matches name each value, by facet; `*` are those open to all.

    Exact where the total is; else scaled up from as many matches as would be counted, or where
    there are MANY, from those in a sample of SAMPLE_ROWS rows of the table.
    """
    sample = limit = ""
    cap = _cap(conditions)
    if not exact and total > MANY * cap:
        sample = await _sample(connection, SAMPLE_ROWS)
    elif not exact:
        limit = f"LIMIT {max(cap, 1):d}"
    statement = _FACETS.format(sample=sample, where=conditions.where, limit=limit)
    counts: dict[str, dict[str, int]] = {}
    async with connection.cursor() as plain:
        await plain.execute(statement, conditions.params, prepare=False)
        for facet, value, number in await plain.fetchall():
            counts.setdefault(facet, {})[value] = number
    sampled = counts.pop("total")[""]
    scale = 1.0 if exact or sampled == 0 else total / sampled
    return {
        facet: {value: round(number * scale) for value, number in values.items()}
        for facet, values in counts.items()
    }


_RESOLVE: Final = """
SELECT w.folded, w.lexeme, coalesce(k.documents, 0) AS documents,
    w.lexeme IS NULL OR w.folded ~ '^([0-9]+|.)$' OR k.documents IS NOT NULL AS known,
    ARRAY(
        SELECT begun.lexeme FROM search_words AS begun
        WHERE w.position = %(prefix)s AND w.lexeme IS NOT NULL
          AND length(w.folded) >= %(min_prefix)s
          AND begun.word >= w.folded AND begun.word < w.folded || chr(1114111)
        ORDER BY begun.documents DESC, begun.word LIMIT %(max_completions)s
    ) AS completions,
    (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass) AS awards
FROM (
    SELECT u.position, u.folded, (ts_lexize('pg_catalog.english_stem', u.folded))[1] AS lexeme
    FROM (
        SELECT position, public.fold_text(word) COLLATE "C" AS folded
        FROM unnest(%(words)s::text[]) WITH ORDINALITY AS given (word, position)
    ) AS u
) AS w, LATERAL (
    SELECT sum(known.documents) AS documents FROM search_words AS known
    WHERE known.lexeme = w.lexeme
) AS k
ORDER BY w.position
"""


async def resolve_words(
    connection: DriverConnection,
    words: Sequence[str],
    *,
    prefix: int | None = None,
    min_prefix: int = 1,
    max_completions: int = 0,
) -> list[DictRow]:
    """For each word: `folded`, `lexeme` (None for a stop word), whether it is `known`, in how many
    `documents` of how many `awards`, both estimates, and for the word number `prefix` (from 1) the
    lexemes of its most frequent `completions`."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _RESOLVE,
            {
                "words": list(words),
                "prefix": prefix,
                "min_prefix": min_prefix,
                "max_completions": max_completions,
            },
        )
        return await cursor.fetchall()


# Not =, for which the planner would take the index of trigrams: 0.5 ms each.
_SIMILAR: Final = """
SELECT k.word, k.lexeme, k.documents
FROM unnest(%(spellings)s::text[]) AS spelled (word)
JOIN search_words AS k ON k.word >= spelled.word COLLATE "C" AND k.word <= spelled.word COLLATE "C"
UNION
SELECT near.word, near.lexeme, near.documents
FROM unnest(%(words)s::text[]) AS typed (word), LATERAL (
    SELECT k.word, k.lexeme, k.documents FROM search_words AS k
    ORDER BY k.word OPERATOR(public.<->) typed.word LIMIT 60
) AS near
"""


async def similar_words(
    connection: DriverConnection, words: Sequence[str], *, spellings: Sequence[str]
) -> list[DictRow]:
    """Words of the catalogue that look like one of `words`, or are one of `spellings`."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SIMILAR, {"words": list(words), "spellings": list(spellings)})
        return await cursor.fetchall()


async def organization_exists(connection: DriverConnection, name: str) -> bool:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT EXISTS (SELECT FROM scholarships WHERE status = 'published'"
            " AND organization_folded = public.fold_text(%(name)s))",
            {"name": name},
        )
        return bool(await cursor.fetchone())


# Walks the index from one distinct text to the next, whatever the number of awards behind each.
_COMPLETE: Final = """
WITH RECURSIVE walk AS (
    (SELECT {column} AS folded, {text} AS text, 1 AS step FROM scholarships
     WHERE status = 'published' AND closes_at >= %(now)s
       AND {column} >= %(prefix)s AND {column} < %(end)s
     ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT following.folded, following.text, walk.step + 1
    FROM walk, LATERAL (
        SELECT {column} AS folded, {text} AS text FROM scholarships
        WHERE status = 'published' AND closes_at >= %(now)s
          AND {column} > walk.folded AND {column} < %(end)s
        ORDER BY {column} LIMIT 1) AS following
    WHERE walk.step < %(limit)s
)
SELECT text FROM walk ORDER BY folded
"""
_COMPLETE_NAMES: Final = _COMPLETE.format(column="name_folded", text="name")
_COMPLETE_ORGANIZATIONS: Final = _COMPLETE.format(column="organization_folded", text="organization")

_NAMES_WITH: Final = """
SELECT DISTINCT ON (found.name_folded) found.name FROM (
    SELECT s.name, s.name_folded FROM scholarships AS s
    WHERE s.status = 'published' AND s.closes_at >= %(now)s
      AND s.search_vector @@ %(words)s::tsquery
    ORDER BY s.closes_at, s.id LIMIT 50
) AS found ORDER BY found.name_folded LIMIT %(limit)s
"""


async def complete_texts(
    connection: DriverConnection, prefix: str, *, now: object, limit: int
) -> tuple[list[str], list[str]]:
    """Names and organizations of open awards that begin with `prefix` (folded)."""
    params = {"prefix": prefix, "end": prefix + "\U0010ffff", "now": now, "limit": limit}
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_COMPLETE_NAMES, params)
        names = await cursor.fetchall()
        await cursor.execute(_COMPLETE_ORGANIZATIONS, params)
        return names, await cursor.fetchall()


async def names_with(
    connection: DriverConnection, words: str, *, now: object, limit: int
) -> list[str]:
    """Names of open awards that `words` (a tsquery text) match."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_NAMES_WITH, {"words": words, "now": now, "limit": limit})
        return await cursor.fetchall()


async def fold(connection: DriverConnection, text: str) -> str:
    """Lower case without accents, as names are indexed."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT public.fold_text(%(text)s)", {"text": text})
        folded: Any = await cursor.fetchone()
        return str(folded)
