"""The tables of addresses and of mails."""

import datetime as dt
import uuid

from sqlalchemy import (
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
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class MailAddress(Base):
    """Where a subject wants alerts; nothing but a request to confirm it is sent before that."""

    __tablename__ = "mail_addresses"

    subject_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
    )
    address: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    """When the confirmation was asked for last."""
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (CheckConstraint("length(address) BETWEEN 3 AND 254", "address_length"),)


class Mail(Base):
    """A mail to a subject. Its text is made when it is sent."""

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    """`digest`, or `confirmation` of the address."""
    period: Mapped[str | None] = mapped_column(Text)
    """The day and zone of a digest: a subject gets one for each."""
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
    """After a failure later than this the mail is dead."""
    leased_until: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """While a worker sends it; one that has not recorded the result by then has died."""
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("kind IN ('digest', 'confirmation')", "kind_known"),
        CheckConstraint("state IN ('pending', 'sent', 'dropped', 'dead')", "state_known"),
        Index("uq_mails_period", "subject_id", "period", unique=True),
        Index("ix_mails_pending", "next_attempt_at", postgresql_where=text("state = 'pending'")),
    )
