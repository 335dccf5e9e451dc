"""Awards are found by the ids of their opportunities, and listed by their last change.

Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The namespace and the form are those of `opportunity_id` in Python: a UUID of version 8.
OPPORTUNITY_ID = r"""
    CREATE OR REPLACE FUNCTION public.opportunity_id(award_id text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT encode(
            set_byte(
                set_byte(digest, 6, get_byte(digest, 6) & 15 | 128),
                8, get_byte(digest, 8) & 63 | 128
            ),
            'hex'
        )::uuid
        FROM (
            SELECT substring(
                sha256('\x7b0f5ac1e0c84d0b9a3e5d1f6c2b8e47'::bytea || convert_to(award_id, 'UTF8'))
                FROM 1 FOR 16
            ) AS digest
        ) AS hashed
    $$
"""
INDEXES = {
    "ix_scholarships_opportunity_id": [sa.text("opportunity_id(id)")],
    "ix_scholarships_updated_at": [sa.text("updated_at DESC"), "id"],
}


def upgrade() -> None:
    op.execute(OPPORTUNITY_ID)
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            # An index whose build was cut off is invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS public.{name}")
            op.create_index(
                name,
                "scholarships",
                columns,
                postgresql_where=sa.text("status = 'published'"),
                postgresql_concurrently=True,
            )


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, if_exists=True)
    op.execute("DROP FUNCTION public.opportunity_id(text)")
