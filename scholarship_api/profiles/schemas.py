"""A stored profile in requests and answers."""

import datetime as dt
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, model_validator

from scholarship_api.catalogue.field_types import TimeZone, zone_of
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.eligibility.profiles import (
    MIN_AGE,
    PROFILE_EXAMPLE,
    RICH_EXAMPLE,
    ProfileAnswers,
)
from scholarship_api.input_limits import CommaList
from scholarship_api.subjects.schemas import ResultsRequest
from scholarship_api.vocabulary import unique

STORED_EXAMPLE: Final[dict[str, JsonValue]] = {**PROFILE_EXAMPLE, "timezone": "America/New_York"}
PATCH_EXAMPLE: Final[dict[str, JsonValue]] = {"gpa": 3.6, "timezone": "Pacific/Honolulu"}


class StudentProfile(ProfileAnswers):
    """A student's answers about themselves, and the time zone of their mornings.

    `birth_date` stays true over the years; `age` has to be changed every year.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [STORED_EXAMPLE, {**RICH_EXAMPLE, "timezone": "America/Chicago"}]
        }
    )

    timezone: TimeZone | None = Field(
        None,
        description="IANA name. Reminders go out in the morning there; else in the award's zone.",
    )

    @model_validator(mode="after")
    def _old_enough(self) -> Self:
        if self.birth_date is not None:
            today = dt.datetime.now(zone_of(self.timezone or "UTC")).date()
            birthday = (self.birth_date.month, self.birth_date.day)
            had_birthday = (today.month, today.day) >= birthday
            years = today.year - self.birth_date.year - (not had_birthday)
            if years < MIN_AGE:
                raise ValueError(f"birth_date must be at least {MIN_AGE} years ago")
        return self

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.says_something and self.timezone is None:
            raise ValueError("give at least one profile value, or a timezone")
        return self

    def as_json(self) -> dict[str, Any]:
        """All that was given, canonical."""
        return self.sent() | ({} if self.timezone is None else {"timezone": self.timezone})


class MatchesRequest(ResultsRequest):
    verdicts: Annotated[CommaList[Verdict], AfterValidator(unique)] = Field(
        [], description="Default: all but ineligible."
    )
