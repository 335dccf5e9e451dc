"""Saved searches in requests and answers."""

import datetime as dt
import uuid
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from scholarship_api.eligibility.profiles import ProfileAnswers
from scholarship_api.errors import Conflict, validation_fields
from scholarship_api.input_limits import RequestModel
from scholarship_api.saved_searches.models import Channel, Frequency
from scholarship_api.search.schemas import SearchBody
from scholarship_api.visible_text import require_a_visible_character, require_visible_characters

MAX_SAVED_SEARCHES: Final = 50
"""Saved searches of a subject."""

PAGE_FIELDS: Final = frozenset({"limit", "offset", "cursor", "facets", "facet_query", "highlight"})
"""Fields of a search that belong to one page of its results and are not saved."""

EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "Nursing in California",
    "query": {"q": "nursing", "states": ["CA"], "min_amount": 1000},
    "use_profile": False,
    "notify": {"channel": "none", "frequency": "daily"},
}
PATCH_EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "Nursing",
    "notify": {"frequency": "weekly"},
}

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(require_visible_characters),
    AfterValidator(require_a_visible_character),
]


class Notify(RequestModel):
    """How the subject is told about new results."""

    channel: Channel = Field(
        Channel.NONE,
        description=(
            "`webhook`: the event saved_search.matched, to every webhook that has chosen it and may"
            " see the subject. `email`: the daily mail of the account. Each award is told once."
        ),
    )
    frequency: Frequency = Field(
        Frequency.DAILY,
        description=(
            "`daily` and `weekly`: at 08:00 of the profile's time zone, or of UTC; weekly on"
            " Mondays."
        ),
    )


class WrittenSearch(RequestModel):
    """A saved search as it is written."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    query: Annotated[
        dict[str, Any],
        Field(
            description=(
                "A body of POST /api/v1/search. Its `limit`, `offset`, `cursor`, `facets` and"
                " `highlight` belong to a page and are not saved."
            ),
        ),
    ]
    use_profile: bool = Field(
        False, description="Search with the stored profile of the subject, as it is at the time."
    )
    notify: Notify = Field(default_factory=Notify)

    @model_validator(mode="after")
    def _canonical(self) -> Self:
        self.query = canonical_query(self.query, use_profile=self.use_profile)
        return self


class SavedSearch(BaseModel):
    id: uuid.UUID
    name: str
    query: dict[str, Any]
    use_profile: bool
    notify: Notify
    alerts_paused_until: dt.datetime | None = Field(
        description=(
            "Until when no alert is made of this search, because it took too long three times to"
            " compare changed awards with it; `null`: alerts are made. Writing `query`, also the"
            " same one, ends the pause. `results?since=` shows what came up meanwhile."
        )
    )
    created_at: dt.datetime
    updated_at: dt.datetime


class SavedSearchPage(BaseModel):
    """In the order in which they were created."""

    items: list[SavedSearch]
    next_cursor: str | None


def canonical_query(query: dict[str, Any], *, use_profile: bool) -> dict[str, Any]:
    """The same search as it is stored. Raises ValueError for a query that is not valid."""
    if use_profile and query.get("profile") is not None:
        raise ValueError("query.profile must be left out with use_profile")
    search = _parse(query, use_profile=use_profile)
    return search.model_dump(
        mode="json",
        exclude_defaults=True,
        exclude=set(PAGE_FIELDS) | ({"profile"} if use_profile else set()),
    )


def _parse(query: dict[str, Any], *, use_profile: bool) -> SearchBody:
    """Raises ValueError whose text names the fields."""
    # Verdicts and the order by match need a profile, of which the values do not matter here.
    profile: dict[str, Any] = {"profile": {}} if use_profile else {}
    try:
        return SearchBody.model_validate({**query, **profile})
    except ValidationError as error:
        problems = validation_fields(error.errors())[:5]
        listed = "; ".join(
            f"query.{each['field']}: {each['message']}" if each["field"] else each["message"]
            for each in problems
        )
        raise ValueError(listed) from None


def request_of(
    query: dict[str, Any], *, profile: ProfileAnswers | None, **page: object
) -> SearchBody:
    """The search of a stored query with the values of a page.

    Raises Conflict when the query holds a code that this release no longer knows.
    """
    given: dict[str, Any] = {} if profile is None else {"profile": profile.sent()}
    try:
        return SearchBody.model_validate({**query, **given, **page})
    except ValidationError:
        raise Conflict("The saved search is no longer valid; change its query.") from None
