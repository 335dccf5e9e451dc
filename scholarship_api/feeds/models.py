"""The table of feeds: secret addresses at which calendars and readers find deadlines."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class FeedKind(StrEnum):
    """The deadlines that a feed shows."""

    APPLICATIONS = "applications"
    SAVED_SEARCH = "saved_search"
    BOTH = "both"


class Feed(Base):
    __tablename__ = "feeds"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    saved_search_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("saved_searches.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the token. A slow hash is not needed: the token has 256 random bits."""
    creation_key: Mapped[str | None] = mapped_column(Text(collation="C"))
    """The Idempotency-Key of the request that created it."""
    creation_digest: Mapped[bytes | None]
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        CheckConstraint("kind IN ('applications', 'saved_search', 'both')", "kind_known"),
        CheckConstraint(
            "(kind = 'applications') = (saved_search_id IS NULL)", "saved_search_of_kind"
        ),
        Index("ix_feeds_subject_id", "subject_id", "id"),
        Index(
            "uq_feeds_creation_key",
            "subject_id",
            "creation_key",
            unique=True,
            postgresql_where=text("creation_key IS NOT NULL"),
        ),
    )
