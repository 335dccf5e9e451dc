"""The index of saved searches by the words that their results need.

Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("saved_searches", sa.Column("query_digest", sa.LargeBinary(), nullable=True))
    op.add_column("saved_searches", sa.Column("words", postgresql.TSQUERY(), nullable=True))
    op.add_column(
        "saved_searches", sa.Column("indexed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_saved_searches_indexed_at",
        "saved_searches",
        [sa.text("indexed_at NULLS FIRST")],
        postgresql_where=sa.text("notify_channel <> 'none'"),
    )


def downgrade() -> None:
    op.drop_index("ix_saved_searches_indexed_at", "saved_searches")
    for column in ("indexed_at", "words", "query_digest"):
        op.drop_column("saved_searches", column)
