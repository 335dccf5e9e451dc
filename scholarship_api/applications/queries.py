"""Statements on the tracker."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, Select, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.activity.models import Interaction, InteractionType
from scholarship_api.applications.models import Application, ApplicationStatus
from scholarship_api.catalogue.merges import present_id
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects.models import Subject
from scholarship_api.vocabulary import Status

Tracked = Row[Application, Scholarship | None]
"""A row of the tracker, and the award unless it is a draft or removed."""


def _tracked() -> Select[Application, Scholarship | None]:
    public = Scholarship.status != Status.DRAFT.value
    return select(Application, Scholarship).outerjoin(
        Scholarship, (Scholarship.id == Application.scholarship_id) & public
    )


async def public_award(session: AsyncSession, scholarship_id: str) -> Scholarship | None:
    """An award that was merged into another one stands for that."""
    statement = select(Scholarship).where(
        Scholarship.id == present_id(scholarship_id), Scholarship.status != Status.DRAFT.value
    )
    return (await session.scalars(statement)).one_or_none()


async def count(session: WriteSession, subject_id: uuid.UUID) -> int:
    statement = select(func.count()).where(Application.subject_id == subject_id)
    return (await session.scalars(statement)).one()


async def created_by(session: WriteSession, subject_id: uuid.UUID, key: str) -> Tracked | None:
    """The row that a request with this Idempotency-Key has created."""
    statement = _tracked().where(
        Application.subject_id == subject_id, Application.creation_key == key
    )
    return (await session.execute(statement)).one_or_none()


async def add(session: WriteSession, values: dict[str, Any]) -> Application | None:
    """The new row; None when the subject tracks this round of the award already."""
    statement = insert(Application).values(values).on_conflict_do_nothing()
    return (await session.scalars(statement.returning(Application))).one_or_none()


async def page(
    session: ReadSession,
    subject_id: uuid.UUID,
    *,
    statuses: Collection[ApplicationStatus] = (),
    scholarship_id: str | None = None,
    before: uuid.UUID | None = None,
    limit: int,
) -> Sequence[Tracked]:
    """Rows, newest first; without `statuses` all but dismissed ones."""
    statement = _tracked().where(Application.subject_id == subject_id)
    if statuses:
        statement = statement.where(Application.status.in_([each.value for each in statuses]))
    else:
        statement = statement.where(Application.status != ApplicationStatus.DISMISSED.value)
    if scholarship_id is not None:
        statement = statement.where(Application.scholarship_id == present_id(scholarship_id))
    if before is not None:
        statement = statement.where(Application.id < before)
    return (await session.execute(statement.order_by(Application.id.desc()).limit(limit))).all()


async def all_of(session: ReadSession, subject_id: uuid.UUID) -> Sequence[Tracked]:
    """All rows of a subject, oldest first."""
    statement = _tracked().where(Application.subject_id == subject_id)
    return (await session.execute(statement.order_by(Application.id))).all()


async def read(
    session: AsyncSession, subject_id: uuid.UUID, application_id: uuid.UUID
) -> Tracked | None:
    statement = _tracked().where(
        Application.id == application_id, Application.subject_id == subject_id
    )
    return (await session.execute(statement)).one_or_none()


async def newest_of_award(
    session: WriteSession, subject_id: uuid.UUID, scholarship_id: str
) -> Application | None:
    statement = (
        select(Application)
        .where(Application.subject_id == subject_id, Application.scholarship_id == scholarship_id)
        .order_by(Application.id.desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def change(session: WriteSession, application_id: uuid.UUID, values: dict[str, Any]) -> None:
    statement = update(Application).where(Application.id == application_id)
    await session.execute(
        statement.values(**values, version=Application.version + 1, updated_at=func.now())
    )


async def remove(session: WriteSession, application_id: uuid.UUID) -> None:
    await session.execute(delete(Application).where(Application.id == application_id))


async def dismissed_awards(session: AsyncSession, subject_id: uuid.UUID) -> Sequence[str]:
    statement = select(Application.scholarship_id).where(
        Application.subject_id == subject_id,
        Application.status == ApplicationStatus.DISMISSED.value,
    )
    return (await session.scalars(statement.distinct())).all()


async def add_interaction(
    session: WriteSession, subject_id: uuid.UUID, scholarship_id: str, kind: InteractionType
) -> None:
    """Record the interaction of the subject's account; a platform's subject has none."""
    row = select(Subject.account_id, literal(scholarship_id), literal(kind.value)).where(
        Subject.id == subject_id, Subject.account_id.is_not(None)
    )
    statement = insert(Interaction).from_select(["account_id", "scholarship_id", "type"], row)
    await session.execute(statement.on_conflict_do_nothing())
