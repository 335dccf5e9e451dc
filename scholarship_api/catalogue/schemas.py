"""A scholarship in answers, request bodies and import files."""

import datetime as dt
import functools
import re
import zoneinfo
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from scholarship_api.catalogue.currencies import CURRENCIES
from scholarship_api.input_limits import RequestModel, ShortList
from scholarship_api.visible_text import (
    require_a_visible_character,
    require_plain_authority,
    require_visible_characters,
)
from scholarship_api.vocabulary import (
    Availability,
    Citizenship,
    DeadlineKind,
    FieldName,
    Gpa,
    GradeName,
    Money,
    PlainDate,
    Recurrence,
    ScholarshipType,
    StateCode,
    Status,
    TypeName,
    parse_date_or_instant,
    unique,
)

DEADLINE_CLOSES: Final = dt.time(23, 59, 59)
"""A deadline without a time closes at this time in its own time zone."""

_TIMEZONES: Final = frozenset(
    name
    for name in zoneinfo.available_timezones()
    if name not in ("Factory", "localtime") and not name.startswith(("posix/", "right/"))
)
# ZoneInfo's own cache holds eight zones; it would read the others from disk again and again.
zone_of: Final = functools.cache(zoneinfo.ZoneInfo)

_OTHER_SPACE: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""All of Unicode's category Zs but the plain space."""
_EMAIL: Final = re.compile(
    r"[^@\s<>\"\x00-\x1f\x7f]{1,64}@[^@\s<>\"\x00-\x1f\x7f]{1,253}\.[^@\s<>\".\x00-\x1f\x7f]{2,63}"
)
_RESERVED_IDS: Final = frozenset({".", "..", "smart-search"})


def _with_plain_spaces(value: str) -> str:
    """PostgreSQL's parser takes a no-break space as part of a word, which no search then finds."""
    return value if value.isascii() else _OTHER_SPACE.sub(" ", value)


def _timezone(value: str) -> str:
    if value not in _TIMEZONES:
        raise ValueError("must be an IANA time zone such as America/New_York")
    return value


def _currency(value: str) -> str:
    code = value.strip().upper()
    if code not in CURRENCIES:
        raise ValueError("must be an ISO 4217 currency code such as USD")
    return code


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


def _can_be_in_a_path(value: str) -> str:
    """With such an id, /scholarships/{id} would be the path of something else."""
    if value in _RESERVED_IDS:
        raise ValueError(f"must be none of {', '.join(sorted(_RESERVED_IDS))}")
    return value


def _date_or_instant(value: object) -> object:
    return None if value is None else parse_date_or_instant(value)


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
    AfterValidator(_with_plain_spaces),
    AfterValidator(require_visible_characters),
    AfterValidator(require_a_visible_character),
]
LongText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=20_000),
    AfterValidator(_with_plain_spaces),
    AfterValidator(require_visible_characters),
]
Age = Annotated[int, Field(ge=0, le=130)]
Url = Annotated[
    str,
    # Not {1,2040}: the pattern would compile to 2040 copies of its class, which take 9 MB.
    StringConstraints(
        strip_whitespace=True, max_length=2048, pattern=r"^https?://[^\s<>\"\x00-\x1f\x7f]+$"
    ),
    AfterValidator(require_visible_characters),
    AfterValidator(require_plain_authority),
]
Email = Annotated[str, AfterValidator(_email), AfterValidator(require_visible_characters)]
ScholarshipId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:~-]{1,128}$"),
    AfterValidator(_can_be_in_a_path),
]


class EligibilityCriteria(RequestModel):
    """Who may apply. Empty lists and absent values mean open to all."""

    min_gpa: Gpa | None = Field(None, description="On the 4.0 scale.")
    max_gpa: Gpa | None = None
    grade_levels: Annotated[ShortList[GradeName], AfterValidator(unique)] = Field([])
    citizenship_required: Citizenship | None = Field(
        None,
        description=(
            "ISO 3166-1 alpha-2 code; `permanent_resident`: citizens and permanent residents of"
            " the US; `international`: any country but the US."
        ),
    )
    residency_states: Annotated[ShortList[StateCode], AfterValidator(unique)] = Field([])
    fields_of_study: Annotated[ShortList[FieldName], AfterValidator(unique)] = Field([])
    min_age: Age | None = None
    max_age: Age | None = None
    financial_need: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_gpa is not None and self.max_gpa is not None and self.min_gpa > self.max_gpa:
            raise ValueError("min_gpa must not be above max_gpa")
        if self.min_age is not None and self.max_age is not None and self.min_age > self.max_age:
            raise ValueError("min_age must not be above max_age")
        return self


class ScholarshipInput(RequestModel):
    """A scholarship as a provider writes it: in an import file or a request body."""

    id: ScholarshipId
    name: Line
    organization: Line
    description: LongText = ""
    amount: Money | None = Field(None, description="One figure; or amount_min and amount_max.")
    amount_min: Money | None = None
    amount_max: Money | None = None
    currency: Annotated[str, AfterValidator(_currency)] | None = None
    max_awards: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None
    application_deadline: Annotated[
        dt.datetime | dt.date | None, BeforeValidator(_date_or_instant)
    ] = Field(
        None,
        description=(
            "An instant, or a date, which closes at 23:59:59 in deadline_timezone. An instant"
            " without offset is local to deadline_timezone."
        ),
    )
    deadline_kind: DeadlineKind | None = None
    deadline_timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    deadline_estimated: bool = False
    recurs: Recurrence = Recurrence.NONE
    notification_date: PlainDate | None = None
    scholarship_type: TypeName
    renewable: bool = False
    essay_required: bool = False
    recommendation_letters: Annotated[int, Field(ge=0, le=10)] = 0
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._settle_amount()
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


class ImportSummary(BaseModel):
    """The result of an import: rows = created + updated + unchanged + repeated + bad."""

    rows: int
    created: int
    updated: int
    unchanged: int
    repeated: int = Field(description="Replaced by a later row of the same batch with the same id.")
    bad: int = Field(description="Not written; all other rows were.")
    error_count: int
    errors: list[ImportFault] = Field(description="The first 50.")
