"""The documented weights case by case, and properties of every award and profile."""

import random
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.catalogue.read_model.answers import derive
from scholarship_api.catalogue.read_model.criteria import CRITERIA
from scholarship_api.catalogue.read_model.criteria import requires as applies
from scholarship_api.catalogue.read_model.relations import Outcome
from scholarship_api.catalogue.read_model.rule import Assessment, Verdict
from scholarship_api.catalogue.read_model.rule import assess as assess_answers
from scholarship_api.vocabulary import INTERNATIONAL as FOREIGN
from scholarship_api.vocabulary import PERMANENT_RESIDENT as RESIDENT
from tests.eligibility.awards import Award, criteria, profiles, some_criteria

THREE = Decimal(3)


OLD_CRITERIA = CRITERIA[:9]
"""Those that every award and profile could have from the beginning; their answers are fixed."""


def assess(award: Award, profile: Award) -> Assessment:
    return assess_answers(award, derive(profile))


class Case(NamedTuple):
    """An award with one criterion, and its score when that is failed and when it is unknown."""

    criterion: str
    required: object
    field: str
    met_by: list[Any]
    failed_by: list[Any]
    failed_score: float
    missing_score: float


# The table of docs/api.md, "Eligibility".
DOCUMENTED = [
    Case("min_gpa", THREE, "gpa", [THREE, Decimal(4)], [Decimal("2.99")], 0.6, 0.7),
    Case("max_gpa", THREE, "gpa", [THREE, Decimal(0)], [Decimal("3.01")], 0.6, 1.0),
    Case("citizenship_required", "US", "citizenship", ["US"], ["DE", RESIDENT], 0.6, 0.8),
    Case("citizenship_required", "DE", "citizenship", ["DE"], ["FR", FOREIGN], 0.6, 0.8),
    Case("citizenship_required", RESIDENT, "citizenship", ["US", RESIDENT], ["DE"], 0.6, 0.8),
    Case("citizenship_required", FOREIGN, "citizenship", ["DE", FOREIGN], ["US"], 0.6, 0.8),
    Case("grade_levels", ["graduate"], "grade_level", ["graduate"], ["doctoral"], 0.7, 0.8),
    Case("residency_states", ["CA", "NY"], "state_of_residence", ["CA", "NY"], ["TX"], 0.7, 0.8),
    Case("fields_of_study", ["law"], "field_of_study", ["law"], ["arts"], 0.7, 0.8),
    Case("min_age", 18, "age", [18, 19], [17], 0.8, 0.9),
    Case("max_age", 18, "age", [18, 17], [19], 0.8, 1.0),
    Case("financial_need", True, "financial_need", [True], [False], 0.8, 0.9),
]


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: f"{case.criterion}-{case.required}")
def test_a_failed_and_an_unknown_criterion_lower_the_score(case: Case) -> None:
    award = criteria(**{case.criterion: case.required})

    def judged(profile: Award) -> tuple[float, Verdict, list[Outcome]]:
        assessment = assess(award, profile)
        outcomes = [finding.outcome for finding in assessment.findings]
        return assessment.score / 100, assessment.verdict, outcomes

    for value in case.met_by:
        assert judged({case.field: value}) == (1.0, Verdict.ELIGIBLE, [Outcome.MET])
    for value in case.failed_by:
        assert judged({case.field: value}) == (
            case.failed_score,
            Verdict.INELIGIBLE,
            [Outcome.FAILED],
        )
    assert judged({}) == (case.missing_score, Verdict.NEEDS_INFORMATION, [Outcome.UNKNOWN])


def test_every_criterion_has_a_case() -> None:
    assert {case.criterion for case in DOCUMENTED} == {each.name for each in OLD_CRITERIA}


def test_an_award_without_criteria_is_open_to_all() -> None:
    assessment = assess(criteria(), {"gpa": Decimal(0)})
    assert assessment.verdict is Verdict.ELIGIBLE
    assert assessment.score == 100
    assert assessment.findings == ()
    assert assessment.reasons == ["This award is open to all."]


@pytest.mark.parametrize("bound", ["min_gpa", "min_age"])
def test_a_bound_of_zero_is_assessed(bound: str) -> None:
    assert assess(criteria(**{bound: 0}), {}).verdict is Verdict.NEEDS_INFORMATION


def test_the_score_is_at_least_zero_and_exact() -> None:
    everything = criteria(
        min_gpa=THREE,
        citizenship_required="US",
        grade_levels=["graduate"],
        residency_states=["CA"],
        fields_of_study=["law"],
        min_age=18,
        financial_need=True,
    )
    worst = {
        "gpa": Decimal(2),
        "citizenship": "DE",
        "grade_level": "doctoral",
        "state_of_residence": "TX",
        "field_of_study": "arts",
        "age": 17,
        "financial_need": False,
    }
    assert assess(everything, worst).score == 0
    # 1 - 0.3 - 0.2 - 0.2 in floats is 0.30000000000000004.
    some = criteria(min_gpa=THREE, citizenship_required="US", grade_levels=["graduate"])
    assert repr(assess(some, {}).score / 100) == "0.3"


def test_reasons_are_plain_sentences() -> None:
    award = criteria(
        min_gpa=Decimal("3.50"),
        citizenship_required="permanent_resident",
        fields_of_study=["law", "social_sciences"],
        max_age=25,
    )
    profile = {"gpa": Decimal("3.20"), "citizenship": "DE", "age": 20}
    assessment = assess(award, profile)
    assert [finding.reason for finding in assessment.findings] == [
        "GPA 3.2 is below the minimum of 3.5.",
        "Citizenship DE is not accepted; required: US citizen or permanent resident.",
        "Field of study must be among: law, social sciences; the profile does not say.",
        "Age 20 is within the maximum of 25.",
    ]
    # Criteria that are met are no obstacle.
    assert assessment.reasons == [finding.reason for finding in assessment.findings[:3]]


# --- What holds for every award and every profile -------------------------------------------------

awards = st.builds(
    lambda seed: criteria(**some_criteria(random.Random(seed))),  # noqa: S311 - test data
    st.integers(0, 2**32),
).map(
    lambda award: {
        name: Decimal(value) if isinstance(value, str) and name.endswith("gpa") else value
        for name, value in award.items()
    }
)


def outcomes(award: Award, profile: Award) -> dict[str, Outcome]:
    found = assess(award, profile).findings
    return {finding.criterion.name: finding.outcome for finding in found}


@given(awards, profiles)
def test_a_verdict_follows_from_the_outcomes(award: Award, profile: Award) -> None:
    assessment = assess(award, profile)
    seen = outcomes(award, profile)
    assert set(seen) == {name for name, required in award.items() if applies(required)}
    assert (assessment.verdict is Verdict.INELIGIBLE) == (Outcome.FAILED in seen.values())
    assert (assessment.verdict is Verdict.ELIGIBLE) == (set(seen.values()) <= {Outcome.MET})
    assert 0 <= assessment.score <= 100
    if assessment.verdict is Verdict.ELIGIBLE:
        assert assessment.score == 100


@given(awards, profiles)
def test_an_unknown_never_counts_as_met(award: Award, profile: Award) -> None:
    for criterion in OLD_CRITERIA:
        if criterion.alternatives[0].profile_field not in profile:
            assert outcomes(award, profile).get(criterion.name) in (None, Outcome.UNKNOWN)


@given(awards, awards, profiles)
def test_adding_a_met_criterion_never_lowers_a_score(
    award: Award, other: Award, profile: Award
) -> None:
    before = assess(award, profile)
    for name, outcome in outcomes(other, profile).items():
        if outcome is Outcome.MET and not applies(award[name]):
            after = assess(award | {name: other[name]}, profile)
            assert (after.score, after.verdict) == (before.score, before.verdict)


@given(awards, profiles)
def test_an_answer_raises_the_score_unless_it_fails(award: Award, profile: Award) -> None:
    """Removing a value never gives a better verdict than meeting the criterion."""
    for field in profile:
        less = assess(award, {name: value for name, value in profile.items() if name != field})
        more = assess(award, profile)
        touched = {
            criterion.name
            for criterion in OLD_CRITERIA
            if criterion.alternatives[0].profile_field == field
        }
        if all(outcomes(award, profile).get(name) != Outcome.FAILED for name in touched):
            assert more.score >= less.score
        else:
            assert more.score <= less.score
            assert more.verdict is Verdict.INELIGIBLE


@given(awards, profiles, st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_matter(
    award: Award, profile: Award, rng: random.Random
) -> None:
    def shuffled(mapping: Award) -> Award:
        names = list(mapping)
        rng.shuffle(names)
        return {
            name: rng.sample(mapping[name], k=len(mapping[name]))
            if isinstance(mapping[name], list)
            else mapping[name]
            for name in names
        }

    one, other = assess(award, profile), assess(shuffled(award), shuffled(profile))
    assert (one.score, one.verdict) == (other.score, other.verdict)
    assert outcomes(award, profile) == outcomes(shuffled(award), shuffled(profile))
