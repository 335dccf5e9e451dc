"""A scholarship in answers, request bodies and import files."""

import datetime as dt
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, model_validator

from scholarship_api.catalogue.award_parts import (
    Application,
    Coverage,
    EligibilitySets,
    Flags,
    OtherRequirements,
    Preference,
    Preferences,
    Requirement,
    Requirements,
    Round,
    Rounds,
    Source,
    Sources,
)
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.catalogue.field_types import (
    Currency,
    DateOrInstant,
    Email,
    Line,
    LongText,
    ScholarshipId,
    TimeZone,
    Url,
    zone_of,
)
from scholarship_api.input_limits import RequestModel
from scholarship_api.vocabulary import (
    Availability,
    DeadlineKind,
    Money,
    PlainDate,
    Recurrence,
    ScholarshipType,
    Status,
    TypeName,
)

DEADLINE_CLOSES: Final = dt.time(23, 59, 59)
"""A deadline without a time closes at this time in its own time zone."""

MAX_LETTERS: Final = 10
"""Letters of recommendation of an application."""


class ScholarshipInput(RequestModel):
    """A scholarship as a provider writes it: in an import file or a request body."""

    id: ScholarshipId
    name: Line
    organization: Line
    description: LongText = ""
    amount: Money | None = Field(None, description="One figure; or amount_min and amount_max.")
    amount_min: Money | None = None
    amount_max: Money | None = None
    currency: Currency | None = None
    max_awards: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None
    application_deadline: DateOrInstant | None = Field(
        None,
        description=(
            "An instant, or a date, which closes at 23:59:59 in deadline_timezone. An instant"
            " without offset is local to deadline_timezone."
        ),
    )
    deadline_kind: DeadlineKind | None = None
    deadline_timezone: TimeZone = "UTC"
    deadline_estimated: bool = False
    recurs: Recurrence = Recurrence.NONE
    notification_date: PlainDate | None = None
    scholarship_type: TypeName
    renewable: bool = False
    essay_required: bool = False
    recommendation_letters: Annotated[int, Field(ge=0, le=MAX_LETTERS)] = 0
    # A factory, because pydantic deep-copies a default, which took half the time of a validation.
    eligibility_criteria: EligibilityCriteria = Field(
        default_factory=EligibilityCriteria,
        json_schema_extra={"default": EligibilityCriteria().model_dump(mode="json")},
    )
    application_url: Url | None = None
    website_url: Url | None = None
    contact_email: Email | None = None
    source_url: Url | None = None
    last_verified_on: PlainDate | None = None
    status: Status = Status.PUBLISHED
    eligibility_sets: EligibilitySets = Field(
        default_factory=list,
        description=(
            "Sets of criteria, of which one has to be met. `eligibility_criteria` is the set when"
            " there is one, and else what all sets have in common."
        ),
    )
    criteria_complete: bool = Field(
        False, description="Whether the sets and `other_requirements` say all that is required."
    )
    other_requirements: OtherRequirements = Field(
        default_factory=list, description="Requirements in words, which only people can check."
    )
    preferences: Preferences = Field(default_factory=list)
    rounds: Rounds = Field(
        default_factory=list,
        description="With rounds, the fields of the deadline are those of the next round.",
    )
    requirements: Requirements = Field(
        default_factory=list,
        description="With them, `essay_required` and `recommendation_letters` follow from these.",
    )
    application: Application | None = None
    coverage: Coverage | None = None
    flags: Flags = Field(default_factory=list, description="What students should be warned of.")
    sources: Sources = Field(default_factory=list)
    last_verified_by: Line | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._settle_amount()
        if self.requirements:
            self._settle_requirements()
        if self.application is not None and self.application.url is not None:
            self.application_url = self.application.url
        if self.rounds:
            for each in self.rounds:
                each.settle(self.deadline_timezone)
            self.application_deadline = None  # the rounds say it, at each instant
            self.deadline_kind = DeadlineKind.UNKNOWN
            return self
        if self.deadline_kind is None:
            fixed = self.application_deadline is not None
            self.deadline_kind = DeadlineKind.FIXED if fixed else DeadlineKind.UNKNOWN
        if (self.deadline_kind is DeadlineKind.FIXED) != (self.application_deadline is not None):
            raise ValueError("application_deadline must be given exactly when it is fixed")
        if self.application_deadline is not None:
            self.application_deadline = self._closing_instant(self.application_deadline)
        return self

    def _settle_amount(self) -> None:
        if self.amount is not None:
            if self.amount_min is None and self.amount_max is None:
                self.amount_min = self.amount
            if self.amount_max is None:
                self.amount_max = self.amount
            if self.amount != self.amount_max:
                raise ValueError("amount must equal amount_max when both are given")
        highest = self.amount_max if self.amount_max is not None else self.amount_min
        if self.amount_min is not None and highest is not None and self.amount_min > highest:
            raise ValueError("amount_min must not be above amount_max")
        if highest is not None and self.currency is None:
            raise ValueError("currency must be given with an amount")

    def _settle_requirements(self) -> None:
        kinds = [each.kind for each in self.requirements if each.required]
        self.essay_required = "essay" in kinds
        letters = sum(
            each.count
            for each in self.requirements
            if each.required and each.kind == "recommendation"
        )
        self.recommendation_letters = min(letters, MAX_LETTERS)

    def _closing_instant(self, deadline: dt.date) -> dt.datetime:
        zone = zone_of(self.deadline_timezone)
        try:
            if not isinstance(deadline, dt.datetime):
                deadline = dt.datetime.combine(deadline, DEADLINE_CLOSES)
            if deadline.tzinfo is None:
                deadline = deadline.replace(tzinfo=zone)
            return deadline.astimezone(dt.UTC)
        except OverflowError:
            raise ValueError("application_deadline must lie in the years 1 to 9999") from None


class Scholarship(BaseModel):
    """A scholarship in full."""

    id: str
    name: str
    organization: str
    description: str
    amount: Money | None = Field(description="amount_max, else amount_min.")
    amount_min: Money | None
    amount_max: Money | None
    currency: str | None
    max_awards: int | None
    application_deadline: dt.datetime | None = Field(description="UTC; null if none is known.")
    deadline_kind: DeadlineKind
    deadline_timezone: str
    deadline_estimated: bool
    recurs: Recurrence
    notification_date: dt.date | None
    scholarship_type: ScholarshipType
    renewable: bool
    essay_required: bool
    recommendation_letters: int
    eligibility_criteria: EligibilityCriteria
    application_url: str | None
    website_url: str | None
    contact_email: str | None
    source_url: str | None
    last_verified_on: dt.date | None
    status: Status
    eligibility_sets: list[EligibilityCriteria]
    criteria_complete: bool
    other_requirements: list[str]
    preferences: list[Preference]
    rounds: list[Round]
    requirements: list[Requirement]
    application: Application | None
    coverage: Coverage | None
    flags: list[str]
    sources: list[Source]
    last_verified_by: str | None
    opens_at: dt.datetime | None = Field(
        description="When the next round opens, if none is open; UTC."
    )
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime
    availability: Availability
    days_left: int | None = Field(
        description="Calendar days to the deadline in its own time zone; null unless it is open."
    )


class ImportFault(BaseModel):
    line: int = Field(description="The line of the body, counted from 1.")
    field: str = Field(description="Dotted; empty for the whole row.")
    reason: str
    column: str = Field(
        "", description="The column by the header of the file, or the field of the JSON."
    )
    value: str = Field("", description="What the file has there, shortened.")
    accepted: str = Field("", description="What would be accepted.")


class ImportSummary(BaseModel):
    """The result of an import: rows = created + updated + unchanged + repeated + bad."""

    rows: int
    created: int
    updated: int
    unchanged: int
    repeated: int = Field(description="Replaced by a later row of the same batch with the same id.")
    bad: int = Field(description="Not written; all other rows were.")
    drafts: int = Field(
        0, description="Written as drafts, with what cannot be read as text (`lenient`)."
    )
    error_count: int
    errors: list[ImportFault] = Field(description="The first 50.")
    notes: list[str] = Field(
        default_factory=list,
        description="What was assumed, kept as text or passed over in the file.",
    )
