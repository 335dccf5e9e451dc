"""Awards as they are: sets of criteria, rounds, requirements, coverage.

Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Every new column is NULL or has a constant default, so no row is rewritten.
COLUMNS = {
    "eligibility_sets": postgresql.JSONB(),
    "criteria_complete": sa.Boolean(),
    "other_requirements": postgresql.JSONB(),
    "preferences": postgresql.JSONB(),
    "rounds": postgresql.JSONB(),
    "requirements": postgresql.JSONB(),
    "application": postgresql.JSONB(),
    "coverage": postgresql.JSONB(),
    "flags": postgresql.JSONB(),
    "sources": postgresql.JSONB(),
    "last_verified_by": sa.Text(),
    "opens_at": sa.DateTime(timezone=True),
    "turns_at": sa.DateTime(timezone=True),
}
LISTS = {
    "eligibility_sets": 8,
    "other_requirements": 20,
    "preferences": 10,
    "rounds": 24,
    "requirements": 30,
    "flags": 20,
    "sources": 20,
}
OBJECTS = ("application", "coverage")
CHECKS = {
    f"ck_scholarships_{name}_form": f"jsonb_typeof({name}) = 'array'"
    f" AND jsonb_array_length({name}) BETWEEN 1 AND {limit}"
    for name, limit in LISTS.items()
} | {f"ck_scholarships_{name}_form": f"jsonb_typeof({name}) = 'object'" for name in OBJECTS}

# The columns that a writer can set: those of 0004, and after them the ones of this migration.
AUDITED_BEFORE = """name organization description amount_min amount_max currency max_awards
    application_deadline deadline_kind deadline_timezone deadline_estimated recurs notification_date
    scholarship_type renewable essay_required recommendation_letters min_gpa max_gpa grade_levels
    citizenship_required residency_states fields_of_study min_age max_age financial_need
    application_url website_url contact_email source_url last_verified_on status""".split()
AUDITED = (
    *AUDITED_BEFORE,
    *(name for name in COLUMNS if name not in ("opens_at", "turns_at")),
)


def _state(row: str, audited: tuple[str, ...] | list[str]) -> str:
    columns = ", ".join(f"{row}.{column}" for column in audited)
    return f"(SELECT to_jsonb(audited) FROM (SELECT {columns}) AS audited)"


def audit(audited: tuple[str, ...] | list[str]) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION public.scholarships_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_hashjoin = on -- imports turn it off, and would compare each row with each
    AS $$
    DECLARE
        source text :=
            coalesce(nullif(current_setting('scholarship_api.source', true), ''), 'database');
        account uuid := nullif(current_setting('scholarship_api.account_id', true), '');
        trace text := nullif(current_setting('scholarship_api.trace_id', true), '');
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO public.scholarship_changes
                (scholarship_id, version, action, before, after, source, account_id, trace_id)
            SELECT written.id, written.version, 'created', NULL, {_state("written", audited)},
                source, account, trace
            FROM written;
        ELSIF TG_OP = 'UPDATE' THEN
            INSERT INTO public.scholarship_changes
                (scholarship_id, version, action, before, after, source, account_id, trace_id)
            SELECT written.id, written.version,
                CASE WHEN written.status = 'archived' AND replaced.status <> 'archived'
                     THEN 'archived' ELSE 'updated' END,
                difference.before, difference.after, source, account, trace
            FROM replaced
            JOIN written USING (id)
            CROSS JOIN LATERAL (
                SELECT coalesce(jsonb_object_agg(field.key, field.value), '{{}}') AS before,
                       coalesce(jsonb_object_agg(field.key, present.state -> field.key), '{{}}')
                           AS after
                FROM (SELECT {_state("written", audited)} AS state) AS present,
                     jsonb_each({_state("replaced", audited)}) AS field
                WHERE field.value <> present.state -> field.key
            ) AS difference;
        ELSE
            INSERT INTO public.scholarship_changes
                (scholarship_id, version, action, before, after, source, account_id, trace_id)
            SELECT replaced.id, replaced.version, 'deleted', {_state("replaced", audited)}, NULL,
                source, account, trace
            FROM replaced;
        END IF;
        RETURN NULL;
    END
    $$
"""


def upgrade() -> None:
    # Every step may be repeated: what comes before the index stays when building that is cut off.
    added = ", ".join(
        f"ADD COLUMN IF NOT EXISTS {name} {kind.compile(dialect=postgresql.dialect())}"
        + (" NOT NULL DEFAULT false" if name == "criteria_complete" else "")
        for name, kind in COLUMNS.items()
    )
    op.execute(f"ALTER TABLE public.scholarships {added}")
    for name, condition in CHECKS.items():
        # To check the rows takes no lock that writers wait for, unlike to add a valid constraint.
        op.execute(f"ALTER TABLE public.scholarships DROP CONSTRAINT IF EXISTS {name}")
        op.execute(
            f"ALTER TABLE public.scholarships ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID"
        )
    op.execute(audit(AUDITED))
    with op.get_context().autocommit_block():
        for name in CHECKS:
            op.execute(f"ALTER TABLE public.scholarships VALIDATE CONSTRAINT {name}")
        # An index whose build was cut off is invalid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_scholarships_turns_at")
        op.create_index(
            "ix_scholarships_turns_at",
            "scholarships",
            ["turns_at"],
            postgresql_where=sa.text("turns_at IS NOT NULL AND status = 'published'"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_scholarships_turns_at", if_exists=True)
    op.execute(audit(AUDITED_BEFORE))
    for name in CHECKS:
        op.execute(f"ALTER TABLE public.scholarships DROP CONSTRAINT {name}")
    for name in COLUMNS:
        op.drop_column("scholarships", name)
