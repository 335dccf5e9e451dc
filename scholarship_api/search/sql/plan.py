"""Which awards come first: ranked one by one where that is cheap, by grades where it is not.

Ranking reads every match: 4 us each, so a second for a word of every fourth award of a million.
Above the count's cap a result is graded instead: awards with all the words in their name, then
those with all of them in their organization, then the others; the soonest deadline first within a
grade. A grade of few is read whole; others in the order of an index, only as far as the page needs.
"""

from collections.abc import Iterator
from typing import Final, Unpack

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import statements
from scholarship_api.search.sql.statements import Conditions, Rows, Window
from scholarship_api.search.text.tsquery import Place, TextQuery

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


async def page(
    fetch: Fetch, conditions: Conditions, *, total: int, **window: Unpack[Window]
) -> Rows:
    """The rows of the window."""
    if window["sort"] is Sort.RELEVANCE:
        _, rows = await statements.ranked_page(fetch, conditions, cap=ALL, **window)
        return rows
    if conditions.text == "true":
        return await statements.page(fetch, conditions, **window)
    is_few = total <= FEW and not conditions.is_filtered
    return await _in_order(fetch, conditions, is_few=is_few, total=total, **window)


async def graded_page(
    fetch: Fetch,
    conditions: Conditions,
    *,
    text: TextQuery,
    total: int,
    **window: Unpack[Window],
) -> Rows:
    """The same in the order of grades; raises ValueError for the keys of another order."""
    keys, offset = window["keys"], window["offset"]
    first = 0
    if keys is not None:
        first, keys = int(keys[0]), keys[1:]
    found = Rows([], [], has_more=False, keys=None)
    for grade, graded in _grades(conditions, text, first):
        rows = await _in_order(
            fetch,
            graded,
            sort=Sort.DEADLINE,
            keys=keys,
            limit=window["limit"] - len(found.items),
            offset=offset,
            total=total,
            grade=grade,
            # Few have all the words in one place, how few the planner can't know. Of the others it
            # does know, unless there are filters: then it is better to read by deadline.
            is_few=graded.text != conditions.text
            and (grade < _OTHERS or (total <= FEW and not graded.is_filtered)),
        )
        found.items += rows.items
        found.standings += rows.standings
        found.keys = rows.keys or found.keys
        found.has_more = rows.has_more
        if rows.has_more:
            break
        if offset and not rows.items:
            offset -= await statements.count_up_to(fetch, graded, cap=offset)
        else:
            offset = 0
        keys = None
    return found


async def _in_order(
    fetch: Fetch,
    conditions: Conditions,
    *,
    is_few: bool,
    total: int,
    grade: int | None = None,
    **window: Unpack[Window],
) -> Rows:
    """What has the words, in an order that an index has. Reading in that order is fast if many
    awards have them and some come early; "no fixed deadline" is said by those that come last."""
    offset = window["offset"]
    if window["sort"] is not Sort.DEADLINE:
        return await statements.page(fetch, conditions, grade=grade, **window)
    if is_few and offset < FEW:
        rows = await statements.page(fetch, conditions, grade=grade, **window, among=FEW)
        if rows.among < FEW:
            return rows
    if total >= COMMON * offset:
        within = WALK * (1 + conditions.is_filtered) + WALK_PER_SKIPPED * offset
        rows = await statements.page(fetch, conditions, grade=grade, **window, within=within)
        if rows.has_more:
            return rows
    return await statements.page(fetch, conditions, grade=grade, **window, among=ALL)


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
