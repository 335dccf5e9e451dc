"""Migration 0020: the tracker begins with what accounts have saved or dismissed."""

import pytest
from sqlalchemy import create_engine, text

from scholarship_api.platform.database import migrations
from tests.eligibility.awards import award, put

ACCOUNT = "00000000-0000-7000-8000-000000000001"
EVENTS = [
    ("saved_only", "saved", "2026-01-01"),
    ("changed_mind", "saved", "2026-01-01"),
    ("changed_mind", "dismissed", "2026-01-02"),
    ("came_back", "dismissed", "2026-01-01"),
    ("came_back", "saved", "2026-01-02"),
    ("only_viewed", "viewed", "2026-01-01"),
    ("only_applied", "applied", "2026-01-01"),
]


@pytest.mark.slow
def test_saved_and_dismissed_awards_are_in_the_tracker(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url)
    put(scratch_database_url, [award(award_id) for award_id in {each[0] for each in EVENTS}])
    migrations.downgrade(scratch_database_url, revision="0019")
    engine = create_engine(scratch_database_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO accounts (id, username, password_hash, role)"
                " VALUES (:id, 'student', 'none', 'student')"
            ),
            {"id": ACCOUNT},
        )
        for account_id in (ACCOUNT, None):
            for award_id, kind, day in EVENTS:
                connection.execute(
                    text(
                        "INSERT INTO interactions (account_id, scholarship_id, type, occurred_at)"
                        " VALUES (:account_id, :award_id, :kind, :day)"
                    ),
                    {"account_id": account_id, "award_id": award_id, "kind": kind, "day": day},
                )
    migrations.upgrade(scratch_database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT scholarship_id, status, award_name, applications.created_at::date::text"
                " FROM applications JOIN subjects ON subjects.id = subject_id"
                " WHERE account_id = :id ORDER BY 1"
            ),
            {"id": ACCOUNT},
        ).all()
        total = connection.execute(text("SELECT count(*) FROM applications")).scalar_one()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("came_back", "saved", "came_back", "2026-01-02"),
        ("changed_mind", "dismissed", "changed_mind", "2026-01-02"),
        ("saved_only", "saved", "saved_only", "2026-01-01"),
    ]
    assert total == len(rows)
