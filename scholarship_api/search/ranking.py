"""Which awards come first: ranked one by one where that is cheap, by grades where it is not.

Ranking reads every match: 4 us each, so a second for a word of every fourth award of a million.
Above the count's cap a result is graded instead: awards with all the words in their name, then
those with all of them in their organization, then the others; the soonest deadline first within a
grade. A grade of few is read whole; others in the order of an index, only as far as the page needs.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypedDict, Unpack

from psycopg.rows import DictRow

from scholarship_api.platform.database import DriverConnection
from scholarship_api.search import queries
from scholarship_api.search.queries import Conditions
from scholarship_api.search.schemas import Sort
from scholarship_api.search.text_queries import Place, TextQuery

Keys = tuple[float | str, ...]

FEW: Final = 3_000
"""Of so many matches all are read and sorted; to walk by deadline to as rare ones takes longer."""

WALK: Final = 10_000
"""How many awards are looked at by deadline before all that match are sorted instead."""

WALK_PER_SKIPPED: Final = 20
"""And for each award of an offset; one match in so many or more is common."""

COMMON: Final = 50
"""Times the offset: fewer matches than that are rather sorted than walked."""

ALL: Final = 1_000_000_000

_GRADED: Final = "s.search_vector @@ %(graded)s::tsquery"
_OTHERS: Final = 2
"""The grade of those that have the words neither all in the name nor all in the organization."""


class _Place(TypedDict):
    sort: Sort
    keys: Keys | None
    limit: int
    offset: int


async def page(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    sort: Sort,
    keys: Keys | None,
    limit: int,
    offset: int,
    total: int,
) -> list[tuple[DictRow, Keys]]:
    """At most `limit` rows after `keys`, each with its own keys for a cursor."""
    place: _Place = {"sort": sort, "keys": keys, "limit": limit, "offset": offset}
    if sort is Sort.RELEVANCE or conditions.text == "true":
        rows = await queries.page(connection, conditions, **place)
    else:
        is_few = total <= FEW and not conditions.is_filtered
        rows = await _in_order(connection, conditions, is_few=is_few, total=total, **place)
    return [(row, _keys_of(row, sort)) for row in rows]


async def graded_page(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    text: TextQuery,
    keys: Keys | None,
    limit: int,
    offset: int,
    total: int,
) -> list[tuple[DictRow, Keys]]:
    """The same in the order of grades; raises ValueError for the keys of another order."""
    first = 0
    if keys is not None:
        first, keys = int(keys[0]), keys[1:]
    found: list[tuple[DictRow, Keys]] = []
    for grade, graded in _grades(conditions, text, first):
        rows = await _in_order(
            connection,
            graded,
            sort=Sort.DEADLINE,
            keys=keys,
            limit=limit - len(found),
            offset=offset,
            total=total,
            # Few have all the words in one place, how few the planner can't know. Of the others it
            # does know, unless there are filters: then it is better to read by deadline.
            is_few=graded.text != conditions.text
            and (grade < _OTHERS or (total <= FEW and not graded.is_filtered)),
        )
        found += [(row, (grade, *_keys_of(row, Sort.DEADLINE))) for row in rows]
        if len(found) == limit:
            break
        if offset and not rows:
            offset -= await queries.count_up_to(connection, graded, cap=offset)
        else:
            offset = 0
        keys = None
    return found


async def _in_order(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    is_few: bool,
    total: int,
    **place: Unpack[_Place],
) -> list[DictRow]:
    """What has the words, in an order that an index has. Reading in that order is fast if many
    awards have them and some come early; "no fixed deadline" is said by those that come last."""
    offset = place["offset"]
    if place["sort"] is not Sort.DEADLINE:
        return await queries.page(connection, conditions, **place)
    if is_few and offset < FEW:
        rows = await queries.page(connection, conditions, **place, among=FEW)
        if not rows or rows[0]["among"] < FEW:
            return rows
    if total >= COMMON * offset:
        within = WALK * (1 + conditions.is_filtered) + WALK_PER_SKIPPED * offset
        rows = await queries.page(connection, conditions, **place, within=within)
        if len(rows) == place["limit"]:
            return rows
    return await queries.page(connection, conditions, **place, among=ALL)


def _grades(
    conditions: Conditions, text: TextQuery, first: int
) -> Iterator[tuple[int, Conditions]]:
    named, organized = text.in_place(Place.NAME), text.in_place(Place.ORGANIZATION)
    if named is None or organized is None:  # only exclusions: all are alike
        yield 0, conditions
        return
    # Each in one: the index then tells it all, and no award's words are read.
    texts = (
        named,
        f"({organized})&!({named})",
        f"({text.match})&!({organized})&!({named})",
    )
    for grade in range(first, len(texts)):
        yield (
            grade,
            conditions.with_text(_GRADED, graded=texts[grade]),
        )


def _keys_of(row: DictRow, sort: Sort) -> Keys:
    order: Sequence[str] = queries.ORDERS[sort].keys
    return tuple(row[f"key_{position}"] for position in range(len(order)))
