"""The rule holds for every award and every profile, and how answers tell more than they say."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.catalogue.read_model.answers import derive, on_day
from scholarship_api.catalogue.read_model.criteria import CRITERIA, fields_of
from scholarship_api.catalogue.read_model.gpa_scales import on_four
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.places import locate_zip
from scholarship_api.catalogue.read_model.records import AwardRecord
from scholarship_api.catalogue.read_model.relations import Outcome
from scholarship_api.catalogue.read_model.rule import (
    Conditions,
    Preference,
    Verdict,
    assess,
    assess_award,
)
from scholarship_api.vocabularies.registry import VOCABULARIES
from tests.catalogue.read_model.tables import (
    AWARD_FIELDS,
    EXTENDED,
    NEW_ROW,
    NOW,
    TOLD_FIELDS,
    examples,
    records,
    sets_of_criteria,
    told_profiles,
)

Set = dict[str, Any]
TODAY = NOW.date()
RANK = {verdict: place for place, verdict in enumerate(Verdict)}


def verdict_on(conditions: Conditions, told: Set) -> Verdict:
    return assess_award(conditions, on_day(derive(told), TODAY), criteria=EXTENDED).verdict


def outcome(field: str, required: object, told: Set) -> Outcome:
    """The outcome of an award's only criterion."""
    [finding] = assess({field: required}, on_day(derive(told), TODAY)).findings
    return finding.outcome


# --- Every award, every profile ------------------------------------------------------------------


def test_every_criterion_is_tried() -> None:
    assert set(AWARD_FIELDS) == set(fields_of(EXTENDED))
    told = {each.profile_field.partition(".")[0] for each in fields_of(EXTENDED).values()}
    both = {"grade_level": "grade_levels", "field_of_study": "fields_of_study"}
    assert {both.get(name, name) for name in told} <= set(TOLD_FIELDS)


@examples
@given(records(award_id="a"), told_profiles())
def test_eligible_never_without_complete_sets(award: AwardRecord, told: Set) -> None:
    judged = assess_award(award.conditions, on_day(derive(told), TODAY), criteria=EXTENDED)
    if judged.verdict is Verdict.ELIGIBLE:
        assert award.criteria_complete
        assert not award.other_requirements
        assert judged.to_confirm(award.other_requirements) == []
    if judged.verdict is Verdict.LIKELY_ELIGIBLE:
        assert judged.to_confirm(award.other_requirements)
    if judged.verdict is Verdict.NEEDS_INFORMATION:
        assert judged.nearest.missing
    assert 0 <= judged.score <= 100


@examples
@given(sets_of_criteria())
def test_an_unknown_never_counts_as_met(criteria_set: Set) -> None:
    findings = assess(criteria_set, derive({}), criteria=EXTENDED).findings
    assert {finding.outcome for finding in findings} <= {Outcome.UNKNOWN}


@examples
@given(records(award_id="a"), told_profiles(), st.data())
def test_an_answer_that_is_met_never_worsens_a_verdict(
    award: AwardRecord, told: Set, data: st.DataObject
) -> None:
    """One that leaves every criterion of the award as good as it was, or makes it better."""
    field = data.draw(st.sampled_from(sorted(set(TOLD_FIELDS) - set(told))))
    more = told | {field: data.draw(TOLD_FIELDS[field])}

    def outcomes(profile: Set) -> list[Outcome]:
        answers = on_day(derive(profile), TODAY)
        return [
            finding.outcome
            for each in award.eligibility_sets
            for finding in assess(each, answers, criteria=EXTENDED).findings
        ]

    quality = {Outcome.FAILED: 0, Outcome.UNKNOWN: 1, Outcome.MET: 2}
    before, after = outcomes(told), outcomes(more)
    if all(quality[new] >= quality[old] for old, new in zip(before, after, strict=True)):
        assert RANK[verdict_on(award.conditions, more)] <= RANK[verdict_on(award.conditions, told)]


@examples
@given(records(award_id="a"), told_profiles(), st.randoms(use_true_random=False))
def test_order_does_not_matter(award: AwardRecord, told: Set, rng: random.Random) -> None:
    def shuffled(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, list):
            return [shuffled(each) for each in rng.sample(value, k=len(value))]
        if isinstance(value, dict):
            names = rng.sample(list(value), k=len(value))
            return {name: shuffled(value[name]) for name in names}
        return value

    conditions = award.conditions
    other = Conditions(
        shuffled(list(conditions.sets)),
        conditions.is_complete,
        conditions.has_texts,
        [Preference(shuffled(each.criteria), each.weight) for each in conditions.preferences],
    )
    one = assess_award(conditions, on_day(derive(told), TODAY), criteria=EXTENDED)
    two = assess_award(other, on_day(derive(shuffled(told)), TODAY), criteria=EXTENDED)
    assert (one.verdict, one.score) == (two.verdict, two.score)


def test_a_criterion_is_one_row() -> None:
    """A row that exists in this test alone is rule, filter, facet and vocabulary."""
    award = AwardRecord(
        "a", 1, 2**62, 0, 0, None, "UTC", "athletic", False, [{"pastimes": ["sports.tennis"]}]
    )
    model = ReadModel(criteria=EXTENDED)
    model.add([award])
    model.build_orders()
    met, failed = derive({"pastimes": ["sports.tennis"]}), derive({"pastimes": ["chess"]})
    [finding] = assess(award.eligibility_sets[0], met, criteria=EXTENDED).findings
    assert finding.reason == "Pastime is accepted: tennis."
    for answers, verdict in ((met, Verdict.LIKELY_ELIGIBLE), (failed, Verdict.INELIGIBLE)):
        assert model.match(answers, within=model.all(), now=NOW).by_verdict[verdict]
    assert "pastimes" in model.filters
    assert model.keep({"pastimes": ["sports"]})
    assert not model.keep({"pastimes": ["chess"]})
    assert model.facets(model.all())["pastimes"] == {"sports.tennis": 1}
    [alternative] = NEW_ROW.alternatives
    assert alternative.vocabulary in VOCABULARIES


# --- Several sets, preferences, scores ------------------------------------------------------------

WOMEN: Set = {"genders": ["woman"], "min_gpa": Decimal(3)}
VETERANS: Set = {"military": [{"relations": ["self"], "statuses": ["veteran"]}]}


def test_any_set_suffices_and_the_nearest_one_counts() -> None:
    either = Conditions([WOMEN, VETERANS])
    veteran = {"military": [{"relations": ["self"], "statuses": ["disabled_veteran"]}]}
    judged = assess_award(either, derive({"genders": ["man"], **veteran}))
    assert (judged.verdict, judged.nearest_index) == (Verdict.ELIGIBLE, 1)
    judged = assess_award(either, derive({"genders": ["woman"]}))
    assert (judged.verdict, judged.nearest_index) == (Verdict.NEEDS_INFORMATION, 1)
    assert judged.nearest.missing == ["military"]
    nobody = {"genders": ["man"], "gpa": Decimal(4), "military": []}
    judged = assess_award(either, derive(nobody))
    assert (judged.verdict, judged.nearest_index) == (Verdict.INELIGIBLE, 0)


def test_a_preference_raises_the_score_up_to_a_bound() -> None:
    criteria_set = {"min_gpa": Decimal(3)}
    preferred = [Preference({"genders": ["woman"]}, 1), Preference({"first_generation": True}, 3)]
    conditions = Conditions([criteria_set], preferences=preferred)

    def score(**told: object) -> int:
        return assess_award(conditions, derive(told)).score

    assert score() == 70
    assert score(genders=["woman"]) == 75
    assert score(genders=["woman"], first_generation=True) == 85
    assert score(genders=["man"]) == 70
    assert score(genders=["woman"], gpa=Decimal(4)) == 100
    assert assess_award(conditions, derive({"genders": ["man"], "gpa": Decimal(4)})).verdict is (
        Verdict.ELIGIBLE
    )


def test_conditions_that_are_not_coded_are_likely_and_cost_once() -> None:
    judged = assess_award(Conditions([], has_texts=True), {})
    assert (judged.verdict, judged.score) == (Verdict.LIKELY_ELIGIBLE, 95)
    assert judged.to_confirm(["Write well."]) == ["Write well."]
    incomplete = assess_award(Conditions([{}], is_complete=False), {})
    assert (incomplete.verdict, incomplete.score) == (Verdict.LIKELY_ELIGIBLE, 100)
    assert len(incomplete.to_confirm([])) == 1


def test_what_the_operator_does_not_match_on_neither_excludes_nor_admits() -> None:
    for told in ({}, {"genders": ["man"]}, {"genders": ["woman"]}):
        judged = assess_award(
            Conditions([{"genders": ["woman"]}]), derive(told), unchecked={"genders"}
        )
        assert (judged.verdict, judged.score) == (Verdict.LIKELY_ELIGIBLE, 95)
        assert judged.to_confirm([]) == ["Gender is not checked here; required: Woman."]


# --- What answers tell ----------------------------------------------------------------------------

MET, FAILED, UNKNOWN = Outcome.MET, Outcome.FAILED, Outcome.UNKNOWN

OUTCOMES: list[tuple[str, object, Set, Outcome]] = [
    # Citizenship and immigration status are one.
    ("citizenships", ["US"], {"citizenship": "PR"}, MET),
    ("citizenships", ["US"], {"citizenship": "AS"}, MET),
    ("citizenships", ["US"], {"immigration_statuses": ["us_citizen"]}, MET),
    ("citizenships", ["US"], {"immigration_statuses": ["daca"]}, FAILED),
    ("citizenships", ["MX"], {"immigration_statuses": ["daca"]}, UNKNOWN),
    ("citizenships", ["international"], {"immigration_statuses": ["visa_f1"]}, MET),
    ("citizenships", ["US"], {"immigration_statuses": ["ab540"]}, UNKNOWN),
    ("immigration_statuses", ["us_citizen"], {"citizenship": "GU"}, MET),
    ("immigration_statuses", ["us_national"], {"citizenship": "AS"}, MET),
    ("immigration_statuses", ["us_citizen"], {"citizenship": "AS"}, FAILED),
    ("immigration_statuses", ["daca"], {"citizenship": "US"}, FAILED),
    ("immigration_statuses", ["daca"], {"citizenship": "MX"}, UNKNOWN),
    ("immigration_statuses", ["us_citizen"], {"citizenship": "MX"}, FAILED),
    ("immigration_statuses", ["fas_citizen"], {"citizenship": "FM"}, MET),
    ("immigration_statuses", ["eligible_noncitizen"], {"immigration_statuses": ["refugee"]}, MET),
    (
        "immigration_statuses",
        ["refugee"],
        {"immigration_statuses": ["eligible_noncitizen"]},
        UNKNOWN,
    ),
    # Residence: what is narrower tells what is broader.
    ("residency_states", ["CA"], {"residence": {"county": "06037"}}, MET),
    ("residency_states", ["CA"], {"residence": {"zip": "90012"}}, MET),
    ("residency_states", ["CA"], {"residence": {"country": "DE"}}, FAILED),
    ("residency_states", ["CA"], {"residence": {"country": "US"}}, UNKNOWN),
    ("residency_states", ["PR"], {"residence": {"country": "PR"}}, MET),
    ("residency_countries", ["US"], {"state_of_residence": "CA"}, MET),
    ("residency_countries", ["US"], {"state_of_residence": "PR"}, MET),
    ("residency_countries", ["PR"], {"state_of_residence": "PR"}, MET),
    ("residency_counties", ["06037"], {"residence": {"zip": "90012"}}, MET),
    ("residency_counties", ["06037"], {"state_of_residence": "CA"}, UNKNOWN),
    ("residency_counties", ["06037"], {"state_of_residence": "NY"}, FAILED),
    ("residency_counties", ["06037"], {"residence": {"zip": "92801", "county": "06037"}}, UNKNOWN),
    ("residency_counties", ["09110"], {"residence": {"county": "09003"}}, UNKNOWN),
    ("residency_zips", ["90012"], {"residence": {"county": "06037"}}, UNKNOWN),
    ("residency_zips", ["90012"], {"residence": {"county": "06059"}}, FAILED),
    (
        "residency_places",
        [{"name": "Los Angeles", "state": "CA"}],
        {"residence": {"place": {"name": "los angeles"}, "state": "CA"}},
        MET,
    ),
    (
        "residency_places",
        [{"name": "Los Angeles", "state": "CA"}],
        {"state_of_residence": "NY"},
        FAILED,
    ),
    # Codes that are part of others.
    ("heritages", ["asian"], {"heritages": ["asian.hmong"]}, MET),
    ("heritages", ["asian.hmong"], {"heritages": ["asian"]}, UNKNOWN),
    ("heritages", ["white"], {"heritages": ["asian"]}, FAILED),
    ("cip_codes", ["51.38"], {"cip_codes": ["51.3801"]}, MET),
    ("cip_codes", ["51.38"], {"cip_codes": ["51"]}, UNKNOWN),
    ("cip_codes", ["51.38"], {"cip_codes": ["14"]}, FAILED),
    ("fields_of_study", ["nursing"], {"cip_codes": ["51.38"]}, MET),
    ("genders", ["woman"], {"genders": ["transgender"]}, UNKNOWN),
    ("genders", ["woman"], {"genders": ["transgender", "man"]}, FAILED),
    ("genders", ["woman"], {"genders": ["woman", "transgender"]}, MET),
    (
        "institution_types",
        ["community_college"],
        {"institution_types": ["two_year", "public"]},
        MET,
    ),
    ("institution_types", ["community_college"], {"institution_types": ["public"]}, UNKNOWN),
    ("institution_types", ["public"], {"institution_types": ["community_college"]}, MET),
    ("institution_types", ["public"], {"institution_types": ["four_year"]}, UNKNOWN),
    ("professions", ["29"], {"professions": ["29-1141"]}, MET),
    # Entries fit as a whole.
    (
        "military",
        [{"relations": ["child"], "statuses": ["veteran"]}],
        {
            "military": [
                {"relations": ["self"], "statuses": ["veteran"]},
                {"relations": ["child"], "statuses": ["rotc"]},
            ]
        },
        FAILED,
    ),
    ("military", [{"branches": ["navy"]}], {"military": [{"statuses": ["veteran"]}]}, UNKNOWN),
    ("military", [{"statuses": ["veteran"]}], {"military": []}, FAILED),
    (
        "conditions",
        [{"condition": "any_disability"}],
        {"conditions": [{"condition": "autism"}]},
        MET,
    ),
    (
        "conditions",
        [{"condition": "any_disability"}],
        {"conditions": [{"condition": "cancer"}]},
        FAILED,
    ),
    (
        "conditions",
        [{"condition": "cancer", "relation": "parent"}],
        {"conditions": [{"condition": "cancer"}]},
        FAILED,
    ),
    (
        "affiliations",
        [{"name": "The Elks", "kind": "club"}],
        {"affiliations": [{"name": "elks!"}]},
        MET,
    ),
    (
        "affiliations",
        [{"kind": "union"}],
        {"affiliations": [{"name": "Elks", "kind": "club"}]},
        FAILED,
    ),
    (
        "affiliations",
        [{"name": "Elks", "kind": "club", "relations": ["parent"]}],
        {"affiliations": [{"name": "Elks"}]},
        FAILED,
    ),
    (
        "current_institutions",
        [{"name": "UC Berkeley", "unitid": "110635"}],
        {"current_institutions": [{"unitid": "110635"}]},
        MET,
    ),
    (
        "current_institutions",
        [{"name": "Reed College", "state": "OR"}],
        {"current_institutions": [{"name": "reed college"}]},
        UNKNOWN,
    ),
    (
        "tests",
        [{"test": "sat", "section": "total", "min": 1200.0}],
        {"tests": [{"test": "sat", "section": "total", "score": 1280.0}]},
        MET,
    ),
    (
        "tests",
        [{"test": "act", "section": "composite", "min": 30.0}],
        {"tests": [{"test": "sat", "section": "total", "score": 1280.0}]},
        UNKNOWN,
    ),
    (
        "tests",
        [{"test": "act", "section": "composite", "min": 30.0}],
        {"tests": [], "answered": ["tests"]},
        FAILED,
    ),
    ("lgbtq", True, {"lgbtq": False}, FAILED),
    ("max_sai", 0, {"sai": -100}, MET),
    ("max_income", 50_000, {"annual_income": Decimal(50_001)}, FAILED),
    ("min_age", 18, {"birth_date": dt.date(2009, 3, 1)}, MET),
    ("min_age", 18, {"birth_date": dt.date(2009, 3, 2)}, FAILED),
]


@pytest.mark.parametrize(("field", "required", "told", "expected"), OUTCOMES)
def test_an_answer_tells_what_follows_from_it(
    field: str, required: object, told: Set, expected: Outcome
) -> None:
    assert outcome(field, required, told) is expected


def test_citizenship_and_status_are_one_criterion() -> None:
    award = {"citizenships": ["US"], "immigration_statuses": ["daca"]}
    for told, expected in (
        ({"citizenship": "MX", "immigration_statuses": ["daca"]}, MET),
        ({"citizenship": "MX"}, UNKNOWN),
        ({"citizenship": "MX", "immigration_statuses": ["visa_f1"]}, FAILED),
    ):
        [finding] = assess(award, derive(told)).findings
        assert finding.outcome is expected


@pytest.mark.parametrize(
    ("average", "scale", "expected"),
    [
        ("3.6666", "4", "3.6666"), ("4.3", "4.3", "4"), ("3.9", "4.3", "3.9"), ("4", "5", "3.2"),
        ("8.4", "10", "3.36"), ("12", "20", "3"), ("13", "20", "3.25"), ("17", "20", "4"),
        ("92.9", "100", "3.7"), ("93", "100", "4"), ("64", "100", "0"), ("0", "20", "0"),
    ],
)  # fmt: skip
def test_an_average_of_another_scale_is_converted(average: str, scale: str, expected: str) -> None:
    assert on_four(Decimal(average), scale) == Decimal(expected)


@pytest.mark.parametrize("scale", ["4", "4.3", "5", "10", "20", "100"])
def test_a_higher_average_is_never_converted_to_a_lower_one(scale: str) -> None:
    steps = [Decimal(scale) * step / 200 for step in range(201)]
    converted = [on_four(step, scale) for step in steps]
    assert converted == sorted(converted)
    assert (converted[0], converted[-1]) == (Decimal(0), Decimal(4))


def test_a_zip_code_lies_in_its_main_county() -> None:
    assert locate_zip("90012") == ("CA", "06037")
    assert locate_zip("00901") == ("PR", "72127")
    assert locate_zip("09012") is None  # of the military
    assert {each.state for code in ("10001", "11201") if (each := locate_zip(code))} == {"NY"}


def test_every_code_in_the_rows_is_in_a_vocabulary() -> None:
    for criterion in CRITERIA:
        for alternative in criterion.alternatives:
            assert alternative.vocabulary is None or alternative.vocabulary in VOCABULARIES
