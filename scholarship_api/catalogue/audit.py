"""Who makes a change: what the audit of awards (migration 0004) and of accounts records of it."""

import uuid
from typing import Final, Literal, NamedTuple

from starlette.types import Scope

from scholarship_api.platform.http.request_context import ids_of


class ChangeSource(NamedTuple):
    """The writer of a transaction."""

    channel: Literal["api", "command_line", "schedule"]
    """The audit has another one, `database`: SQL that did not come from this service."""
    account_id: uuid.UUID | None = None
    """The account, or the API key."""
    trace_id: str | None = None
    request_id: str | None = None
    """The id that the client sent; None when it sent none."""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of SET_CHANGE_SOURCE."""
        return {
            "source": self.channel,
            "account_id": str(self.account_id or ""),
            "trace_id": self.trace_id or "",
            "request_id": self.request_id or "",
        }


def source_of_request(scope: Scope, account_id: uuid.UUID | None) -> ChangeSource:
    """The source of what a request writes."""
    ids = ids_of(scope)
    return ChangeSource("api", account_id, ids.trace_id, ids.sent_id)


COMMAND_LINE: Final = ChangeSource("command_line")
SCHEDULE: Final = ChangeSource("schedule")
"""Nobody: an award got the deadline of its next round."""

SET_CHANGE_SOURCE: Final = (
    "SELECT set_config('scholarship_api.source', {source}, true),"
    " set_config('scholarship_api.account_id', {account_id}, true),"
    " set_config('scholarship_api.trace_id', {trace_id}, true),"
    " set_config('scholarship_api.request_id', {request_id}, true)"
)
"""Names the writer for the audit, until the transaction ends.

Format it with the placeholders of the driver or of SQLAlchemy.
"""
