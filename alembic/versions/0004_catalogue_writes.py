"""The audit of the catalogue, and the answers kept for Idempotency-Key.

Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What a writer can set; the generated columns, version and the instants follow from it.
AUDITED = """name organization description amount_min amount_max currency max_awards
    application_deadline deadline_kind deadline_timezone deadline_estimated recurs notification_date
    scholarship_type renewable essay_required recommendation_letters min_gpa max_gpa grade_levels
    citizenship_required residency_states fields_of_study min_age max_age financial_need
    application_url website_url contact_email source_url last_verified_on status""".split()


def _state(row: str) -> str:
    columns = ", ".join(f"{row}.{column}" for column in AUDITED)
    return f"(SELECT to_jsonb(audited) FROM (SELECT {columns}) AS audited)"


# A trigger, so that no writer can forget it: the API, imports, and whoever has a psql. It runs as
# its owner, so that the serving role needs no right to write the audit otherwise.
# The settings are local to the writer's transaction; see scholarship_api/catalogue/audit.py.
AUDIT = f"""
    CREATE FUNCTION public.scholarships_audit() RETURNS trigger
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
            SELECT written.id, written.version, 'created', NULL, {_state("written")},
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
                FROM (SELECT {_state("written")} AS state) AS present,
                     jsonb_each({_state("replaced")}) AS field
                WHERE field.value <> present.state -> field.key
            ) AS difference;
        ELSE
            INSERT INTO public.scholarship_changes
                (scholarship_id, version, action, before, after, source, account_id, trace_id)
            SELECT replaced.id, replaced.version, 'deleted', {_state("replaced")}, NULL,
                source, account, trace
            FROM replaced;
        END IF;
        RETURN NULL;
    END
    $$
"""
TRANSITIONS = {
    "INSERT": "NEW TABLE AS written",
    "UPDATE": "OLD TABLE AS replaced NEW TABLE AS written",
    "DELETE": "OLD TABLE AS replaced",
}


def upgrade() -> None:
    op.create_table(
        "scholarship_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scholarship_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action IN ('created', 'updated', 'archived', 'deleted')",
            name=op.f("ck_scholarship_changes_action_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scholarship_changes")),
    )
    op.create_index(
        "ix_scholarship_changes_scholarship_id", "scholarship_changes", ["scholarship_id"]
    )
    op.execute(AUDIT)
    for event, tables in TRANSITIONS.items():
        op.execute(
            f"CREATE TRIGGER scholarships_audit_{event.lower()} AFTER {event}"
            f" ON public.scholarships REFERENCING {tables}"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.scholarships_audit()"
        )
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_idempotency_keys_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    for event in TRANSITIONS:
        op.execute(f"DROP TRIGGER scholarships_audit_{event.lower()} ON public.scholarships")
    op.execute("DROP FUNCTION public.scholarships_audit()")
    op.drop_table("scholarship_changes")
