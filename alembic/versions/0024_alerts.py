"""Alerts to subjects: reminders, and deadlines that have moved.

Revises: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_alerts_subject_id_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("uq_alerts_key", "alerts", ["subject_id", "key"], unique=True)
    op.create_index("ix_alerts_created_at", "alerts", ["created_at"], postgresql_using="brin")
    op.execute(
        "INSERT INTO public.outbox_consumers (name, position)"
        " SELECT 'alerts', coalesce(max(position), 0) FROM public.outbox"
    )
    op.add_column("webhook_deliveries", sa.Column("subject_id", sa.Uuid(), nullable=True))
    # Checked without a lock that keeps others from writing.
    op.execute(
        "ALTER TABLE public.webhook_deliveries"
        " ADD CONSTRAINT fk_webhook_deliveries_subject_id_subjects"
        " FOREIGN KEY (subject_id) REFERENCES public.subjects (id) ON DELETE CASCADE NOT VALID"
    )
    op.execute(
        "ALTER TABLE public.webhook_deliveries"
        " VALIDATE CONSTRAINT fk_webhook_deliveries_subject_id_subjects"
    )
    with op.get_context().autocommit_block():
        # An index whose build was cut off is invalid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_webhook_deliveries_subject_id")
        op.create_index(
            "ix_webhook_deliveries_subject_id",
            "webhook_deliveries",
            ["subject_id"],
            postgresql_where=sa.text("subject_id IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    # Loses alerts, and messages about subjects.
    op.execute("DELETE FROM public.webhook_deliveries WHERE subject_id IS NOT NULL")
    op.drop_index("ix_webhook_deliveries_subject_id", if_exists=True)
    op.drop_column("webhook_deliveries", "subject_id")
    op.execute("DELETE FROM public.outbox_consumers WHERE name = 'alerts'")
    op.drop_table("alerts")
