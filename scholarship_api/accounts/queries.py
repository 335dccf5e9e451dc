"""Statements on accounts and revoked tokens."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.accounts.models import Account, AccountIdentity, RevokedToken
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.tokens import LEEWAY_SECONDS
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

ACCOUNT_OF_IDENTITY: Final = (
    select(
        Account.id,
        Account.username,
        Account.email,
        Account.role,
        Account.organization,
        Account.created_at,
        Account.disabled_at,
        AccountIdentity.claims_issued_at,
        AccountIdentity.refused_until,
    )
    .join_from(AccountIdentity, Account, isouter=True)
    .where(AccountIdentity.digest == bindparam("digest"))
)
"""Reads two unique keys. Built once, because every request with a provider's token needs it."""


async def account_of_token(
    session: ReadSession, *, account_id: uuid.UUID, token_id: uuid.UUID
) -> Row[*tuple[Any, ...]] | None:
    """The account without its password hash, and whether the token is revoked."""
    parameters = {"account_id": account_id, "token_id": token_id}
    return (await session.execute(ACCOUNT_OF_TOKEN, parameters)).one_or_none()


async def account_of_identity(
    session: ReadSession | WriteSession, digest: bytes
) -> Row[*tuple[Any, ...]] | None:
    """The identity with its account, whose `id` is None when it has been deleted."""
    return (await session.execute(ACCOUNT_OF_IDENTITY, {"digest": digest})).one_or_none()


async def lock_identity(session: WriteSession, digest: bytes) -> None:
    statement = select(AccountIdentity.digest).where(AccountIdentity.digest == digest)
    await session.execute(statement.with_for_update())


async def add_identity(
    session: WriteSession,
    *,
    identity: dict[str, Any],
    account: dict[str, Any],
) -> bool:
    """Add an identity and its account; False when it has an account or its token is refused.

    The identity comes first: of several requests at once, one adds the account.
    """
    new = postgresql.insert(AccountIdentity).values({**identity, "account_id": account["id"]})
    statement = new.on_conflict_do_update(
        index_elements=[AccountIdentity.digest],
        set_={
            "account_id": new.excluded.account_id,
            "claims_issued_at": new.excluded.claims_issued_at,
        },
        where=AccountIdentity.account_id.is_(None)
        & or_(
            AccountIdentity.refused_until.is_(None),
            AccountIdentity.refused_until < new.excluded.claims_issued_at,
        ),
    )
    added = (await session.scalars(statement.returning(AccountIdentity.account_id))).one_or_none()
    if added is None:
        return False
    await session.execute(postgresql.insert(Account).values(account))
    return True


async def set_claims_issued_at(
    session: WriteSession, digest: bytes, *, issued_at: dt.datetime
) -> None:
    statement = update(AccountIdentity).where(AccountIdentity.digest == digest)
    await session.execute(statement.values(claims_issued_at=issued_at))


async def refuse_identity_tokens(session: WriteSession, account_id: uuid.UUID) -> None:
    """Refuse for good the provider's tokens that the account has been issued so far.

    The provider's clock may be ahead by the leeway, and so may be the time of issue in its tokens.
    """
    end = func.clock_timestamp() + dt.timedelta(seconds=LEEWAY_SECONDS)
    statement = update(AccountIdentity).where(AccountIdentity.account_id == account_id)
    await session.execute(statement.values(refused_until=end))


async def purge_identities(session: WriteSession, *, refused_before: dt.datetime) -> None:
    """Remove identities whose accounts were deleted before an instant."""
    last_token = func.coalesce(AccountIdentity.refused_until, AccountIdentity.claims_issued_at)
    await session.execute(
        delete(AccountIdentity).where(
            AccountIdentity.account_id.is_(None), last_token < refused_before
        )
    )


async def issuer_of(session: ReadSession | WriteSession, account_id: uuid.UUID) -> str | None:
    """The identity provider that knows an account, if one does."""
    statement = select(AccountIdentity.issuer).where(AccountIdentity.account_id == account_id)
    return (await session.scalars(statement)).one_or_none()


async def by_username(session: AsyncSession, folded_username: str) -> Account | None:
    """An account of a person; an API key has no username that anybody could use."""
    statement = select(Account).where(
        func.lower(Account.username) == folded_username, Account.role != Role.SERVICE
    )
    return (await session.scalars(statement)).one_or_none()


async def all_accounts(session: ReadSession) -> Sequence[Row[Account, str | None]]:
    """Each account of a person with the identity provider that knows it, by name."""
    statement = (
        select(Account, AccountIdentity.issuer)
        .join(AccountIdentity, AccountIdentity.account_id == Account.id, isouter=True)
        .where(Account.role != Role.SERVICE)
    )
    return (await session.execute(statement.order_by(func.lower(Account.username)))).all()


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
