"""The table of events on accounts and API keys.

The changes of awards have a table of their own, `scholarship_changes`, which a trigger fills.
"""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class AuditEvent(Base):
    """Something that happened to an account or a key. The serving role can only add rows."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    occurred_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    action: Mapped[str] = mapped_column(Text)
    """For example `key.created`."""
    target_id: Mapped[str | None] = mapped_column(Text, index=True)
    """The account or key that the event is about."""
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Values that are no personal data, such as scopes."""
    source: Mapped[str] = mapped_column(Text)
    account_id: Mapped[uuid.UUID | None]
    """The account or key that caused the event; a trigger replaces it by DELETED_ACCOUNT_ID.

    It has no foreign key, because events stay when their account is deleted.
    """
    trace_id: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("action ~ '^[a-z_]+[.][a-z_]+$'", "action_form"),
        Index("ix_audit_events_account_id", "account_id"),
        Index("ix_audit_events_occurred_at", "occurred_at", postgresql_using="brin"),
    )
