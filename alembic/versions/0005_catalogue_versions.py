"""Which state the catalogue is in, for what is made of it and kept.

Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# In the writer's own transaction, so that a new state can be seen exactly when the change can.
# A writer takes a row that nobody else holds, so that writers do not wait for each other, and the
# sum of all rows never has the same value twice. Once in a transaction: the versions of a row
# that one transaction makes cannot be cleaned up before it ends, and each update reads them all.
# The steps are random, so that a database that was restored from a backup soon counts otherwise.
CHANGED = """
    CREATE FUNCTION public.catalogue_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        present text := pg_current_xact_id()::text;
        step bigint := 1 + floor(random() * 2147483647)::bigint;
    BEGIN
        IF current_setting('scholarship_api.catalogue_changed_in', true) = present THEN
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
# The words decide how a query is completed and corrected.
WATCHED = ("scholarships", "search_words")


def upgrade() -> None:
    op.create_table(
        "catalogue_versions",
        sa.Column("slot", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_catalogue_versions")),
    )
    op.execute(CHANGED)
    for table in WATCHED:
        op.execute(
            "CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE"
            f" ON public.{table} FOR EACH STATEMENT EXECUTE FUNCTION public.catalogue_changed()"
        )


def downgrade() -> None:
    for table in WATCHED:
        op.execute(f"DROP TRIGGER catalogue_changed ON public.{table}")
    op.execute("DROP FUNCTION public.catalogue_changed()")
    op.drop_table("catalogue_versions")
