"""One entry in the index of saved searches for all searches with the same query.

Revises: 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# A changed query is indexed anew, also when a release writes it that does not know the column.
OUTDATE = """
    CREATE FUNCTION public.saved_searches_outdate() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        NEW.indexed_query := NULL;
        RETURN NEW;
    END
    $$
"""
# The words of a person go with the last search that has them. The lock makes transactions that
# delete the last two searches of a query wait for each other, so that the second one sees that
# none is left.
FORGET = """
    CREATE FUNCTION public.saved_searches_forget() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        PERFORM FROM public.saved_queries
            WHERE digest IN (SELECT indexed_query FROM removed) ORDER BY digest FOR UPDATE;
        DELETE FROM public.saved_queries AS query
            WHERE digest IN (SELECT indexed_query FROM removed) AND NOT EXISTS (
                SELECT FROM public.saved_searches WHERE indexed_query = query.digest);
        RETURN NULL;
    END
    $$
"""
FORGET_ONE = """
    CREATE FUNCTION public.saved_searches_forget_one() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        PERFORM FROM public.saved_queries WHERE digest = OLD.indexed_query FOR UPDATE;
        DELETE FROM public.saved_queries
            WHERE digest = OLD.indexed_query AND NOT EXISTS (
                SELECT FROM public.saved_searches WHERE indexed_query = OLD.indexed_query);
        RETURN NULL;
    END
    $$
"""
TRIGGERS = (
    """
    CREATE TRIGGER saved_searches_outdate BEFORE UPDATE ON public.saved_searches
    FOR EACH ROW WHEN (
        (OLD.query, OLD.use_profile) IS DISTINCT FROM (NEW.query, NEW.use_profile))
    EXECUTE FUNCTION public.saved_searches_outdate()
    """,
    """
    CREATE TRIGGER saved_searches_forget_one AFTER UPDATE ON public.saved_searches
    FOR EACH ROW WHEN (
        OLD.indexed_query IS NOT NULL AND OLD.indexed_query IS DISTINCT FROM NEW.indexed_query)
    EXECUTE FUNCTION public.saved_searches_forget_one()
    """,
    """
    CREATE TRIGGER saved_searches_forget AFTER DELETE ON public.saved_searches
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION public.saved_searches_forget()
    """,
)


def upgrade() -> None:
    op.create_table(
        "saved_queries",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("words", postgresql.TSQUERY(), nullable=True),
        sa.Column("tokens", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "indexed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_saved_queries")),
    )
    op.create_index(
        "ix_saved_queries_tokens",
        "saved_queries",
        ["tokens"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_saved_queries_indexed_at", "saved_queries", ["indexed_at"])
    # The worker indexes all searches before it compares the next changes.
    op.add_column("saved_searches", sa.Column("indexed_query", sa.LargeBinary(), nullable=True))
    op.create_foreign_key(
        op.f("fk_saved_searches_indexed_query_saved_queries"),
        "saved_searches",
        "saved_queries",
        ["indexed_query"],
        ["digest"],
        ondelete="SET NULL",
    )
    op.create_index(
        "ix_saved_searches_indexed_query",
        "saved_searches",
        ["indexed_query"],
        postgresql_where=sa.text("indexed_query IS NOT NULL"),
    )
    op.create_index(
        "ix_saved_searches_to_index",
        "saved_searches",
        ["id"],
        postgresql_where=sa.text("notify_channel <> 'none' AND indexed_query IS NULL"),
    )
    for statement in (OUTDATE, FORGET, FORGET_ONE, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for name in ("outdate", "forget_one", "forget"):
        op.execute(f"DROP TRIGGER saved_searches_{name} ON public.saved_searches")
        op.execute(f"DROP FUNCTION public.saved_searches_{name}()")
    for index in ("to_index", "indexed_query"):
        op.drop_index(f"ix_saved_searches_{index}", "saved_searches")
    op.drop_column("saved_searches", "indexed_query")
    op.drop_table("saved_queries")
