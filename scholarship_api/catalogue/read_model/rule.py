"""The rule for one award: each of its criteria held against a profile, and what follows.

A criterion that the award does not name is not judged; a value that the profile does not hold is
unknown, never met and never failed. `matching` gives the same verdict and score for all awards at
once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from scholarship_api.catalogue.read_model.criteria import (
    CRITERIA,
    Alternative,
    Answers,
    CriteriaSet,
    Criterion,
    requires,
)
from scholarship_api.catalogue.read_model.relations import Outcome, best
from scholarship_api.catalogue.read_model.wording import in_words

MAX_SCORE: Final = 100
"""The score of an award with nothing failed and nothing missing, in hundredths."""

NOT_CHECKED_COST: Final = 5
"""Hundredths that the score loses, once, for conditions that only a person can check."""

PREFERENCE_BONUS: Final = 5
"""Hundredths that a preference that is met adds for each unit of its weight."""

MAX_BONUS: Final = 15
"""Hundredths that all preferences together add at most."""

OPEN_TO_ALL: Final = "This award is open to all."
ALL_MET: Final = "All criteria are met."
MAY_HAVE_MORE: Final = (
    "The award may have further conditions that are not recorded here; read what its provider says."
)


class Verdict(StrEnum):
    """From the best to the worst, which is the order of the results."""

    ELIGIBLE = "eligible"
    LIKELY_ELIGIBLE = "likely_eligible"
    NEEDS_INFORMATION = "needs_information"
    INELIGIBLE = "ineligible"


class Preference(NamedTuple):
    criteria: CriteriaSet
    """Empty for one that only its text describes: nothing tells whether it is met."""
    weight: int


class Conditions(NamedTuple):
    """Who may apply for an award, as far as it is coded."""

    sets: Sequence[CriteriaSet] = ()
    """One of them has to be met; without a set, the award is open to all."""
    is_complete: bool = True
    """Whether the sets say everything."""
    has_texts: bool = False
    """Whether there are further conditions, which are not coded."""
    preferences: Sequence[Preference] = ()


@dataclass(slots=True)
class Finding:
    """One criterion, judged."""

    criterion: Criterion
    outcome: Outcome
    alternative: Alternative
    """The one that decided; where none did, the first that the award names."""
    required: Any
    actual: Any
    _reason: str | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def cost(self) -> int:
        """Hundredths of the score; criteria that are not checked cost something together."""
        if self.outcome is Outcome.FAILED:
            return self.criterion.weight.failed
        return self.criterion.weight.missing if self.outcome is Outcome.UNKNOWN else 0

    @property
    def reason(self) -> str:
        """A plain sentence."""
        if self._reason is None:
            template = self.alternative.relation.sentences[self.outcome]
            vocabulary = self.alternative.vocabulary
            sentence = template.format(
                noun=self.alternative.noun or self.criterion.noun,
                required=in_words(self.required, vocabulary) if "{required}" in template else "",
                actual=in_words(self.actual, vocabulary) if "{actual}" in template else "",
            )
            self._reason = sentence[0].upper() + sentence[1:]
        return self._reason


class Assessment:
    """One set of criteria, judged."""

    __slots__ = ("cost", "distance", "findings", "has_unchecked")

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        outcomes = [finding.outcome for finding in findings]
        self.has_unchecked = Outcome.NOT_CHECKED in outcomes
        unchecked = NOT_CHECKED_COST if self.has_unchecked else 0
        self.cost = sum([finding.cost for finding in findings]) + unchecked
        """Hundredths that the score loses, in sum."""
        self.distance = outcomes.count(Outcome.FAILED), outcomes.count(Outcome.UNKNOWN), self.cost
        """How far the set is from being met: failed, unknown, and what the score loses."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on an award that has this set alone, and no other condition."""
        failed, unknown, _ = self.distance
        if failed:
            return Verdict.INELIGIBLE
        if unknown:
            return Verdict.NEEDS_INFORMATION
        return Verdict.LIKELY_ELIGIBLE if self.has_unchecked else Verdict.ELIGIBLE

    @property
    def score(self) -> int:
        """Hundredths: what is left of MAX_SCORE, at least 0."""
        return max(0, MAX_SCORE - self.cost)

    @property
    def reasons(self) -> list[str]:
        """A sentence for each obstacle, or one that says that there is none."""
        obstacles = [
            finding.reason for finding in self.findings if finding.outcome is not Outcome.MET
        ]
        if obstacles:
            return obstacles
        return [ALL_MET if self.findings else OPEN_TO_ALL]

    @property
    def missing(self) -> list[str]:
        """The fields of the profile whose answers are missing."""
        fields = [
            finding.alternative.profile_field
            for finding in self.findings
            if finding.outcome is Outcome.UNKNOWN
        ]
        return list(dict.fromkeys(fields))


@dataclass(slots=True)
class AwardAssessment:
    """An award, judged."""

    conditions: Conditions
    sets: Sequence[Assessment]
    """As the award has them; one without findings for an award without a set."""
    nearest_index: int
    """The set that counts: with the fewest failed criteria, then the fewest unknown ones, then the
    highest score."""
    preferences: Sequence[bool] = field(default=())
    """For each of the award's preferences whether it is met."""

    @property
    def nearest(self) -> Assessment:
        return self.sets[self.nearest_index]

    @property
    def verdict(self) -> Verdict:
        verdict = self.nearest.verdict
        if verdict is Verdict.ELIGIBLE and not self._says_everything:
            return Verdict.LIKELY_ELIGIBLE
        return verdict

    @property
    def _says_everything(self) -> bool:
        return self.conditions.is_complete and not self.conditions.has_texts

    @property
    def score(self) -> int:
        """Hundredths, from 0 to MAX_SCORE."""
        cost = self.nearest.cost
        if self.conditions.has_texts and not self.nearest.has_unchecked:
            cost += NOT_CHECKED_COST
        return min(MAX_SCORE, max(0, MAX_SCORE - cost + self.bonus))

    @property
    def bonus(self) -> int:
        """Hundredths that preferences add."""
        weights = (
            preference.weight
            for preference, is_met in zip(
                self.conditions.preferences, self.preferences, strict=True
            )
            if is_met
        )
        return min(MAX_BONUS, PREFERENCE_BONUS * sum(weights))

    @property
    def reasons(self) -> list[str]:
        """A sentence for each obstacle; where there is none, what that means."""
        if self.verdict is not Verdict.LIKELY_ELIGIBLE or self.nearest.has_unchecked:
            return self.nearest.reasons
        if not self.nearest.findings:
            return ["No criterion of this award is coded; some conditions are left to confirm."]
        return ["All coded criteria are met; some conditions are left to confirm."]

    def to_confirm(self, texts: Sequence[str]) -> list[str]:
        """The conditions that only a person can check. `texts` are those that are not coded."""
        unchecked = (
            finding.reason
            for finding in self.nearest.findings
            if finding.outcome is Outcome.NOT_CHECKED
        )
        return [*texts, *unchecked, *([] if self.conditions.is_complete else [MAY_HAVE_MORE])]


class _Row(NamedTuple):
    """A field of the table of criteria."""

    position: int
    criterion: Criterion
    alternative: Alternative


def _rows(criteria: Sequence[Criterion]) -> Mapping[str, _Row]:
    """By field, in the order of the table."""
    alternatives = ((each, one) for each in criteria for one in each.alternatives)
    return {
        alternative.field: _Row(position, criterion, alternative)
        for position, (criterion, alternative) in enumerate(alternatives)
    }


_ROWS: Final = _rows(CRITERIA)


def _position(named: tuple[_Row, Any]) -> int:
    return named[0].position


def _unknown(required: object) -> Outcome:  # noqa: ARG001 - the same for all awards
    return Outcome.UNKNOWN


def _not_checked(required: object) -> Outcome:  # noqa: ARG001
    return Outcome.NOT_CHECKED


class Judge:
    """Judges awards by one profile.

    Everything that follows from the profile alone is found out once, and not for each award.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        criteria: Sequence[Criterion] = CRITERIA,
        unchecked: Collection[str] = (),
    ) -> None:
        """`unchecked` are fields of awards that nobody is matched on."""
        self._answers = answers
        self._unchecked = unchecked
        self._rows = _ROWS if criteria is CRITERIA else _rows(criteria)
        self._rules: dict[str, Callable[[Any], Outcome]] = {}
        """By the award's field."""

    def award(self, conditions: Conditions) -> AwardAssessment:
        """Judge an award by the set that is nearest to being met."""
        sets = [self.criteria_set(each) for each in conditions.sets or ({},)]
        nearest = 0
        if len(sets) > 1:
            nearest = min(range(len(sets)), key=lambda index: sets[index].distance)
        met = [self._is_met(each) for each in conditions.preferences]
        return AwardAssessment(conditions, sets, nearest, met)

    def criteria_set(self, criteria_set: CriteriaSet) -> Assessment:
        """Judge one set of an award's criteria."""
        rows = self._rows
        named = [
            (rows[name], required)
            for name, required in criteria_set.items()
            if requires(required) and name in rows
        ]
        named.sort(key=_position)
        by_criterion: dict[str, list[tuple[_Row, Any]]] = {}
        for each in named:
            by_criterion.setdefault(each[0].criterion.name, []).append(each)
        return Assessment([self._judge(alternatives) for alternatives in by_criterion.values()])

    def _judge(self, named: Sequence[tuple[_Row, Any]]) -> Finding:
        """Judge one criterion by all of its alternatives that the award names."""
        outcomes = [self._outcome(row.alternative, required) for row, required in named]
        outcome = outcomes[0] if len(outcomes) == 1 else best(outcomes)
        row, required = named[outcomes.index(outcome)]
        actual = self._answers.get(row.alternative.profile_field)
        return Finding(row.criterion, outcome, row.alternative, required, actual)

    def _outcome(self, alternative: Alternative, required: object) -> Outcome:
        rule = self._rules.get(alternative.field)
        if rule is None:
            self._rules[alternative.field] = rule = self._rule_of(alternative)
        return rule(required)

    def _rule_of(self, alternative: Alternative) -> Callable[[Any], Outcome]:
        if alternative.field in self._unchecked:
            return _not_checked
        answer = self._answers.get(alternative.answer)
        return _unknown if answer is None else alternative.relation.rule(answer)

    def _is_met(self, preference: Preference) -> bool:
        judged = self.criteria_set(preference.criteria)
        return bool(judged.findings) and judged.verdict is Verdict.ELIGIBLE


def assess(
    criteria_set: CriteriaSet,
    answers: Answers,
    *,
    criteria: Sequence[Criterion] = CRITERIA,
    unchecked: Collection[str] = (),
) -> Assessment:
    """Judge one set of criteria of one award."""
    return Judge(answers, criteria=criteria, unchecked=unchecked).criteria_set(criteria_set)


def assess_award(
    conditions: Conditions,
    answers: Answers,
    *,
    criteria: Sequence[Criterion] = CRITERIA,
    unchecked: Collection[str] = (),
) -> AwardAssessment:
    """Judge one award."""
    return Judge(answers, criteria=criteria, unchecked=unchecked).award(conditions)
