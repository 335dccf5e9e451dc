"""What searches filter by, in one index: a row is a tenth of its size there.

Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PUBLISHED = sa.text("status = 'published'")
FILTERS = ("amount", "min_gpa", "max_gpa", "renewable", "deadline_date", "filter_tokens")


# The planner takes a word that it has no statistics of for half as frequent as the rarest that it
# has some of. With 100, the default, that is one award in 200: it would walk a million awards by
# their deadline for one that it does not find.
STATISTICS = {"search_vector": 200, "filter_tokens": 200}


def _rebuild_filter_tokens(where: sa.TextClause | None) -> None:
    """Under another name first, so that searches have one index or the other all the time."""
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_scholarships_filter_tokens_new")
    op.create_index(
        "ix_scholarships_filter_tokens_new",
        "scholarships",
        ["filter_tokens"],
        postgresql_using="gin",
        postgresql_where=where,
        postgresql_concurrently=True,
    )
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_scholarships_filter_tokens")
    op.execute(
        "ALTER INDEX public.ix_scholarships_filter_tokens_new"
        " RENAME TO ix_scholarships_filter_tokens"
    )


def upgrade() -> None:
    # The planner takes a range of this expression for a third of all rows otherwise.
    op.execute(
        "CREATE STATISTICS IF NOT EXISTS public.scholarships_amount"
        " ON (COALESCE(amount, -1::numeric)) FROM public.scholarships"
    )
    for column, target in STATISTICS.items():
        op.execute(f"ALTER TABLE public.scholarships ALTER {column} SET STATISTICS {target}")
    with op.get_context().autocommit_block():
        # What an interrupted build left behind is invalid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_scholarships_filters")
        op.create_index(
            "ix_scholarships_filters",
            "scholarships",
            ["closes_at", "id"],
            postgresql_include=FILTERS,
            postgresql_where=PUBLISHED,
            postgresql_concurrently=True,
        )
        # Without the condition that the others have: the planner never combines two indexes of
        # the same one, such as that of the amounts and this.
        _rebuild_filter_tokens(None)
        op.execute("ANALYZE public.scholarships")


def downgrade() -> None:
    op.execute("DROP STATISTICS public.scholarships_amount")
    for column in STATISTICS:
        op.execute(f"ALTER TABLE public.scholarships ALTER {column} SET STATISTICS DEFAULT")
    with op.get_context().autocommit_block():
        op.drop_index("ix_scholarships_filters", postgresql_concurrently=True)
        _rebuild_filter_tokens(PUBLISHED)
