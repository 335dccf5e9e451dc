"""Awards that are similar to one: those that share what is rare.

What an award names (fields of study, states, heritages and all other codes of its criteria, its
type and what it covers) counts by its inverse document frequency: a code that few awards name says
more than one that many name. Words play no part.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.records import NO_AMOUNT
from scholarship_api.search.items import read_items
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql.summaries import Item
from scholarship_api.search.summary import complete_items

MAX_SHARED: Final = 40
"""Codes of an award that are compared, the rarest ones. Nearly all awards have fewer."""

MAX_CANDIDATES: Final = 2_000
"""Awards that are compared with one, those with the rarest codes first. With MAX_SHARED it bounds
the time of the comparison."""

ATTRIBUTES: Final = ("scholarship_type", "coverage")

AMOUNT_WEIGHT: Final = 1.0
"""An equal amount adds this, about as a code that every third award has. Nothing is left of it at
four times the amount."""

AMOUNT_DOUBLINGS: Final = 2.0


class Shared(NamedTuple):
    """A code of the award."""

    weight: float
    awards: BitMap
    """All awards that have it. Not to be changed."""


async def similar_items(snapshot: Snapshot, award_id: str, *, limit: int) -> list[bytes]:
    """The open awards that are most similar, each a ScholarshipSummary as JSON.

    Raises NotFound when no such award is published.
    """

    def choose(model: ReadModel) -> tuple[list[int], bool]:
        award = model.ordinals.find(award_id)
        if award is None:
            return [], False
        within = model.open(snapshot.now) - BitMap([award])
        return most_similar(model, award, within=within, limit=limit), True

    async def read(wanted: Mapping[str, int]) -> dict[str, tuple[int, Item]]:
        found = await read_items(snapshot.fetch, snapshot.items, wanted, highlighted=None)
        return {each: (item.row_version, item) for each, item in found.items()}

    is_known, rows = await snapshot.read(choose, read)
    if not is_known:
        raise catalogue.not_found()
    return complete_items(rows, snapshot)


def most_similar(model: ReadModel, award: int, *, within: BitMap, limit: int) -> list[int]:
    """The most similar awards of `within`, most similar first; of equal ones the next to close."""
    shared = sorted(_codes(model, award), key=lambda code: -code.weight)[:MAX_SHARED]
    candidates = _candidates(model, shared, within)
    scores: dict[int, float] = defaultdict(float)
    for code in shared:
        for candidate in code.awards & candidates:
            scores[candidate] += code.weight
    amount = model.amounts[award]
    return sorted(
        scores,
        key=lambda each: (
            -(scores[each] + _closeness(amount, model.amounts[each])),
            model.closes_at[each],
            model.ordinals.bytes_of(each),
        ),
    )[:limit]


def _codes(model: ReadModel, award: int) -> Iterator[Shared]:
    total = len(model) + 1
    all_postings = [model.by_attribute[name] for name in ATTRIBUTES]
    for layer in model.tables.layers:
        if award in layer.members:
            all_postings += layer.postings.values()
    for postings in all_postings:
        if award not in postings.restricted:
            continue
        for value, awards in postings.items():
            # Numbers, such as a grade average, are bounds: an equal one says little.
            if isinstance(value, str) and award in awards:
                yield Shared(math.log(total / len(awards)), awards)


def _candidates(model: ReadModel, shared: list[Shared], within: BitMap) -> BitMap:
    candidates = BitMap()
    for code in shared:
        further = (code.awards & within) - candidates
        room = MAX_CANDIDATES - len(candidates)
        if len(further) >= room:
            return candidates | BitMap(model.by_deadline.page(further, limit=room))
        candidates |= further
    return candidates


def _closeness(one: int, other: int) -> float:
    """From 0 for amounts that are far apart, or not known, to AMOUNT_WEIGHT for equal ones."""
    if NO_AMOUNT in (one, other) or one <= 0 or other <= 0:
        return 0.0
    doublings = abs(math.log2(one / other))
    return AMOUNT_WEIGHT * max(0.0, 1.0 - doublings / AMOUNT_DOUBLINGS)
