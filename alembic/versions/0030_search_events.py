"""Counts of what people do with the results of searches, without any person.

Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "query_event_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("query", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("positioned", sa.BigInteger(), nullable=False),
        sa.Column("position_sum", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "length(query) BETWEEN 1 AND 100",
            name=op.f("ck_query_event_counts_query_length"),
        ),
        sa.CheckConstraint(
            "type IN ('no_results', 'click', 'view', 'apply')",
            name=op.f("ck_query_event_counts_type_known"),
        ),
        sa.PrimaryKeyConstraint("day", "query", "type", name=op.f("pk_query_event_counts")),
    )
    op.create_table(
        "award_event_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scholarship_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("positioned", sa.BigInteger(), nullable=False),
        sa.Column("position_sum", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "type IN ('click', 'view', 'apply')",
            name=op.f("ck_award_event_counts_type_known"),
        ),
        sa.PrimaryKeyConstraint(
            "day", "scholarship_id", "type", name=op.f("pk_award_event_counts")
        ),
    )
    op.create_table(
        "event_clients",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "digest", name=op.f("pk_event_clients")),
    )


def downgrade() -> None:
    # Loses what people did with results.
    op.drop_table("event_clients")
    op.drop_table("award_event_counts")
    op.drop_table("query_event_counts")
