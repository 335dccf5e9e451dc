"""Requests and answers of the audit."""

import datetime as dt
import uuid
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from scholarship_api.instants import Instant

MAX_PAGE: Final = 200

STORABLE: Final = r"^[^\x00]*$"
"""PostgreSQL stores no NUL, and refuses a statement with one."""

Cursor = Annotated[str, Field(min_length=1, max_length=128)]


class Actor(BaseModel):
    """Who did it. `anonymous` is a client without credentials, `database` SQL that did not come
    from this service, `schedule` a date that was reached, `deleted` an account or key that no
    longer exists."""

    kind: Literal["account", "key", "command_line", "schedule", "database", "anonymous", "deleted"]
    id: uuid.UUID | None = None
    name: str | None = None


class AuditEntry(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "change-4211",
                    "occurred_at": "2026-11-30T12:00:00Z",
                    "action": "award.updated",
                    "actor": {
                        "kind": "key",
                        "id": "0b7e4c1e-1f0f-4a3c-9f57-0f8c2a3a7d10",
                        "name": "campus portal",
                    },
                    "target": "campus-merit-2027",
                    "version": 4,
                    "before": {"max_amount": 1000},
                    "after": {"max_amount": 1500},
                    "details": None,
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "request_id": None,
                }
            ]
        }
    )

    id: str
    occurred_at: dt.datetime
    action: str = Field(description="For example `award.updated` or `key.created`.")
    actor: Actor
    target: str | None = Field(description="The award, account or key that it is about.")
    version: int | None = Field(description="The award's version that the change made.")
    before: dict[str, Any] | None = Field(description="The changed fields of the award, before.")
    after: dict[str, Any] | None
    details: dict[str, Any] | None
    trace_id: str | None = Field(description="The trace id of the request, as in X-Trace-ID.")
    request_id: str | None = Field(description="The id that the client sent, if it sent one.")


class AuditPage(BaseModel):
    items: list[AuditEntry] = Field(description="Newest first.")
    next_cursor: str | None


class EntryFilters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Annotated[str, Field(max_length=64, pattern=r"^[a-z_]+\.[a-z_]*$")] | None = Field(
        default=None, description="One action, or its first part with the dot, such as `key.`."
    )
    actor_id: uuid.UUID | None = None
    since: Instant | None = None
    until: Instant | None = None


class AuditFilters(EntryFilters):
    target: Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE)] | None = None


class HistoryRequest(EntryFilters):
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: Cursor | None = None


class AuditRequest(AuditFilters):
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: Cursor | None = None
