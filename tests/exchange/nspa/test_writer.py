"""Awards become NSPA records, and what NSPA can say comes back as it was."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from scholarship_api.catalogue.bulk.validation import validate_rows
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS
from scholarship_api.catalogue.service import to_response
from scholarship_api.catalogue.stored_awards import StoredAward
from scholarship_api.exchange.nspa.reader import NspaReader
from scholarship_api.exchange.nspa.writer import PARTIAL, records_of
from tests.catalogue.awards import Row, award, ndjson
from tests.catalogue.bulk.files import read as read_ndjson
from tests.exchange.awards import awards
from tests.exchange.nspa.test_reader import RECORD, collection, read

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
KNOWN = {
    "Metadata",
    "ProgramReferenceId",
    "ProgramOrganization",
    "ApplicationCycle",
    "LastVerifiedOn",
    "LastVerifiedBy",
    "ProgramName",
    "ProgramURL",
    "ApplicationURL",
    "ProgramContact",
    "OpenDate",
    "CloseDate",
    "AnnouncementDate",
    "ScholarshipMaximumAward",
    "AwardDuration",
    "IsNeedBased",
    "IsMeritBased",
    "Blurb",
    "EligibilityCriteriaDescription",
    "EligibilityCriteria",
}
"""The properties that are known to exist."""


def stored(row: Row) -> dict[str, Any]:
    file = read_ndjson(ndjson(row))
    assert not file.errors
    return file.columns()


def written(values: dict[str, Any]) -> list[dict[str, Any]]:
    found = StoredAward(
        **values, version=1, created_at=NOW, updated_at=NOW, amount=values["amount_max"]
    )
    return [json.loads(record) for record in records_of(to_response(found, now=NOW))]


def exported(**fields: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - of an award
    return written(stored(award(**fields)))


def days(values: dict[str, Any]) -> list[str | None]:
    return [each["closes_at"] and each["closes_at"][:10] for each in values["rounds"] or ()]


def test_an_imported_record_is_written_as_it_was() -> None:
    [record] = written(read(RECORD)[0])
    for name in KNOWN - {"Metadata", "Blurb", "ProgramContact", "EligibilityCriteria"}:
        assert record[name] == RECORD[name], name
    again = read(record)[0]
    first = read(RECORD)[0]
    for name in ("eligibility_sets", "rounds", "amount_max", "coverage", "sources", "id"):
        assert again[name] == first[name], name


def test_every_record_says_that_it_is_partial() -> None:
    [record] = exported()
    assert record["Metadata"] == {"CreatedBy": PARTIAL}
    assert record["LastVerifiedOn"] is None
    assert [name for name, value in record.items() if value is None] == ["LastVerifiedOn"]


def test_each_round_is_a_record() -> None:
    rounds = [
        {"key": "autumn", "closes_at": "2027-11-15", "timezone": "America/New_York"},
        {"key": "spring", "closes_at": "2028-03-31", "timezone": "America/New_York"},
    ]
    first, second = exported(id="sch_1", rounds=rounds)
    assert (first["ProgramReferenceId"], second["ProgramReferenceId"]) == ("sch_1", "sch_1#spring")
    assert (first["CloseDate"], second["CloseDate"]) == ("2027-11-15", "2028-03-31")


def test_several_sets_are_coded_by_what_they_have_in_common() -> None:
    [record] = exported(
        eligibility_sets=[
            {"min_gpa": 3.5, "genders": ["woman"], "citizenships": ["US"], "cip_codes": ["11"]},
            {"min_gpa": 3, "genders": ["man"], "citizenships": ["permanent_resident"]},
        ]
    )
    assert record["EligibilityCriteria"] == {
        "Academics": [{"AcademicEligibility": "Minimum GPA", "AcademicEligibilityValue": 3}],
        "CitizenshipStatuses": ["U.S. Citizen", "Permanent Resident"],
        "Demographics": ["Gender - Female", "Gender - Male"],
    }
    assert "Alternative 1: " in record["EligibilityCriteriaDescription"]
    assert "Alternative 2: " in record["EligibilityCriteriaDescription"]


def test_a_list_without_codes_for_all_of_it_is_in_words() -> None:
    [record] = exported(eligibility_sets=[{"genders": ["woman", "nonbinary"], "min_gpa": 2}])
    assert record["EligibilityCriteria"].keys() == {"Academics"}
    assert "Genders: " in record["EligibilityCriteriaDescription"]


def test_amounts_of_other_currencies_are_in_words() -> None:
    [record] = exported(amount_min=500, amount_max=900.5, currency="EUR")
    assert "ScholarshipMaximumAward" not in record
    assert "Up to 900.50 EUR." in record["Blurb"]
    assert "At least 500.00 EUR." in record["Blurb"]


def test_citizens_of_the_old_field_are_coded() -> None:
    [record] = exported(eligibility_criteria={"citizenship_required": "permanent_resident"})
    assert record["EligibilityCriteria"] == {
        "CitizenshipStatuses": ["U.S. Citizen", "Permanent Resident"]
    }


@pytest.mark.slow
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(row=awards())
def test_the_round_trip_keeps_what_nspa_can_say(row: Row) -> None:
    before = stored({**row, "status": "published", "name": row["name"].replace("TEST", "T")})
    records = written(before)
    assert all(record.keys() <= KNOWN for record in records)
    [batch] = validate_rows(NspaReader()([collection(*records)]), now=NOW)
    errors = [error.reason for bad in batch.bad_rows for error in bad.errors()]
    if any("must not be after" in reason for reason in errors):
        return  # days of another zone than the file's may cross
    assert errors == []
    for after in (dict(zip(WRITTEN_COLUMNS, row.values, strict=True)) for row in batch.rows):
        assert after["name"] == before["name"]
        assert after["organization"] == before["organization"]
        assert after["website_url"] == (before["website_url"] or before["source_url"])
        assert after["application_url"] == before["application_url"]
        assert after["contact_email"] == before["contact_email"]
        assert after["last_verified_on"] == before["last_verified_on"]
        assert after["criteria_complete"] is False
        if before["currency"] == "USD":
            assert after["amount_max"] == before["amount_max"]
        renewal = (before["coverage"] or {}).get("renewal")
        if renewal is not None:
            assert after["coverage"]["renewal"] == renewal
        kept = " ".join([*(after["other_requirements"] or ()), after["description"]]).split()
        for text in before["other_requirements"] or ():
            assert not set(text.split()) - set(kept)
