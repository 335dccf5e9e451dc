"""The index of saved searches by tokens of which each of their results has one.

Revises: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NOTIFIED = sa.text("notify_channel <> 'none'")


def upgrade() -> None:
    # Searches without tokens are indexed by the worker before it compares the next changes.
    op.add_column("saved_searches", sa.Column("tokens", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column(
        "saved_searches",
        sa.Column("match_failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.create_index(
        "ix_saved_searches_tokens",
        "saved_searches",
        ["tokens"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
        postgresql_where=_NOTIFIED,
    )
    op.create_index(
        "ix_saved_searches_query_digest",
        "saved_searches",
        ["query_digest"],
        postgresql_where=_NOTIFIED,
    )
    op.create_index(
        "ix_saved_searches_without_tokens",
        "saved_searches",
        ["id"],
        postgresql_where=sa.text("notify_channel <> 'none' AND tokens IS NULL"),
    )


def downgrade() -> None:
    for index in ("without_tokens", "query_digest", "tokens"):
        op.drop_index(f"ix_saved_searches_{index}", "saved_searches")
    for column in ("match_failures", "tokens"):
        op.drop_column("saved_searches", column)
