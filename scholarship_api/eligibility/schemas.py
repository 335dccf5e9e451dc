"""Requests and answers of eligibility checks. One model reads the query string and the body."""

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.catalogue.read_model.relations import Outcome
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.eligibility.profiles import (
    PROFILE_EXAMPLE,
    OpenAnswers,
    Profile,
    ProfileAnswers,
    refuse_private,
    require_an_answer,
)
from scholarship_api.input_limits import RequestModel, split_commas
from scholarship_api.vocabulary import Availability

MAX_IDS: Final = 50
"""Awards that one request may name."""

DEFAULT_PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 100
MAX_OFFSET: Final = 10_000
"""Results that may be skipped."""

MAX_QUESTIONS: Final = 10
"""Questions of one answer."""

CHECK_PATH: Final = "/api/v1/eligibility/check"


Ids = Annotated[
    list[ScholarshipId],
    Field(min_length=1, max_length=MAX_IDS),
    BeforeValidator(split_commas),
]
Explain = Annotated[
    bool,
    Field(description="Also show every set of criteria in `sets`, with all of its outcomes."),
]


class EligibilityRequest(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"user_profile": PROFILE_EXAMPLE, "scholarship_id": "sch_001"}]
        }
    )

    user_profile: Profile
    scholarship_id: ScholarshipId
    explain: Explain = False


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
    explain: Explain = False


class _Checked(RequestModel):
    """Which awards to check, and which of the results to show."""

    scholarship_ids: Ids | None = Field(
        None,
        description="Check these awards, in this order, closed ones too. Default: all awards.",
    )
    include_closed: bool = Field(
        False, description="Also check awards of the catalogue whose deadline has passed."
    )
    explain: Explain = False
    limit: int | None = Field(
        None,
        ge=1,
        le=MAX_PAGE_SIZE,
        description=f"Results on a page. Default: {DEFAULT_PAGE_SIZE}; with scholarship_ids, all.",
    )
    offset: int = Field(0, ge=0, le=MAX_OFFSET)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: object) -> object:
        # An empty scholarship_ids stays and is refused: its absence means the whole catalogue.
        if not isinstance(values, dict):
            return values
        absent = {
            name
            for name in values.keys() & _Checked.model_fields.keys()
            if values[name] is None or (values[name] == "" and name != "scholarship_ids")
        }
        return {name: value for name, value in values.items() if name not in absent}

    @property
    def page_size(self) -> int:
        return self.limit or (DEFAULT_PAGE_SIZE if self.scholarship_ids is None else MAX_IDS)


class CheckQuery(OpenAnswers, _Checked):
    """The answers that may stand in a URL, and the awards to check them against."""

    @model_validator(mode="before")
    @classmethod
    def _in_bodies_only(cls, values: object) -> object:
        if isinstance(values, dict):
            refuse_private(values, path=CHECK_PATH)
        return values

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        require_an_answer(self)
        return self


class CheckRequest(Profile, _Checked):
    """A profile, and the awards to check it against."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**PROFILE_EXAMPLE, "limit": 10}]})


class QuestionsRequest(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"profile": PROFILE_EXAMPLE}]})

    profile: ProfileAnswers = Field(
        default_factory=ProfileAnswers, description="What is known already; may be empty."
    )
    limit: int = Field(MAX_QUESTIONS, ge=1, le=MAX_QUESTIONS, description="Questions at most.")


class Question(BaseModel):
    field: str = Field(description="The field of the profile that the answer belongs to.")
    question: str
    awards_decided: int = Field(
        description="Open awards of which nothing but this answer is missing."
    )
    amount_at_stake: float = Field(
        description="Their amounts in sum, as far as known; currencies are not converted."
    )


class Questions(BaseModel):
    questions: list[Question] = Field(
        description="Those that settle most awards first; none that settles none."
    )
    awards_undecided: int = Field(
        description="Open awards of which the profile leaves open whether they suit."
    )


# Results are plain data: pydantic would validate each of our own values, 2 ms for 50 awards.
_EMPTY: Final[dict[str, JsonValue]] = {"default": []}
"""Documents the default of a list, which has to be made by a factory."""


@dataclass(slots=True, kw_only=True)
class CriterionOutcome:
    """The assessment of one criterion that the award names."""

    criterion: Annotated[str, Field(description="The name in the award's eligibility_criteria.")]
    outcome: Outcome
    required: JsonValue
    actual: Annotated[JsonValue, Field(description="The value of the profile, if it has one.")]
    reason: str


@dataclass(slots=True, kw_only=True)
class SetOutcome:
    """The assessment of one of the award's sets of criteria."""

    index: Annotated[int, Field(description="Its place in eligibility_sets, counted from 0.")]
    verdict: Annotated[Verdict, Field(description="If the award had this set alone.")]
    score: Annotated[float, Field(ge=0, le=1)]
    criteria: list[CriterionOutcome]


@dataclass(slots=True, kw_only=True)
class PreferenceOutcome:
    """One of the award's preferences, which excludes nobody."""

    text: str | None
    weight: int
    met: bool


@dataclass(slots=True, kw_only=True)
class Judgement:
    scholarship_id: str
    found: Annotated[
        bool,
        Field(
            description=(
                "False if no award has this id; it is then not eligible, without a verdict."
            )
        ),
    ]
    eligible: Annotated[bool, Field(description="True exactly when the verdict is eligible.")]
    verdict: Annotated[
        Verdict | None,
        Field(
            description=(
                "ineligible: every set has a failed criterion. needs_information: no set is met,"
                " but the profile lacks answers, see missing. likely_eligible: every coded"
                " criterion of a set is met, and conditions are left that only a person can check,"
                " see to_confirm. eligible: all is met. It says nothing about the deadline."
            )
        ),
    ]
    availability: Annotated[
        Availability | None,
        Field(
            description=(
                "Whether a student can apply now; if not, the first of the reasons says so."
            )
        ),
    ]
    reasons: Annotated[
        list[str], Field(description="The criteria that are not met, in plain sentences.")
    ]
    criteria: Annotated[list[CriterionOutcome], Field(description="Of the nearest set.")]
    to_confirm: Annotated[
        list[str],
        Field(
            description="Conditions that only a person can check, as the award words them.",
            json_schema_extra=_EMPTY,
        ),
    ] = field(default_factory=list)
    missing: Annotated[
        list[str],
        Field(
            description="The fields of the profile whose answers the nearest set lacks.",
            json_schema_extra=_EMPTY,
        ),
    ] = field(default_factory=list)
    nearest_set: Annotated[
        int | None,
        Field(
            description=(
                "The place in eligibility_sets of the set that counts: the one with the fewest"
                " failed criteria, then the fewest unknown ones, then the highest score."
            )
        ),
    ] = None
    preferences: Annotated[list[PreferenceOutcome], Field(json_schema_extra=_EMPTY)] = field(
        default_factory=list
    )
    sets: Annotated[
        list[SetOutcome] | None,
        Field(description="With explain=true.", exclude_if=lambda value: value is None),
    ] = None


_SCORE: Final = (
    "1 less the weight of each criterion that is failed or not answered, plus what preferences add;"
    " from 0 to 1."
)


@dataclass(slots=True, kw_only=True)
class EligibilityResult(Judgement):
    match_score: Annotated[float, Field(ge=0, le=1, description=_SCORE)]


@dataclass(slots=True, kw_only=True)
class CheckResult(Judgement):
    score: Annotated[float, Field(ge=0, le=1, description=_SCORE)]

    @classmethod
    def of(cls, result: EligibilityResult) -> "CheckResult":
        """The same result with the score under the name that this endpoint uses."""
        values = {each.name: getattr(result, each.name) for each in fields(Judgement)}
        return cls(score=result.match_score, **values)


class CheckPage(BaseModel):
    eligible_count: int = Field(description="Among all checked awards, not only on this page.")
    results: list[CheckResult] = Field(
        description=(
            "In the order of scholarship_ids. Without them: eligible ones first, then likely"
            " eligible ones, then those that need information, each by score, deadline and id."
        )
    )
    checked_scholarships: int
    user_profile: dict[str, Any] = Field(description="The values that were sent, canonical.")
    took_ms: float
    page: int
    page_size: int
    has_next: bool
    has_previous: bool
