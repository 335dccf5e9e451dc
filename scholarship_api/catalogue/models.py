"""The tables of the catalogue.

Search reads the generated columns; `search_index` has their functions. They are deferred, because
no object needs them and Python has no instant for the `infinity` of `closes_at`. Their expressions
are written as PostgreSQL prints them, so that a test can compare them with the database.
"""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from scholarship_api.catalogue import award_parts
from scholarship_api.platform.database.base import Base

PUBLISHED = text("status = 'published'")

_JSON = JSONB(none_as_null=True)


def _list_form(column: str, limit: int) -> CheckConstraint:
    return CheckConstraint(
        f"jsonb_typeof({column}) = 'array' AND jsonb_array_length({column}) BETWEEN 1 AND {limit}",
        f"{column}_form",
    )


def _object_form(column: str) -> CheckConstraint:
    return CheckConstraint(f"jsonb_typeof({column}) = 'object'", f"{column}_form")


INDEXED_COLUMNS: Final = (
    "name",
    "organization",
    "description",
    "fields_of_study",
    "scholarship_type",
    "grade_levels",
)
"""The columns whose words a search finds."""


class Scholarship(Base):
    __tablename__ = "scholarships"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    organization: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    amount_min: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    amount_max: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    currency: Mapped[str | None] = mapped_column(Text)
    max_awards: Mapped[int | None]
    application_deadline: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    deadline_date: Mapped[dt.date | None] = mapped_column(Date)
    """The calendar day of the deadline in its own time zone."""
    deadline_kind: Mapped[str] = mapped_column(Text)
    deadline_timezone: Mapped[str] = mapped_column(Text, server_default="UTC")
    deadline_estimated: Mapped[bool] = mapped_column(server_default=text("false"))
    recurs: Mapped[str] = mapped_column(Text, server_default="none")
    notification_date: Mapped[dt.date | None] = mapped_column(Date)
    scholarship_type: Mapped[str] = mapped_column(Text)
    renewable: Mapped[bool] = mapped_column(server_default=text("false"))
    essay_required: Mapped[bool] = mapped_column(server_default=text("false"))
    recommendation_letters: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    min_gpa: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    max_gpa: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    grade_levels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    citizenship_required: Mapped[str | None] = mapped_column(Text)
    residency_states: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    fields_of_study: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    min_age: Mapped[int | None] = mapped_column(SmallInteger)
    max_age: Mapped[int | None] = mapped_column(SmallInteger)
    financial_need: Mapped[bool] = mapped_column(server_default=text("false"))
    application_url: Mapped[str | None] = mapped_column(Text)
    website_url: Mapped[str | None] = mapped_column(Text)
    contact_email: Mapped[str | None] = mapped_column(Text)
    source_url: Mapped[str | None] = mapped_column(Text)
    last_verified_on: Mapped[dt.date | None] = mapped_column(Date)
    status: Mapped[str] = mapped_column(Text, server_default="published")
    eligibility_sets: Mapped[list[dict[str, Any]] | None] = mapped_column(_JSON)
    """None when the columns of the criteria hold all of the sets."""
    criteria_complete: Mapped[bool] = mapped_column(server_default=text("false"))
    other_requirements: Mapped[list[str] | None] = mapped_column(_JSON)
    preferences: Mapped[list[dict[str, Any]] | None] = mapped_column(_JSON)
    rounds: Mapped[list[dict[str, Any]] | None] = mapped_column(_JSON)
    requirements: Mapped[list[dict[str, Any]] | None] = mapped_column(_JSON)
    application: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    coverage: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    flags: Mapped[list[str] | None] = mapped_column(_JSON)
    sources: Mapped[list[dict[str, Any]] | None] = mapped_column(_JSON)
    last_verified_by: Mapped[str | None] = mapped_column(Text)
    opens_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """When the next round opens, if none is open."""
    turns_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """When the deadline that follows from the rounds is another one, see `round_turns`."""
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    amount: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), Computed("COALESCE(amount_max, amount_min)", persisted=True)
    )
    closes_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True),
        Computed(
            "COALESCE(application_deadline, 'infinity'::timestamp with time zone)", persisted=True
        ),
        deferred=True,
    )
    """The sort key for deadlines: awards without one sort last, as if they never closed."""
    name_folded: Mapped[str] = mapped_column(
        Text(collation="C"), Computed("fold_text(name)", persisted=True), deferred=True
    )
    organization_folded: Mapped[str] = mapped_column(
        Text(collation="C"),
        Computed("fold_text(organization)", persisted=True),
        deferred=True,
    )
    filter_tokens: Mapped[list[str]] = mapped_column(
        ARRAY(Text),
        Computed(
            "scholarship_filter_tokens(fields_of_study, scholarship_type, residency_states,"
            " grade_levels, citizenship_required)",
            persisted=True,
        ),
        deferred=True,
    )
    """Codes such as `f:engineering` and `s:CA`. `f:*` means open to all fields of study.

    The read model has replaced them. The column stays for one more release, because workers of the
    release before read it while both serve.
    """
    search_vector: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            f"scholarship_search_vector({', '.join(INDEXED_COLUMNS)})",
            persisted=True,
        ),
        deferred=True,
    )

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 255", "name_length"),
        CheckConstraint("length(organization) BETWEEN 1 AND 255", "organization_length"),
        CheckConstraint("length(description) <= 20000", "description_length"),
        CheckConstraint("amount_min >= 0 AND amount_max >= amount_min", "amount_range"),
        CheckConstraint(
            "currency IS NOT NULL OR (amount_min IS NULL AND amount_max IS NULL)", "amount_currency"
        ),
        CheckConstraint("max_awards >= 1", "max_awards_positive"),
        CheckConstraint(
            "(deadline_kind = 'fixed') = (application_deadline IS NOT NULL)"
            " AND (application_deadline IS NULL) = (deadline_date IS NULL)",
            "deadline_matches_kind",
        ),
        CheckConstraint("recommendation_letters BETWEEN 0 AND 10", "recommendation_letters_range"),
        CheckConstraint("min_gpa BETWEEN 0 AND 4 AND max_gpa BETWEEN 0 AND 4", "gpa_range"),
        CheckConstraint("status IN ('draft', 'published', 'archived')", "status_known"),
        _list_form("eligibility_sets", award_parts.MAX_SETS),
        _list_form("other_requirements", award_parts.MAX_OTHER_REQUIREMENTS),
        _list_form("preferences", award_parts.MAX_PREFERENCES),
        _list_form("rounds", award_parts.MAX_ROUNDS),
        _list_form("requirements", award_parts.MAX_REQUIREMENTS),
        _list_form("flags", award_parts.MAX_FLAGS),
        _list_form("sources", award_parts.MAX_SOURCES),
        _object_form("application"),
        _object_form("coverage"),
        Index(
            "ix_scholarships_turns_at",
            "turns_at",
            postgresql_where=text("turns_at IS NOT NULL AND status = 'published'"),
        ),
        Index("ix_scholarships_closes_at", "closes_at", "id", postgresql_where=PUBLISHED),
        Index(
            "ix_scholarships_filters",
            "closes_at",
            "id",
            postgresql_include=[
                "amount",
                "min_gpa",
                "max_gpa",
                "renewable",
                "deadline_date",
                "filter_tokens",
            ],
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_scholarships_amount",
            text("COALESCE(amount, -1::numeric) DESC"),
            text("id DESC"),
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_scholarships_created_at",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_scholarships_name_folded", "name_folded", "closes_at", postgresql_where=PUBLISHED
        ),
        Index(
            "ix_scholarships_organization_folded",
            "organization_folded",
            "closes_at",
            "id",
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_scholarships_opportunity_id",
            text("opportunity_id(id)"),
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_scholarships_updated_at",
            text("updated_at DESC"),
            "id",
            postgresql_where=PUBLISHED,
        ),
        Index(
            "ix_scholarships_filter_tokens",
            "filter_tokens",
            postgresql_using="gin",
        ),
        Index(
            "ix_scholarships_search_vector",
            "search_vector",
            postgresql_using="gin",
            postgresql_where=PUBLISHED,
            postgresql_with={"gin_pending_list_limit": 512},
        ),
    )


class ScholarshipChange(Base):
    """The audit: a trigger of `scholarships` writes a row for every change of an award.

    `before` and `after` hold only the changed fields, except that a creation and a deletion hold
    all of them. Every past state of an award follows from its rows.
    """

    __tablename__ = "scholarship_changes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    scholarship_id: Mapped[str] = mapped_column(Text, index=True)
    version: Mapped[int]
    """The version that the change made."""
    action: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    changed_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    source: Mapped[str] = mapped_column(Text)
    """`api`, `command_line`, `schedule` for the next round of an award, or `database` for SQL that
    did not come from this service."""
    account_id: Mapped[uuid.UUID | None]
    """The account that made the change; a trigger replaces it by DELETED_ACCOUNT_ID.

    It has no foreign key, because changes stay when their account is deleted.
    """
    trace_id: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(
        Text,
        server_default=text(
            "NULLIF(current_setting('scholarship_api.request_id'::text, true), ''::text)"
        ),
    )
    """The id that the client sent with its request."""
    written_in: Mapped[int | None] = mapped_column(
        BigInteger, server_default=text("((pg_current_xact_id())::text)::bigint"), index=True
    )
    """The transaction that made the change; None: it was made before migration 0009."""

    __table_args__ = (
        CheckConstraint("action IN ('created', 'updated', 'archived', 'deleted')", "action_known"),
        Index(
            "ix_scholarship_changes_account_id",
            "account_id",
            postgresql_where=text("account_id IS NOT NULL"),
        ),
        Index("ix_scholarship_changes_changed_at", "changed_at", postgresql_using="brin"),
    )


class ScholarshipMerge(Base):
    """An award that was merged into another one. Its row stays, archived."""

    __tablename__ = "scholarship_merges"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    merged_id: Mapped[str] = mapped_column(Text)
    into_id: Mapped[str] = mapped_column(Text)
    status_before: Mapped[str] = mapped_column(Text)
    """The status of the merged award, which it gets back when the merge is undone."""
    merged_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    undone_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index(
            "uq_scholarship_merges_merged_id",
            "merged_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )


class ScholarshipMergeRow(Base):
    """A row of another table that a merge has moved, and its undoing moves back."""

    __tablename__ = "scholarship_merge_rows"

    merge_id: Mapped[int] = mapped_column(
        ForeignKey("scholarship_merges.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    """`interaction` or `application`."""
    row_id: Mapped[str] = mapped_column(Text, primary_key=True)


class CatalogueVersion(Base):
    """Counters that a trigger raises; their sum identifies a state of the catalogue."""

    __tablename__ = "catalogue_versions"

    slot: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    words: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """The same for the words of the catalogue, see `search_words`."""
    reset_in: Mapped[int | None] = mapped_column(BigInteger)
    """In a row of its own: the transaction of a change of which the audit says nothing, such as a
    TRUNCATE."""
    rules: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """The same for the rules of the search and the changes of its synonyms."""
    synonyms_changed_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    """The latest change of synonyms that this row counts."""


class IdempotencyKey(Base):
    """The stored answer of a request with an Idempotency-Key; null until its transaction ends."""

    __tablename__ = "idempotency_keys"

    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None]
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )
