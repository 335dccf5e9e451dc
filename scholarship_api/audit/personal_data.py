"""The data of an account that the audit stores, for `users export`."""

import uuid

from sqlalchemy import or_, select

from scholarship_api.audit.models import AuditEvent
from scholarship_api.platform.database.sessions import ReadSession


async def events(session: ReadSession, account_id: uuid.UUID) -> list[dict[str, object]]:
    """The events that the account has caused or that are about it, oldest first."""
    event = AuditEvent
    statement = select(event.action, event.occurred_at, event.details).where(
        or_(event.account_id == account_id, event.target_id == str(account_id))
    )
    return [
        {
            "action": row.action,
            "occurred_at": row.occurred_at.isoformat(),
            "details": row.details,
        }
        for row in await session.execute(statement.order_by(event.id))
    ]
