"""Requests and answers of the endpoints."""

import datetime as dt
import uuid
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from scholarship_api.activity import cursors
from scholarship_api.activity.models import InteractionType
from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.input_limits import RequestModel
from scholarship_api.vocabulary import parse_date_or_instant

MAX_DAYS: Final = 90
"""Days of a window. The sums read every interaction in it."""

Instant = Annotated[dt.datetime, AfterValidator(lambda instant: instant.astimezone(dt.UTC))]
"""In UTC, whatever the time zone of the database session is."""


def _start(value: dt.datetime | dt.date) -> dt.datetime:
    return _instant(value, dt.time.min)


def _end(value: dt.datetime | dt.date) -> dt.datetime:
    return _instant(value, dt.time.max)


def _instant(value: dt.datetime | dt.date, time: dt.time) -> dt.datetime:
    """The instant in UTC: a date stands for its whole day, and a missing zone means UTC."""
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, time)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


_DateOrInstant = Annotated[dt.datetime | dt.date, BeforeValidator(parse_date_or_instant)]
Since = Annotated[_DateOrInstant, AfterValidator(_start)]
Until = Annotated[_DateOrInstant, AfterValidator(_end)]


# --- Interactions --------------------------------------------------------------------------------


class NewInteraction(RequestModel):
    """An interaction of the account that the token names."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"scholarship_id": "sch_001", "type": "saved"}]}
    )

    scholarship_id: ScholarshipId
    type: InteractionType


class RecordedInteraction(BaseModel):
    scholarship_id: str
    type: InteractionType
    occurred_at: Instant = Field(description="UTC; for a repeat, the time of the first one.")


class Interaction(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    account_id: uuid.UUID | None = Field(description="Null once the account is deleted.")
    scholarship_id: str
    type: InteractionType
    occurred_at: Instant


class InteractionsRequest(RequestModel):
    account_id: uuid.UUID | None = None
    scholarship_id: ScholarshipId | None = None
    type: InteractionType | None = None
    since: Since | None = Field(None, description="A date (UTC) or an instant; inclusive.")
    until: Until | None = Field(None, description="A date (UTC) or an instant; inclusive.")
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(
        None, max_length=cursors.MAX_LENGTH, description="`next_cursor` of the page before."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        since: Any = self.since
        until: Any = self.until
        if since is not None and until is not None and until < since:
            raise ValueError("until must not be before since")
        return self

    def filters(self) -> dict[str, Any]:
        return self.model_dump(exclude={"limit", "cursor"}, exclude_none=True)


class InteractionsPage(BaseModel):
    """Newest first."""

    interactions: list[Interaction]
    has_next: bool
    next_cursor: str | None


class InteractionCounts(BaseModel):
    viewed: int = Field(0, description="At most one a day (UTC) for an account and an award.")
    saved: int = 0
    applied: int = 0
    dismissed: int = 0


# --- Sums ----------------------------------------------------------------------------------------


class Window(RequestModel):
    days: int = Field(30, ge=1, le=MAX_DAYS, description="Calendar days in UTC, with today.")


class TopRequest(Window):
    limit: int = Field(10, ge=1, le=100)


class Summary(BaseModel):
    days: int
    since: dt.date
    total_interactions: int
    interactions: InteractionCounts
    active_accounts: int = Field(
        description="Accounts with at least one interaction, without deleted ones."
    )
    total_searches: int = Field(
        description="Searches with known words, first pages only; see the search trends."
    )


class AccountActivity(BaseModel):
    """All stored interactions of an account, not a window."""

    account_id: uuid.UUID
    total_interactions: int
    interactions: InteractionCounts
    first_interaction_at: Instant | None
    last_interaction_at: Instant | None
    recent_interactions: list[Interaction] = Field(description="At most 20, newest first.")


class PopularScholarship(InteractionCounts):
    scholarship_id: str
    name: str
    organization: str
    score: int = Field(description="viewed + 3 x saved + 5 x applied.")


class PopularScholarships(BaseModel):
    days: int
    since: dt.date
    scholarships: list[PopularScholarship] = Field(description="Highest score first, then by id.")


class SearchTrend(BaseModel):
    query: str = Field(
        description=(
            "The words of the query that the catalogue or the synonym table has, in lower case and"
            " without accents."
        )
    )
    searches: int = Field(description="One client counts once a day (UTC) for a query.")


class SearchTrends(BaseModel):
    days: int
    since: dt.date
    queries: list[SearchTrend] = Field(description="Most frequent first.")
