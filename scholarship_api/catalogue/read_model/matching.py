"""The rule for all awards: every award judged for one profile, as sets of awards.

It is `rule` in bitmaps, made of the same table. A layer holds one set of criteria of each award:
layer 0 the first set of every award, layer 1 the second set of those that have one, and so on. So
a set has the ordinal of its award, and the sets of a layer are judged together. Preferences are
layers, too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.criteria import (
    Alternative,
    Answers,
    CriteriaSet,
    Criterion,
    fields_of,
    requires,
)
from scholarship_api.catalogue.read_model.postings import Postings, union
from scholarship_api.catalogue.read_model.rule import (
    MAX_BONUS,
    MAX_SCORE,
    NOT_CHECKED_COST,
    PREFERENCE_BONUS,
    Conditions,
    Verdict,
)

_COST_BITS: Final = 16
_COUNT_BITS: Final = 8
_UNKNOWN: Final = 1 << _COST_BITS
_FAILED: Final = 1 << (_COST_BITS + _COUNT_BITS)
"""A distance is one number, in whose order failed criteria count first, then unknown ones, then
what the score loses: `failed * _FAILED + unknown * _UNKNOWN + cost`."""

_NO_POSTINGS: Final = Postings()
_NO_AWARDS: Final = BitMap()
"""This bitmap and the postings above are shared, so nothing may change them."""


class Layer:
    """The sets of criteria with the same position in their award."""

    def __init__(self, criteria: Sequence[Criterion]) -> None:
        self.members = BitMap()
        """The awards that have a set here."""
        self.postings: dict[str, Postings] = {}
        """By the fields that some set names."""
        self.criteria: Sequence[Criterion] = ()
        """Those that some set names."""
        self._table = criteria
        self._alternatives = fields_of(criteria)

    def of(self, name: str) -> Postings:
        """The postings of a field; not to be changed."""
        return self.postings.get(name, _NO_POSTINGS)

    def add(self, ordinal: int, criteria_set: CriteriaSet) -> None:
        self.members.add(ordinal)
        for name, required in criteria_set.items():
            alternative = self._alternatives.get(name)
            if alternative is not None and requires(required):
                postings = self.postings.get(name)
                if postings is None:
                    self.postings[name] = postings = Postings()
                    self.criteria = [each for each in self._table if self._names(each)]
                postings.add(ordinal, alternative.relation.values(required))

    def _names(self, criterion: Criterion) -> bool:
        return any(each.field in self.postings for each in criterion.alternatives)

    def discard(self, ordinals: BitMap) -> None:
        if self.members.intersect(ordinals):
            self.members -= ordinals
            for postings in self.postings.values():
                postings.discard(ordinals)


class Tables:
    """The requirements of all awards."""

    def __init__(self, criteria: Sequence[Criterion]) -> None:
        self.criteria = criteria
        self.layers = [Layer(criteria)]
        self.preferences: dict[int, list[Layer]] = {}
        """By their weight."""
        self.incomplete = BitMap()
        """The awards whose sets do not say everything."""
        self.with_texts = BitMap()
        """The awards with conditions that are not coded."""

    def add(self, ordinal: int, conditions: Conditions) -> None:
        sets = conditions.sets or ({},)
        _add_to(self.layers, sets, ordinal, self.criteria)
        by_weight: dict[int, list[CriteriaSet]] = {}
        for preference in conditions.preferences:
            by_weight.setdefault(preference.weight, []).append(preference.criteria)
        for weight, preferred in by_weight.items():
            layers = self.preferences.setdefault(weight, [])
            _add_to(layers, preferred, ordinal, self.criteria)
        if not conditions.is_complete:
            self.incomplete.add(ordinal)
        if conditions.has_texts:
            self.with_texts.add(ordinal)

    def discard(self, ordinals: BitMap) -> None:
        if not ordinals:
            return
        for layer in self.all_layers():
            layer.discard(ordinals)
        # A request may hold these bitmaps as they were.
        self.incomplete = self.incomplete - ordinals
        self.with_texts = self.with_texts - ordinals

    def all_layers(self) -> Iterator[Layer]:
        yield from self.layers
        for layers in self.preferences.values():
            yield from layers


def _add_to(
    layers: list[Layer],
    sets: Sequence[CriteriaSet],
    ordinal: int,
    criteria: Sequence[Criterion],
) -> None:
    while len(layers) < len(sets):
        layers.append(Layer(criteria))
    for layer, criteria_set in zip(layers, sets, strict=False):
        layer.add(ordinal, criteria_set)


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion over a whole layer; an award that is in none has it met, or not at all."""

    criterion: Criterion
    failed: BitMap
    unknown: BitMap
    unchecked: BitMap
    open_alternatives: Sequence[tuple[Alternative, BitMap]]
    """Alternatives with the awards of which they may be met."""


def judge(
    layer: Layer, criterion: Criterion, answers: Answers, unchecked_fields: Collection[str] = ()
) -> Judged | None:
    """None if no set of the layer has the criterion."""
    restricted: list[BitMap] = []
    met: list[BitMap] = []
    open_alternatives: list[tuple[Alternative, BitMap]] = []
    unchecked: list[BitMap] = []
    for alternative in criterion.alternatives:
        postings = layer.postings.get(alternative.field)
        if postings is None or not postings.restricted:
            continue
        restricted.append(postings.restricted)
        answer = answers.get(alternative.answer)
        if alternative.field in unchecked_fields:
            unchecked.append(postings.restricted)
        elif answer is None:
            open_alternatives.append((alternative, postings.restricted))
        else:
            selection = alternative.relation.select(postings, answer)
            met.append(selection.met)
            if selection.unknown:
                open_alternatives.append((alternative, selection.unknown))
    if not restricted:
        return None
    named = union(restricted)
    if not met and not unchecked:  # Nothing is answered, as with most criteria.
        return Judged(criterion, _NO_AWARDS, named, _NO_AWARDS, open_alternatives)
    left = named - union(met) if met else named
    may_be_met, left = _parted(left, [awards for _, awards in open_alternatives])
    to_check, failed = _parted(left, unchecked)
    return Judged(criterion, failed, may_be_met, to_check, open_alternatives)


def _parted(awards: BitMap, by: list[BitMap]) -> tuple[BitMap, BitMap]:
    """Part the awards into those that are in one of the bitmaps, and the others."""
    if not by:
        return _NO_AWARDS, awards
    found = awards & union(by)
    return found, awards - found


def not_failed(
    layers: Sequence[Layer],
    criteria: Collection[Criterion],
    answers: Answers,
    unchecked_fields: Collection[str] = (),
) -> BitMap:
    """The awards of which some set fails none of these criteria: what a filter keeps."""
    kept = []
    for layer in layers:
        judged = (judge(layer, criterion, answers, unchecked_fields) for criterion in criteria)
        kept.append(layer.members - union([each.failed for each in judged if each is not None]))
    return union(kept)


@dataclass(slots=True)
class _JudgedLayer:
    members: BitMap
    criteria: Sequence[Judged]
    possible: BitMap = field(init=False)
    """No criterion is failed."""
    met: BitMap = field(init=False)
    """No criterion is failed or unknown."""
    unchecked: BitMap = field(init=False)
    """Some criterion is not checked."""

    def __post_init__(self) -> None:
        self.possible = self.members - union([each.failed for each in self.criteria])
        self.met = self.possible - union([each.unknown for each in self.criteria])
        self.unchecked = union([each.unchecked for each in self.criteria])


class Match(NamedTuple):
    """How an award suits a profile."""

    verdict: Verdict
    score: int
    """Hundredths."""


class Matches:
    """The awards of `within`, judged for one profile. `unchecked` are fields of awards that nobody
    is matched on."""

    def __init__(
        self,
        tables: Tables,
        answers: Answers,
        *,
        within: BitMap,
        unchecked: Collection[str] = (),
    ) -> None:
        self._tables = tables
        self._answers = answers
        self._within = within
        self._unchecked_fields = unchecked
        self._bonuses: Sequence[tuple[BitMap, int]] | None = None
        """The awards whose preference is met, for each layer of preferences, and what that adds."""
        self._layers = [
            self._judge_layer(layer, within) for layer in tables.layers if layer.members
        ]
        possible = union([layer.possible for layer in self._layers])
        met = union([layer.met for layer in self._layers])
        to_confirm = tables.incomplete | tables.with_texts
        eligible = union([layer.met - layer.unchecked for layer in self._layers]) - to_confirm
        self.by_verdict: Mapping[Verdict, BitMap] = {
            Verdict.ELIGIBLE: eligible,
            Verdict.LIKELY_ELIGIBLE: met - eligible,
            Verdict.NEEDS_INFORMATION: possible - met,
            Verdict.INELIGIBLE: within - possible,
        }

    def _judge_layer(self, layer: Layer, within: BitMap) -> _JudgedLayer:
        judged = (
            judge(layer, each, self._answers, self._unchecked_fields) for each in layer.criteria
        )
        return _JudgedLayer(layer.members & within, [each for each in judged if each is not None])

    @property
    def criteria(self) -> Sequence[Criterion]:
        return self._tables.criteria

    def of_verdicts(self, verdicts: Iterable[Verdict]) -> BitMap:
        return union([self.by_verdict[verdict] for verdict in verdicts])

    def by_score(
        self, verdict: Verdict, *, among: BitMap | None = None
    ) -> Iterator[tuple[int, BitMap]]:
        """The awards of a verdict by their score in hundredths, the highest first."""
        awards = self.by_verdict[verdict]
        if among is not None:
            awards = awards & among
        if verdict is not Verdict.ELIGIBLE:
            yield from self.scored(awards)
        elif awards:
            yield MAX_SCORE, awards

    def scored(self, awards: BitMap) -> Iterator[tuple[int, BitMap]]:
        """These awards of `within` by their score in hundredths, the highest first."""
        if not awards:
            return
        by_score: dict[int, list[BitMap]] = {}
        bonuses = self._by_bonus(awards)
        for cost, at_cost in self._by_cost(awards).items():
            for bonus, with_bonus in bonuses.items():
                found = at_cost & with_bonus if len(bonuses) > 1 else at_cost
                if found:
                    score = min(MAX_SCORE, max(0, MAX_SCORE - cost + bonus))
                    by_score.setdefault(score, []).append(found)
        for score in sorted(by_score, reverse=True):
            yield score, union(by_score[score])

    def of(self, ordinals: Iterable[int]) -> Mapping[int, Match]:
        """The matches of some awards, such as those of a page."""
        wanted = BitMap(ordinals)
        return {
            ordinal: Match(verdict, score)
            for verdict in Verdict
            for score, awards in self.by_score(verdict, among=wanted)
            for ordinal in awards
        }

    def settled_by_answer(self) -> Mapping[str, BitMap]:
        """For each field of the profile, the awards of which some set lacks nothing else."""
        undecided = self.by_verdict[Verdict.NEEDS_INFORMATION]
        settled: dict[str, list[BitMap]] = {}
        for layer in self._layers:
            possible = layer.possible & undecided
            lacking_once, lacking_more = BitMap(), BitMap()
            lacking = _lacking(layer, possible)
            for awards in lacking.values():
                lacking_more = lacking_more | (lacking_once & awards)
                lacking_once = lacking_once | awards
            for profile_field, awards in lacking.items():
                if only := awards - lacking_more:
                    settled.setdefault(profile_field, []).append(only)
        return {profile_field: union(awards) for profile_field, awards in settled.items()}

    # --- Costs ------------------------------------------------------------------------------------

    def _by_cost(self, awards: BitMap) -> dict[int, BitMap]:
        """The losses of the score, which may be more than MAX_SCORE."""
        others = [layer.members for layer in self._layers[1:]]
        several = awards & union(others) if others else BitMap()
        by_cost: dict[int, list[BitMap]] = {}
        single = awards - several if several else awards
        for cost, found in partition(single, self._costs(self._layers[0])).items():
            by_cost.setdefault(cost, []).append(found)
        if several:
            for distance, found in self._by_distance(several):
                by_cost.setdefault(distance & (_UNKNOWN - 1), []).append(found)
        return {cost: union(found) for cost, found in by_cost.items()}

    def _by_distance(self, awards: BitMap) -> Iterator[tuple[int, BitMap]]:
        """Awards with several sets, each by the distance of its nearest set."""
        by_distance: dict[int, list[BitMap]] = {}
        for layer in self._layers:
            steps = self._costs(layer, failed_step=_FAILED, unknown_step=_UNKNOWN)
            for distance, found in partition(awards & layer.members, steps).items():
                by_distance.setdefault(distance, []).append(found)
        left = awards
        for distance in sorted(by_distance):
            found = union(by_distance[distance]) & left
            if found:
                yield distance, found
                left = left - found

    def _costs(
        self, layer: _JudgedLayer, *, failed_step: int = 0, unknown_step: int = 0
    ) -> Iterator[tuple[BitMap, int]]:
        for judged in layer.criteria:
            weight = judged.criterion.weight
            if judged.failed:
                yield judged.failed, failed_step + weight.failed
            if judged.unknown:
                yield judged.unknown, unknown_step + weight.missing
        if layer.unchecked:
            yield layer.unchecked | self._tables.with_texts, NOT_CHECKED_COST
        else:
            yield self._tables.with_texts, NOT_CHECKED_COST

    def _by_bonus(self, awards: BitMap) -> dict[int, BitMap]:
        if self._bonuses is None:
            self._bonuses = [
                (met, PREFERENCE_BONUS * weight)
                for weight, layers in self._tables.preferences.items()
                for layer in layers
                if (met := self._preferred(layer))
            ]
        return partition(awards, self._bonuses, highest=MAX_BONUS)

    def _preferred(self, layer: Layer) -> BitMap:
        """The awards whose preference is met: it has criteria, and each of them is met."""
        with_criteria = union([each.restricted for each in layer.postings.values()])
        judged = self._judge_layer(layer, self._within & with_criteria)
        return judged.met - judged.unchecked


def _lacking(layer: _JudgedLayer, possible: BitMap) -> Mapping[str, BitMap]:
    """The awards by the profile's fields that they lack."""
    lacking: dict[str, BitMap] = {}
    for judged in layer.criteria:
        left = judged.unknown & possible
        for alternative, awards in judged.open_alternatives:
            if found := left & awards:
                name = alternative.profile_field
                lacking[name] = lacking[name] | found if name in lacking else found
                left = left - found
    return lacking


def partition(
    members: BitMap, steps: Iterable[tuple[BitMap, int]], *, highest: int | None = None
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
