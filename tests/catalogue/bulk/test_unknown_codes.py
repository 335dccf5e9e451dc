"""An import keeps criteria with unknown codes as requirements in words."""

import datetime as dt
from typing import Any

import pytest

from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.validation import validate_rows
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS
from tests.catalogue.awards import award, ndjson

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def imported(**fields: object) -> dict[str, Any]:
    """The columns of a row."""
    [batch] = validate_rows(read_ndjson([ndjson(award(**fields))]), now=NOW)
    assert batch.bad_rows == [], batch.bad_rows[0].errors()
    return dict(zip(WRITTEN_COLUMNS, batch.rows[0].values, strict=True))


def refused(**fields: object) -> set[str]:
    """The fields of a row's errors."""
    [batch] = validate_rows(read_ndjson([ndjson(award(**fields))]), now=NOW)
    return {error.field for bad in batch.bad_rows for error in bad.errors()}


def test_a_criterion_with_an_unknown_code_becomes_words() -> None:
    columns = imported(
        eligibility_criteria={"genders": ["woman", "queen"], "min_gpa": 3},
        other_requirements=["Sings"],
        criteria_complete=True,
    )

    assert columns["eligibility_sets"] is None
    assert columns["min_gpa"] == 3
    assert columns["other_requirements"] == ["Sings", "Genders: woman, queen"]
    assert columns["criteria_complete"] is False


def test_each_set_loses_the_criterion_that_nobody_can_check() -> None:
    columns = imported(
        eligibility_sets=[
            {"heritages": ["martian"], "lgbtq": True},
            {"military": [{"statuses": ["veteran"], "branches": ["starfleet"]}]},
        ]
    )

    assert columns["eligibility_sets"] == [{"lgbtq": True}, {}]
    assert columns["other_requirements"] == [
        "Heritages: martian",
        "Military: veteran starfleet",
    ]


@pytest.mark.parametrize(
    ("criteria", "text"),
    [
        (
            {"residency_states": ["CA"], "residency_counties": ["99999"]},
            "Residency states: CA; or Residency counties: 99999",
        ),
        (
            {"immigration_statuses": ["martian"], "citizenships": ["US"]},
            "Immigration statuses: martian; or Citizenships: US",
        ),
        ({"citizenships": ["US", "XX"]}, "Citizenships: US, XX"),
    ],
)
def test_the_alternatives_of_a_criterion_leave_together(
    criteria: dict[str, object], text: str
) -> None:
    columns = imported(eligibility_sets=[{**criteria, "financial_need": True}])

    assert columns["other_requirements"] == [text]
    assert columns["eligibility_sets"] is None
    assert (columns["residency_states"], columns["financial_need"]) == ([], True)


def test_an_unknown_preference_excludes_nobody() -> None:
    columns = imported(preferences=[{"criteria": {"genders": ["queen"]}, "weight": 2}])

    assert columns["preferences"] == [{"criteria": {}, "weight": 2, "text": "Genders: queen"}]
    assert columns["other_requirements"] is None


def test_a_long_list_is_cut_to_the_length_of_a_requirement() -> None:
    columns = imported(eligibility_criteria={"genders": [f"queen_{n:020}" for n in range(50)]})

    [text] = columns["other_requirements"]
    assert len(text) == 500
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("fields", "refused_field"),
    [
        ({"eligibility_criteria": {"grade_levels": ["kindergarten"]}}, None),
        ({"eligibility_criteria": {"genders": ["queen"], "max_sai": "much"}}, None),
        ({"rounds": [{"kind": "sometimes"}]}, "rounds.0.kind"),
        (
            {
                "eligibility_criteria": {"genders": ["queen"]},
                "other_requirements": [str(number) for number in range(20)],
            },
            "other_requirements",
        ),
    ],
)
def test_other_errors_refuse_the_row(fields: dict[str, Any], refused_field: str | None) -> None:
    found = refused(**fields)

    assert found
    assert refused_field is None or found == {refused_field}
