"""The responses of the search."""

import datetime as dt
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from scholarship_api.catalogue.award_parts import Coverage
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.vocabulary import Availability, Money, ScholarshipType

SEARCH_ID: Final = (
    "For POST /api/v1/events. The same for all searches with the same known words of q."
)


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
    verdict: Verdict | None = Field(
        None, description="With a profile: how the award suits it, see eligibility checks."
    )
    match_score: float | None = Field(None, description="With a profile; from 0 to 1.")
    match: str | None = Field(
        None,
        description="Where q was found: HTML-escaped text with <mark> around the words; with q.",
    )
    pinned: Literal[True] | None = Field(
        None,
        description="Present where a rule of the operator has put the award first for these words.",
    )


class FacetValue(BaseModel):
    value: str
    count: int = Field(
        description="Of these results, those that suit the value: name it or are open to all."
    )


def _facet() -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field([], description="Left out when no result names a value.", exclude_if=_is_empty)


def _is_empty(values: list[FacetValue]) -> bool:
    return not values


class AmountStatistics(BaseModel):
    """The amounts of the results, each in its own currency, as numbers."""

    known: int = Field(description="Results whose amount is known.")
    min: Money | None = Field(None, description="Left out when no amount is known.")
    max: Money | None = Field(None, description="Left out when no amount is known.")
    mean: Money | None = Field(
        None, description="Rounded to hundredths; left out when no amount is known."
    )


class MonthCount(BaseModel):
    month: str = Field(description="Such as 2027-03.")
    count: int = Field(description="Results that close in this month, in the award's own zone.")


class Facets(BaseModel):
    """Values named by at least one result, most frequent first; only the facets that were asked
    for."""

    fields_of_study: list[FacetValue] | None = None
    scholarship_types: list[FacetValue] | None = None
    states: list[FacetValue] | None = None
    grade_levels: list[FacetValue] | None = None
    citizenship: list[FacetValue] | None = None
    renewable: list[FacetValue] | None = None
    countries: list[FacetValue] = _facet()
    enrollment: list[FacetValue] = _facet()
    institution_types: list[FacetValue] = _facet()
    institution_categories: list[FacetValue] = _facet()
    coverage: list[FacetValue] = _facet()
    requirement_kinds: list[FacetValue] = _facet()
    amounts: AmountStatistics | None = None
    deadline_months: list[MonthCount] | None = Field(
        None, description="This month and the next eleven, without those that have no result."
    )


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
    search_id: str = Field(description=SEARCH_ID)
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
    ineligible_hidden: int | None = Field(
        None,
        description="With a profile: further results that are left out because it is ineligible.",
    )
    unknown_amounts_hidden: int | None = Field(
        None,
        description="With a bound of the amount: results left out because theirs is not known.",
    )


class SimilarScholarships(BaseModel):
    items: list[ScholarshipSummary] = Field(description="Most similar first.")


class MultiSearchResults(BaseModel):
    results: list[SearchPage] = Field(description="In the order of the searches.")


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
    search_id: str = Field(description=SEARCH_ID)
    did_you_mean: str | None = None
    is_corrected: bool | None = None
    interpreted: list[InterpretedPhrase] | None = None
    ignored_words: list[str] | None = None


class Suggestion(BaseModel):
    text: str
    kind: Literal["name", "organization", "field"]


class Suggestions(BaseModel):
    prefix: str
    suggestions: list[Suggestion]
