"""Who writes: what the audit of the catalogue (migration 0004) says of each change."""

import uuid
from typing import Final, Literal, NamedTuple


class Origin(NamedTuple):
    source: Literal["api", "command_line"]
    """The audit itself names a third one, `database`: somebody's own SQL."""
    account_id: uuid.UUID | None = None
    trace_id: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """Of SET_ORIGIN."""
        return {
            "source": self.source,
            "account_id": str(self.account_id or ""),
            "trace_id": self.trace_id or "",
        }


COMMAND_LINE: Final = Origin("command_line")

SET_ORIGIN: Final = (
    "SELECT set_config('scholarship_api.source', {source}, true),"
    " set_config('scholarship_api.account_id', {account_id}, true),"
    " set_config('scholarship_api.trace_id', {trace_id}, true)"
)
"""For the present transaction alone; the placeholders are the driver's or SQLAlchemy's."""
