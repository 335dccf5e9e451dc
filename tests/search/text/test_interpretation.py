"""The rules of interpretation, row by row."""

import datetime as dt
from typing import Any

import pytest

from benchmarks.quality import interpretation as quality
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.text.interpretation import Interpretation, interpret
from scholarship_api.search.text.interpretation_rule import GROUP
from scholarship_api.search.text.interpretation_rules import RULES

TODAY = dt.date(2026, 11, 30)
QUERIES = quality.read()
PRECISION = 0.97
RECALL = 0.85
LITTLE_WORK = {"essay_required": False, "max_recommendation_letters": 0}


def understand(q: str) -> Interpretation:
    filters = frozenset(rule.filter for rule in RULES) | {"deadline_after"}
    return interpret(q, today=TODAY, filters=filters)


def day(month: int, number: int, *, year: int = 2027) -> dt.date:
    return dt.date(year, month, number)


def between(first: dt.date, last: dt.date) -> dict[str, dt.date]:
    return {"deadline_after": first, "deadline_before": last}


def within(last: dt.date) -> dict[str, dt.date]:
    return between(TODAY, last)


@pytest.mark.parametrize(
    ("q", "filters", "left"),
    [
        ("no essay", {"essay_required": False}, None),
        ("nursing without essays", {"essay_required": False}, "nursing"),
        ("essay-free", {"essay_required": False}, None),
        ("without recommendation", {"max_recommendation_letters": 0}, None),
        ("no application fee art", {"no_fee": True}, "art"),
        ("free to apply", {"no_fee": True}, None),
        ("full ride", {"coverage": ["full_cost"]}, "full ride"),
        ("fully funded law", {"coverage": ["full_cost"]}, "fully funded law"),
        ("full tuition", {"coverage": ["full_tuition", "full_cost"]}, "full tuition"),
        ("over $5,000", {"min_amount": 5000}, None),
        ("at least 5k for art", {"min_amount": 5000}, "for art"),
        ("10k+ law", {"min_amount": 10000}, "law"),
        ("under $1,000", {"max_amount": 1000}, None),
        ("over 18", {}, "over 18"),
        ("between 1000 and 5000 art", {"min_amount": 1000, "max_amount": 5000}, "art"),
        ("$1,500-$2,500", {"min_amount": 1500, "max_amount": 2500}, None),
        ("5k to 10k law", {"min_amount": 5000, "max_amount": 10000}, "law"),
        ("5-10k", {"min_amount": 5000, "max_amount": 10000}, None),
        ("1000 to 2000 dollars", {"min_amount": 1000, "max_amount": 2000}, None),
        ("from 2026 to 2027", {}, "from 2026 to 2027"),
        ("between 18 and 25", {}, "between 18 and 25"),
        ("grades 9-12", {}, "grades 9-12"),
        ("$5,000-$1,000", {}, "$5,000-$1,000"),
        ("easy", LITTLE_WORK, None),
        ("easy scholarships for art", LITTLE_WORK, "scholarships for art"),
        ("grants that are easy to get", LITTLE_WORK, None),
        ("easy nursing scholarships", LITTLE_WORK, "nursing scholarships"),
        ("easy essay topics", {}, "easy essay topics"),
        ("easy essay scholarships", {}, "easy essay scholarships"),
        ("renewable", {"renewable": True}, None),
        ("not renewable", {"renewable": False}, None),
        ("renewable energy", {}, "renewable energy"),
        (
            "closing soon",
            {"deadline_after": TODAY, "deadline_before": day(12, 30, year=2026)},
            None,
        ),
        ("due today", {"deadline_after": TODAY, "deadline_before": TODAY}, None),
        (
            "due tomorrow",
            dict.fromkeys(("deadline_after", "deadline_before"), day(12, 1, year=2026)),
            None,
        ),
        (
            "due this week",
            {"deadline_after": TODAY, "deadline_before": day(12, 6, year=2026)},
            None,
        ),
        ("this month", {"deadline_after": TODAY, "deadline_before": TODAY}, None),
        (
            "next month",
            {"deadline_after": day(12, 1, year=2026), "deadline_before": day(12, 31, year=2026)},
            None,
        ),
        (
            "art due next week",
            {"deadline_after": day(12, 7, year=2026), "deadline_before": day(12, 13, year=2026)},
            "art",
        ),
        ("closing in 30 days", within(day(12, 30, year=2026)), None),
        ("within two weeks", within(day(12, 14, year=2026)), None),
        ("in the next 3 months law", within(day(2, 28)), "law"),
        ("due in a year", within(day(11, 30)), None),
        ("due by friday", {"deadline_before": day(12, 4, year=2026)}, None),
        ("due monday", within(TODAY), None),
        ("due by the end of the year", within(day(12, 31, year=2026)), None),
        ("due in march 2028", between(day(3, 1, year=2028), day(3, 31, year=2028)), None),
        ("due March 15, 2028", between(day(3, 15, year=2028), day(3, 15, year=2028)), None),
        ("due 15th of march", between(day(3, 15), day(3, 15)), None),
        ("due 2027-03-15", between(day(3, 15), day(3, 15)), None),
        ("due 3/15", between(day(3, 15), day(3, 15)), None),
        ("due 15/3/2028", between(day(3, 15, year=2028), day(3, 15, year=2028)), None),
        ("due 3/4", {}, "due 3/4"),
        ("due november 2", between(day(11, 2), day(11, 2)), None),
        ("deadline 2028", between(day(1, 1, year=2028), day(12, 31, year=2028)), None),
        ("class of 2028", {}, "class of 2028"),
        ("due between march and may", between(day(3, 1), day(5, 31)), None),
        ("between december and february", between(day(12, 1, year=2026), day(2, 28)), None),
        ("due before june", {"deadline_before": day(5, 31)}, None),
        ("before april 15", {"deadline_before": day(4, 14)}, None),
        ("due by may 1", {"deadline_before": day(5, 1)}, None),
        ("due after january", {"deadline_after": day(2, 1)}, None),
        ("due in March", {"deadline_after": day(3, 1), "deadline_before": day(3, 31)}, None),
        ("march deadline", {"deadline_after": day(3, 1), "deadline_before": day(3, 31)}, None),
        ("due february 30", {}, "due february 30"),
        ("march of dimes", {}, "march of dimes"),
        ("high school seniors", {"grade_level": "high_school"}, "high school seniors"),
        ("college sophomores", {"grade_level": "undergraduate"}, "college sophomores"),
        ("postdoc", {"grade_level": "post_doctoral"}, "postdoc"),
        ("for PhD", {"grade_level": "doctoral"}, "for PhD"),
        ("grad students", {"grade_level": "graduate"}, "grad students"),
        ("graduate record exam", {}, "graduate record exam"),
        ("in Texas", {"states": ["TX"]}, "in Texas"),
        ("residents of Ohio", {"states": ["OH"]}, "residents of Ohio"),
        ("nursing, TX", {"states": ["TX"]}, "nursing, TX"),
        ("university of texas", {}, "university of texas"),
        ("international students", {"citizenship": "international"}, "international students"),
        ("us citizens only", {"citizenship": "US"}, None),
        ("green card holders", {"citizenship": "permanent_resident"}, None),
        ("nursing majors", {"fields_of_study": ["nursing"]}, "nursing majors"),
        (
            "majoring in psychology",
            {"fields_of_study": ["social_sciences"]},
            "majoring in psychology",
        ),
        ("GPA 2.5", {"min_gpa": 2.5}, None),
        ("3.2 gpa art", {"min_gpa": 3.2}, "art"),
        ("gpa 5.0", {}, "gpa 5.0"),
        ("low gpa", {"min_gpa": 2.0}, "gpa"),
        ("bad grades art", {"min_gpa": 2.0}, "gpa art"),
        ("no gpa requirement", {"min_gpa": 0.0}, None),
        ("without a minimum gpa", {"min_gpa": 0.0}, None),
        ("for average students", {"min_gpa": 2.5}, "gpa"),
        ("b students", {"min_gpa": 3.0}, "gpa"),
        ("c average students", {"min_gpa": 2.0}, "gpa"),
        ("average cost", {}, "average cost"),
        ("music for high school", {"grade_level": "high_school"}, "music for high school"),
        ("girls in high school", {"grade_level": "high_school"}, "girls in high school"),
        ("teach in high school", {}, "teach in high school"),
        ("non-US citizens", {"citizenship": "international"}, None),
        ("art for non citizens", {"citizenship": "international"}, "art"),
        ("for high school teachers", {}, "for high school teachers"),
        ("need based", {"scholarship_types": ["need_based"]}, "need based"),
        ("merit scholarships", {"scholarship_types": ["merit_based"]}, "merit scholarships"),
        ("athletic scholarships", {"scholarship_types": ["athletic"]}, "athletic scholarships"),
        (
            "community service scholarships",
            {"scholarship_types": ["community_service"]},
            "community service scholarships",
        ),
        (
            "part time",
            {"enrollment": ["half_time", "three_quarter_time", "less_than_half_time"]},
            None,
        ),
        ("half-time art", {"enrollment": ["half_time"]}, "art"),
        ("full time students", {"enrollment": ["full_time"]}, None),
        ("part time job", {}, "part time job"),
        ('"no essay"', {}, '"no essay"'),
    ],
)
def test_a_phrase_becomes_a_filter(q: str, filters: dict[str, Any], left: str | None) -> None:
    found = understand(q)
    assert found.filters == filters
    assert found.q == left


@pytest.mark.parametrize(
    ("q", "group", "left"),
    [
        ("for women", "women", "for women"),
        ("little women", None, "little women"),
        ("first-gen", "first_generation", "first-gen"),
        ("first in my family to go to college", "first_generation", "first generation"),
        ("my dad is a veteran", "child_of_veteran", "veteran"),
        ("children of veterans", "child_of_veteran", "veteran"),
        ("military spouses", "military_spouse", "spouse military"),
        ("for veterans", "veteran", "for veterans"),
        ("DACA", "daca", "DACA"),
        ("latinas", "hispanic", "latinas"),
        ("black students", "black", "black students"),
        ("black holes", None, "black holes"),
        ("native american", "native_american", "native american"),
        ("aapi", "asian", "aapi"),
        ("lgbtq", "lgbtq", "lgbtq"),
        ("students with disabilities", "disability", "students with disabilities"),
        ("single mothers", "single_parent", "single mothers"),
        ("single dads", "single_parent", "single dads"),
        ("moms", "parent", "moms"),
        ("foster youth", "foster_youth", "foster youth"),
        ("refugees", "refugee", "refugees"),
        ("immigrants", "immigrant", "immigrants"),
    ],
)
def test_words_about_a_person_ask_for_awards_that_name_the_group(
    q: str, group: str | None, left: str
) -> None:
    found = understand(q)
    assert [phrase.value for phrase in found.phrases] == ([group] if group else [])
    assert all(phrase.filter == GROUP and not phrase.is_removed for phrase in found.phrases)
    assert not found.filters
    assert found.q == left


@pytest.mark.parametrize(
    "q",
    [
        "engineering NOT women",
        "engineering -veterans",
        "-renewable art",
        "not need based",
        "non-need based",
        "not for women",
        "except veterans",
        "not a part time student",
    ],
)
def test_a_phrase_that_is_excluded_is_no_filter(q: str) -> None:
    assert understand(q) == Interpretation(q)


@pytest.mark.parametrize(
    ("q", "preferred"),
    [
        ("nursing school scholarships", {"school"}),
        ("help paying for nursing school", {"school"}),
        ("law school scholarships", set()),
        ("trade school grants", set()),
        ("nursing school", set()),
        ("going back to college", {"going", "back", "to", "college"}),
        ("return to school", {"return", "back", "to", "school"}),
        ("im 16 and want to study abroad", {"im", "16"}),
        ("for 30 year olds", {"30", "year", "olds"}),
        ("9 year old company", set()),
    ],
)
def test_words_about_schools_and_ages_rank_where_awards_name_the_subject(
    q: str, preferred: set[str]
) -> None:
    assert understand(q).preferred_words == preferred


def test_a_filter_that_does_not_exist_is_not_set() -> None:
    assert interpret("no essay", today=TODAY, filters={"states"}) == Interpretation("no essay")


@pytest.mark.parametrize("q", sorted({query.q for query in QUERIES if query.filters}))
def test_the_filters_are_values_that_a_search_takes(q: str) -> None:
    found = understand(q)
    SearchRequest.model_validate(dict(found.filters))


@pytest.mark.parametrize("is_held_out", [False, True])
def test_the_labelled_queries_are_understood(*, is_held_out: bool) -> None:
    half = [query for query in QUERIES if query.is_held_out is is_held_out]
    assert len(half) >= 150
    found = quality.measure(half)
    assert found.precision >= PRECISION, found.wrong
    assert found.recall >= RECALL, found.missed
