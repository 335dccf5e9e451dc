"""A shorter list of index entries that searches read one by one.

Revises: 0031
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A GIN index keeps new entries in a list, which every search reads as a whole, until the list
    # has this size (in kB; the default is 4096) or a vacuum comes.
    op.execute(
        "ALTER INDEX public.ix_scholarships_search_vector SET (gin_pending_list_limit = 512)"
    )


def downgrade() -> None:
    op.execute("ALTER INDEX public.ix_scholarships_search_vector RESET (gin_pending_list_limit)")
