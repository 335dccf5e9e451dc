"""Feeds in requests and answers."""

import datetime as dt
import uuid
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scholarship_api.feeds.models import FeedKind
from scholarship_api.input_limits import RequestModel

MAX_FEEDS: Final = 20
"""Feeds of a subject."""

Format = Literal["ics", "atom", "json"]


class NewFeed(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "applications"}]})

    kind: FeedKind
    saved_search_id: uuid.UUID | None = Field(
        None, description="Required for `saved_search` and `both`."
    )

    @model_validator(mode="after")
    def _search_is_given(self) -> Self:
        if (self.kind is FeedKind.APPLICATIONS) != (self.saved_search_id is None):
            raise ValueError("saved_search_id must be given exactly for saved_search and both")
        return self


class Feed(BaseModel):
    id: uuid.UUID
    kind: FeedKind
    saved_search_id: uuid.UUID | None
    created_at: dt.datetime


class FeedAddresses(BaseModel):
    """The secret addresses. A path is given where PUBLIC_BASE_URL is not set."""

    ics: str
    atom: str
    json_: str = Field(serialization_alias="json")


class FeedWithAddresses(Feed):
    addresses: FeedAddresses = Field(description="Shown this once: only a digest is stored.")


class FeedPage(BaseModel):
    """In the order in which they were created."""

    items: list[Feed]
    next_cursor: str | None
