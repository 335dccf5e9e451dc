"""The tables of webhooks, their secrets, and what is delivered to them."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class Webhook(Base):
    __tablename__ = "webhooks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    """The account or API key that has created it."""
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    organizations: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Only awards of these organizations; empty: of all. Folded like `organization_folded`."""
    scholarship_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Only these awards; empty: all."""
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """Attempts in a row for which the receiver did not work."""
    retry_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """No attempt before this instant, because the receiver did not work."""
    lease_id: Mapped[uuid.UUID | None]
    """The run that delivers to the receiver. One at a time, so that the order is kept."""
    leased_until: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """A run that has not renewed its lease by then has died."""

    __table_args__ = (CheckConstraint("cardinality(events) > 0", "has_events"),)


class WebhookSecret(Base):
    """A secret that signs messages, as the receiver was shown it. During a rotation there are two.

    It cannot be a digest: a signature needs the secret itself.
    """

    __tablename__ = "webhook_secrets"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    webhook_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("webhooks.id", ondelete="CASCADE"), index=True
    )
    secret: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    expires_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """The end of the overlap after a rotation."""


class WebhookDelivery(Base):
    """A message for one receiver."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    webhook_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    subject_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE")
    )
    """The person that the message is about: it is erased with the person."""
    key: Mapped[str] = mapped_column(Text(collation="C"))
    """The header `webhook-id`: the same for each attempt, so that a receiver can tell repeats."""
    event: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    """The award or webhook of the event. Messages of one subject are in the order of their ids."""
    occurred_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    next_attempt_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    expires_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("(now() + '24:00:00'::interval)")
    )
    """After a failure later than this the message is dead."""
    last_attempt_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    last_status: Mapped[int | None] = mapped_column(SmallInteger)
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'dead')", "state_known"),
        Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
        Index("uq_webhook_deliveries_key", "webhook_id", "key", unique=True),
        Index(
            "ix_webhook_deliveries_pending",
            "webhook_id",
            "subject",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_subject_id",
            "subject_id",
            postgresql_where=text("subject_id IS NOT NULL"),
        ),
        Index("ix_webhook_deliveries_created_at", "created_at", postgresql_using="brin"),
    )
