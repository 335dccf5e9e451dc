"""Random awards with every field and every criterion."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from scholarship_api.visible_text import require_visible_characters
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabulary import (
    COUNTRIES,
    STATES,
    FieldOfStudy,
    GradeLevel,
    Recurrence,
    ScholarshipType,
    Status,
)
from tests.catalogue.awards import Row

CHARACTERS = st.characters(categories=("L", "N", "P", "S")) | st.sampled_from(
    "'\"=+-@,;|\\{}\n\t\r \u00a0\uff1d"
)


def is_visible(text: str) -> bool:
    try:
        return require_visible_characters(text) == text
    except ValueError:
        return False


TEXT = st.text(CHARACTERS, max_size=40).filter(is_visible)
LINE = TEXT.map(lambda text: f"{text}x")
ADDRESS = st.sampled_from([None, "https://example.org/=1?a;b,'c'\\", "http://example.org/ü"])
INSTANTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001
DAYS = st.none() | st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)).map(str)


def several(values: Any) -> st.SearchStrategy[list[str]]:  # noqa: ANN401
    return st.lists(st.sampled_from(sorted(values)), max_size=3, unique=True)


FREE_CODES = {
    "activities": ["robotics", "chess_club"],
    "interests": ["astronomy"],
    "languages": ["en", "es"],
    "professions": ["nurse", "29-1141"],
    "religions": ["catholic"],
}
"""Codes of vocabularies that take any code of a form."""


def codes(name: str) -> st.SearchStrategy[list[str]]:
    """Codes of a vocabulary."""
    return several(sorted(VOCABULARIES[name].terms)[:40] or FREE_CODES[name])


INSTITUTIONS = st.lists(
    st.fixed_dictionaries(
        {"name": LINE}, optional={"unitid": st.just("130794"), "state": st.just("CT")}
    ),
    max_size=2,
)
CRITERIA: dict[str, st.SearchStrategy[Any]] = {
    "min_gpa": st.sampled_from([0, 1.25, 2.75]),
    "max_gpa": st.sampled_from([3, 3.99, 4]),
    "class_rank_percent_max": st.integers(1, 100),
    "tests": st.just(
        [{"test": "ielts", "min": 6.5}, {"test": "sat", "section": "math", "min": 700}]
    ),
    "grade_levels": several(GradeLevel),
    "citizenships": several(["US", "permanent_resident", "CA"]),
    "residency_states": several(STATES),
    "fields_of_study": several(FieldOfStudy),
    "min_age": st.integers(0, 20),
    "max_age": st.integers(20, 130),
    "financial_need": st.booleans(),
    "class_years": codes("class_years"),
    "degree_levels": codes("degree_levels"),
    "graduation_statuses": codes("graduation_statuses"),
    "graduation_years": st.lists(st.integers(1900, 2200), max_size=2, unique=True),
    "cip_codes": several(["11", "14.01", "51.3801"]),
    "immigration_statuses": codes("immigration_statuses"),
    "residency_countries": several(["US", "DE"]),
    "residency_counties": several(["06037", "36061"]),
    "residency_zips": several(["90210", "10001"]),
    "residency_places": st.lists(
        st.fixed_dictionaries({"name": LINE}, optional={"state": st.just("CA")}), max_size=2
    ),
    "current_institutions": INSTITUTIONS,
    "future_institutions": INSTITUTIONS,
    "high_schools": INSTITUTIONS,
    "alumni_of": INSTITUTIONS,
    "institution_types": codes("institution_types"),
    "institution_categories": codes("institution_categories"),
    "institution_states": several(["CA", "NY"]),
    "enrollment": codes("enrollment"),
    "modes": codes("modes"),
    "genders": codes("genders"),
    "heritages": codes("heritages"),
    "religions": codes("religions"),
    "lgbtq": st.booleans(),
    "first_generation": st.booleans(),
    "pell_eligible": st.booleans(),
    "study_abroad": st.booleans(),
    "max_income": st.integers(0, 2**31 - 1),
    "max_sai": st.integers(-1500, 10),
    "min_credits": st.integers(0, 30),
    "max_credits": st.integers(30, 400),
    "military": st.just(
        [{"relations": ["self"], "statuses": ["veteran"], "branches": ["army"]}, {}]
    ),
    "conditions": st.just([{"condition": "deaf"}, {"condition": "blind", "relation": "parent"}]),
    "circumstances": codes("circumstances"),
    "events": codes("events"),
    "activities": codes("activities"),
    "interests": codes("interests"),
    "languages": codes("languages"),
    "affiliations": st.lists(
        st.fixed_dictionaries({"kind": st.just("employer"), "name": LINE}), max_size=2
    ),
    "professions": codes("professions"),
    "parent_professions": codes("professions"),
    "future_professions": codes("professions"),
}
SETS = st.sets(st.sampled_from(sorted(CRITERIA)), max_size=8).flatmap(
    lambda names: st.fixed_dictionaries({name: CRITERIA[name] for name in sorted(names)})
)
"""Sets of up to eight of all criteria. `citizenship_required` follows from the other two."""
ROUNDS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["rolling", "unknown"])},
    optional={
        "opens_at": st.dates(dt.date(1990, 1, 1), dt.date(2026, 1, 1)).map(str),
        "closes_at": st.dates(dt.date(2026, 1, 2), dt.date(2200, 1, 1)).map(str),
        "key": st.sampled_from(["a", "b.1"]),
        "academic_year": st.just("2027-28"),
        "timezone": st.sampled_from(["UTC", "Asia/Kathmandu"]),
        "estimated": st.booleans(),
        "notification_on": DAYS,
    },
)
REQUIREMENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["essay", "recommendation"])},
    optional={
        "title": LINE,
        "prompt": LINE,
        "key": st.sampled_from(["x"]),
        "min_words": st.integers(0, 100),
        "max_words": st.integers(100, 1000),
        "from": st.sampled_from(["applicant", "school"]),
        "count": st.integers(1, 10),
        "required": st.booleans(),
    },
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "eligibility_sets": st.lists(SETS, min_size=1, max_size=3),
        "criteria_complete": st.booleans(),
        "other_requirements": st.lists(LINE, max_size=3),
        "preferences": st.lists(
            st.fixed_dictionaries(
                {"criteria": SETS, "text": LINE}, optional={"weight": st.integers(1, 3)}
            ),
            max_size=2,
        ),
        "rounds": st.lists(ROUNDS, max_size=3, unique_by=lambda each: each.get("key") or id(each)),
        "requirements": st.lists(
            REQUIREMENTS, max_size=3, unique_by=lambda each: each.get("key") or id(each)
        ),
        "application": st.fixed_dictionaries(
            {},
            optional={
                "method": st.sampled_from(["external", "paper"]),
                "url": st.just("https://example.org/apply"),
                "fee": st.sampled_from([0, 9.99]),
                "minutes": st.integers(1, 100),
            },
        ),
        "coverage": st.fixed_dictionaries(
            {"kind": st.sampled_from(["varies", "full_tuition", "amount"])},
            optional={
                "components": several(["tuition", "books"]),
                "per": st.sampled_from(["year", "once"]),
                "years": st.integers(1, 20),
                "renewal": st.sampled_from(["one_time", "renewable"]),
                "renewal_rule": LINE,
                "text": LINE,
            },
        ),
        "flags": several(["requires_fee", "sweepstakes"]),
        "sources": st.lists(
            st.fixed_dictionaries(
                {"name": LINE},
                optional={
                    "url": st.just("https://example.org"),
                    "licence": LINE,
                    "external_id": LINE,
                    "retrieved_on": DAYS,
                },
            ),
            max_size=2,
        ),
        "last_verified_by": LINE,
    },
)


@st.composite
def awards(draw: st.DrawFn) -> Row:
    row, parts = draw(plain_awards()), draw(st.just({}) | PARTS)
    if "eligibility_sets" in parts:
        del row["eligibility_criteria"]
    return row | parts


@st.composite
def plain_awards(draw: st.DrawFn) -> Row:
    low, high = sorted(draw(st.tuples(st.integers(0, 10**12 - 1), st.integers(0, 10**12 - 1))))
    ages = sorted(draw(st.tuples(st.integers(0, 130), st.integers(0, 130))))
    gpas = sorted(draw(st.tuples(st.integers(0, 400), st.integers(0, 400))))
    deadline = draw(st.none() | INSTANTS)
    kinds = ["fixed"] if deadline else ["rolling", "unknown"]
    return {
        "id": draw(st.text("-abAB09._:~", min_size=3, max_size=6)),
        "name": draw(LINE),
        "organization": draw(LINE),
        "description": draw(TEXT),
        "amount_min": draw(st.sampled_from([None, low / 100])),
        "amount_max": draw(st.sampled_from([None, high / 100])),
        "currency": draw(st.sampled_from(["USD", "JPY"])),
        "max_awards": draw(st.none() | st.integers(1, 2**31 - 1)),
        "application_deadline": deadline and deadline.isoformat(),
        "deadline_kind": draw(st.sampled_from(kinds)),
        "deadline_timezone": draw(st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"])),
        "deadline_estimated": draw(st.booleans()),
        "recurs": draw(st.sampled_from(list(Recurrence))),
        "notification_date": draw(DAYS),
        "scholarship_type": draw(st.sampled_from(list(ScholarshipType))),
        "renewable": draw(st.booleans()),
        "essay_required": draw(st.booleans()),
        "recommendation_letters": draw(st.integers(0, 10)),
        "eligibility_criteria": {
            "min_gpa": draw(st.sampled_from([None, gpas[0] / 100])),
            "max_gpa": draw(st.sampled_from([None, gpas[1] / 100])),
            "grade_levels": draw(several(GradeLevel)),
            "citizenship_required": draw(
                st.none() | st.sampled_from([*sorted(COUNTRIES), "international"])
            ),
            "residency_states": draw(several(STATES)),
            "fields_of_study": draw(several(FieldOfStudy)),
            "min_age": draw(st.sampled_from([None, ages[0]])),
            "max_age": draw(st.sampled_from([None, ages[1]])),
            "financial_need": draw(st.booleans()),
        },
        "application_url": draw(ADDRESS),
        "website_url": draw(ADDRESS),
        "contact_email": draw(st.sampled_from([None, "=a'b@example.org", "'-a@example.org"])),
        "source_url": draw(ADDRESS),
        "last_verified_on": draw(DAYS),
        "status": draw(st.sampled_from(list(Status))),
    }
