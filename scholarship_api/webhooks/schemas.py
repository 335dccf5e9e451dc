"""Requests and answers of webhooks and their deliveries."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from scholarship_api.accounts.organizations import fold_organization
from scholarship_api.changes.events import Event
from scholarship_api.input_limits import RequestModel, at_most_items
from scholarship_api.visible_text import require_plain_line

MAX_WEBHOOKS: Final = 50
"""Webhooks of one owner. A platform has a few; the limit bounds what an event costs."""

MAX_ORGANIZATIONS: Final = 20
MAX_SCHOLARSHIPS: Final = 100
MAX_OVERLAP_HOURS: Final = 30 * 24
MAX_URL_LENGTH: Final = 1_000
MAX_PAGE: Final = 200

TEST_EVENT: Final = "webhook.test"

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "url": "https://hooks.example.org/scholarships",
    "events": ["scholarship.published", "scholarship.deadline_changed"],
    "organizations": ["Acme Trust"],
}


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if (
        parts.scheme not in {"https", "http"}
        or not parts.hostname
        or port == 0
        or not url.isascii()
        or not url.isprintable()
        or " " in url
        or "\\" in url
    ):
        raise ValueError("must be an address like https://hooks.example.org/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; messages are signed instead")
    if parts.fragment:
        raise ValueError("must not have a fragment")
    return url


def _check_text(value: str) -> str:
    return require_plain_line(value.strip())


def _check_organization(name: str) -> str:
    return fold_organization(_check_text(name))


Url = Annotated[str, Field(min_length=8, max_length=MAX_URL_LENGTH), AfterValidator(_check_url)]


class SubjectEvent(StrEnum):
    """Events about a person, for the webhooks of the client that the person belongs to."""

    REMINDER = "application.reminder"
    MATCHED = "saved_search.matched"


Events = Annotated[
    list[Event | SubjectEvent],
    Field(min_length=1, max_length=len(Event) + len(SubjectEvent)),
    at_most_items(len(Event) + len(SubjectEvent)),
]
Organizations = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_check_organization)]],
    Field(max_length=MAX_ORGANIZATIONS, description="Only awards of these; empty: of all."),
    at_most_items(MAX_ORGANIZATIONS),
]
ScholarshipIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_check_text)]],
    Field(max_length=MAX_SCHOLARSHIPS, description="Only these awards; empty: all."),
    at_most_items(MAX_SCHOLARSHIPS),
]
Description = Annotated[str, Field(max_length=200), AfterValidator(_check_text)]


class NewWebhook(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    url: Url = Field(description="Must have a public address; http only where that is allowed.")
    events: Events
    organizations: Organizations = Field(default_factory=list)
    scholarship_ids: ScholarshipIds = Field(default_factory=list)
    description: Description = ""


class WebhookPatch(RequestModel):
    """The fields that are given are changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": ["scholarship.closed"]}]})

    url: Url = ""
    events: Events = Field(default_factory=list)
    organizations: Organizations = Field(default_factory=list)
    scholarship_ids: ScholarshipIds = Field(default_factory=list)
    description: Description = ""
    enabled: bool = True


class WebhookRotation(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: int = Field(
        default=24,
        ge=0,
        le=MAX_OVERLAP_HOURS,
        description="For how long messages are signed with the former secret too.",
    )


class Webhook(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    url: str
    description: str
    events: list[str]
    organizations: list[str]
    scholarship_ids: list[str]
    enabled: bool = Field(description="False after the receiver has answered 410, too.")
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime
    failures: int = Field(description="Attempts in a row for which the receiver did not work.")
    retry_at: dt.datetime | None = Field(description="No attempt is made before.")


class WebhookWithSecret(Webhook):
    secret: str = Field(description="Signs the messages. It is shown this once.")


class WebhookList(BaseModel):
    items: list[Webhook]


class DeliveriesRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: Literal["pending", "delivered", "dead"] | None = None
    cursor: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class Delivery(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    key: str = Field(description="The header `webhook-id`, the same for each attempt.")
    event: str
    subject: str = Field(description="The award or webhook that the message is about.")
    state: Literal["pending", "delivered", "dead"]
    attempts: int
    created_at: dt.datetime
    next_attempt_at: dt.datetime
    last_attempt_at: dt.datetime | None
    last_status: int | None = Field(description="The status that the receiver answered.")
    last_error: str | None


class Deliveries(BaseModel):
    items: list[Delivery]
    next_cursor: str | None
