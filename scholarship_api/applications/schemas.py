"""The tracker in requests and answers."""

import datetime as dt
import uuid
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from scholarship_api.applications.models import ApplicationStatus
from scholarship_api.catalogue.award_parts import MAX_REQUIREMENTS, Key
from scholarship_api.catalogue.codes import RequirementKind
from scholarship_api.catalogue.field_types import Line, ScholarshipId
from scholarship_api.input_limits import RequestModel, at_most_items
from scholarship_api.subjects.schemas import ListRequest
from scholarship_api.visible_text import require_visible_characters
from scholarship_api.vocabulary import Availability, DeadlineKind, PlainDate

MAX_APPLICATIONS: Final = 500
"""Rows in the tracker of a subject."""

MAX_CHECKLIST_ITEMS: Final = 2 * MAX_REQUIREMENTS
"""Items of a checklist: those of the award, and as many of the student's own."""

MAX_NOTE_CHARACTERS: Final = 2_000
MAX_REMINDERS: Final = 10
MAX_REMINDER_DAYS: Final = 365
DEFAULT_REMINDERS_DAYS: Final = (30, 14, 7, 3, 1)

EXAMPLE: Final[dict[str, JsonValue]] = {
    "scholarship_id": "sch_002",
    "status": "in_progress",
    "note": "Ask Dr. Rivera for the letter.",
}
PATCH_EXAMPLE: Final[dict[str, JsonValue]] = {
    "status": "submitted",
    "checklist": [{"key": "essay", "kind": "essay", "title": "Essay", "done": True}],
}


def _descending(days: list[int]) -> list[int]:
    return sorted(set(days), reverse=True)


def _none_if_empty(value: str | None) -> str | None:
    return value or None


Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_NOTE_CHARACTERS),
    AfterValidator(require_visible_characters),
]
RemindersDays = Annotated[
    list[Annotated[int, Field(ge=0, le=MAX_REMINDER_DAYS)]],
    at_most_items(MAX_REMINDERS),
    AfterValidator(_descending),
]


class ChecklistItem(RequestModel):
    """A part of an application."""

    key: Key
    kind: RequirementKind = "other"
    title: Line | None = None
    required: bool = True
    done: bool = False
    due_on: PlainDate | None = Field(
        None, description="Unless it is given, the day of the deadline, with which it moves."
    )


Checklist = Annotated[list[ChecklistItem], at_most_items(MAX_CHECKLIST_ITEMS)]


class _Written(RequestModel):
    status: ApplicationStatus = Field(
        ApplicationStatus.SAVED,
        description="`dismissed`: the award is in no match, no feed and no alert.",
    )
    checklist: Checklist | None = Field(
        None, description="Made from the award's requirements unless it is given."
    )
    note: Annotated[Note | None, AfterValidator(_none_if_empty)] = None
    reminders_days: RemindersDays = Field(
        default_factory=lambda: list(DEFAULT_REMINDERS_DAYS),
        description="Calendar days before the deadline on which to remind.",
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        keys = [item.key for item in self.checklist or ()]
        if len(set(keys)) < len(keys):
            raise ValueError("each key of the checklist must be given once")
        return self


class NewApplication(_Written):
    """An award to track."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    scholarship_id: ScholarshipId
    round_key: Key | None = Field(
        None, description="A round of the award; the next one unless it is given."
    )


class ChangedApplication(_Written):
    """The fields that can be changed later."""


class TrackedAward(BaseModel):
    """The award as it is now."""

    name: str
    organization: str
    state: Literal["published", "archived", "removed"] = Field(
        description="Of an award that is removed for good, only the name is left."
    )
    availability: Availability
    application_deadline: dt.datetime | None = Field(description="Of the round; UTC.")
    deadline_kind: DeadlineKind
    deadline_timezone: str
    deadline_estimated: bool
    days_left: int | None = Field(description="Calendar days in the award's zone.")
    application_url: str | None


class Application(BaseModel):
    id: uuid.UUID
    scholarship_id: str
    round_key: str | None
    status: ApplicationStatus
    checklist: list[ChecklistItem]
    note: str | None
    reminders_days: list[int]
    award: TrackedAward
    created_at: dt.datetime
    updated_at: dt.datetime


class ApplicationPage(BaseModel):
    """Newest first."""

    items: list[Application]
    next_cursor: str | None


class ApplicationsRequest(ListRequest):
    status: ApplicationStatus | None = Field(None, description="Default: all but dismissed ones.")
    scholarship_id: ScholarshipId | None = None
