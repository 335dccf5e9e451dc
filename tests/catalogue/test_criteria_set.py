"""The schema of a set of criteria."""

from typing import Any

import pytest
from pydantic import ValidationError

from scholarship_api.catalogue.criteria_set import EligibilityCriteria

OLD_FIELDS: dict[str, object] = {
    "min_gpa": None,
    "max_gpa": None,
    "grade_levels": [],
    "citizenship_required": None,
    "residency_states": [],
    "fields_of_study": [],
    "min_age": None,
    "max_age": None,
    "financial_need": False,
}


def validated(**criteria: object) -> EligibilityCriteria:
    return EligibilityCriteria.model_validate(criteria)


def reason(**criteria: object) -> str:
    with pytest.raises(ValidationError) as caught:
        validated(**criteria)
    errors = caught.value.errors()
    assert len(errors) == 1
    return str(errors[0]["msg"])


def test_an_empty_set_shows_the_nine_first_criteria_only() -> None:
    assert validated().model_dump(mode="json") == OLD_FIELDS
    assert validated().as_stored() == {}


def test_only_criteria_that_require_something_are_stored() -> None:
    criteria = validated(genders=[], lgbtq=False, max_sai=0, min_gpa=3.25, pell_eligible=True)

    assert criteria.as_stored() == {"min_gpa": 3.25, "max_sai": 0, "pell_eligible": True}


def test_codes_are_stored_in_their_canonical_form_and_once() -> None:
    criteria = validated(
        genders=["Woman", "woman"],
        cip_codes=["5138"],
        residency_zips=["10001-1234"],
        enrollment=["Full-Time"],
        heritages=["asian.hmong"],
    )

    assert criteria.as_stored() == {
        "cip_codes": ["51.38"],
        "residency_zips": ["10001"],
        "enrollment": ["full_time"],
        "genders": ["woman"],
        "heritages": ["asian.hmong"],
    }


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"test": "SAT", "min": 1200}, {"test": "sat", "section": "total", "min": 1200}),
        ({"test": "act", "min": 30}, {"test": "act", "section": "composite", "min": 30}),
        (
            {"test": "sat", "section": "math", "min": 700},
            {"test": "sat", "section": "math", "min": 700},
        ),
    ],
)
def test_a_test_without_a_section_means_its_total(
    given: dict[str, Any], stored: dict[str, Any]
) -> None:
    assert validated(tests=[given]).as_stored() == {"tests": [stored]}


def test_an_unknown_code_names_the_vocabulary() -> None:
    assert reason(genders=["boy"]).endswith("see /api/v1/vocabularies/genders")
    assert reason(tests=[{"test": "quiz", "min": 3}]).endswith("see /api/v1/vocabularies/tests")


def test_a_long_list_is_refused_by_its_length_alone() -> None:
    assert reason(genders=["boy"] * 51) == "Value error, at most 50 items are allowed"


@pytest.mark.parametrize("bound", ["gpa", "age", "credits"])
def test_bounds_are_ordered(bound: str) -> None:
    wanted = f"Value error, min_{bound} must not be above max_{bound}"
    assert reason(**{f"min_{bound}": 3, f"max_{bound}": 2}) == wanted
