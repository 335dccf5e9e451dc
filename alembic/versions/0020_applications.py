"""The tracker, with the awards that accounts have saved or dismissed.

Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATUSES = (
    "status IN ('saved', 'in_progress', 'submitted', 'awarded', 'declined', 'rejected',"
    " 'withdrawn', 'dismissed')"
)

# The last of `saved` and `dismissed` counts. Their checklists and rounds are unknown: rows that the
# service makes have them.
SUBJECTS_OF_INTERACTIONS = """
    INSERT INTO public.subjects (id, account_id)
    SELECT gen_random_uuid(), account_id
    FROM (
        SELECT DISTINCT account_id FROM public.interactions
        WHERE account_id IS NOT NULL AND type IN ('saved', 'dismissed')
    ) AS acting
    ON CONFLICT (account_id) DO NOTHING
"""
APPLICATIONS_OF_INTERACTIONS = """
    INSERT INTO public.applications (id, subject_id, scholarship_id, status, checklist,
        reminders_days, award_name, award_organization, created_at, updated_at)
    SELECT gen_random_uuid(), subjects.id, last.scholarship_id, last.type, '[]',
        '{30,14,7,3,1}', scholarships.name, scholarships.organization, last.occurred_at,
        last.occurred_at
    FROM (
        SELECT DISTINCT ON (account_id, scholarship_id)
            account_id, scholarship_id, type, occurred_at
        FROM public.interactions
        WHERE account_id IS NOT NULL AND type IN ('saved', 'dismissed')
        ORDER BY account_id, scholarship_id, occurred_at DESC, id DESC
    ) AS last
    JOIN public.subjects USING (account_id)
    JOIN public.scholarships ON scholarships.id = last.scholarship_id
"""


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("scholarship_id", sa.Text(), nullable=False),
        sa.Column("round_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("checklist", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reminders_days", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("award_name", sa.Text(), nullable=False),
        sa.Column("award_organization", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("creation_key", sa.Text(collation="C"), nullable=True),
        sa.Column("creation_digest", sa.LargeBinary(), nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        sa.CheckConstraint(STATUSES, name=op.f("ck_applications_status_known")),
        sa.CheckConstraint(
            "jsonb_typeof(checklist) = 'array'", name=op.f("ck_applications_checklist_form")
        ),
        sa.CheckConstraint(
            "length(note) BETWEEN 1 AND 2000", name=op.f("ck_applications_note_length")
        ),
        sa.CheckConstraint(
            "cardinality(reminders_days) <= 10",
            name=op.f("ck_applications_reminders_days_length"),
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_applications_subject_id_subjects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    op.create_index("ix_applications_subject_id", "applications", ["subject_id", "id"])
    op.create_index("ix_applications_scholarship_id", "applications", ["scholarship_id"])
    op.create_index(
        "uq_applications_round",
        "applications",
        ["subject_id", "scholarship_id", sa.text("COALESCE(round_key, ''::text)")],
        unique=True,
    )
    op.create_index(
        "uq_applications_creation_key",
        "applications",
        ["subject_id", "creation_key"],
        unique=True,
        postgresql_where=sa.text("creation_key IS NOT NULL"),
    )
    op.execute(SUBJECTS_OF_INTERACTIONS)
    op.execute(APPLICATIONS_OF_INTERACTIONS)


def downgrade() -> None:
    op.drop_table("applications")


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
