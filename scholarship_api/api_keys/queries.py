"""Statements on API keys, their secrets and their use."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql

from scholarship_api.accounts.models import Account
from scholarship_api.api_keys.models import ApiKey, ApiKeySecret, ApiKeyUse, ApiKeyUseWriter
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

_KEY_COLUMNS: Final = (
    ApiKey.id,
    ApiKey.name,
    ApiKey.kind,
    ApiKey.scopes,
    ApiKey.tier,
    ApiKey.origins,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.created_at,
    ApiKey.last_used_on,
    Account.username,
    Account.organization,
)
_KEYS: Final = select(*_KEY_COLUMNS).join(Account, Account.id == ApiKey.id)


def _is_valid(now: ColumnElement[dt.datetime]) -> ColumnElement[bool]:
    return (
        ApiKey.revoked_at.is_(None)
        & Account.disabled_at.is_(None)
        & or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
        & or_(ApiKeySecret.expires_at.is_(None), ApiKeySecret.expires_at > now)
    )


KEY_OF_SECRET: Final = (
    _KEYS.join(ApiKeySecret, ApiKeySecret.key_id == ApiKey.id)
    .where(ApiKeySecret.digest == bindparam("digest"))
    .where(_is_valid(func.now()))
)
"""Built once, because every request with a key needs it."""


async def key_of_secret(session: ReadSession, digest: bytes) -> Row[*tuple[Any, ...]] | None:
    """The key of a valid secret; None when secret or key is unknown, expired or revoked."""
    return (await session.execute(KEY_OF_SECRET, {"digest": digest})).one_or_none()


async def keys(
    session: ReadSession | WriteSession,
    *,
    organization: str | None = None,
    key_id: uuid.UUID | None = None,
    revoked: bool | None = None,
    after: tuple[str, uuid.UUID] | None = None,
    limit: int | None = None,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Keys by name; with `organization` those that are confined to it.

    `after` is the name and the id of the last key that is left out.
    """
    order = func.lower(ApiKey.name), ApiKey.id
    statement = _KEYS.order_by(*order).limit(limit)
    if after is not None:
        name, last_id = after
        statement = statement.where(tuple_(*order) > tuple_(func.lower(name), last_id))
    if organization is not None:
        statement = statement.where(Account.organization == organization)
    if key_id is not None:
        statement = statement.where(ApiKey.id == key_id)
    if revoked is not None:
        statement = statement.where(ApiKey.revoked_at.is_not(None) == revoked)
    return (await session.execute(statement)).all()


async def secrets_of(
    session: ReadSession | WriteSession, key_ids: Iterable[uuid.UUID]
) -> Sequence[ApiKeySecret]:
    """The valid secrets of keys, oldest first."""
    statement = select(ApiKeySecret).where(
        ApiKeySecret.key_id.in_(list(key_ids)),
        or_(ApiKeySecret.expires_at.is_(None), ApiKeySecret.expires_at > func.now()),
    )
    return (await session.scalars(statement.order_by(ApiKeySecret.created_at))).all()


async def count_live(session: WriteSession) -> int:
    statement = select(func.count()).select_from(ApiKey).where(ApiKey.revoked_at.is_(None))
    return (await session.scalars(statement)).one()


async def lock(session: WriteSession, key_id: uuid.UUID) -> None:
    """Let one transaction at a time change the secrets of a key."""
    await session.execute(select(ApiKey.id).where(ApiKey.id == key_id).with_for_update())


async def add(session: WriteSession, *, account: Mapping[str, Any], key: Mapping[str, Any]) -> None:
    await session.execute(postgresql.insert(Account).values(account))
    await session.execute(postgresql.insert(ApiKey).values(key))


async def add_secret(session: WriteSession, values: Mapping[str, Any]) -> None:
    await session.execute(postgresql.insert(ApiKeySecret).values(values))


async def end_secrets(session: WriteSession, key_id: uuid.UUID, *, at: dt.datetime) -> None:
    """End the secrets of a key no later than at an instant; those that have ended are removed."""
    await session.execute(
        delete(ApiKeySecret).where(
            ApiKeySecret.key_id == key_id, ApiKeySecret.expires_at < func.now()
        )
    )
    await session.execute(
        update(ApiKeySecret)
        .where(ApiKeySecret.key_id == key_id)
        .values(expires_at=func.least(func.coalesce(ApiKeySecret.expires_at, at), at))
    )


async def revoke(session: WriteSession, key_id: uuid.UUID) -> None:
    await session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id)
        .values(revoked_at=func.coalesce(ApiKey.revoked_at, func.now()))
    )


async def begin_batch(session: WriteSession, *, writer_id: uuid.UUID, number: int) -> bool:
    """Whether the batch is new. Waits for another transaction that adds the same one."""
    statement = postgresql.insert(ApiKeyUseWriter).values(id=writer_id, last_batch=number)
    begun = statement.on_conflict_do_update(
        index_elements=[ApiKeyUseWriter.id],
        set_={"last_batch": statement.excluded.last_batch, "written_at": func.now()},
        where=ApiKeyUseWriter.last_batch < statement.excluded.last_batch,
    ).returning(ApiKeyUseWriter.id)
    return (await session.scalars(begun)).one_or_none() is not None


async def purge_writers(session: WriteSession, *, before: dt.datetime, limit: int) -> int:
    """Remove writers without a batch since an instant. Return how many."""
    old = select(ApiKeyUseWriter.id).where(ApiKeyUseWriter.written_at < before).limit(limit)
    removed = await session.scalars(
        delete(ApiKeyUseWriter)
        .where(ApiKeyUseWriter.id.in_(old.with_for_update(skip_locked=True)))
        .returning(ApiKeyUseWriter.id)
    )
    return len(removed.all())


async def add_uses(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add counted requests. Keys that are gone meanwhile are passed over."""
    known = set(
        (
            await session.scalars(
                select(ApiKey.id)
                .where(ApiKey.id.in_({row["key_id"] for row in rows}))
                .order_by(ApiKey.id)
                .with_for_update(key_share=True)
            )
        ).all()
    )
    counted = [row for row in rows if row["key_id"] in known]
    if not counted:
        return
    statement = postgresql.insert(ApiKeyUse).values(counted)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[ApiKeyUse.key_id, ApiKeyUse.day, ApiKeyUse.route_group],
            set_={"requests": ApiKeyUse.requests + statement.excluded.requests},
        )
    )
    for day in {row["day"] for row in counted}:
        used = {row["key_id"] for row in counted if row["day"] == day}
        await session.execute(
            update(ApiKey)
            .where(
                ApiKey.id.in_(used),
                or_(ApiKey.last_used_on.is_(None), ApiKey.last_used_on < day),
            )
            .values(last_used_on=day)
        )


async def uses(
    session: ReadSession,
    *,
    since: dt.date,
    key_id: uuid.UUID | None,
    organization: str | None,
    after: tuple[dt.date, uuid.UUID, str] | None = None,
    limit: int | None = None,
) -> Sequence[ApiKeyUse]:
    """Newest day first. `after` is the day, key and group of the last row that is left out."""
    statement = select(ApiKeyUse).where(ApiKeyUse.day >= since).limit(limit)
    if after is not None:
        day, *last = after
        statement = statement.where(
            or_(
                ApiKeyUse.day < day,
                (ApiKeyUse.day == day)
                & (tuple_(ApiKeyUse.key_id, ApiKeyUse.route_group) > tuple_(*last)),
            )
        )
    if key_id is not None:
        statement = statement.where(ApiKeyUse.key_id == key_id)
    if organization is not None:
        statement = statement.join(Account, Account.id == ApiKeyUse.key_id).where(
            Account.organization == organization
        )
    ordered = statement.order_by(ApiKeyUse.day.desc(), ApiKeyUse.key_id, ApiKeyUse.route_group)
    return (await session.scalars(ordered)).all()
