"""The catalogue and what search needs.

Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FUNCTIONS = (
    # unaccent(text) is only STABLE: it finds its dictionary by the search path; here it is named.
    """
    CREATE FUNCTION public.fold_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN lower(public.unaccent('public.unaccent'::regdictionary, value))
    """,
    # PostgreSQL's parser would join words over these signs (and/or, U.S., a@b, 2026-2027), but a
    # query is cut into bare words. Four replace() cost 3 us for a description, translate() 35 us.
    """
    CREATE FUNCTION public.plain_words(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN replace(replace(replace(replace(value, '-', ' '), '/', ' '), '.', ' '), '@', ' ')
    """,
    # A GIN index knows no weights: asking for 'engin':A reads every award with that word. So words
    # of the name and of the organization are lexemes of their own too: n/engin, o/engin.
    """
    CREATE FUNCTION public.scholarship_search_vector(
        name text, organization text, description text,
        fields_of_study text[], scholarship_type text, grade_levels text[]
    ) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT
            setweight(part.name, 'A') || setweight(part.organization, 'B') ||
            setweight(
                to_tsvector('public.scholarship'::regconfig, public.plain_words(description)), 'C'
            ) ||
            setweight(to_tsvector('public.scholarship'::regconfig, public.plain_words(
                array_to_string(fields_of_study || scholarship_type || grade_levels, ' '))), 'D') ||
            array_to_tsvector(ARRAY(
                SELECT 'n/' || lexeme FROM unnest(tsvector_to_array(part.name)) AS lexeme)) ||
            array_to_tsvector(ARRAY(
                SELECT 'o/' || lexeme FROM unnest(tsvector_to_array(part.organization)) AS lexeme))
        FROM (
            SELECT
                to_tsvector('public.scholarship'::regconfig, public.plain_words(name)) AS name,
                to_tsvector('public.scholarship'::regconfig, public.plain_words(organization))
                    AS organization
            OFFSET 0
        ) AS part
    )
    """,
    """
    CREATE FUNCTION public.scholarship_filter_tokens(
        fields_of_study text[], scholarship_type text, residency_states text[],
        grade_levels text[], citizenship_required text
    ) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN
        ARRAY['t:' || scholarship_type, 'c:' || coalesce(citizenship_required, '*')] ||
        CASE WHEN cardinality(fields_of_study) = 0 THEN ARRAY['f:*']
             ELSE ARRAY(SELECT 'f:' || item FROM unnest(fields_of_study) AS item) END ||
        CASE WHEN cardinality(residency_states) = 0 THEN ARRAY['s:*']
             ELSE ARRAY(SELECT 's:' || item FROM unnest(residency_states) AS item) END ||
        CASE WHEN cardinality(grade_levels) = 0 THEN ARRAY['g:*']
             ELSE ARRAY(SELECT 'g:' || item FROM unnest(grade_levels) AS item) END
    """,
)

# One statement for each statement that writes, whoever writes. DO NOTHING takes no lock on words
# that are there already, so writers do not wait for each other over common words.
REMEMBER_WORDS = """
    CREATE FUNCTION public.search_words_remember() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO public.search_words (word, lexeme)
        SELECT seen.word, (ts_lexize('pg_catalog.english_stem', seen.word))[1]
        FROM (
            SELECT DISTINCT unnest(tsvector_to_array(to_tsvector(
                'public.scholarship_words',
                public.plain_words(concat_ws(' ', name, organization, description,
                    array_to_string(fields_of_study || scholarship_type || grade_levels, ' ')))
            ))) COLLATE "C" AS word
            FROM written WHERE status = 'published'
        ) AS seen
        WHERE length(seen.word) BETWEEN 2 AND 40
          AND seen.word ~ '^[[:alnum:]]+$'
          AND seen.word !~ '^[0-9]+$'
          AND ts_lexize('pg_catalog.english_stem', seen.word) <> '{}'
          AND NOT EXISTS (SELECT FROM public.search_words AS known WHERE known.word = seen.word)
        ORDER BY seen.word
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
    $$
"""


def upgrade() -> None:
    for extension in ("unaccent", "pg_trgm", "fuzzystrmatch"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} WITH SCHEMA public")
    for name, stemmer in (("scholarship", "english_stem"), ("scholarship_words", "simple")):
        op.execute(f"CREATE TEXT SEARCH CONFIGURATION public.{name} (COPY = pg_catalog.english)")
        op.execute(
            f"ALTER TEXT SEARCH CONFIGURATION public.{name} ALTER MAPPING FOR asciiword, word,"
            f" numword, hword, hword_part, hword_asciipart, asciihword, hword_numpart, numhword"
            f" WITH public.unaccent, pg_catalog.{stemmer}"
        )
    for function in FUNCTIONS:
        op.execute(function)
    op.create_table(
        "scholarships",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("amount_min", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("amount_max", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("max_awards", sa.Integer(), nullable=True),
        sa.Column("application_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_date", sa.Date(), nullable=True),
        sa.Column("deadline_kind", sa.Text(), nullable=False),
        sa.Column("deadline_timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column(
            "deadline_estimated", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("recurs", sa.Text(), server_default="none", nullable=False),
        sa.Column("notification_date", sa.Date(), nullable=True),
        sa.Column("scholarship_type", sa.Text(), nullable=False),
        sa.Column("renewable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("essay_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "recommendation_letters", sa.SmallInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("min_gpa", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.Column("max_gpa", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.Column("grade_levels", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("citizenship_required", sa.Text(), nullable=True),
        sa.Column("residency_states", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("fields_of_study", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("min_age", sa.SmallInteger(), nullable=True),
        sa.Column("max_age", sa.SmallInteger(), nullable=True),
        sa.Column("financial_need", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("application_url", sa.Text(), nullable=True),
        sa.Column("website_url", sa.Text(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("last_verified_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), server_default="published", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "amount",
            sa.Numeric(precision=12, scale=2),
            sa.Computed("COALESCE(amount_max, amount_min)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "closes_at",
            sa.DateTime(timezone=True),
            sa.Computed(
                "COALESCE(application_deadline, 'infinity'::timestamp with time zone)",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "name_folded",
            sa.Text(collation="C"),
            sa.Computed("public.fold_text(name)", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "organization_folded",
            sa.Text(collation="C"),
            sa.Computed("public.fold_text(organization)", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "filter_tokens",
            sa.ARRAY(sa.Text()),
            sa.Computed(
                "public.scholarship_filter_tokens(fields_of_study, scholarship_type,"
                " residency_states, grade_levels, citizenship_required)",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "search_vector",
            postgresql.TSVECTOR(),
            sa.Computed(
                "public.scholarship_search_vector(name, organization, description, fields_of_study,"
                " scholarship_type, grade_levels)",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(deadline_kind = 'fixed') = (application_deadline IS NOT NULL)"
            " AND (application_deadline IS NULL) = (deadline_date IS NULL)",
            name=op.f("ck_scholarships_deadline_matches_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'archived')",
            name=op.f("ck_scholarships_status_known"),
        ),
        sa.CheckConstraint(
            "amount_min >= 0 AND amount_max >= amount_min",
            name=op.f("ck_scholarships_amount_range"),
        ),
        sa.CheckConstraint(
            "currency IS NOT NULL OR (amount_min IS NULL AND amount_max IS NULL)",
            name=op.f("ck_scholarships_amount_currency"),
        ),
        sa.CheckConstraint(
            "length(description) <= 20000", name=op.f("ck_scholarships_description_length")
        ),
        sa.CheckConstraint(
            "length(name) BETWEEN 1 AND 255", name=op.f("ck_scholarships_name_length")
        ),
        sa.CheckConstraint(
            "length(organization) BETWEEN 1 AND 255",
            name=op.f("ck_scholarships_organization_length"),
        ),
        sa.CheckConstraint("max_awards >= 1", name=op.f("ck_scholarships_max_awards_positive")),
        sa.CheckConstraint(
            "min_gpa BETWEEN 0 AND 4 AND max_gpa BETWEEN 0 AND 4",
            name=op.f("ck_scholarships_gpa_range"),
        ),
        sa.CheckConstraint(
            "recommendation_letters BETWEEN 0 AND 10",
            name=op.f("ck_scholarships_recommendation_letters_range"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scholarships")),
    )
    op.create_index(
        "ix_scholarships_amount",
        "scholarships",
        [sa.literal_column("COALESCE(amount, -1::numeric) DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_scholarships_closes_at",
        "scholarships",
        ["closes_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_scholarships_created_at",
        "scholarships",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_scholarships_filter_tokens",
        "scholarships",
        ["filter_tokens"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_scholarships_name_folded",
        "scholarships",
        ["name_folded", "closes_at"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_scholarships_organization_folded",
        "scholarships",
        ["organization_folded", "closes_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_scholarships_search_vector",
        "scholarships",
        ["search_vector"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("lexeme", sa.Text(collation="C"), nullable=False),
        sa.Column("documents", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.create_index("ix_search_words_lexeme", "search_words", ["lexeme"], unique=False)
    op.create_index(
        "ix_search_words_trigrams",
        "search_words",
        ["word"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={"word": "gist_trgm_ops"},
    )
    op.execute(REMEMBER_WORDS)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER search_words_{event.lower()} AFTER {event} ON public.scholarships"
            " REFERENCING NEW TABLE AS written"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.search_words_remember()"
        )


def downgrade() -> None:
    op.drop_table("scholarships")
    op.drop_table("search_words")
    op.execute("DROP FUNCTION public.search_words_remember()")
    for function in (
        "scholarship_filter_tokens",
        "scholarship_search_vector",
        "plain_words",
        "fold_text",
    ):
        op.execute(f"DROP FUNCTION public.{function}")
    for name in ("scholarship", "scholarship_words"):
        op.execute(f"DROP TEXT SEARCH CONFIGURATION public.{name}")
    for extension in ("fuzzystrmatch", "pg_trgm", "unaccent"):
        op.execute(f"DROP EXTENSION {extension}")
