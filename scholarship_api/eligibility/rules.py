"""The rule of eligibility: a table of criteria with weights, and the function that applies it.

The functions are pure. An award is a mapping by column, a profile a mapping by field name. A
criterion that the award does not name is not assessed. A value that the profile does not have is
unknown: it is neither met nor failed. `queries` makes SQL from the same table to rank the
catalogue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from scholarship_api.vocabulary import INTERNATIONAL, PERMANENT_RESIDENT, accepted_by

MAX_SCORE: Final = 100
"""The score, in hundredths, of an award with nothing failed and nothing missing."""


class Outcome(StrEnum):
    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Verdicts from best to worst, in the order of the results."""

    ELIGIBLE = "eligible"
    NEEDS_INFORMATION = "needs_information"
    INELIGIBLE = "ineligible"


class Relation(StrEnum):
    """How the profile's value must compare with the value that an award requires."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ONE_OF = "one_of"
    CITIZEN = "citizen"
    TRUE = "true"


@dataclass(frozen=True, slots=True)
class Criterion:
    column: str
    """The name in the award's `eligibility_criteria`."""
    field: str
    """The name of the profile's value that is compared."""
    relation: Relation
    failed_cost: int
    """Hundredths of the score that are lost when the criterion is failed."""
    missing_cost: int
    """Hundredths that are lost when the profile does not have the value."""
    noun: str
    """The words for the value in a sentence."""


CRITERIA: Final = (
    Criterion("min_gpa", "gpa", Relation.AT_LEAST, 40, 30, "GPA"),
    Criterion("max_gpa", "gpa", Relation.AT_MOST, 40, 0, "GPA"),
    Criterion("citizenship_required", "citizenship", Relation.CITIZEN, 40, 20, "citizenship"),
    Criterion("grade_levels", "grade_level", Relation.ONE_OF, 30, 20, "grade level"),
    Criterion(
        "residency_states", "state_of_residence", Relation.ONE_OF, 30, 20, "state of residence"
    ),
    Criterion("fields_of_study", "field_of_study", Relation.ONE_OF, 30, 20, "field of study"),
    Criterion("min_age", "age", Relation.AT_LEAST, 20, 10, "age"),
    Criterion("max_age", "age", Relation.AT_MOST, 20, 0, "age"),
    Criterion("financial_need", "financial_need", Relation.TRUE, 20, 10, "financial need"),
)
"""The criteria with the weights that docs/api.md promises.

A missing GPA costs nothing for max_gpa, and a missing age nothing for max_age, because most
students are within an upper bound. The value is still unknown, so the verdict asks for it.
"""

_IS_MET: Final[Mapping[Relation, Callable[[Any, Any], bool]]] = {
    Relation.AT_LEAST: lambda required, actual: actual >= required,
    Relation.AT_MOST: lambda required, actual: actual <= required,
    Relation.ONE_OF: lambda required, actual: actual in required,
    Relation.CITIZEN: lambda required, actual: required in accepted_by(actual),
    Relation.TRUE: lambda required, actual: actual is required,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The assessment of one criterion."""

    criterion: Criterion
    outcome: Outcome
    required: Any
    actual: Any

    @property
    def cost(self) -> int:
        """Hundredths of the score that are lost."""
        if self.outcome is Outcome.MET:
            return 0
        return (
            self.criterion.failed_cost
            if self.outcome is Outcome.FAILED
            else self.criterion.missing_cost
        )

    @property
    def reason(self) -> str:
        """The outcome as a sentence."""
        sentence = _SENTENCES[self.criterion.relation][self.outcome].format(
            noun=self.criterion.noun, required=_plain(self.required), actual=_plain(self.actual)
        )
        return sentence[0].upper() + sentence[1:]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The assessment of one award."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        outcomes = {finding.outcome for finding in self.findings}
        if Outcome.FAILED in outcomes:
            return Verdict.INELIGIBLE
        return Verdict.NEEDS_INFORMATION if Outcome.UNKNOWN in outcomes else Verdict.ELIGIBLE

    @property
    def score(self) -> int:
        """Hundredths: MAX_SCORE less the costs of all findings, at least 0."""
        return max(0, MAX_SCORE - sum(finding.cost for finding in self.findings))

    @property
    def reasons(self) -> list[str]:
        """A sentence for each criterion that is not met, or one that says that all are met."""
        obstacles = [
            finding.reason for finding in self.findings if finding.outcome is not Outcome.MET
        ]
        if obstacles:
            return obstacles
        return ["All criteria are met." if self.findings else "This award is open to all."]


def assess(award: Mapping[str, Any], profile: Mapping[str, Any]) -> Assessment:
    """Assess an award (by column) for a profile that has only known values."""
    return Assessment(
        tuple(
            Finding(
                criterion,
                _outcome(criterion, award[criterion.column], profile),
                award[criterion.column],
                profile.get(criterion.field),
            )
            for criterion in CRITERIA
            if applies(award[criterion.column])
        )
    )


def applies(required: object) -> bool:
    """Whether a value requires anything: 0 does; None, an empty list and false do not."""
    return required is not None and required is not False and required != []


def _outcome(criterion: Criterion, required: object, profile: Mapping[str, Any]) -> Outcome:
    actual = profile.get(criterion.field)
    if actual is None:
        return Outcome.UNKNOWN
    return Outcome.MET if _IS_MET[criterion.relation](required, actual) else Outcome.FAILED


_SENTENCES: Final[Mapping[Relation, Mapping[Outcome, str]]] = {
    Relation.AT_LEAST: {
        Outcome.MET: "{noun} {actual} reaches the minimum of {required}.",
        Outcome.FAILED: "{noun} {actual} is below the minimum of {required}.",
        Outcome.UNKNOWN: "{noun} must be at least {required}; the profile does not say.",
    },
    Relation.AT_MOST: {
        Outcome.MET: "{noun} {actual} is within the maximum of {required}.",
        Outcome.FAILED: "{noun} {actual} is above the maximum of {required}.",
        Outcome.UNKNOWN: "{noun} must be at most {required}; the profile does not say.",
    },
    Relation.ONE_OF: {
        Outcome.MET: "{noun} {actual} is accepted.",
        Outcome.FAILED: "{noun} {actual} is not among: {required}.",
        Outcome.UNKNOWN: "{noun} must be among: {required}; the profile does not say.",
    },
    Relation.CITIZEN: {
        Outcome.MET: "{noun} {actual} is accepted.",
        Outcome.FAILED: "{noun} {actual} is not accepted; required: {required}.",
        Outcome.UNKNOWN: "{noun} required: {required}; the profile does not say.",
    },
    Relation.TRUE: {
        Outcome.MET: "{noun} is required and stated.",
        Outcome.FAILED: "{noun} is required.",
        Outcome.UNKNOWN: "{noun} is required; the profile does not say.",
    },
}

_MEANINGS: Final = {
    PERMANENT_RESIDENT: "US citizen or permanent resident",
    INTERNATIONAL: "any country but the US",
}


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    text = str(value)
    return _MEANINGS.get(text, text.replace("_", " "))
