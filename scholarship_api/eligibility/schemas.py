"""Requests and answers of eligibility checks. One model reads the query string and the body."""

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    model_validator,
)

from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.catalogue.read_model.relations import Outcome
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.input_limits import RequestModel, split_commas
from scholarship_api.vocabulary import (
    Availability,
    Citizenship,
    FieldName,
    GradeName,
    Money,
    StateCode,
)

MAX_IDS: Final = 50
"""Awards that one request may name."""

DEFAULT_PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 100
MAX_OFFSET: Final = 10_000
"""Results that may be skipped."""


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


# More digits than the two decimals of awards, because an average may be a fraction such as 11/3.
GradeAverage = Annotated[
    Decimal,
    Field(ge=0, le=4, max_digits=20, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
Age = Annotated[int, Field(ge=13, le=120), BeforeValidator(_number)]
Credits = Annotated[int, Field(ge=0, le=300), BeforeValidator(_number)]
Ids = Annotated[
    list[ScholarshipId],
    Field(min_length=1, max_length=MAX_IDS),
    BeforeValidator(split_commas),
]


PROFILE_EXAMPLE: Final[dict[str, JsonValue]] = {
    "gpa": 3.4,
    "grade_level": "undergraduate",
    "field_of_study": "nursing",
    "citizenship": "US",
    "state_of_residence": "CA",
    "age": 19,
}


class Profile(RequestModel):
    """A student's answers about themselves, at least one. Values that are not given are unknown."""

    model_config = ConfigDict(use_enum_values=True)

    gpa: GradeAverage | None = Field(None, description="On the 4.0 scale.")
    grade_level: GradeName | None = None
    field_of_study: FieldName | None = None
    citizenship: Citizenship | None = Field(
        None, description="ISO 3166-1 alpha-2 code, permanent_resident or international."
    )
    state_of_residence: StateCode | None = Field(None, description="USPS code.")
    age: Age | None = None
    annual_income: Money | None = Field(
        None,
        description=(
            "Has no effect: awards state no limit of income. Say whether there is financial_need."
        ),
    )
    financial_need: bool | None = None
    credits_completed: Credits | None = Field(
        None, description="Has no effect: awards have no criterion for it."
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        # An empty scholarship_ids stays and is refused: its absence means the whole catalogue.
        empty = {
            name
            for name, value in values.items()
            if value is None or (value == "" and name != "scholarship_ids")
        }
        absent = empty & cls.model_fields.keys()
        return {name: value for name, value in values.items() if name not in absent}

    @model_validator(mode="after")
    def _not_empty(self) -> "Profile":
        if not self.known():
            raise ValueError(f"give at least one profile value: {', '.join(Profile.model_fields)}")
        return self

    def known(self) -> dict[str, Any]:
        """The values that were given, by name."""
        return {
            name: value
            for name in Profile.model_fields
            if (value := getattr(self, name)) is not None
        }

    def sent(self) -> dict[str, Any]:
        """The values that were given, canonical, as JSON."""
        return self.model_dump(mode="json", include=set(self.known()))


class EligibilityRequest(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"user_profile": PROFILE_EXAMPLE, "scholarship_id": "sch_001"}]
        }
    )

    user_profile: Profile
    scholarship_id: ScholarshipId


class BulkEligibilityRequest(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"user_profile": PROFILE_EXAMPLE, "scholarship_ids": ["sch_001", "sch_002"]}
            ]
        }
    )

    user_profile: Profile
    scholarship_ids: Ids


class CheckRequest(Profile):
    """A profile, and the awards to check it against."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**PROFILE_EXAMPLE, "limit": 10}]})

    scholarship_ids: Ids | None = Field(
        None,
        description="Check these awards, in this order, closed ones too. Default: all awards.",
    )
    include_closed: bool = Field(
        False, description="Also check awards of the catalogue whose deadline has passed."
    )
    limit: int | None = Field(
        None,
        ge=1,
        le=MAX_PAGE_SIZE,
        description=f"Results on a page. Default: {DEFAULT_PAGE_SIZE}; with scholarship_ids, all.",
    )
    offset: int = Field(0, ge=0, le=MAX_OFFSET)

    @property
    def page_size(self) -> int:
        return self.limit or (DEFAULT_PAGE_SIZE if self.scholarship_ids is None else MAX_IDS)


class CriterionOutcome(BaseModel):
    """The assessment of one criterion that the award names."""

    criterion: str = Field(description="The name in the award's eligibility_criteria.")
    outcome: Outcome
    required: bool | int | float | str | list[str]
    actual: bool | int | float | str | None = Field(
        description="The value of the profile, if it has one."
    )
    reason: str


class Judgement(BaseModel):
    scholarship_id: str
    found: bool = Field(
        description="False if no award has this id; it is then not eligible, without a verdict."
    )
    eligible: bool = Field(description="True exactly when the verdict is eligible.")
    verdict: Verdict | None = Field(
        description=(
            "ineligible: a criterion is failed. needs_information: none is failed, but the profile"
            " lacks a value. eligible: all are met. It says nothing about the deadline."
        )
    )
    availability: Availability | None = Field(
        description="Whether a student can apply now; if not, the first of the reasons says so."
    )
    reasons: list[str] = Field(description="The criteria that are not met, in plain sentences.")
    criteria: list[CriterionOutcome]


_SCORE: Final = "1 less the weight of each criterion that is failed or not answered; at least 0."


class EligibilityResult(Judgement):
    match_score: float = Field(ge=0, le=1, description=_SCORE)


class CheckResult(Judgement):
    score: float = Field(ge=0, le=1, description=_SCORE)

    @classmethod
    def of(cls, result: EligibilityResult) -> "CheckResult":
        """The same result with the score under the name that this endpoint uses."""
        values = {name: getattr(result, name) for name in Judgement.model_fields}
        return cls(score=result.match_score, **values)


class CheckPage(BaseModel):
    eligible_count: int = Field(description="Among all checked awards, not only on this page.")
    results: list[CheckResult] = Field(
        description=(
            "In the order of scholarship_ids. Without them: eligible ones first, then those that"
            " need information, each by score, deadline and id."
        )
    )
    checked_scholarships: int
    user_profile: dict[str, Any] = Field(description="The values that were sent, canonical.")
    took_ms: float
    page: int
    page_size: int
    has_next: bool
    has_previous: bool
