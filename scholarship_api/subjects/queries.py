"""Statements on subjects."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.accounts.models import Account
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.subjects.models import Subject

TOUCH_INTERVAL: Final = dt.timedelta(days=1)
"""Reading writes `touched_at` no more often than this."""

Identity = Mapping[str, Any]
"""Columns that identify a subject: `account_id`, or `client` and `external_id`."""


def _is(identity: Identity) -> ColumnElement[bool]:
    return and_(*(getattr(Subject, name) == value for name, value in identity.items()))


async def find(session: AsyncSession, identity: Identity) -> uuid.UUID | None:
    return (await session.scalars(select(Subject.id).where(_is(identity)))).one_or_none()


async def read(session: AsyncSession, identity: Identity) -> Subject | None:
    return (await session.scalars(select(Subject).where(_is(identity)))).one_or_none()


async def ensure(
    session: WriteSession, identity: Identity, *, new_id: uuid.UUID, account_id: uuid.UUID
) -> uuid.UUID | None:
    """The id of the subject, created if need be, which stays locked until the transaction ends.

    `account_id` is the account or key of the request. None while that is being deleted.
    """
    columns = ["id", *identity]
    values = [literal(new_id), *(literal(value) for value in identity.values())]
    row = (
        select(*values)
        .select_from(Account)
        .where(Account.id == account_id)
        .with_for_update(read=True, key_share=True)
    )
    statement = insert(Subject).from_select(columns, row)
    unique = ["account_id"] if "account_id" in identity else ["client", "external_id"]
    statement = statement.on_conflict_do_update(
        index_elements=unique, set_={"touched_at": func.now()}
    )
    return (await session.scalars(statement.returning(Subject.id))).one_or_none()


async def touch(session: WriteSession, identity: Identity) -> None:
    """Set `touched_at` unless it was set within TOUCH_INTERVAL."""
    stale = Subject.touched_at < func.now() - TOUCH_INTERVAL
    statement = update(Subject).where(_is(identity), stale)
    await session.execute(statement.values(touched_at=func.now()))


async def lock(session: WriteSession, identity: Identity) -> uuid.UUID | None:
    """The id of a subject, which stays locked until the transaction ends; None without one."""
    statement = (
        update(Subject).where(_is(identity)).values(touched_at=func.now()).returning(Subject.id)
    )
    return (await session.scalars(statement)).one_or_none()


async def remove(session: WriteSession, identity: Identity) -> uuid.UUID | None:
    """The id of the removed subject; None when there was none."""
    statement = delete(Subject).where(_is(identity)).returning(Subject.id)
    return (await session.scalars(statement)).one_or_none()


async def purge(session: WriteSession, *, days: int, limit: int) -> int:
    """Remove up to `limit` subjects of platforms that nobody has asked about for `days`."""
    oldest = func.now() - dt.timedelta(days=days)
    expired = (
        select(Subject.id)
        .where(Subject.touched_at < oldest, Subject.account_id.is_(None))
        .order_by(Subject.touched_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    removed = await session.scalars(
        delete(Subject).where(Subject.id.in_(expired)).returning(Subject.id)
    )
    return len(removed.all())
