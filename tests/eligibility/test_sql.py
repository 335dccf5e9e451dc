"""SQL ranks the catalogue and Python explains it, by the same rule."""

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from sqlalchemy import Connection, case, create_engine, literal, select

from scholarship_api.catalogue.models import Scholarship
from scholarship_api.eligibility import queries
from scholarship_api.eligibility.rules import CRITERIA, Outcome, Verdict, assess
from tests.eligibility.awards import Award, profiles, put, random_award


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[Connection]:
    rng = random.Random(11)  # noqa: S311 - test data
    today = dt.datetime.now(dt.UTC).date()
    put(module_database_url, [random_award(number, rng, today=today) for number in range(500)])
    engine = create_engine(module_database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def outcome_in_sql(criterion: Any, profile: Award) -> Any:  # noqa: ANN401
    return case(
        (queries.is_failed(criterion, profile), literal("failed")),
        (queries.is_unknown(criterion, profile), literal("unknown")),
        else_=literal("met"),
    ).label(f"outcome of {criterion.column}")


@settings(max_examples=60, deadline=None)
@given(profiles)
def test_sql_and_python_agree_on_every_award(connection: Connection, profile: Award) -> None:
    rows = connection.execute(
        select(
            *queries.COLUMNS,
            queries.score(profile).label("score"),
            queries.verdict_rank(profile).label("rank"),
            queries.is_ineligible(profile).label("is_ineligible"),
            *(outcome_in_sql(criterion, profile) for criterion in CRITERIA),
        ).select_from(Scholarship)
    ).mappings()
    seen = 0
    for row in rows:
        assessment = assess(dict(row), profile)
        assert row["score"] == assessment.score
        assert list(Verdict)[row["rank"]] is assessment.verdict
        assert row["is_ineligible"] is (assessment.verdict is Verdict.INELIGIBLE)
        outcomes = {finding.criterion: finding.outcome for finding in assessment.findings}
        for criterion in CRITERIA:
            # In SQL, what an award does not name costs nothing, as if it were met.
            expected = outcomes.get(criterion, Outcome.MET)
            assert row[f"outcome of {criterion.column}"] == expected, criterion.column
        seen += 1
    assert seen == 500
