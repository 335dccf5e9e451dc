"""Requests and answers about searches, and about what people do with their results."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from scholarship_api.activity.models import EventType
from scholarship_api.activity.searches import search_ids
from scholarship_api.catalogue.field_types import ScholarshipId
from scholarship_api.input_limits import RequestModel
from scholarship_api.vocabulary import parse_date_or_instant

DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 90
"""Days of a report. It reads every count in them."""

MAX_POSITION: Final = 100_000
"""The largest position of a result that an event may have; nobody reads so far."""


def _day(value: object) -> object:
    day = parse_date_or_instant(value)
    if isinstance(day, dt.datetime):
        raise ValueError("must be a date, such as 2027-03-31")
    return day


Day = Annotated[dt.date, BeforeValidator(_day)]


class NewEvent(RequestModel):
    """Something that a person did with a result of a search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "search_id": "wB6ZbYvCzVH2WjJqTnqXp251cnNpbmc",
                    "type": "click",
                    "scholarship_id": "sch_001",
                    "position": 1,
                }
            ]
        }
    )

    search_id: str = Field(
        max_length=search_ids.MAX_LENGTH, description="That of the answer with the result."
    )
    type: EventType = Field(
        description="`click`: it was opened; `view`: it was read; `apply`: an application began."
    )
    scholarship_id: ScholarshipId
    position: int | None = Field(
        None, ge=1, le=MAX_POSITION, description="Of the result among all results, from 1."
    )


class SearchOrder(StrEnum):
    """The outcome that a report on searches looks for."""

    NO_RESULTS = "no_results"
    NO_CLICKS = "no_clicks"
    CLICK_THROUGH = "click_through"


class Period(RequestModel):
    since: Day | None = Field(
        None,
        description=f"The first day (UTC); by default {DEFAULT_DAYS} days with `until`, and at most"
        f" {MAX_DAYS}.",
    )
    until: Day | None = Field(None, description="The last day (UTC); by default today.")
    limit: int = Field(20, ge=1, le=100)


class SearchesRequest(Period):
    order: SearchOrder = Field(
        SearchOrder.NO_RESULTS,
        description=(
            "`no_results`: queries that found nothing, the most frequent first; `no_clicks`:"
            " queries of which no result was clicked, the most frequent first; `click_through`: all"
            " queries, the highest rate first."
        ),
    )


class EventFigures(BaseModel):
    clicks: int
    views: int
    applies: int
    mean_click_position: float | None = Field(
        description="Of the clicks whose position is known; null without any."
    )


class SearchFigures(EventFigures):
    query: str = Field(description="Known words only, in lower case and without accents.")
    searches: int = Field(description="One client counts once a day (UTC) for a query.")
    clients: int = Field(description="Different clients on the day that had most of them.")
    no_results: int = Field(description="Searches without any result, counted in the same way.")
    click_through: float = Field(description="The share of searches with at least one click.")


class SearchesReport(BaseModel):
    since: dt.date
    until: dt.date
    queries: list[SearchFigures]


class FoundScholarship(EventFigures):
    scholarship_id: str
    name: str
    organization: str


class FoundScholarships(BaseModel):
    since: dt.date
    until: dt.date
    scholarships: list[FoundScholarship] = Field(description="Most clicks first, then by id.")
