"""The parts of CommonGrants 0.4.0 that the service speaks: opportunities, and the search for them.

Names and values are those of the standard. Optional fields are left out of answers, never null.
"""

import datetime as dt
import json
import uuid
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from scholarship_api.errors import ErrorBody
from scholarship_api.input_limits import RequestModel, ShortList, limit_keys
from scholarship_api.search import limits as search_limits
from scholarship_api.vocabulary import parse_date_or_instant

MAX_PAGE_SIZE: Final = 100
"""Opportunities of a page: the standard's own limit."""

MAX_PAGE: Final = 1_000_000
"""The number of the last page that may be asked for. The awards before a page are counted one by
one, so the number has a bound."""

PlainTime = Annotated[
    dt.time,
    WithJsonSchema({"type": "string", "pattern": r"^\d{2}:\d{2}:\d{2}$", "examples": ["17:00:00"]}),
]
"""A time without a zone, as in the standard. The format `time` of JSON Schema demands an offset."""

FieldType = Literal["string", "number", "integer", "boolean", "object", "array"]
StatusValue = Literal["forecasted", "open", "closed", "custom"]


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


# --- Opportunities -------------------------------------------------------------------------------


class OpportunityMoney(_Camel):
    amount: str = Field(pattern=r"^-?[0-9]+\.?[0-9]*$", examples=["2500.00"])
    currency: str = Field(examples=["USD"])


class OpportunityStatus(_Camel):
    value: StatusValue
    custom_value: str | None = None
    description: str | None = None


class OpportunityFunding(_Camel):
    details: str | None = None
    min_award_amount: OpportunityMoney | None = None
    max_award_amount: OpportunityMoney | None = None
    max_award_count: int | None = None


class OpportunityEvent(_Camel):
    """A date, a range of dates, or something else, by `eventType`. Times have no zone: it is in the
    description."""

    name: str
    event_type: Literal["singleDate", "dateRange", "other"]
    description: str | None = None
    date: dt.date | None = None
    time: PlainTime | None = None
    start_date: dt.date | None = None
    start_time: PlainTime | None = None
    end_date: dt.date | None = None
    end_time: PlainTime | None = None
    details: str | None = None


class OpportunityDates(_Camel):
    post_date: OpportunityEvent | None = None
    close_date: OpportunityEvent | None = None
    other_dates: dict[str, OpportunityEvent] | None = None


class ApplicantType(_Camel):
    value: str = Field(examples=["individual"])
    custom_value: str | None = None
    description: str | None = None


class OpportunityField(_Camel):
    name: str
    field_type: FieldType
    schema_: str | None = Field(None, alias="schema")
    value: JsonValue
    description: str | None = None


class Opportunity(_Camel):
    """An award as CommonGrants has it. `customFields.legacyId` is its id in this API."""

    id: uuid.UUID
    title: str
    description: str
    status: OpportunityStatus
    funding: OpportunityFunding | None = None
    key_dates: OpportunityDates | None = None
    accepted_applicant_types: list[ApplicantType] | None = None
    source: str | None = None
    custom_fields: dict[str, OpportunityField] | None = None
    created_at: dt.datetime
    last_modified_at: dt.datetime


# --- Answers -------------------------------------------------------------------------------------


class PageInformation(_Camel):
    page: int
    page_size: int
    total_items: int
    total_pages: int


class SortInformation(_Camel):
    sort_by: str
    sort_order: str
    custom_sort_by: str | None = None
    errors: list[str]


class FilterInformation(_Camel):
    filters: dict[str, JsonValue] = Field(description="As they were sent.")
    errors: list[str] = Field(description="Filters that were ignored, and why.")


class OpportunityAnswer(_Camel):
    status: int
    message: str
    data: Opportunity


class OpportunityList(_Camel):
    status: int
    message: str
    items: list[Opportunity]
    pagination_info: PageInformation


class OpportunitySearchAnswer(OpportunityList):
    sort_info: SortInformation
    filter_info: FilterInformation


# --- Requests ------------------------------------------------------------------------------------

_CAMEL_REQUEST: Final = ConfigDict(
    alias_generator=to_camel, validate_by_name=False, validate_by_alias=True, extra="forbid"
)


class OpportunityErrorBody(ErrorBody):
    """The body of an error, with the field that the standard demands."""

    errors: list[str] = Field(description="Always empty; `message` and `details` say more.")


class OpportunityPage(RequestModel):
    model_config = _CAMEL_REQUEST

    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = MAX_PAGE_SIZE


SortBy = Literal[
    "lastModifiedAt",
    "createdAt",
    "title",
    "status.value",
    "keyDates.closeDate",
    "funding.maxAwardAmount",
    "funding.minAwardAmount",
    "funding.totalAmountAvailable",
    "funding.estimatedAwardCount",
    "custom",
]


class OpportunitySorting(RequestModel):
    model_config = _CAMEL_REQUEST

    sort_by: SortBy = "lastModifiedAt"
    sort_order: Literal["asc", "desc"] = "desc"
    custom_sort_by: Annotated[str, Field(max_length=200)] | None = None


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold NUL")
    return value


def _without_nul_or_none(value: str | None) -> str | None:
    return None if value is None else _without_nul(value)


FilterText = Annotated[str, Field(max_length=200), AfterValidator(_without_nul)]
FilterDate = Annotated[dt.datetime | dt.date, BeforeValidator(parse_date_or_instant)]
RangeOperator = Literal["between", "outside"]


class StatusFilter(RequestModel):
    operator: Literal["in", "notIn"]
    value: ShortList[FilterText]


class DateBounds(RequestModel):
    min: FilterDate
    max: FilterDate


class DateRangeFilter(RequestModel):
    operator: RangeOperator
    value: DateBounds


class MoneyBound(RequestModel):
    amount: Annotated[str, Field(pattern=r"^-?[0-9]{1,15}\.?[0-9]{0,6}$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class MoneyBounds(RequestModel):
    min: MoneyBound
    max: MoneyBound


class MoneyRangeFilter(RequestModel):
    operator: RangeOperator
    value: MoneyBounds


class CustomFilter(RequestModel):
    operator: Literal[
        "eq",
        "neq",
        "gt",
        "gte",
        "lt",
        "lte",
        "in",
        "notIn",
        "between",
        "outside",
        "like",
        "notLike",
    ]
    value: JsonValue


CustomFilters = Annotated[dict[str, CustomFilter], BeforeValidator(limit_keys)]


class OpportunityFilters(RequestModel):
    """All of them have to be met. A filter of another name is ignored, which the answer says."""

    model_config = _CAMEL_REQUEST | {"extra": "allow"}

    @model_validator(mode="before")
    @classmethod
    def _can_be_echoed(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was sent
        """Half a surrogate pair and NaN can be sent as JSON, and not be answered."""
        try:
            json.dumps(limit_keys(values), ensure_ascii=False, allow_nan=False).encode()
        except (RecursionError, UnicodeEncodeError, ValueError):
            raise ValueError("must be JSON that can be sent back") from None
        return values

    status: StatusFilter | None = None
    close_date_range: DateRangeFilter | None = None
    total_funding_available_range: MoneyRangeFilter | None = None
    min_award_amount_range: MoneyRangeFilter | None = None
    max_award_amount_range: MoneyRangeFilter | None = None
    custom_filters: CustomFilters | None = None


class OpportunitySearch(RequestModel):
    model_config = _CAMEL_REQUEST | {
        "json_schema_extra": {
            "examples": [
                {
                    "search": "computing",
                    "filters": {
                        "status": {"operator": "in", "value": ["open", "forecasted"]},
                        "closeDateRange": {
                            "operator": "between",
                            "value": {"min": "2026-12-01", "max": "2027-03-31"},
                        },
                        "maxAwardAmountRange": {
                            "operator": "between",
                            "value": {
                                "min": {"amount": "1000", "currency": "USD"},
                                "max": {"amount": "10000", "currency": "USD"},
                            },
                        },
                        "customFilters": {"residencyState": {"operator": "in", "value": ["NY"]}},
                    },
                    "sorting": {"sortBy": "keyDates.closeDate", "sortOrder": "asc"},
                    "pagination": {"page": 1, "pageSize": 20},
                }
            ]
        }
    }

    search: Annotated[
        str | None,
        Field(max_length=search_limits.MAX_QUERY_CHARACTERS),
        AfterValidator(_without_nul_or_none),
    ] = None
    filters: OpportunityFilters = Field(default_factory=OpportunityFilters)
    sorting: OpportunitySorting = Field(default_factory=OpportunitySorting)
    pagination: OpportunityPage = Field(default_factory=OpportunityPage)
