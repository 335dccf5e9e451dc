"""Request and answer of the feed of changes."""

import datetime as dt
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_PAGE: Final = 1_000


class ChangesRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="`next_cursor` of the page before. Without one, the oldest changes are shown.",
    )
    from_now: bool = Field(
        default=False,
        description=(
            "Answer no change, only a cursor for all that come: ask for it, then copy the"
            " catalogue, then follow the cursor."
        ),
    )
    limit: int = Field(default=100, ge=1, le=MAX_PAGE)

    @model_validator(mode="after")
    def _starts_once(self) -> "ChangesRequest":
        if self.from_now and self.cursor is not None:
            raise ValueError("send either cursor or from_now")
        return self


class Change(BaseModel):
    action: Literal["created", "updated", "archived"] = Field(
        description=(
            "`created`: the award has become public. `archived`: it no longer is, or is archived."
        )
    )
    scholarship_id: str
    version: int = Field(description="The version of the award that the change has made.")
    changed_at: dt.datetime
    fields: list[str] | None = Field(
        default=None, description="The fields that an update has changed."
    )


class Changes(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "action": "updated",
                            "scholarship_id": "sch_001",
                            "version": 4,
                            "changed_at": "2026-11-30T12:00:00Z",
                            "fields": ["application_deadline", "deadline_date"],
                        }
                    ],
                    "next_cursor": "q1Yn2GmmF0mVkzv8sY4nCDI5",
                    "has_more": False,
                }
            ]
        }
    )

    items: list[Change]
    next_cursor: str = Field(description="Ask with it again later; it does not expire by itself.")
    has_more: bool = Field(description="Whether more changes can be read now.")
