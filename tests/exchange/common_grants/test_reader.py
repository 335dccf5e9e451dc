"""Opportunities become awards: our own exactly, those of others without a guess."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk.validation import validate_rows
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS, InvalidAward
from scholarship_api.catalogue.service import to_response
from scholarship_api.catalogue.stored_awards import StoredAward
from scholarship_api.exchange.common_grants.opportunities import to_opportunity
from scholarship_api.exchange.common_grants.reader import read_common_grants, to_award
from tests.catalogue.awards import Row, ndjson
from tests.catalogue.bulk.files import read as read_ndjson
from tests.exchange.awards import awards

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def columns(content: bytes) -> dict[str, Any]:
    [batch] = validate_rows(read_common_grants([content]), now=NOW)
    assert [error for row in batch.bad_rows for error in row.errors()] == []
    [row] = batch.rows
    return dict(zip(WRITTEN_COLUMNS, row.values, strict=True))


def stored(row: Row) -> dict[str, Any]:
    file = read_ndjson(ndjson(row))
    assert not file.errors
    return file.columns()


def opportunity_of(values: dict[str, Any]) -> bytes:
    """The award as it is published, as a server of CommonGrants answers it."""
    award = StoredAward(
        **values, version=1, created_at=NOW, updated_at=NOW, amount=values["amount_max"]
    )
    opportunity = to_opportunity(to_response(award, now=NOW))
    return (
        b'{"data": ' + opportunity.model_dump_json(by_alias=True, exclude_none=True).encode() + b"}"
    )


NOT_EXACT = {
    "status",  # only what is published is served
    "source_url",  # of the addresses, one is the source
    "website_url",
    "currency",  # of an award without an amount
    "description",  # the name stands for an empty one
    "application_deadline",  # the times of the standard have no fractions of a second
    "turns_at",
    "opens_at",
    "deadline_date",
}


@pytest.mark.slow
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(row=awards())
def test_our_own_opportunities_give_the_award_back(row: Row) -> None:
    before = stored({**row, "status": "published"})
    after = columns(opportunity_of(before))
    differing = {name for name in WRITTEN_COLUMNS if before[name] != after[name]}
    assert {name: (before[name], after[name]) for name in differing - NOT_EXACT} == {}
    assert after["website_url"] == (before["website_url"] or before["source_url"])
    if before["amount_max"] is not None or before["amount_min"] is not None:
        assert after["currency"] == before["currency"]
    if before["application_deadline"] is not None:
        assert after["application_deadline"] == before["application_deadline"].replace(
            microsecond=0
        )


FOREIGN = {
    "id": "573525f2-8e15-4405-83fb-e6523511d893",
    "title": "STEM Education Grant",
    "status": {"value": "open"},
    "description": "For programs in rural areas",
    "funding": {
        "details": "Renewable.",
        "maxAwardAmount": {"amount": "50000.00", "currency": "USD"},
        "maxAwardCount": 3,
    },
    "keyDates": {
        "postDate": {"name": "Opens", "eventType": "singleDate", "date": "2026-10-01"},
        "closeDate": {
            "name": "Closes",
            "eventType": "singleDate",
            "date": "2027-01-31",
            "time": "17:00:00",
            "description": "In America/New_York.",
        },
        "otherDates": {
            "webinar": {"name": "Webinar", "eventType": "singleDate", "date": "2026-11-01"}
        },
    },
    "acceptedApplicantTypes": [{"value": "individual"}],
    "source": "https://example.org/grant",
    "customFields": {
        "agency": {"name": "agency", "fieldType": "object", "value": {"name": "State Agency"}},
        "eligibilityCriteria": {
            "name": "eligibilityCriteria",
            "fieldType": "object",
            "value": {"details": "Residents of Ohio."},
        },
        "fiscalYear": {"name": "fiscalYear", "fieldType": "integer", "value": 2027},
    },
    "createdAt": "2026-01-01T00:00:00Z",
    "lastModifiedAt": "2026-01-02T00:00:00Z",
}


def test_an_opportunity_of_another_server_loses_nothing() -> None:
    page = {"status": 200, "message": "Success", "items": [FOREIGN]}
    award = columns(json.dumps(page).encode())
    assert award["id"] == "cg_573525f2-8e15-4405-83fb-e6523511d893"
    assert (award["name"], award["organization"]) == ("STEM Education Grant", "State Agency")
    assert (award["amount_max"], award["currency"], award["max_awards"]) == (50_000, "USD", 3)
    assert award["application_deadline"] == dt.datetime(2027, 1, 31, 22, tzinfo=dt.UTC)
    assert award["opens_at"] == dt.datetime(2026, 10, 1, 4, tzinfo=dt.UTC)
    assert award["website_url"] == "https://example.org/grant"
    assert award["other_requirements"] == ["Residents of Ohio."]
    assert award["criteria_complete"] is False
    for kept in ("Renewable.", "fiscalYear: 2027", "Webinar: 2026-11-01"):
        assert kept in award["description"]


def test_pages_that_follow_each_other_are_one_file() -> None:
    page = json.dumps({"items": [FOREIGN]}).encode()
    assert len(list(read_common_grants([page, b"\n", page]))) == 2


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from([*FOREIGN, "value", "name", "date"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_records_of_another_form_are_reported(value: Any) -> None:  # noqa: ANN401 - any JSON
    found = to_award({**FOREIGN, **value} if isinstance(value, dict) else {"title": value})
    assert isinstance(found, dict | InvalidAward)
