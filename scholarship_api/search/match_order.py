"""The order by how well awards suit a profile: by verdict, then by score.

Awards with the same verdict and score are a group. A cursor names the group of its last row, and
where that row stands in the group.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Matches
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.rule import MAX_SCORE, Verdict
from scholarship_api.search.cursors import Keyset
from scholarship_api.search.orders import ORDERS
from scholarship_api.search.schemas import Sort

_GROUPS_OF_A_VERDICT: Final = 1000
"""More than there are scores."""


class Group(NamedTuple):
    number: int
    """Rises in the order."""
    awards: BitMap


def groups(matches: Matches, awards: BitMap, *, first: int = 0) -> Iterator[Group]:
    """The groups of the awards, from the number `first` on."""
    for place, verdict in enumerate(Verdict):
        if (place + 1) * _GROUPS_OF_A_VERDICT <= first:
            continue
        for score, found in matches.by_score(verdict, among=awards):
            number = place * _GROUPS_OF_A_VERDICT + MAX_SCORE - score
            if number >= first:
                yield Group(number, found)


def page(
    model: ReadModel,
    matches: Matches,
    awards: BitMap,
    *,
    limit: int,
    offset: int = 0,
    keyset: Keyset | None = None,
) -> tuple[Sequence[int], Sequence[int]]:
    """Awards, by deadline and id within a group, and the group of each.

    Raises ValueError, LookupError or ArithmeticError for a keyset of another order.
    """
    order = ORDERS[Sort.DEADLINE]
    first = 0 if keyset is None else int(keyset[0])
    found: list[int] = []
    numbers: list[int] = []
    for group in groups(matches, awards, first=first):
        after = keyset[1:] if keyset is not None and group.number == first else None
        rows = order.page(
            model, group.awards, limit=limit - len(found), keyset=after, offset=offset
        )
        offset = max(0, offset - len(group.awards))
        found += rows
        numbers += [group.number] * len(rows)
        if len(found) >= limit:
            break
    return found, numbers


def keyset_of(model: ReadModel, ordinal: int, group: int) -> Keyset:
    return (group, *ORDERS[Sort.DEADLINE].keyset_of(model, ordinal))
