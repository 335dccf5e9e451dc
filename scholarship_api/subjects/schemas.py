"""Requests on lists of personal resources, and the export of a subject."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, Field

from scholarship_api.input_limits import RequestModel
from scholarship_api.subjects import cursors

PageCursor = Annotated[str, Field(min_length=1, max_length=cursors.MAX_LENGTH)]


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
