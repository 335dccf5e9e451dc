"""Accounts of identity providers.

Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_identities",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("claims_issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "length(issuer) BETWEEN 1 AND 255", name=op.f("ck_account_identities_issuer_length")
        ),
        # The account of a new identity is added after the identity, in the same transaction.
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_account_identities_account_id_accounts"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_account_identities")),
    )
    op.create_index(
        "uq_account_identities_account_id", "account_identities", ["account_id"], unique=True
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM public.accounts WHERE id IN (SELECT account_id FROM public.account_identities)"
    )
    op.drop_table("account_identities")
