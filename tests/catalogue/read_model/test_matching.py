"""The rule for one award and the rule for all awards are one rule."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.ages import EPOCH
from scholarship_api.catalogue.read_model.answers import Answers, derive, on_day
from scholarship_api.catalogue.read_model.criteria import fields_of
from scholarship_api.catalogue.read_model.matching import judge
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.questions import best_questions
from scholarship_api.catalogue.read_model.records import NO_AMOUNT, AwardRecord
from scholarship_api.catalogue.read_model.relations import Outcome
from scholarship_api.catalogue.read_model.rule import (
    AwardAssessment,
    Verdict,
    assess,
    assess_award,
)
from tests.catalogue.read_model.tables import (
    EXTENDED,
    NOW,
    catalogues,
    examples,
    profiles,
    told_profiles,
)

UNCHECKED = st.sets(st.sampled_from(sorted(fields_of(EXTENDED))), max_size=6)


def model_of(awards: list[AwardRecord], unchecked: set[str] | None = None) -> ReadModel:
    model = ReadModel(criteria=EXTENDED, unchecked=unchecked or ())
    model.add(awards)
    model.build_orders()
    return model


def ordinal_of(model: ReadModel, award: AwardRecord) -> int:
    ordinal = model.ordinals.find(award.id)
    assert ordinal is not None
    return ordinal


def alone(award: AwardRecord, answers: Answers, unchecked: set[str]) -> AwardAssessment:
    """The award judged by itself."""
    day = NOW.date() if award.closing_day is None else EPOCH + dt.timedelta(award.closing_day)
    return assess_award(
        award.conditions, on_day(answers, day), criteria=EXTENDED, unchecked=unchecked
    )


@pytest.mark.slow
@examples
@given(catalogues(), profiles, UNCHECKED)
def test_each_criterion_has_the_same_outcome(
    awards: list[AwardRecord], answers: Answers, unchecked: set[str]
) -> None:
    answers = on_day(answers, NOW.date())
    model = model_of(awards)
    for position, layer in enumerate(model.tables.layers):
        judged = {criterion: judge(layer, criterion, answers, unchecked) for criterion in EXTENDED}
        for award in awards:
            if position >= len(award.eligibility_sets):
                continue
            ordinal = ordinal_of(model, award)
            findings = assess(
                award.eligibility_sets[position], answers, criteria=EXTENDED, unchecked=unchecked
            ).findings
            outcomes = {finding.criterion: finding.outcome for finding in findings}
            for criterion, each in judged.items():
                expected = outcomes.get(criterion, Outcome.MET)
                found = Outcome.MET
                if each is not None and ordinal in each.failed:
                    found = Outcome.FAILED
                if each is not None and ordinal in each.unknown:
                    found = Outcome.UNKNOWN
                if each is not None and ordinal in each.unchecked:
                    found = Outcome.NOT_CHECKED
                assert found is expected, criterion.name


@pytest.mark.slow
@examples
@given(catalogues(), profiles, st.sets(st.integers(0, 11)), UNCHECKED)
def test_each_award_has_the_same_verdict_and_score(
    awards: list[AwardRecord], answers: Answers, left_out: set[int], unchecked: set[str]
) -> None:
    model = model_of(awards, unchecked)
    within = model.ordinals.used - BitMap(left_out)
    matches = model.match(answers, within=within, now=NOW)
    found: dict[str, tuple[Verdict, int]] = {}
    for verdict in Verdict:
        scores = []
        for score, ordinals in matches.by_score(verdict):
            assert ordinals
            scores.append(score)
            for ordinal in ordinals:
                assert model.ordinals.id_of(ordinal) not in found
                found[model.ordinals.id_of(ordinal)] = verdict, score
        assert scores == sorted(set(scores), reverse=True)
    expected = {
        award.id: (judged.verdict, judged.score)
        for award in awards
        if ordinal_of(model, award) in within
        for judged in [alone(award, answers, unchecked)]
    }
    assert found == expected
    assert {model.ordinals.id_of(each): match for each, match in matches.of(within).items()} == (
        expected
    )
    assert {verdict: len(awards) for verdict, awards in matches.by_verdict.items()} == {
        verdict: [each for each, _ in expected.values()].count(verdict) for verdict in Verdict
    }


@pytest.mark.slow
@examples
@given(catalogues(), profiles, UNCHECKED)
def test_questions_count_the_awards_that_lack_one_answer(
    awards: list[AwardRecord], answers: Answers, unchecked: set[str]
) -> None:
    model = model_of(awards, unchecked)
    matches = model.match(answers, within=model.all(), now=NOW)
    found = best_questions(matches, model.amounts_of, limit=10)
    expected: dict[str, list[AwardRecord]] = {}
    for award in awards:
        judged = alone(award, answers, unchecked)
        if judged.verdict is Verdict.NEEDS_INFORMATION:
            alone_missing = {
                each.missing[0]
                for each in judged.sets
                if each.verdict is Verdict.NEEDS_INFORMATION and len(each.missing) == 1
            }
            for field in alone_missing:
                expected.setdefault(field, []).append(award)
    counted = {each.field: (each.awards, each.hundredths) for each in found}
    assert len(counted) == min(10, len(expected))
    for field, values in counted.items():
        known = [award.amount for award in expected[field] if award.amount != NO_AMOUNT]
        assert values == (len(expected[field]), sum(known))
    assert [each.awards for each in found] == sorted((each.awards for each in found), reverse=True)


FILTERS = {
    alternative.filter: alternative.profile_field
    for criterion in EXTENDED
    for alternative in criterion.alternatives
    if alternative.filter is not None
}


@pytest.mark.slow
@examples
@given(catalogues(), told_profiles(), UNCHECKED)
def test_a_filter_keeps_the_awards_of_which_some_set_fails_none_of_its_criteria(
    awards: list[AwardRecord], told: dict[str, object], unchecked: set[str]
) -> None:
    model = model_of(awards, unchecked)
    filters = {name: told[field] for name, field in FILTERS.items() if field in told}
    criteria = [
        criterion
        for criterion in EXTENDED
        if any(each.filter in filters for each in criterion.alternatives)
    ]
    answers = derive({FILTERS[name]: value for name, value in filters.items()})
    expected = {
        award.id
        for award in awards
        if any(
            assess(each, answers, criteria=criteria, unchecked=unchecked).verdict
            is not Verdict.INELIGIBLE
            for each in award.eligibility_sets
        )
    }
    assert {model.ordinals.id_of(each) for each in model.keep(filters)} == expected


@pytest.mark.slow
@examples
@given(catalogues(), profiles)
def test_judging_changes_nothing(awards: list[AwardRecord], answers: Answers) -> None:
    model = model_of(awards)
    for _ in range(2):
        matches = model.match(answers, within=BitMap(model.ordinals.used), now=NOW)
        for verdict in Verdict:
            list(matches.by_score(verdict))
        best_questions(matches, model.amounts_of, limit=10)
    assert (
        model.match({}, within=model.ordinals.used, now=NOW).by_verdict
        == model_of(awards).match({}, within=model.ordinals.used, now=NOW).by_verdict
    )
