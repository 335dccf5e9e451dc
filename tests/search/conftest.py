"""A catalogue of random awards, the application on it, and a way to insert further awards."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import create_engine, insert

from scholarship_api.app import create_app
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS, column_values
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.platform.signed_tokens import TokenSigner
from scholarship_api.search import cursors
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.responses.response_cache import ResponseCache
from scholarship_api.settings.settings import Settings
from scholarship_api.vocabulary import FieldOfStudy, GradeLevel, ScholarshipType

Insert = Callable[[Iterable[dict[str, Any]]], None]

ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Pacific/Auckland", "Pacific/Pago_Pago")
CODEC = CursorCodec(TokenSigner(key="a key of the tests", purpose=cursors.PURPOSE))
"""For searches that are run without the application."""

WORDS = ("quokka", "zebra", "ibis", "marmot")


def random_award(number: int, rng: random.Random) -> dict[str, Any]:
    today = dt.datetime.now(dt.UTC).date()
    award: dict[str, Any] = {
        "id": f"award_{number:04d}",
        "name": f"{rng.choice(WORDS)} award {number}",
        "organization": f"{rng.choice(('Ångström', 'Baker', 'Curie'))} Trust",
        "description": " ".join(rng.choices(WORDS, k=rng.randrange(4))),
        "scholarship_type": rng.choice(list(ScholarshipType)),
        "renewable": rng.random() < 0.4,
        "deadline_timezone": rng.choice(ZONES),
        "status": rng.choices(["published", "draft", "archived"], [8, 1, 1])[0],
        "recurs": rng.choice(["yearly", "none"]),
        "eligibility_criteria": {
            "fields_of_study": rng.sample(list(FieldOfStudy), k=rng.choice([0, 0, 1, 2])),
            "residency_states": rng.sample(["CA", "NY", "TX", "WA"], k=rng.choice([0, 0, 1, 2])),
            "grade_levels": rng.sample(list(GradeLevel), k=rng.choice([0, 1, 2])),
            "citizenship_required": rng.choice(
                [None, None, "US", "DE", "permanent_resident", "international"]
            ),
        },
    }
    if rng.random() < 0.8:
        award |= {"amount": rng.choice([0, 500, 1000, 2500.5, 5000, 20000]), "currency": "USD"}
    if rng.random() < 0.7:
        gpas = sorted(rng.choice([2.0, 2.5, 3.0, 3.5, 4.0]) for _ in range(2))
        award["eligibility_criteria"] |= {"min_gpa": gpas[0]}
        if rng.random() < 0.2:
            award["eligibility_criteria"] |= {"max_gpa": gpas[1]}
    if rng.random() < 0.7:
        day = today + dt.timedelta(days=rng.randrange(-5, 40))
        award["application_deadline"] = (
            day.isoformat() if rng.random() < 0.8 else f"{day}T{rng.randrange(24):02d}:30:00"
        )
    else:
        award["deadline_kind"] = rng.choice(["rolling", "unknown"])
    return award


def as_columns(award: dict[str, Any]) -> dict[str, Any]:
    given = ScholarshipInput.model_validate(award)
    return dict(zip(WRITTEN_COLUMNS, column_values(given, dt.datetime.now(dt.UTC)), strict=True))


@pytest.fixture(scope="module")
def insert_awards(module_database_url: str) -> Insert:
    def insert_all(awards: Iterable[dict[str, Any]]) -> None:
        engine = create_engine(module_database_url)
        with engine.begin() as connection:
            connection.execute(insert(Scholarship), [as_columns(award) for award in awards])
        engine.dispose()

    return insert_all


class Awards(list[dict[str, Any]]):
    def __repr__(self) -> str:
        return f"<{len(self)} awards>"


@pytest.fixture(scope="module")
def random_awards(insert_awards: Insert) -> Awards:
    """The 400 awards in this module's database, as columns of the table."""
    rng = random.Random(7)  # noqa: S311 - test data
    awards = [random_award(number, rng) for number in range(400)]
    insert_awards(awards)
    return Awards(as_columns(award) for award in awards)


@pytest.fixture(scope="module")
def app(module_database_url: str) -> FastAPI:
    """An application without a response cache; tests of the cache have one of their own."""
    app = create_app(
        Settings(
            environment="test",
            database_url=SecretStr(module_database_url),
            rate_limit_enabled=False,
        )
    )
    app.state.answers.cache = ResponseCache(max_response_bytes=0)
    return app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield client
