"""The parts of an award besides who may apply: rounds, requirements, coverage and the like."""

import datetime as dt
import re
import zoneinfo
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from scholarship_api.catalogue.codes import (
    ApplicationMethod,
    CoverageComponent,
    CoverageKind,
    CoveragePeriod,
    FlagCode,
    RenewalCode,
    RequirementKind,
    RequirementSource,
    RoundKind,
    unique_items,
)
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.catalogue.field_types import (
    DateOrInstant,
    Line,
    Paragraph,
    ShortText,
    TimeZone,
    Url,
    zone_of,
)
from scholarship_api.input_limits import RequestModel, at_most_items
from scholarship_api.vocabulary import Money, PlainDate

MAX_SETS: Final = 8
"""Sets of criteria of an award."""

MAX_PREFERENCES: Final = 10
"""Preferences of an award."""

MAX_OTHER_REQUIREMENTS: Final = 20
"""Requirements of an award that are not coded, of 500 characters each."""

MAX_ROUNDS: Final = 24
"""Rounds of an award: monthly ones of two years."""

MAX_REQUIREMENTS: Final = 30
"""Parts of an application."""

MAX_SOURCES: Final = 20
"""Sources of an award."""

MAX_FLAGS: Final = 20
"""Warnings of an award."""

MAX_WORDS: Final = 100_000
"""Words that a requirement may ask for; a dissertation has about 80 000."""

MAX_MINUTES: Final = 100_000
"""Minutes that an application may be said to take: 70 days."""

OPENS: Final = dt.time(0, 0, 0)
CLOSES: Final = dt.time(23, 59, 59)
"""A day without a time opens and closes at these times in its time zone."""

_ACADEMIC_YEAR: Final = re.compile(r"(\d{4})\s*[-/\u2013]\s*(\d{2}|\d{4})")
_CENTURY: Final = 100


def _academic_year(value: str) -> str:
    """`2027-2028` and `2027/28` are `2027-28`."""
    found = _ACADEMIC_YEAR.fullmatch(value.strip())
    if found is None or (int(found[1]) + 1) % _CENTURY != int(found[2]) % _CENTURY:
        raise ValueError("must be an academic year such as 2027-28")
    return f"{found[1]}-{found[2][-2:]}"


AcademicYear = Annotated[str, AfterValidator(_academic_year)]
Key = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
]


class Round(RequestModel):
    """A period in which applications are taken."""

    key: Key | None = Field(
        None, description="Names the round within the award; one is made unless it is given."
    )
    academic_year: AcademicYear | None = Field(
        None, description="When the money is for, as 2027-28."
    )
    opens_at: DateOrInstant | None = Field(
        None, description="An instant, or a date, which opens at 00:00:00 in `timezone`."
    )
    closes_at: DateOrInstant | None = Field(
        None, description="An instant, or a date, which closes at 23:59:59 in `timezone`."
    )
    kind: RoundKind | None = Field(
        None,
        description="`fixed` exactly when `closes_at` is certain; by default `fixed` or `unknown`.",
    )
    timezone: TimeZone | None = Field(
        None, description="IANA name; `deadline_timezone` unless given."
    )
    estimated: bool = False
    notification_on: PlainDate | None = Field(None, description="When applicants are told.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind is None:
            self.kind = "unknown" if self.closes_at is None else "fixed"
        if self.kind == "fixed" and self.closes_at is None:
            raise ValueError("closes_at must be given when the round is fixed")
        return self

    def settle(self, timezone: str) -> None:
        """Turn days into instants. Raises ValueError when the round closes before it opens."""
        if self.timezone is None:
            self.timezone = timezone
        zone = zone_of(self.timezone)
        self.opens_at = _instant(self.opens_at, OPENS, zone)
        self.closes_at = _instant(self.closes_at, CLOSES, zone)
        if self.opens_at and self.closes_at and self.opens_at > self.closes_at:
            raise ValueError(f"round {self.key}: opens_at must not be after closes_at")


def _instant(
    moment: dt.datetime | dt.date | None, time_of_day: dt.time, zone: zoneinfo.ZoneInfo
) -> dt.datetime | None:
    """In UTC."""
    if moment is None:
        return None
    try:
        if not isinstance(moment, dt.datetime):
            moment = dt.datetime.combine(moment, time_of_day)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("opens_at and closes_at must lie in the years 1 to 9999") from None


class Requirement(RequestModel):
    """A part of an application."""

    model_config = ConfigDict(
        validate_by_name=False, validate_by_alias=True, serialize_by_alias=True
    )

    key: Key | None = Field(
        None, description="Names the part within the award; one is made unless it is given."
    )
    kind: RequirementKind
    title: Line | None = None
    prompt: Paragraph | None = Field(None, description="The question or task, word for word.")
    min_words: Annotated[int, Field(ge=0, le=MAX_WORDS)] | None = None
    max_words: Annotated[int, Field(ge=1, le=MAX_WORDS)] | None = None
    count: Annotated[int, Field(ge=1, le=10)] = Field(1, description="How many are asked for.")
    source: RequirementSource | None = Field(
        None,
        alias="from",
        description="Who hands it in; for a recommendation `recommender`, else `applicant`.",
    )
    required: bool = Field(True, description="false: it may be left out.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.source is None:
            self.source = "recommender" if self.kind == "recommendation" else "applicant"
        if (
            self.min_words is not None
            and self.max_words is not None
            and self.min_words > self.max_words
        ):
            raise ValueError("min_words must not be above max_words")
        return self


class Application(RequestModel):
    """How to apply."""

    method: ApplicationMethod | None = None
    url: Url | None = None
    fee: Money | None = Field(None, description="In the currency of the award; 0: free of charge.")
    minutes: Annotated[int, Field(ge=1, le=MAX_MINUTES)] | None = Field(
        None, description="How long an application takes."
    )


class Coverage(RequestModel):
    """The money or goods of an award. `full_tuition` and `full_cost` are values of their own."""

    kind: CoverageKind
    percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = Field(
        None, description="Exactly with the kind `percent`."
    )
    components: Annotated[
        list[CoverageComponent], at_most_items(20), AfterValidator(unique_items)
    ] = Field([], max_length=20)
    per: CoveragePeriod | None = None
    years: Annotated[int, Field(ge=1, le=20)] | None = None
    renewal: RenewalCode | None = None
    renewal_rule: ShortText | None = Field(None, description="What a renewal depends on.")
    text: ShortText | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "percent") != (self.percent is not None):
            raise ValueError("percent must be given exactly when the kind is percent")
        return self


class Source(RequestModel):
    """Where a statement about an award comes from."""

    name: Line
    url: Url | None = None
    licence: Line | None = None
    external_id: Line | None = Field(None, description="The award's id at the source.")
    retrieved_on: PlainDate | None = None


class Preference(RequestModel):
    """Who is preferred among those who may apply. It raises the score and excludes nobody."""

    criteria: EligibilityCriteria = Field(default_factory=EligibilityCriteria)
    weight: Annotated[int, Field(ge=1, le=3)] = 1
    text: ShortText | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and not self.criteria.as_stored():
            raise ValueError("criteria or text must be given")
        return self


# --- Lists ---------------------------------------------------------------------------------------


def _none_as_empty(value: object) -> object:
    return [] if value is None else value


def _with_keys(parts: "list[Round] | list[Requirement]", stem: str) -> None:
    """Give a key to those without one. Raises ValueError for a key that is given twice."""
    taken = [part.key for part in parts if part.key is not None]
    if len(set(taken)) < len(taken):
        raise ValueError("each key must be given once")
    names = (f"{stem}_{number}" for number in range(1, 2 * len(parts) + 1))
    free = (name for name in names if name not in taken)
    for part in parts:
        if part.key is None:
            part.key = next(free)


def _round_keys(rounds: list[Round]) -> list[Round]:
    _with_keys(rounds, "round")
    return rounds


def _requirement_keys(requirements: list[Requirement]) -> list[Requirement]:
    _with_keys(requirements, "requirement")
    return requirements


EligibilitySets = Annotated[
    list[EligibilityCriteria], at_most_items(MAX_SETS), BeforeValidator(_none_as_empty)
]
Preferences = Annotated[
    list[Preference], at_most_items(MAX_PREFERENCES), BeforeValidator(_none_as_empty)
]
OtherRequirements = Annotated[
    list[ShortText],
    at_most_items(MAX_OTHER_REQUIREMENTS),
    BeforeValidator(_none_as_empty),
    AfterValidator(unique_items),
]
Rounds = Annotated[
    list[Round],
    at_most_items(MAX_ROUNDS),
    BeforeValidator(_none_as_empty),
    AfterValidator(_round_keys),
]
Requirements = Annotated[
    list[Requirement],
    at_most_items(MAX_REQUIREMENTS),
    BeforeValidator(_none_as_empty),
    AfterValidator(_requirement_keys),
]
Sources = Annotated[list[Source], at_most_items(MAX_SOURCES), BeforeValidator(_none_as_empty)]
Flags = Annotated[
    list[FlagCode],
    at_most_items(MAX_FLAGS),
    BeforeValidator(_none_as_empty),
    AfterValidator(unique_items),
]


def as_stored(part: object) -> Any:  # noqa: ANN401 - a value of JSON
    """A part of an award as a value of JSON, without the fields that say nothing.

    Criteria are stored without those that require nothing.
    """
    if isinstance(part, list):
        return [as_stored(each) for each in part]
    if isinstance(part, Preference):
        content = part.model_dump(mode="json", exclude_none=True)
        return content | {"criteria": part.criteria.as_stored()}
    if isinstance(part, RequestModel):
        return part.model_dump(mode="json", exclude_none=True)
    return part
