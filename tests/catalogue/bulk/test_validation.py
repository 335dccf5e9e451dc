"""Rows of an import file are validated and become values for the table."""

import datetime as dt
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from scholarship_api.catalogue.bulk import validation
from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.records import RowError
from scholarship_api.catalogue.bulk.validation import (
    MAX_ERRORS_PER_ROW,
    validate_rows,
)
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS
from scholarship_api.catalogue.models import Scholarship
from tests.catalogue.awards import award, ndjson
from tests.catalogue.bulk.files import NOW, read

GOOD = ndjson(award(id="good"))


def test_every_column_of_the_table_is_written() -> None:
    set_by_the_database = {"version", "created_at", "updated_at"}
    stored = {column.name for column in Scholarship.__table__.columns if not column.computed}
    assert set(WRITTEN_COLUMNS) == stored - set_by_the_database
    assert len(WRITTEN_COLUMNS) == len(set(WRITTEN_COLUMNS))


def test_the_fields_of_a_row_become_columns() -> None:
    given_row = award(
        amount=1234.5,
        currency="usd",
        application_deadline="2027-01-31",
        deadline_timezone="America/New_York",
        eligibility_criteria={"min_gpa": 3.5, "fields_of_study": ["computer_science", "law"]},
    )
    file = read(ndjson(given_row))
    found = file.columns()
    assert not file.errors
    assert (str(found["amount_min"]), str(found["amount_max"])) == ("1234.5", "1234.5")
    assert found["currency"] == "USD"
    assert found["application_deadline"] == dt.datetime(2027, 2, 1, 4, 59, 59, tzinfo=dt.UTC)
    assert found["deadline_date"] == dt.date(2027, 1, 31)
    assert found["fields_of_study"] == ["technology", "law"]
    assert found["deadline_kind"] == "fixed"


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2009", "\u202f", "\u3000"])
def test_unicode_spaces_become_plain_ones(space: str) -> None:
    """PostgreSQL would take two words with another space as one, which no search finds."""
    text = f"{space}Fund{space}für Kunst{space}"
    found = read(ndjson(award(name=text, organization=text, description=text))).columns()
    assert [found[name] for name in ("name", "organization", "description")] == [
        "Fund für Kunst"
    ] * 3


def test_the_errors_of_a_row_are_bounded() -> None:
    file = read(ndjson(award(name="", scholarship_type="x", status="y")))
    assert [error.field for error in file.errors] == ["name", "scholarship_type", "status"]
    file = read(ndjson(award(**{f"unknown_{number}": 1 for number in range(60)})))
    assert (len(file.bad_rows), len(file.errors)) == (1, MAX_ERRORS_PER_ROW)


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    file = read(ndjson({}, {"id": "a", "organization": "O", "colour": "red", "max_awards": -1}))
    assert [(error.line, error.field, error.reason) for error in file.errors] == [
        (1, "id", "is required"),
        (1, "name", "is required"),
        (1, "organization", "is required"),
        (1, "scholarship_type", "is required"),
        (2, "name", "is required"),
        (2, "max_awards", "must be greater than or equal to 1"),
        (2, "scholarship_type", "is required"),
        (2, "colour", "is not a known field"),
    ]
    assert [row.error_count for row in file.bad_rows] == [4, 4]


def test_an_error_shows_the_value_and_what_would_be_accepted() -> None:
    file = read(ndjson(award(status="=lost()" + "x" * 100, max_awards=[1])))
    awards, status = file.errors
    assert (awards.column, awards.value, awards.accepted) == ("max_awards", "[1]", "a whole number")
    assert status.value == "'=lost()" + "x" * 53 + "..."
    assert status.accepted == "draft, published or archived"


def test_errors_are_put_into_words_when_they_are_asked_for() -> None:
    file = read(ndjson(award(status="lost", max_awards=-1)))
    (row,) = file.bad_rows
    assert isinstance(row.problem, ValidationError)
    assert row.error_count == len(row.errors()) == 2
    assert row.problem.__traceback__ is None


def test_a_row_with_very_many_keys_has_one_error() -> None:
    file = read(ndjson(award(**{f"unknown_{number}": 1 for number in range(10_000)})))
    assert [(error.field, error.reason) for error in file.errors] == [
        ("", "at most 100 keys are allowed")
    ]


def test_fields_that_the_api_derives_are_ignored() -> None:
    derived = {
        "version": 7,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "nonsense",
        "availability": "open",
        "days_left": 3,
    }
    plain = award(amount_min=10, currency="USD")
    assert read(ndjson({**plain, **derived, "amount": 10.0})).rows == read(ndjson(plain)).rows
    assert read(ndjson({**plain, "amount": 10})).columns()["amount_max"] is None


def test_an_amount_that_contradicts_its_bounds_is_an_error() -> None:
    file = read(ndjson(award(amount=5, amount_min=1, amount_max=10, currency="USD")))
    assert "amount must equal amount_max" in file.errors[0].reason


def test_a_write_policy_may_refuse_a_row() -> None:
    batches = validate_rows(
        read_ndjson([ndjson(award(id="mine"), award(id="theirs", organization="Other"))]),
        now=NOW,
        write_policy=lambda given: "is not yours" if given.organization == "Other" else None,
    )
    (batch,) = batches
    assert [row.values[0] for row in batch.rows] == ["mine"]
    assert [row.errors() for row in batch.bad_rows] == [[RowError(2, "", "is not yours")]]


def test_batches_are_bounded_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes(chunks: list[bytes]) -> list[int]:
        read = 0

        def counted() -> Iterator[bytes]:
            nonlocal read
            for chunk in chunks:
                read += len(chunk)
                yield chunk

        batches = validate_rows(
            read_ndjson(counted()), bytes_read=lambda: read, now=NOW, batch_rows=10
        )
        return [batch.row_count for batch in batches]

    assert sizes([GOOD * 15 + b"bad\n" * 10]) == [10, 10, 5]
    monkeypatch.setattr(validation, "FIRST_BATCH_ROWS", 3)
    assert sizes([GOOD * 25]) == [3, 6, 10, 6]
    monkeypatch.setattr(validation, "MAX_BATCH_BYTES", 3 * len(GOOD))
    assert sizes([GOOD] * 7) == [3, 3, 1]


@pytest.mark.parametrize(
    "address",
    [
        "jane@acme.example;", "jane@acme.example,", "mailto:jane@acme.example",
        "(jane@acme.example)", "jane@-acme.example", "jane@acme-.example", ".jane@acme.example",
        "jane.@acme.example", "jane@acme..example", "jane@acme.example?subject=x",
        "jane@acme.example\u200b", "jane@acme.example.", "jane@192.0.2.1",
    ],
)  # fmt: skip
def test_addresses_that_no_mail_reaches_are_refused(address: str) -> None:
    file = read(ndjson(award(contact_email=address)))
    assert [error.field for error in file.errors] == ["contact_email"]


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("contact_email", " jane@acme.example ", "jane@acme.example"),
        ("contact_email", "o'neil+aid@sub.acme.example", "o'neil+aid@sub.acme.example"),
        ("website_url", "HTTPS://ACME.example/A", "https://ACME.example/A"),
        ("website_url", "Http://acme.example", "http://acme.example"),
    ],
)
def test_addresses_are_cleaned(field: str, given: str, kept: str) -> None:
    columns = read(ndjson(award(**{field: given}))).columns()
    assert columns[field] == kept


@pytest.mark.parametrize("day", ["20270304", "2027-W09-4", "2027-03-04", "2027-03-04 00:00:00"])
def test_every_form_of_a_date_closes_at_the_end_of_its_day(day: str) -> None:
    columns = read(
        ndjson(award(application_deadline=day, deadline_timezone="America/Chicago"))
    ).columns()
    assert columns["application_deadline"].isoformat() == "2027-03-05T05:59:59+00:00"
