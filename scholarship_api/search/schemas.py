"""The requests and responses of the search. One model reads both query strings and JSON bodies."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scholarship_api.catalogue.award_parts import Coverage
from scholarship_api.input_limits import CommaList, RequestModel
from scholarship_api.search import limits
from scholarship_api.vocabulary import (
    Availability,
    Citizenship,
    FieldName,
    Gpa,
    GradeName,
    Money,
    ScholarshipType,
    StateCode,
    TypeName,
    parse_date_or_instant,
    unique,
)

# Pydantic's own `deprecated=` warns when this module itself reads the field.
_DEPRECATED: Final[dict[str, JsonValue]] = {"deprecated": True}


class Sort(StrEnum):
    RELEVANCE = "relevance"
    DEADLINE = "deadline"
    AMOUNT = "amount"
    NEWEST = "newest"


def _text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold NUL")
    return value


QueryText = Annotated[str, Field(max_length=limits.MAX_QUERY_CHARACTERS), AfterValidator(_text)]
Fields = Annotated[CommaList[FieldName], AfterValidator(unique)]
Types = Annotated[CommaList[TypeName], AfterValidator(unique)]
States = Annotated[CommaList[StateCode], AfterValidator(unique)]
DateOrInstant = Annotated[dt.datetime | dt.date, BeforeValidator(parse_date_or_instant)]


class Paging(RequestModel):
    """`offset` for page numbers, `cursor` for walks: a cursor neither skips nor repeats rows."""

    limit: int = Field(
        limits.DEFAULT_PAGE_ROWS, ge=1, le=limits.MAX_PAGE_ROWS, description="Rows in a page."
    )
    offset: int = Field(0, ge=0, le=limits.MAX_OFFSET_ROWS)
    cursor: str | None = Field(
        None,
        max_length=limits.MAX_CURSOR_CHARACTERS,
        description="`next_cursor` of the page before.",
    )
    include_closed: bool = Field(False, description="Keep awards whose deadline has passed.")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: object) -> object:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value not in ("", None, [""])}
        return values

    @field_validator("cursor")
    @classmethod
    def _cursor_or_offset(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("offset"):
            raise ValueError("give either offset or cursor, not both")
        return value


class Listing(Paging):
    sort: Sort | None = Field(None, description="Default: relevance with q, else deadline.")


class SearchRequest(Listing):
    """All filters narrow the result. One over fields, states, citizenship or grade level also
    keeps awards that are open to all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"q": "nursing", "states": ["CA"], "min_amount": 1000, "sort": "deadline"}]
        }
    )

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
    highlight: bool = Field(
        True, description="With q, show in `match` where it was found; false is faster."
    )
    interpret: bool = Field(
        True, description="False: search for phrases such as “no essay” as words, not as filters."
    )
    typo: bool = Field(True, description="False: search for q as it is spelled.")
    facets: bool = Field(False, description="Also count the results by field, type, state, ...")

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

    @property
    def order(self) -> Sort:
        if self.sort in (None, Sort.RELEVANCE):
            return Sort.RELEVANCE if self.q else Sort.DEADLINE
        assert self.sort is not None  # noqa: S101 - narrows for mypy
        return self.sort

    @property
    def response_key(self) -> str:
        """The same for all requests that have the same response."""
        return f"{self.order}:{self.model_dump_json(exclude_defaults=True, exclude={'sort'})}"

    def applied_filters(self) -> dict[str, Any]:
        """The filters in force, q among them, as canonical JSON values."""
        chosen = self.model_dump(
            mode="json",
            exclude={
                "limit",
                "offset",
                "cursor",
                "facets",
                "highlight",
                "typo",
                "interpret",
                "sort",
                "keyword",
                "query",
            },
            exclude_none=True,
        )
        # A bound of 0 equals False, and is a filter.
        given = {name: v for name, v in chosen.items() if v != [] and v is not False}
        return given | ({} if self.renewable is None else {"renewable": self.renewable})


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


class ScholarshipSummary(BaseModel):
    id: str
    name: str
    organization: str
    amount: Money | None
    currency: str | None
    application_deadline: dt.datetime | None
    opens_at: dt.datetime | None = Field(
        description="When the next round opens, if none is open; UTC."
    )
    availability: Availability
    days_left: int | None = Field(
        description="Calendar days to the deadline in its own zone; null unless open."
    )
    scholarship_type: ScholarshipType
    description: str = Field(description="At most 200 characters, cut at a word.")
    coverage: Coverage | None
    flags: list[str] = Field(description="What students should be warned of.")
    match: str | None = Field(
        None,
        description="Where q was found: HTML-escaped text with <mark> around the words; with q.",
    )


class FacetValue(BaseModel):
    value: str
    count: int = Field(
        description="Of these results, those that suit the value: name it or are open to all."
    )


class Facets(BaseModel):
    """Values named by at least one result, most frequent first."""

    fields_of_study: list[FacetValue]
    scholarship_types: list[FacetValue]
    states: list[FacetValue]
    grade_levels: list[FacetValue]
    citizenship: list[FacetValue]
    renewable: list[FacetValue]


class InterpretedPhrase(BaseModel):
    """A phrase of q that was understood."""

    text: str
    filter: str = Field(
        description="A filter of the search; or `group`: the awards that name these people are"
        " found, and not those that are open to all."
    )
    value: Any
    removed_from_query: bool = Field(
        description="Whether its words are no longer searched for. Otherwise they still rank."
    )


class SearchPage(BaseModel):
    items: list[ScholarshipSummary]
    total: int
    total_is_exact: bool = Field(
        description=(
            "False for a q that more than 2 000 awards match: total and facets are estimates."
        )
    )
    page: int
    page_size: int
    filters: dict[str, Any] = Field(description="The filters in force, canonical.")
    took_ms: float
    has_next: bool
    has_previous: bool
    next_cursor: str | None
    facets: Facets | None = None
    did_you_mean: str | None = Field(
        None, description="q with its spelling corrected. typo=false asks for q as it is."
    )
    is_corrected: bool | None = Field(
        None,
        description="With did_you_mean: whether it was searched for. It is only offered when few of"
        " the awards with the other words have the corrected word.",
    )
    interpreted: list[InterpretedPhrase] | None = Field(
        None, description="Phrases of q that are filters. interpret=false searches for them."
    )
    ignored_words: list[str] | None = Field(
        None, description="Words of q that are too common to be searched for."
    )


class ScholarshipList(BaseModel):
    scholarships: list[ScholarshipSummary]
    total_count: int
    page: int
    page_size: int
    has_next: bool
    has_previous: bool
    next_cursor: str | None


class SearchQuality(StrEnum):
    """The bands of the number of results of docs/api.md."""

    NO_RESULTS = "no_results"
    FEW_RESULTS = "few_results"
    GOOD_RESULTS = "good_results"
    MANY_RESULTS = "many_results"
    TOO_MANY_RESULTS = "too_many_results"


class SearchMetadata(BaseModel):
    filters_applied: list[str]
    search_quality: SearchQuality


class SmartSearchPage(BaseModel):
    results: list[ScholarshipSummary]
    total: int
    total_is_exact: bool
    suggestions: list[str] = Field(description="What to change, in plain sentences.")
    search_metadata: SearchMetadata
    page: int
    page_size: int
    has_next: bool
    has_previous: bool
    next_cursor: str | None
    did_you_mean: str | None = None
    is_corrected: bool | None = None
    interpreted: list[InterpretedPhrase] | None = None
    ignored_words: list[str] | None = None


class SuggestionRequest(RequestModel):
    prefix: Annotated[
        str,
        Field(
            min_length=1,
            max_length=limits.MAX_PREFIX_CHARACTERS,
            description="What has been typed so far.",
        ),
    ]
    limit: int = Field(limits.DEFAULT_SUGGESTIONS, ge=1, le=limits.MAX_SUGGESTIONS)

    _no_nul = field_validator("prefix")(_text)


class Suggestion(BaseModel):
    text: str
    kind: Literal["name", "organization", "field"]


class Suggestions(BaseModel):
    prefix: str
    suggestions: list[Suggestion]
