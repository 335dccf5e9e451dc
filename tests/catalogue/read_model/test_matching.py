"""The rule for one award and the rule for all awards are one rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.criteria import Answers
from scholarship_api.catalogue.read_model.matching import judge
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.records import AwardRecord
from scholarship_api.catalogue.read_model.relations import Outcome
from scholarship_api.catalogue.read_model.rule import Verdict, assess, nearest
from tests.catalogue.read_model.tables import EXTENDED, catalogues, examples, profiles


def model_of(awards: list[AwardRecord]) -> ReadModel:
    model = ReadModel(criteria=EXTENDED)
    model.add(awards)
    model.build_orders()
    return model


def ordinal_of(model: ReadModel, award: AwardRecord) -> int:
    ordinal = model.ordinals.find(award.id)
    assert ordinal is not None
    return ordinal


@pytest.mark.slow
@examples
@given(catalogues(), profiles)
def test_each_criterion_has_the_same_outcome(awards: list[AwardRecord], answers: Answers) -> None:
    model = model_of(awards)
    for position, layer in enumerate(model.layers):
        judged = [judge(layer, criterion, answers) for criterion in EXTENDED]
        for award in awards:
            if position >= len(award.eligibility_sets):
                continue
            ordinal = ordinal_of(model, award)
            findings = assess(award.eligibility_sets[position], answers, criteria=EXTENDED).findings
            outcomes = {finding.criterion: finding.outcome for finding in findings}
            for each in judged:
                expected = outcomes.get(each.criterion, Outcome.MET)
                assert (ordinal in each.failed) is (expected is Outcome.FAILED)
                assert (ordinal in each.unknown) is (expected is Outcome.UNKNOWN)


@pytest.mark.slow
@examples
@given(catalogues(), profiles, st.sets(st.integers(0, 11)))
def test_each_award_has_the_same_verdict_and_score(
    awards: list[AwardRecord], answers: Answers, left_out: set[int]
) -> None:
    model = model_of(awards)
    within = model.ordinals.used - BitMap(left_out)
    matches = model.match(answers, within=within)
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
        award.id: (assessment.verdict, assessment.score)
        for award, assessment in (
            (award, nearest(award.eligibility_sets, answers, criteria=EXTENDED)) for award in awards
        )
        if ordinal_of(model, award) in within
    }
    assert found == expected
    assert {verdict: len(awards) for verdict, awards in matches.by_verdict.items()} == {
        verdict: [each for each, _ in expected.values()].count(verdict) for verdict in Verdict
    }


@pytest.mark.slow
@examples
@given(catalogues(), profiles)
def test_a_filter_keeps_the_awards_of_which_some_set_fails_none_of_its_criteria(
    awards: list[AwardRecord], answers: Answers
) -> None:
    model = model_of(awards)
    filters = {"heritages": "heritages", "states": "state_of_residence", "min_gpa": "gpa"}
    given_filters = {name: answers[answer] for name, answer in filters.items() if answer in answers}
    criteria = [criterion for criterion in EXTENDED if criterion.filter in given_filters]
    expected = {
        award.id
        for award in awards
        if any(
            assess(each, answers, criteria=criteria).verdict is not Verdict.INELIGIBLE
            for each in award.eligibility_sets
        )
    }
    assert {model.ordinals.id_of(each) for each in model.keep(given_filters)} == expected


@pytest.mark.slow
@examples
@given(catalogues(), profiles)
def test_judging_changes_nothing(awards: list[AwardRecord], answers: Answers) -> None:
    model = model_of(awards)
    for _ in range(2):
        matches = model.match(answers, within=BitMap(model.ordinals.used))
        for verdict in Verdict:
            list(matches.by_score(verdict))
    assert (
        model.match({}, within=model.ordinals.used).by_verdict
        == model_of(awards).match({}, within=model.ordinals.used).by_verdict
    )
