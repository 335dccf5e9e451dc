"""Requests and answers of the endpoints and of the command line."""

import datetime as dt
import uuid
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from scholarship_api.accounts.roles import Scope
from scholarship_api.api_keys import cursors
from scholarship_api.input_limits import RequestModel, at_most_items
from scholarship_api.instants import Instant
from scholarship_api.visible_text import require_a_visible_character, require_plain_line

MAX_KEYS: Final = 1_000
"""Keys that are not revoked, and keys in a page. A platform has tens."""

MAX_USAGE_ROWS: Final = 5_000
"""Rows in a page on the use of keys, about 600 kB: more than one key has in a year."""

MAX_ORIGINS: Final = 20
MAX_OVERLAP_HOURS: Final = 30 * 24
"""The longest time for which both secrets are valid after a rotation: 30 days."""

MAX_USAGE_DAYS: Final = 366
"""The days that one answer on the use of keys spans at most: a year."""

READ_SCOPES: Final = frozenset({Scope.SCHOLARSHIPS_READ})
"""The scopes that a publishable key may have: everybody can read it in a page."""

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "campus portal",
    "kind": "secret",
    "scopes": ["scholarships:read"],
    "expires_at": "2037-12-31T00:00:00Z",
}

Kind = Literal["secret", "publishable"]


def _check_name(name: str) -> str:
    return require_a_visible_character(require_plain_line(name.strip()))


def _check_origin(origin: str) -> str:
    scheme, separator, host = origin.partition("://")
    if (
        scheme not in {"https", "http"}
        or not separator
        or not host
        or not host.isascii()
        or any(character in host for character in "/?#@*\\ ")
    ):
        raise ValueError("an origin looks like https://app.example.org")
    if scheme == "http" and host.partition(":")[0] not in {"localhost", "127.0.0.1"}:
        raise ValueError("an origin starts with https://, except on localhost")
    return f"{scheme}://{host.lower()}"


class NewApiKey(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_name)]
    kind: Kind = Field(
        default="secret",
        description="A `publishable` key may stand in a web page. It is bound to `origins` and only"
        " reads.",
    )
    scopes: Annotated[list[Scope], at_most_items(len(Scope))] = Field(
        min_length=1, max_length=len(Scope)
    )
    organization: (
        Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_check_name)] | None
    ) = Field(default=None, description="Confines the key to the awards of one organization.")
    tier: Annotated[str, Field(min_length=1, max_length=32)] | None = Field(
        default=None, description="A name of RATE_LIMIT_TIERS, whose limits replace the ordinary."
    )
    origins: Annotated[
        list[Annotated[str, Field(max_length=255), AfterValidator(_check_origin)]],
        at_most_items(MAX_ORIGINS),
    ] = Field(
        default_factory=list,
        max_length=MAX_ORIGINS,
        description="The origins of the pages that may use a publishable key.",
    )
    expires_at: Instant | None = Field(default=None, description="Null: valid until it is revoked.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "NewApiKey":
        if (self.kind == "publishable") != bool(self.origins):
            raise ValueError("a publishable key needs origins, and a secret key has none")
        if self.kind == "publishable" and not set(self.scopes) <= READ_SCOPES:
            raise ValueError(
                f"a publishable key has only the scope {', '.join(sorted(READ_SCOPES))}"
            )
        if self.expires_at is not None and self.expires_at <= dt.datetime.now(dt.UTC):
            raise ValueError("expires_at must be in the future")
        return self


class Rotation(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: int = Field(
        default=24,
        ge=0,
        le=MAX_OVERLAP_HOURS,
        description="For how long the former secret stays valid. 0 ends it at once.",
    )


class SecretSummary(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    hint: str = Field(description="The last four characters.")
    created_at: dt.datetime
    expires_at: dt.datetime | None = Field(description="Null: valid as long as the key.")


class ApiKeySummary(BaseModel):
    id: uuid.UUID
    name: str
    kind: Kind
    scopes: list[Scope]
    organization: str | None
    tier: str | None
    origins: list[str]
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    created_at: dt.datetime
    last_used_on: dt.date | None = Field(description="The day in UTC.")
    secrets: list[SecretSummary] = Field(description="The secrets that are valid, newest last.")


Cursor = Annotated[str, Field(min_length=1, max_length=cursors.MAX_LENGTH)]


class KeysRequest(RequestModel):
    revoked: bool | None = Field(
        None, description="`false` leaves revoked keys out, `true` lists them alone."
    )
    limit: int = Field(
        MAX_KEYS,
        ge=1,
        le=MAX_KEYS,
        description="Keys in a page. With `revoked=false`, one page has all keys.",
    )
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")


class ApiKeyList(BaseModel):
    items: list[ApiKeySummary]
    next_cursor: str | None = Field(description="Null on the last page.")


class ApiKeyWithSecret(ApiKeySummary):
    secret: str = Field(description="Shown this once. It cannot be read again.")


class UsageRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int = Field(
        default=30, ge=1, le=MAX_USAGE_DAYS, description="Today and the days before, in UTC."
    )
    key_id: uuid.UUID | None = Field(
        default=None, description="One key; a key itself always sees its own use alone."
    )
    limit: int = Field(MAX_USAGE_ROWS, ge=1, le=MAX_USAGE_ROWS, description="Rows in a page.")
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")


class UsageRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    day: dt.date
    key_id: uuid.UUID
    route_group: str = Field(
        description="The group of rate limits that the path belongs to, or `other`."
    )
    requests: int


class Usage(BaseModel):
    items: list[UsageRow] = Field(description="Newest day first.")
    next_cursor: str | None = Field(description="Null on the last page.")
