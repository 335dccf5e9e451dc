"""The filters of the search, and the types of their values."""

import datetime as dt
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scholarship_api.catalogue import codes
from scholarship_api.eligibility.profiles import Codes
from scholarship_api.input_limits import CommaList, RequestModel
from scholarship_api.search import limits
from scholarship_api.vocabulary import (
    Citizenship,
    FieldName,
    Gpa,
    GradeName,
    Money,
    StateCode,
    TypeName,
    parse_date_or_instant,
    unique,
)

# Pydantic's own `deprecated=` warns when this module itself reads the field.
_DEPRECATED: Final[dict[str, JsonValue]] = {"deprecated": True}


def without_nul(value: str) -> str:
    """The text; PostgreSQL takes none with NUL. Raises ValueError."""
    if "\x00" in value:
        raise ValueError("must not hold NUL")
    return value


QueryText = Annotated[
    str, Field(max_length=limits.MAX_QUERY_CHARACTERS), AfterValidator(without_nul)
]
Fields = Annotated[CommaList[FieldName], AfterValidator(unique)]
Types = Annotated[CommaList[TypeName], AfterValidator(unique)]
States = Annotated[CommaList[StateCode], AfterValidator(unique)]
DateOrInstant = Annotated[dt.datetime | dt.date, BeforeValidator(parse_date_or_instant)]


def without_empty(values: object) -> object:
    """An empty parameter counts as absent; for a validator that runs before all others."""
    if isinstance(values, dict):
        return {name: value for name, value in values.items() if value not in ("", None, [""])}
    return values


class Filters(RequestModel):
    """All filters narrow the result. One over fields, states, citizenship or grade level also
    keeps awards that are open to all."""

    q: QueryText | None = Field(
        None,
        description=(
            "Words, all of which must be found (when no award has all, as many as some have);"
            ' "quoted phrases"; -exclusions. The last word may be incomplete; misspelt words are'
            " corrected; synonyms and acronyms are found too, after the word itself."
        ),
    )
    keyword: QueryText | None = Field(
        None, description="Alias of q.", json_schema_extra=_DEPRECATED
    )
    query: QueryText | None = Field(None, description="Alias of q.", json_schema_extra=_DEPRECATED)
    fields_of_study: Fields = Field([], description="Any of these.")
    scholarship_types: Types = Field([], description="Any of these.")
    states: States = Field([], description="USPS codes; any of these.")
    min_amount: Money | None = Field(None, description="In the award's own currency.")
    max_amount: Money | None = Field(None, description="In the award's own currency.")
    min_gpa: Gpa | None = Field(
        None, description="Your GPA on the 4.0 scale: keeps the awards that it qualifies for."
    )
    citizenship: Citizenship | None = Field(
        None, description="ISO 3166-1 alpha-2 code, permanent_resident or international."
    )
    grade_level: GradeName | None = None
    deadline_after: DateOrInstant | None = Field(
        None, description="A date (its whole day, in the award's zone) or an instant; inclusive."
    )
    deadline_before: DateOrInstant | None = Field(
        None, description="A date (its whole day, in the award's zone) or an instant; inclusive."
    )
    renewable: bool | None = None
    enrollment: Codes[codes.EnrollmentCode] = Field([], description="Yours; any of these.")
    institution_types: Codes[codes.InstitutionType] = Field(
        [], description="Of your school; all that apply to it."
    )
    institution_categories: Codes[codes.InstitutionCategory] = Field(
        [], description="Of your school; all that apply to it."
    )
    cip_codes: Codes[codes.CipCode] = Field([], description="Your programs, such as 51.38.")
    countries: Codes[codes.CountryCode] = Field([], description="Where you live.")
    first_generation: bool | None = Field(
        None, description="Whether you are the first in your family to go to college."
    )
    essay_required: bool | None = None
    max_recommendation_letters: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None, description="Keeps the awards that ask for no more letters."
    )
    coverage: Codes[codes.CoverageKind] = Field([], description="Any of these.")
    requirement_kinds: Codes[codes.RequirementKind] = Field(
        [], description="Keeps the awards whose application has a part of any of these kinds."
    )
    no_fee: bool = Field(False, description="true leaves out awards that ask for a fee.")
    opens_before: DateOrInstant | None = Field(
        None,
        description="Leaves out awards that open later: after this date's end in UTC, or instant.",
    )
    include_unknown_amounts: bool = Field(
        False,
        description="With a bound of the amount: also keep awards whose amount is not known.",
    )
    typo: bool = Field(True, description="False: search for q as it is spelled.")

    @field_validator("max_amount")
    @classmethod
    def _amounts_ordered(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        low = info.data.get("min_amount")
        if value is not None and low is not None and value < low:
            raise ValueError("must not be below min_amount")
        return value

    @field_validator("deadline_before")
    @classmethod
    def _deadlines_ordered(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        low = info.data.get("deadline_after")
        if value is not None and low is not None and _is_before(value, low):
            raise ValueError("must not be before deadline_after")
        return value

    @field_validator("keyword", "query")
    @classmethod
    def _one_query(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("q") not in (None, value):
            raise ValueError("is an alias of q and differs from it; send q alone")
        return value

    @model_validator(mode="after")
    def _settle_query(self) -> Self:
        text = self.q or self.keyword or self.query
        self.q = text if text and text.strip() else None
        self.keyword = self.query = None
        return self


def _is_before(end: dt.datetime | dt.date, start: dt.datetime | dt.date) -> bool:
    if isinstance(end, dt.datetime) and isinstance(start, dt.datetime):
        return as_instant(end) < as_instant(start)
    if isinstance(end, dt.datetime) or isinstance(start, dt.datetime):
        # A date is a day in the zone of each award, where it may begin a day earlier than in UTC.
        return _day(end).toordinal() + 1 < _day(start).toordinal()
    return end < start


def _day(value: dt.datetime | dt.date) -> dt.date:
    return as_instant(value).date() if isinstance(value, dt.datetime) else value


def as_instant(value: dt.datetime) -> dt.datetime:
    """The instant with its zone, which is UTC if none is given."""
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
