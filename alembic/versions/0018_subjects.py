"""Subjects with their profiles and saved searches.

Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        _instant("created_at"),
        _instant("touched_at"),
        sa.CheckConstraint(
            "(account_id IS NULL) = (client IS NOT NULL)"
            " AND (account_id IS NULL) = (external_id IS NOT NULL)",
            name=op.f("ck_subjects_one_owner"),
        ),
        sa.CheckConstraint(
            "external_id ~ '^[A-Za-z0-9._:~-]{1,128}$'",
            name=op.f("ck_subjects_external_id_form"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_subjects_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("account_id", name=op.f("uq_subjects_account_id")),
    )
    op.create_index(
        "uq_subjects_client_external_id", "subjects", ["client", "external_id"], unique=True
    )
    op.create_index("ix_subjects_touched_at", "subjects", ["touched_at"])
    op.create_table(
        "profiles",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        sa.CheckConstraint(
            "jsonb_typeof(answers) = 'object'", name=op.f("ck_profiles_answers_form")
        ),
        sa.CheckConstraint(
            "length(timezone) BETWEEN 1 AND 64", name=op.f("ck_profiles_timezone_length")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_profiles_subject_id_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_profiles")),
    )
    _create_saved_searches()


def downgrade() -> None:
    for table in ("saved_searches", "profiles", "subjects"):
        op.drop_table(table)


def _create_saved_searches() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        sa.Column("use_profile", sa.Boolean(), nullable=False),
        sa.Column("notify_channel", sa.Text(), nullable=False),
        sa.Column("notify_frequency", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("creation_key", sa.Text(collation="C"), nullable=True),
        sa.Column("creation_digest", sa.LargeBinary(), nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        sa.CheckConstraint(
            "length(name) BETWEEN 1 AND 100", name=op.f("ck_saved_searches_name_length")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(query) = 'object'", name=op.f("ck_saved_searches_query_form")
        ),
        sa.CheckConstraint(
            "notify_channel IN ('none', 'email', 'webhook')",
            name=op.f("ck_saved_searches_channel_known"),
        ),
        sa.CheckConstraint(
            "notify_frequency IN ('immediate', 'daily', 'weekly')",
            name=op.f("ck_saved_searches_frequency_known"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_saved_searches_subject_id_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
    )
    op.create_index("ix_saved_searches_subject_id", "saved_searches", ["subject_id", "id"])
    op.create_index(
        "uq_saved_searches_creation_key",
        "saved_searches",
        ["subject_id", "creation_key"],
        unique=True,
        postgresql_where=sa.text("creation_key IS NOT NULL"),
    )
    op.create_index(
        "ix_saved_searches_notified",
        "saved_searches",
        ["notify_channel", "id"],
        postgresql_where=sa.text("notify_channel <> 'none'"),
    )


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
