"""The requests of the search. One model reads both query strings and JSON bodies."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scholarship_api.catalogue import codes
from scholarship_api.catalogue.codes import CodeList
from scholarship_api.catalogue.criteria_set import Condition, MilitaryTie
from scholarship_api.catalogue.read_model.rule import Verdict
from scholarship_api.eligibility.profiles import RICH_EXAMPLE, Codes, ProfileAnswers
from scholarship_api.errors import ValidationFailed
from scholarship_api.input_limits import (
    MAX_LIST_ITEMS,
    CommaList,
    RequestModel,
    at_most_items,
    limit_items,
)
from scholarship_api.search import limits
from scholarship_api.search.filter_schemas import Filters, without_empty, without_nul
from scholarship_api.vocabulary import (
    unique,
)


class Sort(StrEnum):
    RELEVANCE = "relevance"
    MATCH = "match"
    DEADLINE = "deadline"
    AMOUNT = "amount"
    NEWEST = "newest"


FACETS: Final = (
    "fields_of_study",
    "scholarship_types",
    "states",
    "grade_levels",
    "citizenship",
    "renewable",
    "countries",
    "enrollment",
    "institution_types",
    "institution_categories",
    "coverage",
    "requirement_kinds",
)
STATISTICS: Final = ("amounts", "deadline_months")
"""Counted only when they are named."""

DISJUNCTIVE: Final = "disjunctive"


def _facet_choices(value: object) -> object:
    """All facets for `true`, none for `false`; otherwise names."""
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    text = str(value).strip().lower() if isinstance(value, str | bool | int) else None
    if text in ("true", "1", "yes", "on", "y", "t"):
        return FACETS
    if text in ("false", "0", "no", "off", "n", "f"):
        return ()
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",", MAX_LIST_ITEMS)]
    limit_items(value)
    return (*FACETS, DISJUNCTIVE) if value == [DISJUNCTIVE] else value


FacetChoices = Annotated[
    tuple[
        Literal[
            "fields_of_study",
            "scholarship_types",
            "states",
            "grade_levels",
            "citizenship",
            "renewable",
            "countries",
            "enrollment",
            "institution_types",
            "institution_categories",
            "coverage",
            "requirement_kinds",
            "amounts",
            "deadline_months",
            "disjunctive",
        ],
        ...,
    ],
    BeforeValidator(_facet_choices, json_schema_input_type=bool | list[str] | str),
]


FacetQuery = Annotated[
    str, Field(min_length=1, max_length=limits.MAX_PREFIX_CHARACTERS), AfterValidator(without_nul)
]


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
        return without_empty(values)

    @field_validator("cursor")
    @classmethod
    def _cursor_or_offset(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("offset"):
            raise ValueError("give either offset or cursor, not both")
        return value


class Listing(Paging):
    sort: Sort | None = Field(None, description="Default: relevance with q, else deadline.")

    @field_validator("sort")
    @classmethod
    def _has_a_profile(cls, value: Sort | None) -> Sort | None:
        if value is Sort.MATCH and "profile" not in cls.model_fields:
            raise ValueError("match needs a profile, in the JSON body of POST /api/v1/search")
        return value


class SearchRequest(Filters, Listing):
    """All filters narrow the result. One over fields, states, citizenship or grade level also
    keeps awards that are open to all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"q": "nursing", "states": ["CA"], "min_amount": 1000, "sort": "deadline"}]
        }
    )

    highlight: bool = Field(
        True, description="With q, show in `match` where it was found; false is faster."
    )
    interpret: bool = Field(
        True, description="False: search for phrases such as “no essay” as words, not as filters."
    )
    facets: FacetChoices = Field(
        (),
        description="Also count the results by field, type, state, ...: true for all facets, or the"
        " names of some. With `disjunctive`, each facet is counted without its own filter."
        " `amounts` and `deadline_months` are added only when they are named.",
    )

    facet_query: FacetQuery | None = Field(
        None,
        description="With facets: only the values of which the code or the label has words that"
        " begin so, such as `new` for New York and New Jersey.",
    )

    @field_validator("facet_query")
    @classmethod
    def _has_facets(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not info.data.get("facets"):
            raise ValueError("needs facets")
        return value

    @property
    def order(self) -> Sort:
        if self.sort in (None, Sort.RELEVANCE):
            return Sort.RELEVANCE if self.q else Sort.DEADLINE
        assert self.sort is not None  # noqa: S101 - narrows for mypy
        return self.sort

    @property
    def student(self) -> ProfileAnswers | None:
        """The profile that the results are held against."""
        return None

    @property
    def verdicts_kept(self) -> Sequence[Verdict]:
        """With a profile."""
        return tuple(Verdict)

    @property
    def is_private(self) -> bool:
        """Whether the request says something that no cache may hold."""
        return False

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
                "facet_query",
                "highlight",
                "typo",
                "interpret",
                "sort",
                "keyword",
                "query",
                "profile",
                "format",
            },
            exclude_none=True,
        )
        # A bound of 0 equals False, and is a filter.
        given = {name: v for name, v in chosen.items() if v != [] and v is not False}
        stated = {name: getattr(self, name) for name in _THREE_VALUED}
        return given | {name: value for name, value in stated.items() if value is not None}


_THREE_VALUED: Final = ("renewable", "first_generation", "essay_required")
"""Filters for which false is a value."""


def refuse_private_filters(values: object) -> object:
    """Refuse what belongs in no URL; for a validator that runs before all others."""
    if isinstance(values, dict):
        for name in values:
            if name in PRIVATE_FILTERS:
                raise ValidationFailed.of(
                    name,
                    "is taken in the JSON body of POST /api/v1/search only, never in a URL",
                )
    return values


class SearchQuery(SearchRequest):
    """A search in a URL, which holds nothing that is sensitive."""

    @model_validator(mode="before")
    @classmethod
    def _in_bodies_only(cls, values: object) -> object:
        return refuse_private_filters(values)


class FormattedQuery(SearchQuery):
    """A search in a URL, of which the results may be asked for in other formats."""

    format: Literal["json", "atom", "csv", "ics"] | None = Field(
        None,
        description=(
            "`atom` and `ics` show the deadlines of the page's awards, `csv` its summaries."
            " Default: the first of these formats that Accept names, else json."
        ),
    )


def _as_tie(value: object) -> object:
    """`veteran` is a tie to somebody of this status."""
    return {"statuses": [value]} if isinstance(value, str) else value


def _as_condition(value: object) -> object:
    return {"condition": value} if isinstance(value, str) else value


_YOURS: Final = "Yours. Awards without such a criterion stay in."


class SearchBody(SearchRequest):
    """A search in a JSON body, which may also hold what a URL must not: a profile, and filters over
    sensitive criteria."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"q": "nursing", "states": ["CA"], "min_amount": 1000, "sort": "deadline"},
                {
                    "q": "engineering",
                    "profile": RICH_EXAMPLE,
                    "verdicts": ["eligible", "likely_eligible"],
                    "sort": "match",
                },
                {"genders": ["woman"], "heritages": ["asian"], "military": ["veteran"]},
            ]
        }
    )

    profile: ProfileAnswers | None = Field(
        None,
        description=(
            "Your answers, as for eligibility checks: each item carries `verdict` and"
            " `match_score`. Such an answer is in no cache."
        ),
    )
    verdicts: Annotated[CommaList[Verdict], AfterValidator(unique)] = Field(
        [], description="With a profile. Default: all but ineligible."
    )
    genders: Codes[codes.GenderCode] = Field([], description=_YOURS)
    heritages: Codes[codes.HeritageCode] = Field([], description=_YOURS)
    religions: Codes[codes.ReligionCode] = Field([], description=_YOURS)
    lgbtq: bool | None = Field(None, description="false leaves out awards for LGBTQ students.")
    conditions: CodeList[Annotated[Condition, BeforeValidator(_as_condition)]] = Field(
        [], description=_YOURS
    )
    circumstances: Codes[codes.CircumstanceCode] = Field([], description=_YOURS)
    immigration_statuses: Codes[codes.ImmigrationStatus] = Field([], description=_YOURS)
    military: CodeList[Annotated[MilitaryTie, BeforeValidator(_as_tie)]] = Field(
        [], description=_YOURS
    )

    @model_validator(mode="after")
    def _profile_is_given(self) -> Self:
        if self.profile is None and (self.verdicts or self.sort is Sort.MATCH):
            raise ValueError("verdicts and sort=match need a profile")
        return self

    @property
    def student(self) -> ProfileAnswers | None:
        return self.profile

    @property
    def verdicts_kept(self) -> Sequence[Verdict]:
        return self.verdicts or _NOT_INELIGIBLE

    @property
    def is_private(self) -> bool:
        return any(getattr(self, name) not in (None, []) for name in PRIVATE_FILTERS)


_NOT_INELIGIBLE: Final = tuple(verdict for verdict in Verdict if verdict is not Verdict.INELIGIBLE)
PRIVATE_FILTERS: Final = SearchBody.model_fields.keys() - SearchRequest.model_fields.keys()
"""The fields that are taken in bodies only."""


class SimilarRequest(RequestModel):
    limit: int = Field(5, ge=1, le=limits.MAX_SIMILAR_AWARDS)


class MultiSearch(RequestModel):
    """Several searches, each as in the body of POST /api/v1/search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"searches": [{"q": "nursing", "limit": 5}, {"q": "coding", "states": ["CA"]}]}
            ]
        }
    )

    searches: Annotated[list[SearchBody], at_most_items(limits.MAX_MULTI_SEARCHES)] = Field(
        min_length=1, max_length=limits.MAX_MULTI_SEARCHES
    )


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

    _no_nul = field_validator("prefix")(without_nul)
