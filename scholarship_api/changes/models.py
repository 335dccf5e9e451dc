"""The outbox: events on awards in the order in which they became visible.

A write records its change in `scholarship_changes`, in its own transaction. The outbox is made from
these rows afterwards (see `sequencer`), so that a write pays nothing for it.
"""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, SmallInteger, Text, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class OutboxEvent(Base):
    __tablename__ = "outbox"

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    """Rises in the order of commits; an event never gets a position below one that was read."""
    key: Mapped[str] = mapped_column(Text(collation="C"), index=True, unique=True)
    """Names the fact, so that the same fact is no second event."""
    event: Mapped[str] = mapped_column(Text)
    scholarship_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    """The version of the award that the event is about."""
    occurred_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (CheckConstraint("event ~ '^[a-z_]+[.][a-z_]+$'", "event_form"),)


class OutboxConsumer(Base):
    """Up to which position a part of the service has taken the events of the outbox."""

    __tablename__ = "outbox_consumers"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class OutboxState(Base):
    """How far the outbox has come. One row, which the process that extends the outbox locks."""

    __tablename__ = "outbox_state"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=sql("1"))
    sequenced_snapshot: Mapped[str] = mapped_column(Text)
    """Every change that this snapshot sees has its events."""
    sequenced_id: Mapped[int] = mapped_column(BigInteger)
    """The highest id of a change that has its events."""
    floor_id: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))
    """Changes up to this id have their events, whatever their transaction: see `sequencer`."""
    batch_snapshot: Mapped[str | None] = mapped_column(Text)
    """The snapshot whose changes are being worked through in batches."""
    batch_id: Mapped[int] = mapped_column(BigInteger)
    """The last change of those batches."""
    purged_position: Mapped[int] = mapped_column(BigInteger)
    """Events up to this position are no longer kept."""
    closed_until: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    """Deadlines up to this instant have their `scholarship.closed`."""
    soon_until: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    """Deadlines up to this instant have their `scholarship.closing_soon`."""

    __table_args__ = (CheckConstraint("id = 1", "one_row"),)
