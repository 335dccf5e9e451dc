"""Statements on accounts and revoked tokens."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.accounts.models import Account, RevokedToken
from scholarship_api.accounts.roles import Role
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

PURGE_BATCH_ROWS: Final = 100
"""Expired rows that one logout removes. It is more than one, so that the table shrinks."""

KEPT_AFTER_EXPIRY: Final = dt.timedelta(minutes=5)
"""Longer than the leeway with which the expiry of a token is verified."""

ACCOUNT_OF_TOKEN: Final = select(
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
"""Reads two primary keys. Built once, because every request with a token needs it."""


async def account_of_token(
    session: ReadSession, *, account_id: uuid.UUID, token_id: uuid.UUID
) -> Row[*tuple[Any, ...]] | None:
    """The account without its password hash, and whether the token is revoked."""
    parameters = {"account_id": account_id, "token_id": token_id}
    return (await session.execute(ACCOUNT_OF_TOKEN, parameters)).one_or_none()


async def by_username(session: AsyncSession, folded_username: str) -> Account | None:
    """An account of a person; an API key has no username that anybody could use."""
    statement = select(Account).where(
        func.lower(Account.username) == folded_username, Account.role != Role.SERVICE
    )
    return (await session.scalars(statement)).one_or_none()


async def all_accounts(session: ReadSession) -> Sequence[Account]:
    statement = select(Account).where(Account.role != Role.SERVICE)
    return (await session.scalars(statement.order_by(func.lower(Account.username)))).all()


async def add(session: WriteSession, values: dict[str, Any]) -> uuid.UUID | None:
    """The new account's id; None when the name is taken."""
    statement = postgresql.insert(Account).values(values).on_conflict_do_nothing()
    return (await session.scalars(statement.returning(Account.id))).one_or_none()


async def update_account(
    session: WriteSession, account_id: uuid.UUID, values: dict[str, Any]
) -> None:
    statement = update(Account).where(Account.id == account_id)
    await session.execute(statement.values({**values, "updated_at": func.now()}))


async def replace_hash(session: WriteSession, account_id: uuid.UUID, *, old: str, new: str) -> None:
    """Store the new hash of the same password, unless the password has changed meanwhile."""
    statement = update(Account).where(Account.id == account_id, Account.password_hash == old)
    await session.execute(statement.values(password_hash=new))


async def remove(session: WriteSession, account_id: uuid.UUID) -> None:
    await session.execute(delete(Account).where(Account.id == account_id))


async def revoke(
    session: WriteSession, *, account_id: uuid.UUID, token_id: uuid.UUID, expires_at: dt.datetime
) -> None:
    """Revoke the token. Does nothing when it is revoked already or the account is gone."""
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
    """Remove up to PURGE_BATCH_ROWS of the tokens that have expired."""
    expired = (
        select(RevokedToken.jti)
        .where(RevokedToken.expires_at < func.now() - KEPT_AFTER_EXPIRY)
        .limit(PURGE_BATCH_ROWS)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(RevokedToken).where(RevokedToken.jti.in_(expired)))
