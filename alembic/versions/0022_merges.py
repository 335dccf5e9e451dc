"""Awards that are likely the same, and awards that were merged into others.

Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Without it, the next import of the file that a merged award comes from would publish it again. The
# write is left out: the award stays as it is until the merge is undone.
STAYS_MERGED = """
    CREATE OR REPLACE FUNCTION public.scholarship_stays_merged() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM public.scholarship_merges
            WHERE merged_id = OLD.id AND undone_at IS NULL
        ) THEN
            RETURN NULL;
        END IF;
        RETURN NEW;
    END
    $$
"""
TRIGGER = """
    CREATE TRIGGER scholarship_stays_merged BEFORE UPDATE ON public.scholarships
    FOR EACH ROW WHEN (OLD.status = 'archived' AND NEW.status <> 'archived')
    EXECUTE FUNCTION public.scholarship_stays_merged()
"""


def upgrade() -> None:
    op.create_table(
        "scholarship_merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("merged_id", sa.Text(), nullable=False),
        sa.Column("into_id", sa.Text(), nullable=False),
        sa.Column("status_before", sa.Text(), nullable=False),
        sa.Column(
            "merged_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scholarship_merges")),
    )
    op.create_index(
        "uq_scholarship_merges_merged_id",
        "scholarship_merges",
        ["merged_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "scholarship_merge_rows",
        sa.Column("merge_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merge_id"],
            ["scholarship_merges.id"],
            name=op.f("fk_scholarship_merge_rows_merge_id_scholarship_merges"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "merge_id", "kind", "row_id", name=op.f("pk_scholarship_merge_rows")
        ),
    )
    op.create_table(
        "duplicates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("first_id", sa.Text(), nullable=False),
        sa.Column("second_id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column(
            "found_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_duplicates_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicates")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_duplicates_first_id_second_id")),
    )
    op.execute(STAYS_MERGED)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER scholarship_stays_merged ON public.scholarships")
    op.execute("DROP FUNCTION public.scholarship_stays_merged()")
    op.drop_table("duplicates")
    op.drop_table("scholarship_merge_rows")
    op.drop_table("scholarship_merges")
