"""Events on awards in one order, for the feed of changes, webhooks and alerts.

Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The feed begins here: changes that are already visible are no news.
FIRST_STATE = """
    INSERT INTO public.outbox_state
        (sequenced_snapshot, sequenced_id, batch_id, purged_position, closed_until, soon_until)
    SELECT pg_current_snapshot()::text, coalesce(max(id), 0), 0, 0, now(), now()
    FROM public.scholarship_changes
"""


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("scholarship_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("event ~ '^[a-z_]+[.][a-z_]+$'", name=op.f("ck_outbox_event_form")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_key", "outbox", ["key"], unique=True)
    op.create_table(
        "outbox_state",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("sequenced_snapshot", sa.Text(), nullable=False),
        sa.Column("sequenced_id", sa.BigInteger(), nullable=False),
        sa.Column("floor_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("batch_snapshot", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("purged_position", sa.BigInteger(), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("soon_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_outbox_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_state")),
    )
    op.execute(FIRST_STATE)


def downgrade() -> None:
    # Loses the events: those that are not yet delivered never are.
    op.drop_table("outbox_state")
    op.drop_table("outbox")
