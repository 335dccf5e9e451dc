"""The client's id of a request beside the trace id, in the audit of awards.

Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# The trigger that writes the audit names its columns, so that a default is enough.
REQUEST_ID = "nullif(current_setting('scholarship_api.request_id', true), '')"


def upgrade() -> None:
    op.add_column("scholarship_changes", sa.Column("request_id", sa.Text(), nullable=True))
    # In a step of its own: rows that are there already are not rewritten for it.
    op.alter_column("scholarship_changes", "request_id", server_default=sa.text(REQUEST_ID))


def downgrade() -> None:
    op.drop_column("scholarship_changes", "request_id")
