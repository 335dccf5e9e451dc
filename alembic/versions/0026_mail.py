"""Addresses of subjects, and mails to them.

Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def _instant(name: str, *, default: str | None = None, nullable: bool = False) -> sa.Column:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=None if default is None else sa.text(default),
        nullable=nullable,
    )


def upgrade() -> None:
    op.create_table(
        "mail_addresses",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _instant("asked_at", default="now()"),
        _instant("confirmed_at", nullable=True),
        sa.CheckConstraint(
            "length(address) BETWEEN 3 AND 254", name=op.f("ck_mail_addresses_address_length")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_mail_addresses_subject_id_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_mail_addresses")),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        _instant("created_at", default="now()"),
        _instant("next_attempt_at", default="now()"),
        _instant("expires_at", default="(now() + '24:00:00'::interval)"),
        _instant("leased_until", nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('digest', 'confirmation')", name=op.f("ck_mails_kind_known")),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'dropped', 'dead')", name=op.f("ck_mails_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_mails_subject_id_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("uq_mails_period", "mails", ["subject_id", "period"], unique=True)
    op.create_index(
        "ix_mails_pending",
        "mails",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    # Without a foreign key: mails are removed sooner than the alerts that they told.
    op.add_column("alerts", sa.Column("mail_id", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        # An index whose build was cut off is invalid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_alerts_mail_id")
        op.create_index(
            "ix_alerts_mail_id",
            "alerts",
            ["mail_id"],
            postgresql_where=sa.text("mail_id IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    # Loses addresses and mails that are not sent.
    op.drop_index("ix_alerts_mail_id", if_exists=True)
    op.drop_column("alerts", "mail_id")
    op.drop_table("mails")
    op.drop_table("mail_addresses")
