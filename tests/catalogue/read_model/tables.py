"""A table of criteria with every kind of relation, random awards for it, and random profiles."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

from scholarship_api.catalogue.read_model.criteria import CRITERIA, Alternative, Criterion
from scholarship_api.catalogue.read_model.records import NEVER, NO_AMOUNT, AwardRecord
from scholarship_api.catalogue.read_model.relations import (
    AT_MOST,
    ONE_OF,
    AnyEntry,
    AnyOf,
    Outcome,
    is_part_of,
    with_parents,
)
from scholarship_api.vocabulary import FieldOfStudy, GradeLevel, ScholarshipType

examples: Final = settings(max_examples=40, deadline=None)
"""For property tests: no test here is one of speed."""

NOW: Final = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)


def judge_service(required: tuple[Any, ...], entry: Mapping[str, Any]) -> Outcome:
    """An entry of military service has to fit in all its parts; an empty part fits all."""
    relation, branch = required
    if relation != entry["relation"]:
        return Outcome.FAILED
    if branch and entry.get("branch") is None:
        return Outcome.UNKNOWN
    return Outcome.MET if not branch or branch == entry["branch"] else Outcome.FAILED


EXTENDED: Final = (
    *CRITERIA,
    Criterion.simple(
        "heritages",
        "heritages",
        AnyOf(accepts=with_parents),
        "heritage",
        failed_cost=40,
        missing_cost=20,
        filter="heritages",
    ),
    Criterion.simple(
        "cip_codes",
        "cip_codes",
        AnyOf(accepts=with_parents, is_narrower=is_part_of),
        "programme",
        failed_cost=30,
        missing_cost=20,
    ),
    Criterion(
        "residence",
        (
            Alternative("residency_countries", "country", ONE_OF),
            Alternative("residency_counties", "county", ONE_OF),
        ),
        30,
        20,
        "residence",
    ),
    Criterion.simple(
        "max_income", "annual_income", AT_MOST, "household income", failed_cost=20, missing_cost=10
    ),
    Criterion.simple(
        "military",
        "military",
        AnyEntry(
            freeze=lambda entry: (entry["relation"], entry.get("branch")),
            judge_entry=judge_service,
        ),
        "military service",
        failed_cost=40,
        missing_cost=20,
    ),
)
"""Today's rows and some as they may come: parents, narrower codes, several fields, entries."""

GPAS: Final = st.integers(0, 8).map(lambda number: Decimal(number) / 2)
CITIZENSHIPS: Final = st.sampled_from(["US", "CA", "MX", "permanent_resident", "international"])
STATES: Final = st.sampled_from(["CA", "TX", "NY"])
FIELDS: Final = st.sampled_from([field.value for field in FieldOfStudy][:4])
GRADES: Final = st.sampled_from([grade.value for grade in GradeLevel])
HERITAGES: Final = st.sampled_from(["asian", "asian.hmong", "asian.korean", "white", "white.irish"])
CIP_CODES: Final = st.sampled_from(["51", "51.38", "51.38.01", "14", "14.08"])
COUNTRIES: Final = st.sampled_from(["US", "CA"])
COUNTIES: Final = st.sampled_from(["06037", "48201"])
INCOMES: Final = st.integers(0, 4).map(lambda number: number * 20_000)
SERVICE: Final = st.fixed_dictionaries(
    {"relation": st.sampled_from(["self", "child"])},
    optional={"branch": st.sampled_from(["army", "navy"])},
)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=2, unique_by=repr)


criteria_sets: Final = st.fixed_dictionaries(
    {},
    optional={
        "min_gpa": GPAS,
        "max_gpa": GPAS,
        "citizenship_required": CITIZENSHIPS,
        "grade_levels": some(GRADES),
        "residency_states": some(STATES),
        "fields_of_study": some(FIELDS),
        "min_age": st.integers(0, 30),
        "max_age": st.integers(15, 60),
        "financial_need": st.booleans(),
        "heritages": some(HERITAGES),
        "cip_codes": some(CIP_CODES),
        "residency_countries": some(COUNTRIES),
        "residency_counties": some(COUNTIES),
        "max_income": INCOMES,
        "military": some(SERVICE),
    },
)

profiles: Final = st.fixed_dictionaries(
    {},
    optional={
        "gpa": GPAS,
        "citizenship": CITIZENSHIPS,
        "grade_level": GRADES,
        "state_of_residence": STATES,
        "field_of_study": FIELDS,
        "age": st.integers(13, 60),
        "financial_need": st.booleans(),
        "heritages": st.lists(HERITAGES, min_size=1, max_size=2),
        "cip_codes": st.lists(CIP_CODES, min_size=1, max_size=2),
        "country": COUNTRIES,
        "county": COUNTIES,
        "annual_income": INCOMES,
        "military": st.lists(SERVICE, min_size=1, max_size=2),
    },
)

# Few, so that many awards close, or are made, at the same time.
INSTANTS: Final = st.integers(-3, 3).map(
    lambda days: int((NOW + dt.timedelta(days=days)).timestamp() * 1_000_000)
)


@st.composite
def records(draw: st.DrawFn, *, award_id: str, several_sets: bool = True) -> AwardRecord:
    closes_at = draw(INSTANTS | st.just(NEVER))
    offset = draw(st.sampled_from([-12, 0, 14])) * 3_600_000_000
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
        eligibility_sets=tuple(
            draw(st.lists(criteria_sets, min_size=1, max_size=3 if several_sets else 1))
        ),
    )


@st.composite
def catalogues(draw: st.DrawFn, *, max_size: int = 12) -> list[AwardRecord]:
    """Awards with different ids."""
    numbers = draw(st.lists(st.integers(0, 99), max_size=max_size, unique=True))
    return [draw(records(award_id=f"award-{number}")) for number in numbers]
