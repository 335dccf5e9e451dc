"""Random awards with every criterion, several sets and preferences, and random profiles."""

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

from scholarship_api.catalogue.read_model.answers import Answers, derive
from scholarship_api.catalogue.read_model.criteria import (
    CRITERIA,
    PERSON,
    Criterion,
    nested,
    row,
)
from scholarship_api.catalogue.read_model.records import NEVER, NO_AMOUNT, AwardRecord
from scholarship_api.vocabulary import FieldOfStudy, GradeLevel, ScholarshipType

examples: Final = settings(max_examples=40, deadline=None)
"""For property tests: no test here is one of speed."""

NOW: Final = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)

NEW_ROW: Final = row(
    "pastimes",
    nested("activities"),
    PERSON,
    "pastime",
    vocabulary="activities",
    filter="pastimes",
    facet="pastimes",
    question="Which pastimes do you have?",
)
EXTENDED: Final[tuple[Criterion, ...]] = (*CRITERIA, NEW_ROW)
"""The table, and a criterion that exists in tests only."""


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=2, unique_by=repr)


def of(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


GPAS: Final = st.integers(0, 8).map(lambda number: Decimal(number) / 2)
CITIZENSHIPS: Final = of("US", "CA", "PR", "AS", "FM", "permanent_resident", "international")
STATUSES: Final = of(
    "us_citizen", "us_national", "permanent_resident", "eligible_noncitizen", "refugee", "daca",
    "visa_f1", "ab540", "fas_citizen",
)  # fmt: skip
STATES: Final = of("CA", "CT", "NY", "PR")
COUNTRIES: Final = of("US", "CA", "PR")
COUNTIES: Final = of("06037", "06059", "36061", "09003", "09110", "72127")
ZIPS: Final = of("90012", "92801", "10001", "06103", "00901", "96201")
FIELDS: Final = of(*[field.value for field in FieldOfStudy][:4])
GRADES: Final = of(*[grade.value for grade in GradeLevel])
CLASS_YEARS: Final = of("grade_12", "undergraduate_1", "graduate_2")
HERITAGES: Final = of("asian", "asian.hmong", "asian.korean", "white", "white.irish")
CIP_CODES: Final = of("51", "51.38", "51.3801", "14", "14.08")
GENDERS: Final = of("woman", "man", "nonbinary", "transgender")
TYPES: Final = of(
    "four_year", "two_year", "public", "private_nonprofit", "community_college", "trade_school"
)
ACTIVITIES: Final = of("sports", "sports.tennis", "chess")
PROFESSIONS: Final = of("29-1141", "29", "firefighter")
CONDITIONS: Final = of("any_disability", "autism", "cancer")
CIRCUMSTANCES: Final = of("parent", "single_parent", "foster_care")
NAMES: Final = of("Elks", "The Elks", "Teamsters", "elks!")
MONEY: Final = st.integers(0, 4).map(lambda number: number * 20_000)
PLACES: Final = st.fixed_dictionaries({"name": NAMES}, optional={"state": STATES})
SERVICE: Final = st.fixed_dictionaries(
    {},
    optional={
        "relations": some(of("self", "child", "surviving_child")),
        "statuses": some(of("veteran", "disabled_veteran", "rotc")),
        "branches": some(of("army", "navy")),
    },
)
CONDITION: Final = st.fixed_dictionaries(
    {"condition": CONDITIONS}, optional={"relation": of("self", "parent")}
)
AFFILIATION: Final = st.fixed_dictionaries(
    {"kind": of("club", "union")},
    optional={"name": NAMES, "relations": some(of("self", "parent"))},
)
STUDENT_AFFILIATION: Final = st.fixed_dictionaries(
    {"name": NAMES},
    optional={"kind": of("club", "union"), "relations": some(of("self", "parent"))},
)
INSTITUTION: Final = st.fixed_dictionaries(
    {"name": NAMES}, optional={"unitid": of("110635", "110662"), "state": STATES}
)
TESTS: Final = of(("sat", "total"), ("sat", "math"), ("act", "composite"))


def scores(number: str) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda test, value: {"test": test[0], "section": test[1], number: value},
        TESTS,
        st.integers(1, 4).map(lambda value: value * 10.0),
    )


INSTITUTIONS: Final = ("current_institutions", "future_institutions", "high_schools", "alumni_of")

LISTS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "grade_levels": GRADES,
    "fields_of_study": FIELDS,
    "class_years": CLASS_YEARS,
    "degree_levels": of("bachelor", "master"),
    "graduation_statuses": of("transfer", "ged"),
    "graduation_years": st.integers(2027, 2029),
    "cip_codes": CIP_CODES,
    "citizenships": CITIZENSHIPS,
    "immigration_statuses": STATUSES,
    "institution_types": TYPES,
    "institution_categories": of("hbcu", "hsi"),
    "institution_states": STATES,
    "enrollment": of("full_time", "half_time"),
    "modes": of("online", "study_abroad"),
    "genders": GENDERS,
    "heritages": HERITAGES,
    "religions": of("christian", "christian.lutheran"),
    "circumstances": CIRCUMSTANCES,
    "events": of("pandemic", "job_loss"),
    "activities": ACTIVITIES,
    "interests": ACTIVITIES,
    "pastimes": ACTIVITIES,
    "languages": of("pt", "pt-br", "es"),
    "professions": PROFESSIONS,
    "parent_professions": PROFESSIONS,
    "future_professions": PROFESSIONS,
    "conditions": CONDITION,
    "military": SERVICE,
    **dict.fromkeys(INSTITUTIONS, INSTITUTION),
}
"""Lists that awards and profiles have under the same name."""

FLAGS: Final = (
    "financial_need", "lgbtq", "first_generation", "pell_eligible", "study_abroad",
)  # fmt: skip

AWARD_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    **{name: some(values) for name, values in LISTS.items()},
    **{name: st.booleans() for name in FLAGS},
    "min_gpa": GPAS,
    "max_gpa": GPAS,
    "citizenship_required": CITIZENSHIPS,
    "residency_states": some(STATES),
    "residency_countries": some(COUNTRIES),
    "residency_counties": some(COUNTIES),
    "residency_zips": some(ZIPS),
    "residency_places": some(PLACES),
    "min_age": st.integers(0, 30),
    "max_age": st.integers(15, 60),
    "class_rank_percent_max": of(10, 50),
    "tests": some(scores("min")),
    "min_credits": of(0, 30, 60),
    "max_credits": of(30, 90),
    "max_income": MONEY,
    "max_sai": of(-1500, 0, 5000),
    "affiliations": some(AFFILIATION),
}

TOLD_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    **{name: some(values) for name, values in LISTS.items()},
    **{name: st.booleans() for name in FLAGS},
    "gpa": GPAS,
    "citizenship": CITIZENSHIPS,
    "state_of_residence": STATES,
    "residence": st.fixed_dictionaries(
        {},
        optional={
            "country": COUNTRIES,
            "state": STATES,
            "county": COUNTIES,
            "zip": ZIPS,
            "place": PLACES,
        },
    ),
    "age": st.integers(13, 60),
    "birth_date": st.dates(dt.date(1967, 1, 1), dt.date(2014, 12, 31)),
    "class_rank_percent": of(5, 20, 60.5),
    "tests": some(scores("score")),
    "answered": st.just(["tests"]),
    "credits_completed": of(0, 30, 60, 100),
    "annual_income": MONEY,
    "sai": of(-1500, 0, 100, 9000),
    "affiliations": some(STUDENT_AFFILIATION),
}


@st.composite
def sets_of_criteria(draw: st.DrawFn, *, at_most: int = 6) -> dict[str, Any]:
    names = draw(st.lists(of(*AWARD_FIELDS), max_size=at_most, unique=True))
    return {name: draw(AWARD_FIELDS[name]) for name in names}


@st.composite
def told_profiles(draw: st.DrawFn) -> dict[str, Any]:
    """The values of a profile by field, as requests have them."""
    names = draw(st.lists(of(*TOLD_FIELDS), max_size=25, unique=True))
    return {name: draw(TOLD_FIELDS[name]) for name in names}


profiles: Final[st.SearchStrategy[Answers]] = told_profiles().map(derive)

# Few, so that many awards close, or are made, at the same time.
INSTANTS: Final = st.integers(-3, 3).map(
    lambda days: int((NOW + dt.timedelta(days=days)).timestamp() * 1_000_000)
)


@st.composite
def records(draw: st.DrawFn, *, award_id: str, several_sets: bool = True) -> AwardRecord:
    closes_at = draw(INSTANTS | st.just(NEVER))
    offset = draw(st.sampled_from([-12, 0, 14])) * 3_600_000_000
    preferences = st.fixed_dictionaries(
        {"criteria": sets_of_criteria(at_most=2), "weight": st.integers(1, 3)}
    )
    return AwardRecord(
        id=award_id,
        row_version=draw(st.integers(1, 1000)),
        closes_at=closes_at,
        amount=draw(st.just(NO_AMOUNT) | st.integers(0, 5).map(lambda number: number * 100_000)),
        created_at=draw(INSTANTS),
        closing_day=None if closes_at == NEVER else (closes_at + offset) // 86_400_000_000,
        time_zone=draw(st.sampled_from(["UTC", "America/New_York"])),
        scholarship_type=draw(st.sampled_from([kind.value for kind in ScholarshipType][:3])),
        renewable=draw(st.booleans()),
        eligibility_sets=draw(
            st.lists(sets_of_criteria(), min_size=1, max_size=3 if several_sets else 1)
        ),
        criteria_complete=draw(st.booleans()),
        other_requirements=draw(of([], [], ["Must write well."])),
        preferences=draw(st.lists(preferences, max_size=3)),
    )


@st.composite
def catalogues(draw: st.DrawFn, *, max_size: int = 12) -> list[AwardRecord]:
    """Awards with different ids."""
    numbers = draw(st.lists(st.integers(0, 99), max_size=max_size, unique=True))
    return [draw(records(award_id=f"award-{number}")) for number in numbers]
