"""Statements on stored profiles."""

import uuid
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.profiles.models import Profile


async def read(session: AsyncSession, subject_id: uuid.UUID) -> Profile | None:
    return (
        await session.scalars(select(Profile).where(Profile.subject_id == subject_id))
    ).one_or_none()


async def put(
    session: WriteSession, subject_id: uuid.UUID, *, answers: dict[str, Any], timezone: str | None
) -> Profile:
    """Store the profile. The caller has locked the subject."""
    statement = insert(Profile).values(subject_id=subject_id, answers=answers, timezone=timezone)
    statement = statement.on_conflict_do_update(
        index_elements=[Profile.subject_id],
        set_={
            "answers": statement.excluded.answers,
            "timezone": statement.excluded.timezone,
            "version": Profile.version + 1,
            "updated_at": func.now(),
        },
    )
    returning = statement.returning(Profile)
    return (await session.scalars(returning, execution_options={"populate_existing": True})).one()


async def remove(session: WriteSession, subject_id: uuid.UUID) -> bool:
    statement = delete(Profile).where(Profile.subject_id == subject_id)
    removed = await session.scalars(statement.returning(Profile.subject_id))
    return removed.one_or_none() is not None
