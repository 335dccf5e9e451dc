"""Rows of NDJSON that cannot be imported cost little, and their mistakes are counted all the same.

Costs are counted in calls of Python functions, not timed.
"""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scholarship_api.catalogue.bulk.validation import Batch, validate_rows
from scholarship_api.exchange.json_rows import JsonReader

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
ROWS = 500
AWARD = {
    "id": "essay-prize",
    "name": "Essay Prize",
    "organization": "Acme Trust",
    "scholarship_type": "merit_based",
}


def validated(content: bytes) -> list[Batch]:
    return list(validate_rows(JsonReader(today=NOW.date())([content]), now=NOW))


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    calls = [0]

    def count(_frame: object, event: str, _argument: object) -> None:
        calls[0] += event == "call"

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(
    ("line", "calls_per_row", "errors_per_row"),
    [(b"{}\n", 25, 4), (b'{"x":1}\n', 45, 5), (b"1\n", 25, 1)],
    ids=["empty objects", "unknown keys", "numbers"],
)
def test_rows_that_are_nothing_but_errors_are_cheap(
    line: bytes, calls_per_row: int, errors_per_row: int
) -> None:
    validated(line)  # what only the first row needs is not counted
    with counted_calls() as calls:
        batches = validated(line * ROWS)
    assert calls[0] <= calls_per_row * ROWS
    bad_rows = [row for batch in batches for row in batch.bad_rows]
    assert len(bad_rows) == ROWS
    assert {row.error_count for row in bad_rows} == {errors_per_row}


def test_an_empty_row_is_told_what_is_missing() -> None:
    [batch] = validated(b"{}\n")
    [row] = batch.bad_rows
    assert {error.field for error in row.errors()} >= {"name", "organization", "scholarship_type"}
    assert {error.reason for error in row.errors()} == {"is required"}


@pytest.mark.parametrize(
    "written",
    [
        {"amount": "$1,500", "deadline_kind": "rolling"},
        {"deadline_kind": "rolling", "eligibility_criteria": {"min_gpa": "3.0 GPA"}},
    ],
    ids=["of the award", "of the criteria"],
)
def test_texts_are_read_as_people_write_them(written: dict[str, Any]) -> None:
    [batch] = validated(json.dumps(AWARD | written).encode())
    assert batch.bad_rows == []
    assert len(batch.rows) == 1
