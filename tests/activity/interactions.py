"""Rows of interactions for tests."""

import datetime as dt
import uuid

from tests.activity.conftest import Connection


def put(
    rows: Connection,
    kind: str,
    scholarship_id: str,
    *,
    count: int = 1,
    days_ago: float = 0,
    account_id: uuid.UUID | None = None,
) -> None:
    """Insert interactions without an account, or one with an account."""
    rows.execute(
        "INSERT INTO interactions (account_id, scholarship_id, type, occurred_at)"
        " SELECT %s, %s, %s, now() - %s FROM generate_series(1, %s)",
        [account_id, scholarship_id, kind, dt.timedelta(days=days_ago), count],
    )
