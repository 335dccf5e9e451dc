"""The last batch of requests of API keys that each process has added.

Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key_use_writers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("last_batch", sa.BigInteger(), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key_use_writers")),
    )


def downgrade() -> None:
    op.drop_table("api_key_use_writers")
