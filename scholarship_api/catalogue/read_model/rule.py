"""The rule for one award: each of its criteria held against a profile, and what follows.

A criterion that the award does not name is not judged; a value that the profile does not hold is
unknown, never met and never failed. `matching` gives the same verdict and score for all awards at
once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from scholarship_api.catalogue.read_model.criteria import (
    CRITERIA,
    Alternative,
    Answers,
    CriteriaSet,
    Criterion,
    in_words,
    requires,
)
from scholarship_api.catalogue.read_model.relations import Outcome, best

MAX_SCORE: Final = 100
"""The score of an award with nothing failed and nothing missing, in hundredths."""


class Verdict(StrEnum):
    """From the best to the worst, which is the order of the results."""

    ELIGIBLE = "eligible"
    NEEDS_INFORMATION = "needs_information"
    INELIGIBLE = "ineligible"


@dataclass(frozen=True, slots=True)
class Finding:
    """One criterion, judged."""

    criterion: Criterion
    outcome: Outcome
    alternative: Alternative
    """The one that decided; where none did, the first that the award names."""
    required: Any
    actual: Any

    @property
    def cost(self) -> int:
        """Hundredths of the score."""
        if self.outcome is Outcome.MET:
            return 0
        return (
            self.criterion.failed_cost
            if self.outcome is Outcome.FAILED
            else self.criterion.missing_cost
        )

    @property
    def reason(self) -> str:
        """A plain sentence."""
        sentence = self.alternative.relation.sentences[self.outcome].format(
            noun=self.criterion.noun, required=in_words(self.required), actual=in_words(self.actual)
        )
        return sentence[0].upper() + sentence[1:]


@dataclass(frozen=True, slots=True)
class Assessment:
    """One set of criteria, judged."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        outcomes = {finding.outcome for finding in self.findings}
        if Outcome.FAILED in outcomes:
            return Verdict.INELIGIBLE
        return Verdict.NEEDS_INFORMATION if Outcome.UNKNOWN in outcomes else Verdict.ELIGIBLE

    @property
    def score(self) -> int:
        """Hundredths: what is left of MAX_SCORE, at least 0."""
        return max(0, MAX_SCORE - sum(finding.cost for finding in self.findings))

    @property
    def distance(self) -> tuple[int, int, int]:
        """How far the set is from being met: failed, unknown, and what the score loses."""
        outcomes = [finding.outcome for finding in self.findings]
        return outcomes.count(Outcome.FAILED), outcomes.count(Outcome.UNKNOWN), -self.score

    @property
    def reasons(self) -> list[str]:
        """A sentence for each obstacle, or one that says that there is none."""
        obstacles = [
            finding.reason for finding in self.findings if finding.outcome is not Outcome.MET
        ]
        if obstacles:
            return obstacles
        return ["All criteria are met." if self.findings else "This award is open to all."]


def assess(
    criteria_set: CriteriaSet, answers: Answers, *, criteria: Sequence[Criterion] = CRITERIA
) -> Assessment:
    """Judge one set of an award's criteria."""
    findings = [_judge(criterion, criteria_set, answers) for criterion in criteria]
    return Assessment(tuple(finding for finding in findings if finding is not None))


def nearest(
    sets: Sequence[CriteriaSet], answers: Answers, *, criteria: Sequence[Criterion] = CRITERIA
) -> Assessment:
    """Judge an award by the set that is nearest to being met; an award without a set is open."""
    judged = [assess(each, answers, criteria=criteria) for each in sets]
    return min(judged, key=lambda assessment: assessment.distance, default=Assessment(()))


def _judge(criterion: Criterion, criteria_set: CriteriaSet, answers: Answers) -> Finding | None:
    """None for an award without this criterion."""
    judged = [
        (_outcome(alternative, required, answers), alternative, required)
        for alternative in criterion.alternatives
        if requires(required := criteria_set.get(alternative.field))
    ]
    if not judged:
        return None
    outcome = best(each for each, _, _ in judged)
    alternative, required = next(
        (alternative, required) for each, alternative, required in judged if each is outcome
    )
    return Finding(criterion, outcome, alternative, required, answers.get(alternative.answer))


def _outcome(alternative: Alternative, required: object, answers: Answers) -> Outcome:
    answer = answers.get(alternative.answer)
    if answer is None:
        return Outcome.UNKNOWN
    return alternative.relation.judge(required, answer)
