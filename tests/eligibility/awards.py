"""Awards at every edge of the rules, in a real table, and an application that serves them."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import create_engine, insert

from scholarship_api.app import create_app
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS, column_values
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.settings.settings import Settings
from scholarship_api.vocabulary import FieldOfStudy, GradeLevel, ScholarshipType

Award = dict[str, Any]

GPAS = ["0", "2", "2.99", "3", "3.01", "4"]
AGES = [13, 17, 18, 19, 120]
STATES = ["CA", "NY", "PR"]
CITIZENSHIPS = ["US", "DE", "FR", "permanent_resident", "international"]
FIELDS = [FieldOfStudy.ENGINEERING, FieldOfStudy.LAW, FieldOfStudy.ARTS]
GRADES = list(GradeLevel)
AMOUNTS = ["0", "999.99", "1000", "4999.99", "5000", "250000"]
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "Pacific/Pago_Pago"]

NO_CRITERIA: Award = EligibilityCriteria().model_dump()


def criteria(**named: object) -> Award:
    """All criteria columns of the table, with the values that are given."""
    return NO_CRITERIA | named


profiles = st.fixed_dictionaries(
    {},
    optional={
        "gpa": st.sampled_from(GPAS).map(Decimal) | st.just(Decimal(3) - Decimal("1e-15")),
        "grade_level": st.sampled_from(GRADES).map(str),
        "field_of_study": st.sampled_from(FIELDS).map(str),
        "citizenship": st.sampled_from(CITIZENSHIPS),
        "state_of_residence": st.sampled_from(STATES),
        "age": st.sampled_from(AGES),
        "financial_need": st.booleans(),
    },
)
"""Known values of a student, as the rules take them."""


def some_criteria(rng: random.Random) -> Award:
    gpas = sorted(rng.sample(GPAS, k=2), key=Decimal)
    ages = sorted(rng.sample(AGES, k=2))
    named: Award = {
        "min_gpa": gpas[0],
        "max_gpa": gpas[1],
        "grade_levels": rng.sample(GRADES, k=rng.randint(1, 3)),
        "citizenship_required": rng.choice(CITIZENSHIPS),
        "residency_states": rng.sample(STATES, k=rng.randint(1, 2)),
        "fields_of_study": rng.sample(FIELDS, k=rng.randint(1, 2)),
        "min_age": ages[0],
        "max_age": ages[1],
        "financial_need": True,
    }
    kept = rng.sample(sorted(named), k=rng.choice([0, 1, 1, 2, 3, 5, 9]))
    return {name: named[name] for name in kept}


def random_award(number: int, rng: random.Random, *, today: dt.date) -> Award:
    award: Award = {
        "id": f"award_{number:04d}",
        "name": f"Award {number}",
        "organization": "Curie Trust",
        "scholarship_type": rng.choice(list(ScholarshipType)),
        "status": rng.choices(["published", "draft", "archived"], [8, 1, 1])[0],
        "recurs": rng.choice(["yearly", "none"]),
        "deadline_timezone": rng.choice(ZONES),
        "eligibility_criteria": some_criteria(rng),
        "criteria_complete": True,
    }
    if rng.random() < 0.8:
        award |= {"amount": rng.choice(AMOUNTS), "currency": rng.choice(["USD", "JPY"])}
    if rng.random() < 0.8:
        days = rng.choice([-400, -2, -1, 0, 1, 5, 6, 7, 8, 28, 29, 30, 31, 179, 180, 181, 182])
        day = today + dt.timedelta(days=days)
        award["application_deadline"] = (
            day.isoformat() if rng.random() < 0.7 else f"{day}T{rng.randrange(24):02d}:30:00"
        )
    else:
        award["deadline_kind"] = rng.choice(["rolling", "unknown"])
    return award


def as_columns(award: Award) -> Award:
    given = ScholarshipInput.model_validate(award)
    return dict(zip(WRITTEN_COLUMNS, column_values(given, dt.datetime.now(dt.UTC)), strict=True))


def put(database_url: str, awards: Iterable[Award]) -> list[Award]:
    """Insert the awards, and return them as columns of the table."""
    columns = [as_columns(award) for award in awards]
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(insert(Scholarship), columns)
    engine.dispose()
    return columns


def award(name: str, **fields: object) -> Award:
    """An open award without criteria, whose sets are complete, and `fields`."""
    return {
        "id": name,
        "name": name,
        "organization": "Curie Trust",
        "scholarship_type": "community_service",
        "criteria_complete": True,
        "deadline_kind": None if "application_deadline" in fields else "rolling",
        **fields,
    }


@asynccontextmanager
async def serving(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        environment="test", database_url=SecretStr(database_url), rate_limit_enabled=False
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://testserver",
        ) as client,
    ):
        yield client
