"""The table of the tracker: awards that a subject follows, and how far an application is."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class ApplicationStatus(StrEnum):
    SAVED = "saved"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    AWARDED = "awarded"
    DECLINED = "declined"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DISMISSED = "dismissed"
    """The subject wants to see no more of the award."""


class Application(Base):
    """An award, or a round of it, that a subject follows."""

    __tablename__ = "applications"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    scholarship_id: Mapped[str] = mapped_column(Text)
    """No foreign key: the row stays when an operator removes the award for good."""
    round_key: Mapped[str | None] = mapped_column(Text)
    """The round that the subject applies in; null for an award without rounds."""
    status: Mapped[str] = mapped_column(Text)
    checklist: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Parts of the application, see `schemas.ChecklistItem`."""
    note: Mapped[str | None] = mapped_column(Text)
    reminders_days: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """Days before the deadline on which the subject is reminded."""
    award_name: Mapped[str] = mapped_column(Text)
    award_organization: Mapped[str] = mapped_column(Text)
    """Both as they were when the row was made, for an award that is removed for good."""
    version: Mapped[int] = mapped_column(server_default=text("1"))
    creation_key: Mapped[str | None] = mapped_column(Text(collation="C"))
    """The Idempotency-Key of the request that created it."""
    creation_digest: Mapped[bytes | None]
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        CheckConstraint(
            "status IN ('saved', 'in_progress', 'submitted', 'awarded', 'declined', 'rejected',"
            " 'withdrawn', 'dismissed')",
            "status_known",
        ),
        CheckConstraint("jsonb_typeof(checklist) = 'array'", "checklist_form"),
        CheckConstraint("length(note) BETWEEN 1 AND 2000", "note_length"),
        CheckConstraint("cardinality(reminders_days) <= 10", "reminders_days_length"),
        Index(
            "uq_applications_round",
            "subject_id",
            "scholarship_id",
            text("COALESCE(round_key, ''::text)"),
            unique=True,
        ),
        Index("ix_applications_subject_id", "subject_id", "id"),
        Index("ix_applications_scholarship_id", "scholarship_id"),
        Index(
            "uq_applications_creation_key",
            "subject_id",
            "creation_key",
            unique=True,
            postgresql_where=text("creation_key IS NOT NULL"),
        ),
    )
