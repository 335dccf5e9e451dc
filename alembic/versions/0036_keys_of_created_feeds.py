"""The Idempotency-Key of the request that has created a feed.

Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feeds", sa.Column("creation_key", sa.Text(collation="C"), nullable=True))
    op.add_column("feeds", sa.Column("creation_digest", sa.LargeBinary(), nullable=True))
    op.create_index(
        "uq_feeds_creation_key",
        "feeds",
        ["subject_id", "creation_key"],
        unique=True,
        postgresql_where=sa.text("creation_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_feeds_creation_key", table_name="feeds")
    op.drop_column("feeds", "creation_digest")
    op.drop_column("feeds", "creation_key")
