"""Which awards come first: ranked one by one where that is cheap, by grades where it is not.

Ranking reads every match: 4 us each, so a second for a word of every fourth award of a million.
Above the count's cap a result is graded instead: awards with all the words in their name, then
those with all of them in their organization, then the others; the soonest deadline first within a
grade. Each grade is read in the order of an index, only as far as the page needs.
"""

from collections.abc import Iterator, Sequence

from psycopg.rows import DictRow

from scholarship_api.platform.database import DriverConnection
from scholarship_api.search import queries
from scholarship_api.search.conditions import MATCH
from scholarship_api.search.queries import Conditions
from scholarship_api.search.schemas import Sort
from scholarship_api.search.text_queries import Place, TextQuery

Keys = tuple[float | str, ...]


async def page(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    sort: Sort,
    keys: Keys | None,
    limit: int,
    offset: int,
) -> list[tuple[DictRow, Keys]]:
    """At most `limit` rows after `keys`, each with its own keys for a cursor."""
    rows = await queries.page(
        connection, conditions, sort=sort, keys=keys, limit=limit, offset=offset
    )
    return [(row, _keys_of(row, sort)) for row in rows]


async def graded_page(
    connection: DriverConnection,
    conditions: Conditions,
    *,
    text: TextQuery,
    keys: Keys | None,
    limit: int,
    offset: int,
) -> list[tuple[DictRow, Keys]]:
    """The same in the order of grades; raises ValueError for the keys of another order."""
    first = 0
    if keys is not None:
        first, keys = int(keys[0]), keys[1:]
    found: list[tuple[DictRow, Keys]] = []
    for grade, graded in _grades(conditions, text, first):
        rows = await page(
            connection,
            graded,
            sort=Sort.DEADLINE,
            keys=keys,
            limit=limit - len(found),
            offset=offset,
        )
        found += [(row, (grade, *row_keys)) for row, row_keys in rows]
        if len(found) == limit:
            break
        if offset and not rows:
            offset -= await queries.count_up_to(connection, graded, cap=offset)
        else:
            offset = 0
        keys = None
    return found


def _grades(
    conditions: Conditions, text: TextQuery, first: int
) -> Iterator[tuple[int, Conditions]]:
    named, organized = text.in_place(Place.NAME), text.in_place(Place.ORGANIZATION)
    if named is None or organized is None:  # only exclusions: all are alike
        yield 0, conditions
        return
    in_name = "s.search_vector @@ %(in_name)s::tsquery"
    in_organization = "s.search_vector @@ %(in_organization)s::tsquery"
    pieces = (
        in_name,
        f"{in_organization} AND NOT {in_name}",
        f"{MATCH} AND NOT {in_organization} AND NOT {in_name}",
    )
    for grade in range(first, len(pieces)):
        yield (
            grade,
            conditions.with_text(pieces[grade], in_name=named, in_organization=organized),
        )


def _keys_of(row: DictRow, sort: Sort) -> Keys:
    order: Sequence[str] = queries.ORDERS[sort].keys
    return tuple(row[f"key_{position}"] for position in range(len(order)))
