"""The table of stored profiles."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class Profile(Base):
    """The answers of a subject about themselves."""

    __tablename__ = "profiles"

    subject_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
    )
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As `StudentProfile` takes them, without the time zone."""
    timezone: Mapped[str | None] = mapped_column(Text)
    """IANA name: where the student is reminded in the morning."""
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        CheckConstraint("jsonb_typeof(answers) = 'object'", "answers_form"),
        CheckConstraint("length(timezone) BETWEEN 1 AND 64", "timezone_length"),
    )
