"""The rule for all awards: every award judged for one profile, as sets of awards.

It is `rule` in bitmaps, made of the same table. A layer holds one set of criteria of each award:
layer 0 the first set of every award, layer 1 the second set of those that have one, and so on. So
a set has the ordinal of its award, and the sets of a layer are judged together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.criteria import (
    Answers,
    CriteriaSet,
    Criterion,
    requires,
)
from scholarship_api.catalogue.read_model.postings import Postings, union
from scholarship_api.catalogue.read_model.rule import MAX_SCORE, Verdict

_COST_BITS: Final = 16
_COUNT_BITS: Final = 8
_UNKNOWN: Final = 1 << _COST_BITS
_FAILED: Final = 1 << (_COST_BITS + _COUNT_BITS)
"""A distance is one number, in whose order failed criteria count first, then unknown ones, then
what the score loses: `failed * _FAILED + unknown * _UNKNOWN + cost`."""


class Layer:
    """The sets of criteria with the same position in their award."""

    def __init__(self, criteria: Sequence[Criterion]) -> None:
        self.members = BitMap()
        """The awards that have a set here."""
        self.postings = {
            alternative.field: Postings()
            for criterion in criteria
            for alternative in criterion.alternatives
        }
        self._relations = {
            alternative.field: alternative.relation
            for criterion in criteria
            for alternative in criterion.alternatives
        }

    def add(self, ordinal: int, criteria_set: CriteriaSet) -> None:
        self.members.add(ordinal)
        for name, required in criteria_set.items():
            relation = self._relations.get(name)  # None for a field that the table does not know
            if relation is not None and requires(required):
                self.postings[name].add(ordinal, relation.values(required))

    def discard(self, ordinals: BitMap) -> None:
        if self.members.intersect(ordinals):
            self.members -= ordinals
            for postings in self.postings.values():
                postings.discard(ordinals)


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion over a whole layer; an award that is in neither has it met, or not at all."""

    criterion: Criterion
    failed: BitMap
    unknown: BitMap


def judge(layer: Layer, criterion: Criterion, answers: Answers) -> Judged:
    restricted: list[BitMap] = []
    met: list[BitMap] = []
    unknown: list[BitMap] = []
    for alternative in criterion.alternatives:
        postings = layer.postings[alternative.field]
        if not postings.restricted:
            continue
        restricted.append(postings.restricted)
        answer = answers.get(alternative.answer)
        if answer is None:
            unknown.append(postings.restricted)
        else:
            selection = alternative.relation.select(postings, answer)
            met.append(selection.met)
            unknown.append(selection.unknown)
    all_met = union(met)
    may_be_met = union(unknown) - all_met
    return Judged(criterion, union(restricted) - all_met - may_be_met, may_be_met)


def not_failed(layers: Sequence[Layer], criteria: Sequence[Criterion], answers: Answers) -> BitMap:
    """The awards of which some set fails none of these criteria: what a filter keeps."""
    kept = []
    for layer in layers:
        failed = [judge(layer, criterion, answers).failed for criterion in criteria]
        kept.append(layer.members - union(failed))
    return union(kept)


@dataclass(slots=True)
class _JudgedLayer:
    members: BitMap
    criteria: Sequence[Judged]
    possible: BitMap = field(init=False)
    """No criterion is failed."""
    met: BitMap = field(init=False)

    def __post_init__(self) -> None:
        self.possible = self.members - union([each.failed for each in self.criteria])
        self.met = self.possible - union([each.unknown for each in self.criteria])


class Matches:
    """The awards of `within`, judged for one profile."""

    def __init__(
        self,
        layers: Sequence[Layer],
        criteria: Sequence[Criterion],
        answers: Answers,
        *,
        within: BitMap,
    ) -> None:
        self._layers = [
            _JudgedLayer(
                layer.members & within,
                [
                    each
                    for criterion in criteria
                    if (each := judge(layer, criterion, answers)).failed or each.unknown
                ],
            )
            for layer in layers
        ]
        possible = union([layer.possible for layer in self._layers])
        eligible = union([layer.met for layer in self._layers])
        self.by_verdict: Mapping[Verdict, BitMap] = {
            Verdict.ELIGIBLE: eligible,
            Verdict.NEEDS_INFORMATION: possible - eligible,
            Verdict.INELIGIBLE: within - possible,
        }

    def by_score(self, verdict: Verdict) -> Iterator[tuple[int, BitMap]]:
        """The awards of a verdict by their score in hundredths, the highest first."""
        awards = self.by_verdict[verdict]
        if not awards:
            return
        if verdict is Verdict.ELIGIBLE:
            yield MAX_SCORE, awards
            return
        by_cost = self._by_cost(awards, with_failed=verdict is Verdict.INELIGIBLE)
        for cost in sorted(by_cost):
            yield MAX_SCORE - cost, by_cost[cost]

    def _by_cost(self, awards: BitMap, *, with_failed: bool) -> dict[int, BitMap]:
        several = awards & self._layers[1].members if len(self._layers) > 1 else BitMap()
        steps = _steps(self._layers[0], with_failed=with_failed, failed_step=0, unknown_step=0)
        by_cost = partition(awards - several, steps, highest=MAX_SCORE)
        if several:
            for distance, awards_at in self._by_distance(several, with_failed=with_failed):
                cost = min(MAX_SCORE, distance & (_UNKNOWN - 1))
                by_cost[cost] = by_cost.get(cost, BitMap()) | awards_at
        return by_cost

    def _by_distance(self, awards: BitMap, *, with_failed: bool) -> Iterator[tuple[int, BitMap]]:
        """Awards with several sets, each by the distance of its nearest set."""
        by_distance: dict[int, list[BitMap]] = {}
        for layer in self._layers:
            members = awards & (layer.members if with_failed else layer.possible)
            steps = _steps(
                layer, with_failed=with_failed, failed_step=_FAILED, unknown_step=_UNKNOWN
            )
            for distance, found in partition(members, steps).items():
                by_distance.setdefault(distance, []).append(found)
        left = awards
        for distance in sorted(by_distance):
            found = union(by_distance[distance]) & left
            if found:
                yield distance, found
                left = left - found


def _steps(
    layer: _JudgedLayer, *, with_failed: bool, failed_step: int, unknown_step: int
) -> Iterator[tuple[BitMap, int]]:
    for judged in layer.criteria:
        if with_failed and judged.failed:
            yield judged.failed, failed_step + judged.criterion.failed_cost
        if judged.unknown:
            yield judged.unknown, unknown_step + judged.criterion.missing_cost


def partition(
    members: BitMap, steps: Iterator[tuple[BitMap, int]], *, highest: int | None = None
) -> dict[int, BitMap]:
    """The members by the sum of the steps whose bitmap they are in; sums end at `highest`."""
    groups = {0: members} if members else {}
    for bitmap, step in steps:
        if not step or not bitmap.intersect(members):
            continue
        moved: list[tuple[int, BitMap]] = []
        for number, group in list(groups.items()):
            found = group & bitmap
            if found:
                moved.append((number + step, found))
                left = group - found
                if left:
                    groups[number] = left
                else:
                    del groups[number]
        for number, found in moved:
            total = number if highest is None else min(number, highest)
            groups[total] = groups[total] | found if total in groups else found
    return groups
