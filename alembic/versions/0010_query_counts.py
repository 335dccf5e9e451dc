"""Searches by known words and different clients.

Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "query_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("query", sa.Text(collation="C"), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "length(query) BETWEEN 1 AND 100", name=op.f("ck_query_counts_query_length")
        ),
        sa.CheckConstraint("clients >= 1", name=op.f("ck_query_counts_clients_positive")),
        sa.PrimaryKeyConstraint("day", "query", name=op.f("pk_query_counts")),
    )
    op.create_table(
        "query_clients",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("query", sa.Text(collation="C"), nullable=False),
        sa.Column("client", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "query", "client", name=op.f("pk_query_clients")),
    )


def downgrade() -> None:
    op.drop_table("query_clients")
    op.drop_table("query_counts")
