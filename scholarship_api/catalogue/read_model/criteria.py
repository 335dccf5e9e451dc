"""The table of criteria: one row gives everything that the service knows of a criterion.

That is: where an award holds it, which answer of a profile it is held against and how, what the
score loses, the words of its explanation, and the search filter and the facet that go by it. From
the same row follow the rule for one award (`rule`) and the rule for all (`matching`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from scholarship_api.catalogue.read_model.relations import (
    AT_LEAST,
    AT_MOST,
    IS_TRUE,
    ONE_OF,
    AnyOf,
    Outcome,
    Relation,
)
from scholarship_api.vocabulary import INTERNATIONAL, PERMANENT_RESIDENT, accepted_by

CriteriaSet = Mapping[str, Any]
"""The criteria of an award by field; all of those that it holds have to be met."""

Answers = Mapping[str, Any]
"""The answers of a student, by field; a field without an answer is left out, or None."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to meet a criterion."""

    field: str
    """The award's, as in its `eligibility_criteria`."""
    answer: str
    """The profile's field."""
    relation: Relation


@dataclass(frozen=True, slots=True)
class Criterion:
    """Met when one of its alternatives is; an award that has none of the fields has no such
    criterion."""

    name: str
    alternatives: tuple[Alternative, ...]
    failed_cost: int
    """The loss of the score, in hundredths, when the criterion is failed."""
    missing_cost: int
    """The same when the profile does not answer."""
    noun: str
    """The criterion's name in a sentence."""
    filter: str | None = None
    """The parameter of a search whose value is taken for the answer; what fails is left out."""
    facet: str | None = None
    """The facet that counts the awards which a value suits."""

    @classmethod
    def simple(
        cls,
        field: str,
        answer: str,
        relation: Relation,
        noun: str,
        *,
        failed_cost: int,
        missing_cost: int,
        filter: str | None = None,  # noqa: A002 - the row's own word
        facet: str | None = None,
    ) -> "Criterion":
        """With one alternative, whose field it is named after."""
        alternatives = (Alternative(field, answer, relation),)
        return cls(field, alternatives, failed_cost, missing_cost, noun, filter, facet)

    @property
    def fields(self) -> Sequence[str]:
        """The award's fields that it reads."""
        return [alternative.field for alternative in self.alternatives]


def requires(required: object) -> bool:
    """Whether a value of an award requires anything: 0 is a bound; no value, no values and false
    require nothing."""
    return required is not None and required is not False and required not in ((), [])


CITIZEN: Final = AnyOf(
    accepts=accepted_by,
    sentences={
        Outcome.MET: "{noun} {actual} is accepted.",
        Outcome.FAILED: "{noun} {actual} is not accepted; required: {required}.",
        Outcome.UNKNOWN: "{noun} required: {required}; the profile does not say.",
    },
)

CRITERIA: Final = (
    Criterion.simple(
        "min_gpa", "gpa", AT_LEAST, "GPA", failed_cost=40, missing_cost=30, filter="min_gpa"
    ),
    Criterion.simple(
        "max_gpa", "gpa", AT_MOST, "GPA", failed_cost=40, missing_cost=0, filter="min_gpa"
    ),
    Criterion.simple(
        "citizenship_required",
        "citizenship",
        CITIZEN,
        "citizenship",
        failed_cost=40,
        missing_cost=20,
        filter="citizenship",
        facet="citizenship",
    ),
    Criterion.simple(
        "grade_levels",
        "grade_level",
        ONE_OF,
        "grade level",
        failed_cost=30,
        missing_cost=20,
        filter="grade_level",
        facet="grade_levels",
    ),
    Criterion.simple(
        "residency_states",
        "state_of_residence",
        ONE_OF,
        "state of residence",
        failed_cost=30,
        missing_cost=20,
        filter="states",
        facet="states",
    ),
    Criterion.simple(
        "fields_of_study",
        "field_of_study",
        ONE_OF,
        "field of study",
        failed_cost=30,
        missing_cost=20,
        filter="fields_of_study",
        facet="fields_of_study",
    ),
    Criterion.simple("min_age", "age", AT_LEAST, "age", failed_cost=20, missing_cost=10),
    Criterion.simple("max_age", "age", AT_MOST, "age", failed_cost=20, missing_cost=0),
    Criterion.simple(
        "financial_need",
        "financial_need",
        IS_TRUE,
        "financial need",
        failed_cost=20,
        missing_cost=10,
    ),
)
"""The weights of docs/api.md, "Eligibility".

A missing GPA costs nothing against max_gpa, nor a missing age against max_age: most students are
within an upper bound. It is unknown all the same, so the verdict asks for it.
"""

_MEANINGS: Final = {
    PERMANENT_RESIDENT: "US citizen or permanent resident",
    INTERNATIONAL: "any country but the US",
}


def in_words(value: object) -> str:
    """A value of an award or a profile as a sentence has it."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, list | tuple):
        return ", ".join(in_words(item) for item in value)
    text = str(value)
    return _MEANINGS.get(text, text.replace("_", " "))
