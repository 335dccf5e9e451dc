"""Requests and answers of recommendations."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from scholarship_api.eligibility.profiles import PROFILE_EXAMPLE, Profile
from scholarship_api.eligibility.schemas import EligibilityResult, Explain
from scholarship_api.input_limits import RequestModel
from scholarship_api.recommendations.rules import PartName
from scholarship_api.search.response_schemas import ScholarshipSummary

MAX_LIMIT: Final = 50


class RecommendationRequest(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_profile": PROFILE_EXAMPLE, "limit": 5}]}
    )

    user_profile: Profile
    limit: int = Field(10, ge=1, le=MAX_LIMIT)
    explain: Explain = False
    include_ineligible: bool = Field(
        False,
        description=(
            "Also recommend awards with a failed criterion. Awards that need information are always"
            " kept; missing values lower their score."
        ),
    )


# Plain data, like EligibilityResult: nothing validates the values of the service itself.
@dataclass(slots=True, kw_only=True)
class ScorePart:
    name: PartName
    points: Annotated[
        float, Field(description="Points that it adds to the score; may be negative.")
    ]
    reason: str


@dataclass(slots=True, kw_only=True)
class Recommendation:
    scholarship: ScholarshipSummary
    eligibility: EligibilityResult
    recommendation_score: Annotated[
        float, Field(ge=0, le=1, description="The sum of score_parts, within 0 and 1.")
    ]
    score_parts: list[ScorePart]


class RecommendationMetadata(BaseModel):
    total_recommendations: int = Field(description="Recommendations in this answer.")
    request_limit: int
    include_ineligible: bool


class Recommendations(BaseModel):
    recommendations: list[Recommendation] = Field(
        description="Open awards by recommendation_score, then deadline, then id."
    )
    recommendation_metadata: RecommendationMetadata
    user_profile: dict[str, Any] = Field(description="The values that were sent, canonical.")
    took_ms: float
