"""Statements on the tables of accounts."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.accounts.models import Account, RevokedToken
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

PURGED_AT_ONCE: Final = 100
KEPT_AFTER_EXPIRY: Final = dt.timedelta(minutes=5)
"""More than the tolerance of verification."""


FOR_TOKEN: Final = select(
    Account.id,
    Account.username,
    Account.email,
    Account.role,
    Account.organization,
    Account.created_at,
    Account.disabled_at,
    Account.password_version,
    exists().where(RevokedToken.jti == bindparam("token_id")).label("revoked"),
).where(Account.id == bindparam("account_id"))
"""Two primary keys. Built once, because every request with a token asks it."""


async def for_token(
    session: ReadSession, *, account_id: uuid.UUID, token_id: uuid.UUID
) -> Row[*tuple[Any, ...]] | None:
    """The account, without its hash, and whether the token is revoked."""
    parameters = {"account_id": account_id, "token_id": token_id}
    return (await session.execute(FOR_TOKEN, parameters)).one_or_none()


async def by_username(session: AsyncSession, folded_username: str) -> Account | None:
    statement = select(Account).where(func.lower(Account.username) == folded_username)
    return (await session.scalars(statement)).one_or_none()


async def all_accounts(session: ReadSession) -> Sequence[Account]:
    return (await session.scalars(select(Account).order_by(func.lower(Account.username)))).all()


async def add(session: WriteSession, values: dict[str, Any]) -> uuid.UUID | None:
    """The new account's id; None when the name is taken."""
    statement = postgresql.insert(Account).values(values).on_conflict_do_nothing()
    return (await session.scalars(statement.returning(Account.id))).one_or_none()


async def change(session: WriteSession, account_id: uuid.UUID, values: dict[str, Any]) -> None:
    statement = update(Account).where(Account.id == account_id)
    await session.execute(statement.values({**values, "updated_at": func.now()}))


async def replace_hash(session: WriteSession, account_id: uuid.UUID, *, old: str, new: str) -> None:
    """The same password hashed anew, unless it has been changed in the meantime."""
    statement = update(Account).where(Account.id == account_id, Account.password_hash == old)
    await session.execute(statement.values(password_hash=new))


async def remove(session: WriteSession, account_id: uuid.UUID) -> None:
    await session.execute(delete(Account).where(Account.id == account_id))


async def revoke(
    session: WriteSession, *, account_id: uuid.UUID, token_id: uuid.UUID, expires_at: dt.datetime
) -> None:
    """Nothing happens when the token is revoked already, or the account gone."""
    account = (
        select(literal(token_id), Account.id, literal(expires_at))
        .where(Account.id == account_id)
        .with_for_update(read=True, key_share=True)
    )
    statement = postgresql.insert(RevokedToken).from_select(
        ["jti", "account_id", "expires_at"], account
    )
    await session.execute(statement.on_conflict_do_nothing())


async def revoked_tokens(session: ReadSession, account_id: uuid.UUID) -> Sequence[RevokedToken]:
    statement = select(RevokedToken).where(RevokedToken.account_id == account_id)
    return (await session.scalars(statement.order_by(RevokedToken.expires_at))).all()


async def purge_revoked_tokens(session: WriteSession) -> None:
    """Some of those that have expired. More than one, so that the table shrinks in the end."""
    expired = (
        select(RevokedToken.jti)
        .where(RevokedToken.expires_at < func.now() - KEPT_AFTER_EXPIRY)
        .limit(PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(RevokedToken).where(RevokedToken.jti.in_(expired)))
