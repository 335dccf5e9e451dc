"""Records of NSPA become awards: what is known is coded, what is not stays a text."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.catalogue.bulk.validation import Batch, validate_rows
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS
from scholarship_api.exchange.nspa import reader as module
from scholarship_api.exchange.nspa.reader import NspaReader

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
RECORD: dict[str, Any] = {
    "Metadata": {"ProgramCategories": {"ProgramCategory": ["Academic"]}},
    "ProgramReferenceId": "EX-0017",
    "ProgramOrganization": {"OrganizationName": "Example Community Foundation"},
    "ApplicationCycle": "2026-2027",
    "LastVerifiedOn": "2026-09-15",
    "LastVerifiedBy": "Example / AB",
    "ProgramName": "Bridge to Engineering Award",
    "ProgramURL": "https://foundation.example.org/bridge",
    "ApplicationURL": "https://apply.example.org/bridge",
    "ProgramContact": {"NameOrDepartment": "Awards office", "Email": "awards@example.org"},
    "OpenDate": "2026-10-01",
    "CloseDate": "2027-01-31",
    "AnnouncementDate": "2027-04-15",
    "ScholarshipMaximumAward": 5000,
    "AwardDuration": {"AwardDurationType": "Renewable", "DurationYears": 3},
    "IsNeedBased": True,
    "IsMeritBased": False,
    "Blurb": "For women who start an engineering degree. Preference given to residents of Ohio.",
    "EligibilityCriteriaDescription": "Must have taken part in a robotics club.",
    "EligibilityCriteria": {
        "Academics": [{"AcademicEligibility": "Minimum GPA", "AcademicEligibilityValue": 3.0}],
        "CitizenshipStatuses": ["U.S. Citizen", "Permanent Resident"],
        "DegreeSeeking": "Bachelor's Degree",
        "Demographics": ["Gender - Female"],
        "FieldsOfStudy": [{"FieldName": "Engineering", "CIPCode": "14.01"}],
        "FinancialInformation": {
            "FinancialEligibilityCriteria": "Maximum EFC",
            "FinancialEligibilityAmount": 5000,
        },
        "GraduationStatuses": "Graduating High School Senior",
    },
}
SET = {
    "genders": ["woman"],
    "citizenships": ["US", "permanent_resident"],
    "degree_levels": ["bachelor"],
    "cip_codes": ["14.01"],
    "min_gpa": 3.0,
    "max_sai": 5000,
    "financial_need": True,
    "graduation_statuses": ["graduating_hs_senior"],
}


def collection(*records: Any, name: str = "ScholarshipProgramInfo") -> bytes:  # noqa: ANN401 - JSON
    return json.dumps({"ScholarshipProgramCollection": {name: list(records)}}).encode()


def batch_of(content: bytes, **options: str) -> Batch:
    [batch] = validate_rows(NspaReader(**options)([content]), now=NOW)
    return batch


def read(*records: Any, **options: str) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    batch = batch_of(collection(*records), **options)
    assert [error for row in batch.bad_rows for error in row.errors()] == []
    return [dict(zip(WRITTEN_COLUMNS, row.values, strict=True)) for row in batch.rows]


def with_criteria(**criteria: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {**RECORD, "EligibilityCriteria": criteria, "IsNeedBased": False}


def test_a_record_is_read_as_its_standard_says() -> None:
    [award] = read(RECORD)
    assert award["id"].startswith("nspa_")
    assert len(award["id"]) == 21
    assert award["name"] == "Bridge to Engineering Award"
    assert award["organization"] == "Example Community Foundation"
    assert award["eligibility_sets"] == [SET]
    assert award["other_requirements"] == ["Must have taken part in a robotics club."]
    assert award["criteria_complete"] is False
    [each] = award["rounds"]
    assert (each["opens_at"], each["closes_at"]) == ("2026-10-01T00:00:00Z", "2027-01-31T23:59:59Z")
    assert (each["notification_on"], each["academic_year"]) == ("2027-04-15", "2026-27")
    assert (award["amount_max"], award["currency"]) == (5000, "USD")
    assert award["coverage"] == {
        "kind": "amount",
        "components": [],
        "renewal": "renewable",
        "years": 3,
    }
    assert award["renewable"] is True
    assert award["scholarship_type"] == "need_based"
    assert award["website_url"] == "https://foundation.example.org/bridge"
    assert award["application_url"] == "https://apply.example.org/bridge"
    assert award["contact_email"] == "awards@example.org"
    assert award["last_verified_on"] == dt.date(2026, 9, 15)
    assert award["last_verified_by"] == "Example / AB"
    assert award["sources"] == [
        {"name": "NSPA: Example Community Foundation", "external_id": "EX-0017"}
    ]
    assert award["description"].splitlines() == [
        RECORD["Blurb"],
        "Contact: Awards office",
        "Categories: Academic",
    ]


def test_the_days_are_those_of_the_given_time_zone() -> None:
    [award] = read(RECORD, timezone="America/New_York")
    assert award["application_deadline"] == dt.datetime(2027, 2, 1, 4, 59, 59, tzinfo=dt.UTC)


def test_one_item_may_stand_without_its_list() -> None:
    alone = json.dumps({"ScholarshipProgramCollection": {"ScholarshipProgramInfo": RECORD}})
    assert [row.values for row in batch_of(alone.encode()).rows] == [
        row.values for row in batch_of(collection(RECORD)).rows
    ]
    single = {
        "Academics": {"AcademicEligibility": "minimum  gpa", "AcademicEligibilityValue": "3.5"},
        "CitizenshipStatuses": "u.s. citizen",
        "FieldsOfStudy": {"CIPCode": ["11", "14.01"]},
    }
    [award] = read(with_criteria(**single))
    assert award["eligibility_sets"] == [
        {"min_gpa": 3.5, "citizenships": ["US"], "cip_codes": ["11", "14.01"]}
    ]


def test_drafts_of_the_standard_are_read() -> None:
    older = {
        **{name: value for name, value in RECORD.items() if name != "ProgramOrganization"},
        "ProgramOrganizationName": "Older Foundation",
        "ProgramCategories": {"ProgramCategory": "Contest"},
        "EligibilityCriteriaDetail": "In words.",
    }
    batch = batch_of(collection(older, name="ScholarshipApplicationInfo"))
    award = dict(zip(WRITTEN_COLUMNS, batch.rows[0].values, strict=True))
    assert award["organization"] == "Older Foundation"
    assert "In words." in award["other_requirements"]
    assert "Categories: Contest" in award["description"]


def test_what_is_not_known_stays_a_text() -> None:
    [award] = read(
        {
            **with_criteria(
                Demographics=["Gender - Female", "Gender - Other", "Ethnicity - Hispanic"],
                CitizenshipStatuses=["U.S. Citizen", "Martian"],
                Academics=[
                    {"AcademicEligibility": "Minimum 1-100 Grade", "AcademicEligibilityValue": 85},
                    {"AcademicEligibility": "Minimum GPA", "AcademicEligibilityValue": 92},
                ],
                Activities=["Tennis", "Choir"],
                Ages={"Minimum": 16},
                Locations=["Ohio", "Somewhere"],
            ),
            "IsAutomaticApplication": True,
            "OpenDate": "in autumn",
            "ProgramURL": "example.org",
        }
    )
    assert award["eligibility_sets"] == [{"heritages": ["hispanic_latino"]}]
    assert {
        "Must have taken part in a robotics club.",
        "NSPA Demographics: Gender - Female; Gender - Other",
        "NSPA CitizenshipStatuses: U.S. Citizen; Martian",
        "NSPA Academics: Minimum 1-100 Grade; 85",
        "NSPA Academics: Minimum GPA; 92",
        "NSPA Activities: Tennis; Choir",
        "NSPA Ages: Minimum 16",
        "NSPA Locations: Ohio; Somewhere",
        "NSPA IsAutomaticApplication: yes",
        "NSPA OpenDate: in autumn",
    } == set(award["other_requirements"])
    assert "ProgramURL: example.org" in award["description"]


def test_states_are_coded_when_they_are_all() -> None:
    [award] = read(with_criteria(Locations=["Ohio", {"Country": "United States", "State": "NY"}]))
    assert award["residency_states"] == ["OH", "NY"]


def test_each_set_is_an_alternative() -> None:
    women = {"Demographics": "Gender - Female", "Activities": "Choir"}
    seniors = {"GraduationStatuses": "Graduating High School Senior"}
    [award] = read({**RECORD, "IsNeedBased": False, "EligibilityCriteria": [women, seniors]})
    assert award["eligibility_sets"] == [
        {"genders": ["woman"]},
        {"graduation_statuses": ["graduating_hs_senior"]},
    ]
    assert "NSPA Activities: Choir (alternative 1)" in award["other_requirements"]


def test_an_alternative_that_is_not_coded_leaves_the_award_open() -> None:
    sets = [{"Demographics": "Gender - Female"}, {"Activities": "Choir"}]
    [award] = read({**RECORD, "IsNeedBased": False, "EligibilityCriteria": sets})
    assert award["eligibility_sets"] is None
    assert "NSPA Activities: Choir (alternative 2)" in award["other_requirements"]


def test_records_that_differ_in_dates_only_are_rounds_of_one_award() -> None:
    spring = {
        **RECORD,
        "ProgramReferenceId": "EX-0018",
        "OpenDate": "2027-02-01",
        "CloseDate": "2027-05-31",
        "AnnouncementDate": None,
    }
    other = {**RECORD, "ProgramName": "Another award"}
    first, second = read(spring, other, RECORD)
    assert [each["key"] for each in first["rounds"]] == ["EX-0017", "EX-0018"]
    assert [each["closes_at"][:10] for each in first["rounds"]] == ["2027-01-31", "2027-05-31"]
    assert [source["external_id"] for source in first["sources"]] == ["EX-0017", "EX-0018"]
    assert second["name"] == "Another award"


def test_the_same_file_again_gives_the_same_awards() -> None:
    nameless = {**RECORD, "ProgramReferenceId": None}
    for record in (RECORD, nameless):
        assert read(record) == read(record)


def test_records_without_a_date_have_no_round() -> None:
    dates = ("OpenDate", "CloseDate", "AnnouncementDate", "ApplicationCycle")
    [award] = read({name: value for name, value in RECORD.items() if name not in dates})
    assert award["rounds"] is None
    assert award["deadline_kind"] == "unknown"


def test_a_record_without_a_closing_day_is_never_rolling() -> None:
    [award] = read({**RECORD, "CloseDate": None})
    assert [each["kind"] for each in award["rounds"]] == ["unknown"]
    assert award["deadline_kind"] == "unknown"


def test_long_and_many_texts_lose_nothing() -> None:
    words = [f"word{number}" for number in range(1_500)]
    [award] = read(
        {
            **RECORD,
            "EligibilityCriteriaDescription": " ".join(words),
            **{f"Property{number}": f"value{number}" for number in range(60)},
        }
    )
    assert len(award["other_requirements"]) <= 20
    kept = " ".join([*award["other_requirements"], award["description"]])
    assert [word for word in words if word not in kept.split()] == []
    assert [n for n in range(60) if f"NSPA Property{n}: value{n}" not in kept] == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**RECORD, "ProgramName": "A TEST record"}, "test record"),
        ({**RECORD, "ProgramName": None}, "no ProgramName"),
        ({**RECORD, "ProgramOrganization": {}}, "no ProgramName or no organization"),
        ({**RECORD, "ScholarshipMinimumAward": 9000}, "must not be above"),
        ({**RECORD, "ProgramName": "Late", "OpenDate": "2028-01-01"}, "must not be after"),
        ({**RECORD, "ScholarshipMaximumAward": "much"}, ""),
    ],
)
def test_a_bad_record_is_reported_and_others_are_read(record: dict[str, Any], reason: str) -> None:
    batch = batch_of(collection(record, RECORD))
    assert len(batch.rows) == 1
    [bad] = batch.bad_rows
    assert reason in " ".join(error.reason for error in bad.errors())


@pytest.mark.parametrize("content", [b"", b"{}", b"<xml/>", b'{"ScholarshipProgramInfo": 1}'])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        list(NspaReader()([content]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(changed=st.dictionaries(st.sampled_from(sorted(RECORD)), JSON, max_size=5), criteria=JSON)
def test_no_value_of_another_form_ends_the_import(changed: dict[str, Any], criteria: Any) -> None:  # noqa: ANN401
    inside = dict.fromkeys(RECORD["EligibilityCriteria"], criteria)
    content = collection({**RECORD, **changed}, {**RECORD, "EligibilityCriteria": inside})
    batches = list(validate_rows(NspaReader()([content]), now=NOW))
    assert sum(len(batch.rows) + len(batch.bad_rows) for batch in batches) in (1, 2)


def test_memory_holds_no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMORY_BYTES", 1)
    assert len(read(*({**RECORD, "ProgramName": f"Award {n}"} for n in range(20)))) == 20
