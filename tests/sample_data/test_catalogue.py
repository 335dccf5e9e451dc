"""The rows of the bundled catalogue are valid, varied and traceable."""

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.validation import validate_rows
from scholarship_api.vocabulary import FieldOfStudy, GradeLevel, ScholarshipType
from tests.sample_data.catalogue import BUNDLED_CATALOGUE, awards, criteria_sets


def criteria(name: str) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in awards():
        for criteria_set in criteria_sets(row):
            value = criteria_set.get(name)
            found.update(value if isinstance(value, list) else [value])
    return found


def test_every_row_is_valid() -> None:
    now = dt.datetime.now(dt.UTC)
    batches = list(validate_rows(read_ndjson([BUNDLED_CATALOGUE.read_bytes()]), now=now))
    assert [row.errors() for batch in batches for row in batch.bad_rows] == []
    assert sum(len(batch.rows) for batch in batches) == len(awards()) >= 80


@pytest.mark.parametrize("field", ["id", "name"])
def test_no_award_occurs_twice(field: str) -> None:
    counted = Counter(row[field].casefold() for row in awards())
    assert [value for value, times in counted.items() if times > 1] == []


def test_awards_cover_many_countries_types_fields_and_levels() -> None:
    assert len({row["currency"] for row in awards() if "currency" in row}) >= 8
    assert len({row.get("deadline_timezone", "UTC").split("/")[0] for row in awards()}) >= 4
    assert {row["scholarship_type"] for row in awards()} == set(ScholarshipType)
    assert set(criteria("grade_levels")) >= set(GradeLevel)
    assert set(criteria("fields_of_study")) >= set(FieldOfStudy) - {FieldOfStudy.OTHER}
    assert len(criteria("citizenship_required")) >= 8


def test_yearly_deadlines_are_estimates() -> None:
    yearly = [row for row in awards() if row.get("recurs") == "yearly"]
    assert len(yearly) > len(awards()) / 2
    assert [
        row["id"]
        for row in yearly
        if "application_deadline" in row and not row.get("deadline_estimated")
    ] == []


def test_no_award_claims_to_be_verified() -> None:
    assert [row["id"] for row in awards() if row.get("last_verified_on") is not None] == []


def test_every_award_names_its_source_and_all_addresses_are_https() -> None:
    for row in awards():
        addresses = {row.get(name) for name in ("application_url", "website_url", "source_url")}
        assert row.get("source_url"), row["id"]
        assert all(value.startswith("https://") for value in addresses if value), row["id"]


def test_descriptions_have_at_least_100_characters() -> None:
    assert [row["id"] for row in awards() if len(row.get("description", "")) < 100] == []
