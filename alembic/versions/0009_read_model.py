"""Which transaction made each change, for the copies of the catalogue that workers hold.

Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A reader that knows the snapshot of its last read finds what has become visible since, in whatever
# order the transactions have committed: every change whose transaction that snapshot does not see.
# Changes that were made before this migration have no transaction: every reader has read them.
TRANSACTION = sa.text("((pg_current_xact_id())::text)::bigint")

# As in 0005. Besides, a row of its own tells of what leaves no trace in the audit: a TRUNCATE, and
# an award that gets another id.
CHANGED = """
    CREATE OR REPLACE FUNCTION public.catalogue_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        present text := pg_current_xact_id()::text;
        step bigint := 1 + floor(random() * 2147483647)::bigint;
    BEGIN
        {reset}IF current_setting('scholarship_api.catalogue_changed_in', true) = present THEN
            RETURN NULL;
        END IF;
        PERFORM set_config('scholarship_api.catalogue_changed_in', present, true);
        -- A stricter isolation would fail at a row that has been updated since its snapshot.
        IF current_setting('transaction_isolation') = 'read committed' THEN
            UPDATE public.catalogue_versions SET number = number + step WHERE slot = (
                SELECT slot FROM public.catalogue_versions LIMIT 1 FOR UPDATE SKIP LOCKED
            );
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        INSERT INTO public.catalogue_versions (number) VALUES (step);
        RETURN NULL;
    END
    $$
"""
RESET = """IF TG_LEVEL = 'ROW' OR TG_OP = 'TRUNCATE' AND TG_TABLE_NAME = 'scholarships' THEN
            INSERT INTO public.catalogue_versions (number, reset_in)
            VALUES (step, present::bigint);
            RETURN NULL;
        END IF;
        """

# The words have a number of their own, which only a statement raises that did change words: an
# award with known words alone leaves everything as it is that was learnt of words.
WORDS_CHANGED = """
    CREATE OR REPLACE FUNCTION public.search_words_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        present text := pg_current_xact_id()::text;
        step bigint := 1 + floor(random() * 2147483647)::bigint;
    BEGIN
        IF TG_OP <> 'TRUNCATE' THEN
            IF NOT EXISTS (SELECT FROM changed) THEN
                RETURN NULL;
            END IF;
        END IF;
        IF current_setting('scholarship_api.words_changed_in', true) = present THEN
            RETURN NULL;
        END IF;
        PERFORM set_config('scholarship_api.words_changed_in', present, true);
        IF current_setting('transaction_isolation') = 'read committed' THEN
            UPDATE public.catalogue_versions SET words = words + step WHERE slot = (
                SELECT slot FROM public.catalogue_versions LIMIT 1 FOR UPDATE SKIP LOCKED
            );
            IF FOUND THEN
                RETURN NULL;
            END IF;
        END IF;
        INSERT INTO public.catalogue_versions (number, words) VALUES (0, step);
        RETURN NULL;
    END
    $$
"""
WORDS_TRIGGERS = {
    "INSERT": "REFERENCING NEW TABLE AS changed",
    "UPDATE": "REFERENCING NEW TABLE AS changed",
    "DELETE": "REFERENCING OLD TABLE AS changed",
    "TRUNCATE": "",
}


def upgrade() -> None:
    # Every step may be repeated: what comes before the index stays when building that is cut off.
    op.execute("ALTER TABLE public.scholarship_changes ADD COLUMN IF NOT EXISTS written_in bigint")
    # In a step of its own: rows that are there already are not rewritten for it.
    op.alter_column("scholarship_changes", "written_in", server_default=TRANSACTION)
    op.execute(
        "ALTER TABLE public.catalogue_versions"
        " ADD COLUMN IF NOT EXISTS words bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN IF NOT EXISTS reset_in bigint"
    )
    op.execute(CHANGED.format(reset=RESET))
    op.execute(
        "CREATE OR REPLACE TRIGGER catalogue_id_changed AFTER UPDATE OF id ON public.scholarships"
        " FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION public.catalogue_changed()"
    )
    op.execute(WORDS_CHANGED)
    for event, tables in WORDS_TRIGGERS.items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER search_words_changed_{event.lower()} AFTER {event}"
            f" ON public.search_words {tables}"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.search_words_changed()"
        )
    with op.get_context().autocommit_block():
        # An index whose build was cut off is invalid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_scholarship_changes_written_in")
        op.create_index(
            "ix_scholarship_changes_written_in",
            "scholarship_changes",
            ["written_in"],
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_scholarship_changes_written_in", if_exists=True)
    for event in WORDS_TRIGGERS:
        op.execute(f"DROP TRIGGER search_words_changed_{event.lower()} ON public.search_words")
    op.execute("DROP FUNCTION public.search_words_changed()")
    op.execute("DROP TRIGGER catalogue_id_changed ON public.scholarships")
    op.execute(CHANGED.format(reset=""))
    op.drop_column("catalogue_versions", "reset_in")
    op.drop_column("catalogue_versions", "words")
    op.drop_column("scholarship_changes", "written_in")
