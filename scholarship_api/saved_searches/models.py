"""The tables of saved searches and of the new results that subjects are told about."""

import datetime as dt
import uuid
from enum import StrEnum
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
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY
from sqlalchemy.orm import Mapped, column_property, mapped_column

from scholarship_api.platform.database.base import Base


class Channel(StrEnum):
    """How a subject is told about new results."""

    NONE = "none"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Frequency(StrEnum):
    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


class SavedQuery(Base):
    """An entry of the index that all searches with the same query share. A search that uses the
    stored profile has one for itself.

    The database removes it with the last search that refers to it.
    """

    __tablename__ = "saved_queries"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    words: Mapped[str | None] = mapped_column(TSQUERY)
    """The words without which no award is a result, see `necessary_words`; null: none."""
    tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Tokens of which each result has one, see `tokens.py`."""
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """How often changed awards could not be compared with it in time, since it was indexed or
    paused."""
    paused_until: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """Until when it is not compared with changed awards, because that failed too often."""
    indexed_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        Index(
            "ix_saved_queries_tokens",
            "tokens",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
        Index("ix_saved_queries_indexed_at", "indexed_at"),
    )


class SavedSearch(Base):
    __tablename__ = "saved_searches"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    query: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """A body of POST /search, canonical, without what belongs to a single page."""
    use_profile: Mapped[bool]
    """Whether the stored profile of the subject is the profile of the search."""
    notify_channel: Mapped[str] = mapped_column(Text)
    notify_frequency: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    creation_key: Mapped[str | None] = mapped_column(Text(collation="C"))
    """The Idempotency-Key of the request that created it."""
    creation_digest: Mapped[bytes | None]
    indexed_query: Mapped[bytes | None] = mapped_column(
        ForeignKey("saved_queries.digest", ondelete="SET NULL")
    )
    """The entry by which changed awards find the search. Null until the worker has indexed it,
    which it does before it compares the next changes; the database sets null when the query
    changes."""
    # Only releases without `saved_queries` use these five.
    query_digest: Mapped[bytes | None]
    words: Mapped[str | None] = mapped_column(TSQUERY)
    tokens: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    match_failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    indexed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    paused_until: Mapped[dt.datetime | None] = column_property(
        select(SavedQuery.paused_until)
        .where(SavedQuery.digest == indexed_query, SavedQuery.paused_until > func.now())
        .correlate_except(SavedQuery)
        .scalar_subquery()
    )
    """Until when changed awards are not compared with it."""

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 100", "name_length"),
        CheckConstraint("jsonb_typeof(query) = 'object'", "query_form"),
        CheckConstraint("notify_channel IN ('none', 'email', 'webhook')", "channel_known"),
        CheckConstraint("notify_frequency IN ('immediate', 'daily', 'weekly')", "frequency_known"),
        Index("ix_saved_searches_subject_id", "subject_id", "id"),
        Index(
            "uq_saved_searches_creation_key",
            "subject_id",
            "creation_key",
            unique=True,
            postgresql_where=text("creation_key IS NOT NULL"),
        ),
        Index(
            "ix_saved_searches_notified",
            "notify_channel",
            "id",
            postgresql_where=text("notify_channel <> 'none'"),
        ),
        Index(
            "ix_saved_searches_indexed_at",
            text("indexed_at NULLS FIRST"),
            postgresql_where=text("notify_channel <> 'none'"),
        ),
        Index(
            "ix_saved_searches_tokens",
            "tokens",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
            postgresql_where=text("notify_channel <> 'none'"),
        ),
        Index(
            "ix_saved_searches_query_digest",
            "query_digest",
            postgresql_where=text("notify_channel <> 'none'"),
        ),
        Index(
            "ix_saved_searches_without_tokens",
            "id",
            postgresql_where=text("notify_channel <> 'none' AND tokens IS NULL"),
        ),
        Index(
            "ix_saved_searches_indexed_query",
            "indexed_query",
            postgresql_where=text("indexed_query IS NOT NULL"),
        ),
        Index(
            "ix_saved_searches_to_index",
            "id",
            postgresql_where=text("notify_channel <> 'none' AND indexed_query IS NULL"),
        ),
    )


class SavedSearchMatch(Base):
    """An award that has become a result of a saved search. It is told once, and kept to know so."""

    __tablename__ = "saved_search_matches"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    search_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("saved_searches.id", ondelete="CASCADE")
    )
    scholarship_id: Mapped[str] = mapped_column(Text(collation="C"))
    due_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    """When the subject is told."""
    told_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """When the subject was told, or when nobody was left to be told."""

    __table_args__ = (
        Index("uq_saved_search_matches_award", "search_id", "scholarship_id", unique=True),
        Index(
            "ix_saved_search_matches_due_at",
            "due_at",
            "search_id",
            postgresql_where=text("told_at IS NULL"),
        ),
    )
