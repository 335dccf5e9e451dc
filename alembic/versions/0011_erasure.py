"""The audit forgets an account that is deleted.

Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# It runs with the rights of the schema's owner: the serving role will not be allowed to change the
# audit. The nil UUID stands for an account that was deleted, null for a change without an account.
FORGET = """
    CREATE FUNCTION public.audit_forget_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        UPDATE public.scholarship_changes
        SET account_id = '00000000-0000-0000-0000-000000000000'
        WHERE account_id = OLD.id;
        RETURN NULL;
    END
    $$
"""


def upgrade() -> None:
    op.execute(FORGET)
    op.execute(
        "CREATE TRIGGER accounts_audit_forget AFTER DELETE ON public.accounts"
        " FOR EACH ROW EXECUTE FUNCTION public.audit_forget_account()"
    )
    with op.get_context().autocommit_block():
        # An index whose build was cut off is invalid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_scholarship_changes_account_id")
        op.create_index(
            "ix_scholarship_changes_account_id",
            "scholarship_changes",
            ["account_id"],
            postgresql_where="account_id IS NOT NULL",
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_scholarship_changes_account_id", if_exists=True)
    op.execute("DROP TRIGGER accounts_audit_forget ON public.accounts")
    op.execute("DROP FUNCTION public.audit_forget_account()")
