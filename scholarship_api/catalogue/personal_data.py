"""The data of an account that the catalogue stores, for `users export`."""

import uuid

from sqlalchemy import select

from scholarship_api.catalogue.models import IdempotencyKey, ScholarshipChange
from scholarship_api.platform.database.sessions import ReadSession


async def changes(session: ReadSession, account_id: uuid.UUID) -> list[dict[str, object]]:
    """The changes of awards that the account has made, oldest first."""
    change = ScholarshipChange
    statement = select(change.scholarship_id, change.version, change.action, change.changed_at)
    rows = await session.execute(
        statement.where(change.account_id == account_id).order_by(change.id)
    )
    return [
        {
            "scholarship_id": row.scholarship_id,
            "version": row.version,
            "action": row.action,
            "changed_at": row.changed_at.isoformat(),
        }
        for row in rows
    ]


async def idempotency_keys(session: ReadSession, account_id: uuid.UUID) -> list[dict[str, str]]:
    """The keys that the account has sent, oldest first. They are removed after a day."""
    statement = select(IdempotencyKey.key, IdempotencyKey.created_at)
    rows = await session.execute(
        statement.where(IdempotencyKey.account_id == account_id).order_by(IdempotencyKey.created_at)
    )
    return [{"key": row.key, "created_at": row.created_at.isoformat()} for row in rows]
