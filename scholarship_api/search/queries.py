"""The search path's SQL, on the driver: prepared statements made of fixed pieces and parameters.

A piece of SQL here is always a literal of this module; whatever a client sent is a parameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.rows import DictRow, dict_row, scalar_row

from scholarship_api.platform.database import DriverConnection
from scholarship_api.search.schemas import Sort

COUNT_CAP: Final = 10_000
"""Totals are counted up to here and estimated above, so that a common word stays cheap."""

SAMPLE_ROWS: Final = 20_000
"""How many rows the facets of a result above COUNT_CAP are estimated from."""

MARK_START: Final = "\x02"
MARK_END: Final = "\x03"
"""Around highlighted words until the text is escaped; they can't occur in stored text."""


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

# A match of completions only counts a tenth, so that whole words come first.
_DISTANCE: Final = "-ts_rank(s.search_vector, %(match)s::tsquery)::float8"
_DISTANCE_EXACT: Final = (
    "-(ts_rank(s.search_vector, %(exact)s::tsquery)"
    " + ts_rank(s.search_vector, %(match)s::tsquery) * 0.1)::float8"
)


async def page(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    sort: Sort,
    keys: Sequence[float | str] | None,
    limit: int,
    offset: int,
) -> list[DictRow]:
    """At most `limit` rows, without the first `offset`; `keys` is the cursor's place."""
    order = ORDERS[sort]
    params: dict[str, object] = {**conditions.params, "limit": limit, "offset": offset}
    source, where = "scholarships AS s", conditions.where
    if sort is Sort.RELEVANCE:
        distance = _DISTANCE_EXACT if "exact" in params else _DISTANCE
        source = f"(SELECT s.*, {distance} AS distance FROM {source} WHERE {where}) AS s"
        where = "true"
    if keys is not None:
        where += f" AND {order.after}"
        params |= {f"key_{position}": key for position, key in enumerate(keys)}
    columns = [_ITEM, *(f"{key} AS key_{position}" for position, key in enumerate(order.keys))]
    if "match" in params:
        columns.append("left(s.description, 5000) AS searched")
    found = (
        f"SELECT {', '.join(columns)} FROM {source} WHERE {where}"
        f" ORDER BY {order.by} LIMIT %(limit)s OFFSET %(offset)s"
    )
    if "match" in params:
        found = f"SELECT f.*, {_MATCH} FROM ({found}) AS f"
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(found, params)
        return await cursor.fetchall()


async def count(connection: DriverConnection, conditions: Conditions) -> tuple[int, bool]:
    """The number of matches and whether it is exact, which it is up to COUNT_CAP."""
    counted = await count_up_to(connection, conditions, cap=COUNT_CAP + 1)
    if counted <= COUNT_CAP:
        return counted, True
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(f"EXPLAIN (FORMAT JSON) {_matches(conditions)}", conditions.params)
        plan: Any = await cursor.fetchone()
    return max(counted, int(plan[0]["Plan"]["Plan Rows"])), False


async def count_up_to(connection: DriverConnection, conditions: Conditions, *, cap: int) -> int:
    """The number of matches, or `cap` if there are more."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            f"SELECT count(*) FROM ({_matches(conditions)} LIMIT {cap:d}) AS capped",
            conditions.params,
        )
        counted: Any = await cursor.fetchone()
    return int(counted)


def _matches(conditions: Conditions) -> str:
    return f"SELECT 1 FROM scholarships AS s WHERE {conditions.where}"


_FACETS: Final = """
WITH matched AS MATERIALIZED (
    SELECT s.fields_of_study, s.scholarship_type, s.residency_states, s.grade_levels,
        s.citizenship_required, s.renewable
    FROM scholarships AS s {sample} WHERE {where}
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

    Exact where the total is; else scaled up from a sample of SAMPLE_ROWS rows of the table.
    """
    sample = ""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        if not exact:
            await cursor.execute(
                "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'scholarships'::regclass"
            )
            rows = await cursor.fetchone()
            percent = min(100.0, 100 * SAMPLE_ROWS / float(rows or 1))
            sample = f"TABLESAMPLE SYSTEM ({percent:f}) REPEATABLE (0)"
    statement = _FACETS.format(sample=sample, where=conditions.where)
    counts: dict[str, dict[str, int]] = {}
    async with connection.cursor() as plain:
        await plain.execute(statement, conditions.params)
        for facet, value, number in await plain.fetchall():
            counts.setdefault(facet, {})[value] = number
    sampled = counts.pop("total")[""]
    scale = 1.0 if exact or sampled == 0 else total / sampled
    return {
        facet: {value: round(number * scale) for value, number in values.items()}
        for facet, values in counts.items()
    }


_RESOLVE: Final = """
SELECT w.folded, w.lexeme,
    w.lexeme IS NULL
    OR w.folded ~ '^[0-9]+$'
    OR EXISTS (SELECT FROM search_words AS k WHERE k.word = w.folded OR k.lexeme = w.lexeme)
    AS known
FROM (
    SELECT u.position, u.folded, (ts_lexize('pg_catalog.english_stem', u.folded))[1] AS lexeme
    FROM (
        SELECT position, public.fold_text(word) COLLATE "C" AS folded
        FROM unnest(%(words)s::text[]) WITH ORDINALITY AS given (word, position)
    ) AS u
) AS w
ORDER BY w.position
"""


async def resolve_words(connection: DriverConnection, words: Sequence[str]) -> list[DictRow]:
    """For each word: `folded`, `lexeme` (None for a stop word), and whether it is `known`."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_RESOLVE, {"words": list(words)})
        return await cursor.fetchall()


async def completions(connection: DriverConnection, prefix: str, *, limit: int) -> list[str]:
    """Lexemes of the most frequent words that begin with `prefix` (folded)."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT lexeme FROM search_words WHERE word >= %(prefix)s AND word < %(end)s"
            " ORDER BY documents DESC, word LIMIT %(limit)s",
            {"prefix": prefix, "end": prefix + "\U0010ffff", "limit": limit},
        )
        return list(dict.fromkeys(await cursor.fetchall()))


_SIMILAR: Final = """
SELECT word, lexeme, documents, levenshtein(word, %(word)s) AS distance
FROM (
    SELECT word, lexeme, documents FROM search_words
    ORDER BY word OPERATOR(public.<->) %(word)s LIMIT 60
) AS near
"""


async def similar_words(connection: DriverConnection, word: str) -> list[DictRow]:
    """Words of the catalogue that look like `word`, with their Levenshtein `distance`."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SIMILAR, {"word": word})
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
