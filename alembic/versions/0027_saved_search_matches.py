"""New results of saved searches, which subjects are told about.

Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_search_matches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("search_id", sa.Uuid(), nullable=False),
        sa.Column("scholarship_id", sa.Text(collation="C"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["saved_searches.id"],
            name=op.f("fk_saved_search_matches_search_id_saved_searches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search_matches")),
    )
    op.create_index(
        "uq_saved_search_matches_award",
        "saved_search_matches",
        ["search_id", "scholarship_id"],
        unique=True,
    )
    op.create_index(
        "ix_saved_search_matches_due_at",
        "saved_search_matches",
        ["due_at", "search_id"],
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.execute(
        "INSERT INTO public.outbox_consumers (name, position)"
        " SELECT 'saved_searches', coalesce(max(position), 0) FROM public.outbox"
    )


def downgrade() -> None:
    # Loses which results subjects were told about.
    op.execute("DELETE FROM public.outbox_consumers WHERE name = 'saved_searches'")
    op.drop_table("saved_search_matches")
