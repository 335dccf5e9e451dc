"""Interactions with awards, and how often what was searched for.

Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("scholarship_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "type IN ('viewed', 'saved', 'applied', 'dismissed')",
            name=op.f("ck_interactions_type_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_interactions_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
    )
    op.create_index(
        "ix_interactions_occurred_at",
        "interactions",
        ["occurred_at", "id"],
        postgresql_include=["account_id", "scholarship_id", "type"],
    )
    for column in ("account_id", "scholarship_id", "type"):
        op.create_index(f"ix_interactions_{column}", "interactions", [column, "occurred_at", "id"])
    op.create_index(
        "uq_interactions_once",
        "interactions",
        ["account_id", "scholarship_id", "type"],
        unique=True,
        postgresql_where=sa.text("type <> 'viewed'"),
    )
    op.create_index(
        "uq_interactions_viewed_once_a_day",
        "interactions",
        [
            "account_id",
            "scholarship_id",
            sa.literal_column("((occurred_at AT TIME ZONE 'UTC'::text)::date)"),
        ],
        unique=True,
        postgresql_where=sa.text("type = 'viewed'"),
    )
    op.create_table(
        "search_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("query", sa.Text(collation="C"), nullable=False),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "length(query) BETWEEN 1 AND 100", name=op.f("ck_search_counts_query_length")
        ),
        sa.CheckConstraint("searches >= 1", name=op.f("ck_search_counts_searches_positive")),
        sa.PrimaryKeyConstraint("day", "query", name=op.f("pk_search_counts")),
    )


def downgrade() -> None:
    op.drop_table("search_counts")
    op.drop_table("interactions")
