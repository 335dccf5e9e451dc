"""API keys, their use, and events on accounts and keys; the audit can only be added to.

Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# A key is an account of the role `service`; it may belong to an organization, like a partner.
ROLES = "role IN ('admin', 'partner', 'student', 'read-only', 'service')"
ORGANIZATIONS = "role = 'service' OR (role = 'partner') = (organization IS NOT NULL)"
FORMER_ROLES = "role IN ('admin', 'partner', 'student', 'read-only')"
FORMER_ORGANIZATIONS = "(role = 'partner') = (organization IS NOT NULL)"

FORGET = """
    CREATE OR REPLACE FUNCTION public.audit_forget_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        UPDATE public.scholarship_changes
        SET account_id = '00000000-0000-0000-0000-000000000000'
        WHERE account_id = OLD.id;
        {events}
        RETURN NULL;
    END
    $$
"""
FORGET_EVENTS = """
        UPDATE public.audit_events
        SET account_id = CASE WHEN account_id = OLD.id
                THEN '00000000-0000-0000-0000-000000000000' ELSE account_id END,
            target_id = CASE WHEN target_id = OLD.id::text
                THEN '00000000-0000-0000-0000-000000000000' ELSE target_id END
        WHERE account_id = OLD.id OR target_id = OLD.id::text;
"""

# The serving role has the owner's default privileges on new tables; see deploy/compose/roles.sql.
APPEND_ONLY = """
    DO $$
    DECLARE
        audited regclass;
        grantee text;
    BEGIN
        FOREACH audited IN ARRAY
            ARRAY['public.scholarship_changes', 'public.audit_events']::regclass[]
        LOOP
            FOR grantee IN
                SELECT DISTINCT CASE WHEN acl.grantee = 0 THEN 'PUBLIC'
                    ELSE quote_ident(acl.grantee::regrole::text) END
                FROM pg_class, aclexplode(relacl) AS acl
                WHERE pg_class.oid = audited AND acl.grantee <> relowner
            LOOP
                EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM %s', audited, grantee);
            END LOOP;
        END LOOP;
    END
    $$
"""
# The retention runs with the rights of the schema's owner, because the serving role may not delete.
PURGE = """
    CREATE FUNCTION public.audit_purge(days integer, row_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        oldest timestamptz := now() - make_interval(days => greatest(days, 30));
        events bigint;
        changes bigint;
    BEGIN
        DELETE FROM public.audit_events WHERE id IN (
            SELECT id FROM public.audit_events WHERE occurred_at < oldest LIMIT row_limit
        );
        GET DIAGNOSTICS events = ROW_COUNT;
        DELETE FROM public.scholarship_changes WHERE id IN (
            SELECT id FROM public.scholarship_changes WHERE changed_at < oldest LIMIT row_limit
        );
        GET DIAGNOSTICS changes = ROW_COUNT;
        RETURN events + changes;
    END
    $$
"""


def upgrade() -> None:
    _replace_account_rules(ROLES, ORGANIZATIONS)
    _create_keys()
    _create_events()
    op.execute(FORGET.format(events=FORGET_EVENTS))
    op.execute(PURGE)
    op.execute(APPEND_ONLY)
    op.create_index(
        "ix_scholarship_changes_changed_at",
        "scholarship_changes",
        ["changed_at"],
        postgresql_using="brin",
    )


def downgrade() -> None:
    op.drop_index("ix_scholarship_changes_changed_at")
    op.execute("DROP FUNCTION public.audit_purge(integer, integer)")
    op.execute(FORGET.format(events=""))
    op.execute("DELETE FROM public.accounts WHERE role = 'service'")
    for table in ("audit_events", "api_key_uses", "api_key_secrets", "api_keys"):
        op.drop_table(table)
    _replace_account_rules(FORMER_ROLES, FORMER_ORGANIZATIONS)


def _replace_account_rules(roles: str, organizations: str) -> None:
    for name, rule in {"role_known": roles, "organization_of_partners": organizations}.items():
        op.drop_constraint(op.f(f"ck_accounts_{name}"), "accounts")
        # Checked without a lock that keeps others from writing.
        constraint = f"CONSTRAINT ck_accounts_{name}"
        op.execute(f"ALTER TABLE public.accounts ADD {constraint} CHECK ({rule}) NOT VALID")
        op.execute(f"ALTER TABLE public.accounts VALIDATE {constraint}")


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("origins", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name=op.f("ck_api_keys_name_length")),
        sa.CheckConstraint(
            "kind IN ('secret', 'publishable')", name=op.f("ck_api_keys_kind_known")
        ),
        sa.CheckConstraint(
            "(kind = 'publishable') = (cardinality(origins) > 0)",
            name=op.f("ck_api_keys_origins_of_publishable"),
        ),
        sa.ForeignKeyConstraint(
            ["id"], ["accounts.id"], name=op.f("fk_api_keys_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "api_key_secrets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
            name=op.f("fk_api_key_secrets_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_key_secrets")),
    )
    op.create_index("ix_api_key_secrets_key_id", "api_key_secrets", ["key_id"])
    op.create_table(
        "api_key_uses",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("route_group", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
            name=op.f("fk_api_key_uses_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key_id", "day", "route_group", name=op.f("pk_api_key_uses")),
    )


def _create_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action ~ '^[a-z_]+[.][a-z_]+$'", name=op.f("ck_audit_events_action_form")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_target_id", "audit_events", ["target_id"])
    op.create_index("ix_audit_events_account_id", "audit_events", ["account_id"])
    op.create_index(
        "ix_audit_events_occurred_at", "audit_events", ["occurred_at"], postgresql_using="brin"
    )
