"""Requests on lists of personal resources, and the export of a subject."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from scholarship_api.input_limits import RequestModel
from scholarship_api.search import limits
from scholarship_api.subjects import cursors
from scholarship_api.vocabulary import parse_date_or_instant

PageCursor = Annotated[str, Field(min_length=1, max_length=cursors.MAX_LENGTH)]


def _instant(given: object) -> object:
    """A date begins at midnight, and an instant without a zone is in UTC."""
    value: Any = parse_date_or_instant(given)
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time.min)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


Since = Annotated[dt.datetime, BeforeValidator(_instant)]


class ResultsRequest(RequestModel):
    """Which results of a stored search or profile to show."""

    since: Since | None = Field(
        None,
        description=(
            "Only what has become a result since this instant, or date in UTC; at most 30 days ago."
        ),
    )
    limit: int = Field(20, ge=1, le=100, description="Rows in a page.")
    cursor: str | None = Field(
        None,
        max_length=limits.MAX_CURSOR_CHARACTERS,
        description="`next_cursor` of the page before.",
    )


class ListRequest(RequestModel):
    limit: int = Field(20, ge=1, le=100, description="Rows in a page.")
    cursor: PageCursor | None = Field(None, description="`next_cursor` of the page before.")


class SubjectExport(BaseModel):
    """All that is stored about a subject, by topic."""

    external_id: str
    created_at: dt.datetime
    touched_at: dt.datetime = Field(description="The last request about the subject, to the day.")
    profile: dict[str, Any] | None = Field(description="With its dates; null without one.")
    saved_searches: list[dict[str, Any]]
    applications: list[dict[str, Any]]
    feeds: list[dict[str, Any]]
