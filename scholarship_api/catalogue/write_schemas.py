"""An award as clients of the API write it: in full, or as a merge patch."""

from typing import Any, Final

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.config import JsonDict

from scholarship_api.catalogue.columns import (
    PART_FIELDS,
    READ_ONLY_FIELDS,
    TOP_LEVEL_FIELDS,
    drop_read_only,
    sets_of,
)
from scholarship_api.catalogue.eligibility_sets import common_criteria
from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.catalogue.merge_patch import merge
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.errors import ValidationFailed, validation_fields

_AMOUNT_BOUNDS: Final = ("amount_min", "amount_max")

DERIVED_FIELDS: Final = {
    "rounds": (
        "application_deadline",
        "deadline_kind",
        "deadline_timezone",
        "deadline_estimated",
        "notification_date",
    ),
    "requirements": ("essay_required", "recommendation_letters"),
}
"""Fields of an award that follow from another one when that is given."""


AWARD_EXAMPLE: Final[JsonDict] = {
    "name": "Curie Nursing Award",
    "organization": "Acme Trust",
    "scholarship_type": "merit_based",
    "amount": 2500,
    "currency": "USD",
    "application_deadline": "2030-03-31",
    "deadline_timezone": "America/New_York",
    "eligibility_criteria": {"min_gpa": 3.2, "fields_of_study": ["nursing"]},
    "application_url": "https://example.org/apply",
}

AWARD_WITH_ROUNDS_EXAMPLE: Final[JsonDict] = {
    "name": "Curie Nursing Award",
    "organization": "Acme Trust",
    "scholarship_type": "merit_based",
    "eligibility_sets": [
        {"cip_codes": ["51.38"], "genders": ["woman"], "min_gpa": 3.2},
        {"cip_codes": ["51.38"], "military": [{"relations": ["self"], "statuses": ["veteran"]}]},
    ],
    "criteria_complete": True,
    "preferences": [{"criteria": {"first_generation": True}, "weight": 2}],
    "rounds": [
        {
            "key": "autumn",
            "opens_at": "2029-09-01",
            "closes_at": "2029-11-15",
            "timezone": "America/New_York",
        },
        {
            "key": "spring",
            "opens_at": "2030-01-15",
            "closes_at": "2030-03-31",
            "timezone": "America/New_York",
        },
    ],
    "requirements": [
        {"kind": "essay", "max_words": 500},
        {"kind": "recommendation", "count": 2},
    ],
    "application": {"method": "external", "url": "https://example.org/apply", "fee": 0},
    "coverage": {"kind": "full_tuition", "years": 4, "renewal": "renewable"},
}


def _document_read_only(schema: JsonDict) -> None:
    properties = schema["properties"]
    assert isinstance(properties, dict)  # noqa: S101 - narrows for mypy
    for name in sorted(READ_ONLY_FIELDS):
        properties[name] = {"readOnly": True, "description": "Ignored."}
    schema["examples"] = [dict(AWARD_EXAMPLE), dict(AWARD_WITH_ROUNDS_EXAMPLE)]


class WrittenScholarship(ScholarshipInput):
    """A scholarship in full. The answer of a read may be sent back as it is.

    A yearly, estimated deadline that has passed is moved to its next occurrence.
    """

    model_config = ConfigDict(json_schema_extra=_document_read_only)

    id: ScholarshipId = Field(
        default_factory=new_id,
        description=(
            "A UUIDv7 unless given. An id that a partner gives begins with the prefix of its"
            " organization, which the error names otherwise."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, values: object) -> object:
        if isinstance(values, dict):
            values = dict(values)
            drop_read_only(values)
        return values

    @property
    def given_id(self) -> str | None:
        return self.id if "id" in self.model_fields_set else None


def patched(scholarship: Scholarship, patch: object) -> ScholarshipInput:
    """Apply a merge patch, and validate the result as a whole. Raises ValidationFailed."""
    current: dict[str, Any] = {
        name: getattr(scholarship, name) for name in (*TOP_LEVEL_FIELDS, *PART_FIELDS)
    }
    sets = sets_of(scholarship)
    current["eligibility_sets"] = sets
    if isinstance(patch, dict):
        _make_room(current, sets, patch)
    merged = merge(current, patch)
    if isinstance(merged, dict):
        drop_read_only(merged)
    try:
        award = ScholarshipInput.model_validate(merged)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise ValidationFailed(validation_fields(map(dict, problems))) from None
    if isinstance(patch, dict):
        _refuse_derived(award, patch)
    return award


def _make_room(current: dict[str, Any], sets: list[dict[str, Any]], patch: dict[str, Any]) -> None:
    """Remove from an award the fields that a patch replaces by other fields."""
    if "amount" in patch:
        for name in _AMOUNT_BOUNDS:  # `amount` is the short form of both
            del current[name]
    if "eligibility_criteria" in patch or "eligibility_sets" in patch:
        del current["eligibility_sets"]
    if "eligibility_criteria" in patch and "eligibility_sets" not in patch:
        criteria = common_criteria(sets)
        change = patch["eligibility_criteria"]
        if isinstance(change, dict):
            # These fields are one criterion: a value of the one kind replaces those of the other.
            if "citizenship_required" in change:
                replaced = {"citizenships", "immigration_statuses"} - change.keys()
            elif change.keys() & {"citizenships", "immigration_statuses"}:
                replaced = {"citizenship_required"}
            else:
                replaced = set()
            criteria = {name: value for name, value in criteria.items() if name not in replaced}
        current["eligibility_criteria"] = criteria


def _refuse_derived(award: ScholarshipInput, patch: dict[str, Any]) -> None:
    """Refuse a change of fields that follow from others, which the patch leaves as they are."""
    for source, derived in DERIVED_FIELDS.items():
        if getattr(award, source) and source not in patch:
            for name in derived:
                if name in patch:
                    raise ValidationFailed.of(name, f"follows from {source}; change those")
