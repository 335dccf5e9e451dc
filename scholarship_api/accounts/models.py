"""The tables of accounts, of their identities elsewhere and of revoked tokens.

Revoked tokens are kept in PostgreSQL: a flushed Redis must not make them valid again.
"""

import datetime as dt
import uuid
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.platform.database.base import Base

DELETED_ACCOUNT_ID: Final = uuid.UUID(int=0)
"""Stands for any deleted account in rows that must stay, such as those of the audit."""


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text(collation="C"))
    """ASCII only, so that no two names look alike; unique without regard to letter case."""
    email: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    password_version: Mapped[int] = mapped_column(server_default=text("1"))
    """Incremented when the password is set or the account is disabled.

    Tokens of an older version are refused.
    """
    role: Mapped[str] = mapped_column(Text)
    organization: Mapped[str | None] = mapped_column(Text)
    """The organization of a partner, and of an API key that is confined to one; else null."""
    disabled_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (
        CheckConstraint("username ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,149}$'", "username_form"),
        CheckConstraint("length(email) BETWEEN 3 AND 254", "email_length"),
        CheckConstraint(
            "role IN ('admin', 'partner', 'student', 'read-only', 'service')", "role_known"
        ),
        CheckConstraint("length(organization) BETWEEN 1 AND 255", "organization_length"),
        CheckConstraint(
            "role = 'service' OR (role = 'partner') = (organization IS NOT NULL)",
            "organization_of_partners",
        ),
        # The column's collation makes lower() fold ASCII letters only, whatever the locale.
        Index("uq_accounts_username", text("lower(username)"), unique=True),
    )


class AccountIdentity(Base):
    """The person of an identity provider whom an account belongs to.

    The row outlives its account for a while, so that the tokens of a deleted account stay refused.
    """

    __tablename__ = "account_identities"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of issuer and subject. The subject itself, often a name or address, is not stored."""
    issuer: Mapped[str] = mapped_column(Text)
    account_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL", initially="DEFERRED", deferrable=True)
    )
    """Null when the account has been deleted."""
    claims_issued_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    """The issue of the token that the role and the organization of the account come from."""
    refused_until: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """Tokens that were issued until then are refused for good."""

    __table_args__ = (
        CheckConstraint("length(issuer) BETWEEN 1 AND 255", "issuer_length"),
        Index("uq_account_identities_account_id", "account_id", unique=True),
    )


class RevokedToken(Base):
    __tablename__ = "revoked_tokens"

    jti: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), index=True)
    """When the token expires by itself. The row may be removed after that."""
