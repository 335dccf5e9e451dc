"""An award of usual length lies in one piece.

Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # By default the search vector of every fourth award goes to another table, as the row is a bit
    # longer than a quarter of a page: to rank it then takes three reads more, to write it a try to
    # compress it. 8160 is the most; rows that are there already stay as they are.
    op.execute("ALTER TABLE public.scholarships SET (toast_tuple_target = 8160)")


def downgrade() -> None:
    op.execute("ALTER TABLE public.scholarships RESET (toast_tuple_target)")
