"""The tables of what operators change about the search: synonyms with exceptions, and rules.

A trigger on both raises `catalogue_versions.rules`, so that the next search reads them anew.
"""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class SearchSynonym(Base):
    """Words of which the search knows something beside what the built-in tables say."""

    __tablename__ = "search_synonyms"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    others: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """For kinds that have two sides."""
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    note: Mapped[str] = mapped_column(Text, server_default="")
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        CheckConstraint(
            "kind IN ('two_way', 'one_way', 'not_synonyms', 'separate', 'never_corrected')",
            "kind_known",
        ),
        CheckConstraint("cardinality(words) > 0", "has_words"),
    )


class SearchRule(Base):
    """Awards that come first, are left out or rank higher for some queries."""

    __tablename__ = "search_rules"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(Text)
    match: Mapped[str] = mapped_column(Text)
    pins: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    hides: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    boosts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    starts_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    note: Mapped[str] = mapped_column(Text, server_default="")
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (CheckConstraint("match IN ('exact', 'contains')", "match_known"),)
