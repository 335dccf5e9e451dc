"""Rules of the search and changes of its synonyms, which take effect with the next request.

Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# As `search_words_changed` of 0009, in the writer's own transaction.
RULES_CHANGED = """
    CREATE FUNCTION public.search_rules_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        step bigint := 1 + floor(random() * 2147483647)::bigint;
        changed_at timestamptz := CASE TG_TABLE_NAME WHEN 'search_synonyms'
            THEN clock_timestamp() END;
    BEGIN
        IF current_setting('transaction_isolation') = 'read committed' THEN
            UPDATE public.catalogue_versions SET rules = rules + step,
                synonyms_changed_at = coalesce(changed_at, synonyms_changed_at)
            WHERE slot = (
                SELECT slot FROM public.catalogue_versions LIMIT 1 FOR UPDATE SKIP LOCKED
            );
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        INSERT INTO public.catalogue_versions (number, rules, synonyms_changed_at)
        VALUES (0, step, changed_at);
        RETURN NULL;
    END
    $$
"""
TABLES = ("search_synonyms", "search_rules")


def _instant(name: str, *, default: str | None = None) -> sa.Column:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        server_default=None if default is None else sa.text(default),
        nullable=default is None,
    )


def _common() -> tuple[sa.Column, ...]:
    return (
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _instant("created_at", default="now()"),
        _instant("updated_at", default="now()"),
    )


def upgrade() -> None:
    op.add_column(
        "catalogue_versions",
        sa.Column("rules", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("catalogue_versions", _instant("synonyms_changed_at"))
    texts = sa.ARRAY(sa.Text())
    op.create_table(
        "search_synonyms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", texts, nullable=False),
        sa.Column("others", texts, server_default=sa.text("'{}'"), nullable=False),
        *_common(),
        sa.CheckConstraint(
            "kind IN ('two_way', 'one_way', 'not_synonyms', 'separate', 'never_corrected')",
            name=op.f("ck_search_synonyms_kind_known"),
        ),
        sa.CheckConstraint("cardinality(words) > 0", name=op.f("ck_search_synonyms_has_words")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_synonyms")),
    )
    op.create_table(
        "search_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("match", sa.Text(), nullable=False),
        sa.Column("pins", texts, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("hides", texts, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("boosts", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        *_common(),
        sa.CheckConstraint(
            "match IN ('exact', 'contains')", name=op.f("ck_search_rules_match_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_rules")),
    )
    op.execute(RULES_CHANGED)
    for table in TABLES:
        op.execute(
            "CREATE TRIGGER search_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE"
            f" ON public.{table} FOR EACH STATEMENT EXECUTE FUNCTION public.search_rules_changed()"
        )


def downgrade() -> None:
    # Loses all rules and synonyms that operators have made.
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION public.search_rules_changed()")
    op.drop_column("catalogue_versions", "synonyms_changed_at")
    op.drop_column("catalogue_versions", "rules")
