"""The table of subjects: the owners of profiles, saved searches and whatever else is personal."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class Subject(Base):
    """A person: an account of this service, or a subject of a platform's backend.

    Every personal row refers to its subject and is removed with it. A subject is created when
    something is first stored about it.
    """

    __tablename__ = "subjects"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), unique=True
    )
    """Null for a subject of a platform."""
    client: Mapped[str | None] = mapped_column(Text)
    """The platform, see `access.client_of`; null for an account."""
    external_id: Mapped[str | None] = mapped_column(Text(collation="C"))
    """The pseudonym that the platform has chosen; null for an account."""
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    touched_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    """The last request about the subject, to the day."""

    __table_args__ = (
        CheckConstraint(
            "(account_id IS NULL) = (client IS NOT NULL)"
            " AND (account_id IS NULL) = (external_id IS NOT NULL)",
            "one_owner",
        ),
        CheckConstraint("external_id ~ '^[A-Za-z0-9._:~-]{1,128}$'", "external_id_form"),
        Index("uq_subjects_client_external_id", "client", "external_id", unique=True),
        Index("ix_subjects_touched_at", "touched_at"),
    )
