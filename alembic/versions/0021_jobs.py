"""The tables and functions of procrastinate, whose jobs the worker runs.

Revises: 0020
"""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).parents[1] / "procrastinate_3_10.sql"

DROP = """
    DO $$
    DECLARE
        made record;
    BEGIN
        DROP TABLE public.procrastinate_events, public.procrastinate_periodic_defers,
            public.procrastinate_jobs, public.procrastinate_workers CASCADE;
        FOR made IN
            SELECT oid::regprocedure::text AS name FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'procrastinate\\_%'
        LOOP
            EXECUTE format('DROP FUNCTION %s', made.name);
        END LOOP;
        DROP TYPE public.procrastinate_job_status, public.procrastinate_job_event_type,
            public.procrastinate_job_to_defer_v1;
    END
    $$
"""


def upgrade() -> None:
    _execute(SCHEMA.read_text())


def downgrade() -> None:
    # Loses jobs that wait. The worker finds what is to be done anew.
    _execute(DROP)


def _execute(statements: str) -> None:
    # The driver itself: SQLAlchemy would pass parameters, for which percent signs and several
    # statements are refused.
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(statements)
