"""The tables of interactions, and of counts of searches and of what came of them."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class InteractionType(StrEnum):
    VIEWED = "viewed"
    SAVED = "saved"
    APPLIED = "applied"
    DISMISSED = "dismissed"


class Interaction(Base):
    """Something that an account did with an award.

    Stored once for each account, award and type; `viewed` once a day (UTC).
    """

    __tablename__ = "interactions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL")
    )
    """Null once the account is deleted; the interaction still counts."""
    scholarship_id: Mapped[str] = mapped_column(Text)
    """No foreign key: the interaction stays when an operator removes the award for good."""
    type: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        CheckConstraint("type IN ('viewed', 'saved', 'applied', 'dismissed')", "type_known"),
        # Covers the sums over a window, which would scan the table without it.
        Index(
            "ix_interactions_occurred_at",
            "occurred_at",
            "id",
            postgresql_include=["account_id", "scholarship_id", "type"],
        ),
        Index("ix_interactions_account_id", "account_id", "occurred_at", "id"),
        Index("ix_interactions_scholarship_id", "scholarship_id", "occurred_at", "id"),
        Index("ix_interactions_type", "type", "occurred_at", "id"),
        Index(
            "uq_interactions_once",
            "account_id",
            "scholarship_id",
            "type",
            unique=True,
            postgresql_where=text("type <> 'viewed'"),
        ),
        Index(
            "uq_interactions_viewed_once_a_day",
            "account_id",
            "scholarship_id",
            text("((occurred_at AT TIME ZONE 'UTC'::text)::date)"),
            unique=True,
            postgresql_where=text("type = 'viewed'"),
        ),
    )


class QueryCount(Base):
    """How many clients searched for a query on one day (UTC)."""

    __tablename__ = "query_counts"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    query: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    """Known words only; see `search.known_words`."""
    clients: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("length(query) BETWEEN 1 AND 100", "query_length"),
        CheckConstraint("clients >= 1", "clients_positive"),
    )


class QueryClient(Base):
    """A client that has been counted for a query today; removed when the day is over."""

    __tablename__ = "query_clients"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    query: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    client: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """A keyed digest that differs for every query and day; see `recording`."""


class EventType(StrEnum):
    """The things that a person does with a result of a search."""

    CLICK = "click"
    VIEW = "view"
    APPLY = "apply"


NO_RESULTS: Final = "no_results"
"""The type of the event that a search finds nothing, which the service records itself."""


class QueryEventCount(Base):
    """Clients that did something with results of a query on one day (UTC), or that got none."""

    __tablename__ = "query_event_counts"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    query: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    """Known words only; see `search.known_words`."""
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    clients: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int] = mapped_column(BigInteger)
    """One client counts once for each award."""
    positioned: Mapped[int] = mapped_column(BigInteger)
    """Events whose position is known."""
    position_sum: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("length(query) BETWEEN 1 AND 100", "query_length"),
        CheckConstraint("type IN ('no_results', 'click', 'view', 'apply')", "type_known"),
    )


class AwardEventCount(Base):
    """Events of an award that searches had found, on one day (UTC)."""

    __tablename__ = "award_event_counts"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    scholarship_id: Mapped[str] = mapped_column(Text, primary_key=True)
    """No foreign key: the count stays when an operator removes the award for good."""
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    events: Mapped[int] = mapped_column(BigInteger)
    """One client counts once for each query."""
    positioned: Mapped[int] = mapped_column(BigInteger)
    """Events whose position is known."""
    position_sum: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("type IN ('click', 'view', 'apply')", "type_known"),)


class EventClient(Base):
    """A client that has been counted for an event today; removed when the day is over."""

    __tablename__ = "event_clients"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """A keyed digest of the client and the event; see `recording`."""


class SearchCount(Base):
    """Counts of earlier releases, which also kept words that the catalogue does not have.

    This release adds no rows and removes those that it finds. A later one drops the table.
    """

    __tablename__ = "search_counts"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    query: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    searches: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("length(query) BETWEEN 1 AND 100", "query_length"),
        CheckConstraint("searches >= 1", "searches_positive"),
    )
