"""The table of alerts."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class Alert(Base):
    """Something that a subject is told once."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Text(collation="C"))
    """Names the fact, so that nobody is told twice."""
    event: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The content of the message; no answer of a profile."""
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    mail_id: Mapped[int | None] = mapped_column(BigInteger)
    """The mail that tells it. No foreign key: mails are removed sooner than alerts."""

    __table_args__ = (
        Index("uq_alerts_key", "subject_id", "key", unique=True),
        Index("ix_alerts_mail_id", "mail_id", postgresql_where=text("mail_id IS NOT NULL")),
        Index("ix_alerts_created_at", "created_at", postgresql_using="brin"),
    )
