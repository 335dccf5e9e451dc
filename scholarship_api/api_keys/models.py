"""The tables of API keys, their secrets and their use.

A key is an account of the role `service`: whatever names an account in the audit or in the rate
limits can name a key.
"""

import datetime as dt
import uuid

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base


class ApiKey(Base):
    __tablename__ = "api_keys"

    id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    """`secret`, or `publishable` for a key that stands in a web page."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    tier: Mapped[str | None] = mapped_column(Text)
    """A name of RATE_LIMIT_TIERS; null: the ordinary limits."""
    origins: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The origins of the pages that may use a publishable key."""
    expires_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    last_used_on: Mapped[dt.date | None] = mapped_column(Date)
    """The day (UTC) of the last request; written with a delay of some seconds."""

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 100", "name_length"),
        CheckConstraint("kind IN ('secret', 'publishable')", "kind_known"),
        CheckConstraint(
            "(kind = 'publishable') = (cardinality(origins) > 0)", "origins_of_publishable"
        ),
    )


class ApiKeySecret(Base):
    """A secret of a key. During a rotation a key has two."""

    __tablename__ = "api_key_secrets"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256. A slow hash is not needed: the secret has 256 random bits."""
    key_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("api_keys.id", ondelete="CASCADE"), index=True
    )
    hint: Mapped[str] = mapped_column(Text)
    """The last characters of the secret, so that people can tell two secrets apart."""
    expires_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """The end of the overlap after a rotation; null: valid as long as the key."""
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )


class ApiKeyUse(Base):
    """How many requests were sent with a key on a day (UTC) to a group of routes."""

    __tablename__ = "api_key_uses"

    key_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    route_group: Mapped[str] = mapped_column(Text, primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)


class ApiKeyUseWriter(Base):
    """A process that counts requests, and the last of its numbered batches that was added.

    A process that does not learn whether its batch was added sends it again.
    """

    __tablename__ = "api_key_use_writers"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    last_batch: Mapped[int] = mapped_column(BigInteger)
    written_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
