"""Login, logout and the life of an account, for routes, command line and other features."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.accounts import queries
from scholarship_api.accounts.identities import digest_of
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.passwords import NO_PASSWORD, Passwords
from scholarship_api.accounts.schemas import NewAccount, fold_username
from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import COMMAND_LINE, ChangeSource
from scholarship_api.errors import Conflict, NotFound, Unauthorized
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

PersonalData = Callable[[ReadSession, uuid.UUID], Awaitable[object]]
"""Reads what another feature stores about an account, as values that JSON can hold."""

_log = structlog.stdlib.get_logger(__name__)


class LoginRefused(Unauthorized):
    default_message = "The username or the password is wrong."


async def log_in(
    database: Database,
    passwords: Passwords,
    *,
    username: str,
    password: str,
    source: ChangeSource,
) -> Account:
    """The account. Raises LoginRefused, after the same work, also when there is no such account.

    The database is passed instead of a session: no connection may be held while the password is
    hashed.
    """
    async with database.read_session() as reading:
        account = await queries.by_username(reading, fold_username(username))
    has_password = account is not None and account.password_hash != NO_PASSWORD
    verification = await passwords.verify(
        password, account.password_hash if account and has_password else None
    )
    if account is None or not verification.valid or account.disabled_at is not None:
        # Recorded for unknown names too: the time of a refusal must not tell whether there is one.
        async with database.write_session() as writing:
            target_id = account.id if account else None
            await audit.record(writing, "login.refused", source=source, target_id=target_id)
        _log.info("login.refused", account_id=account and str(account.id))
        raise LoginRefused
    async with database.write_session() as writing:
        if verification.new_hash is not None:
            await queries.replace_hash(
                writing, account.id, old=account.password_hash, new=verification.new_hash
            )
        await audit.record(
            writing,
            "login.succeeded",
            source=source._replace(account_id=account.id),
            target_id=account.id,
        )
    _log.info("login.succeeded", account_id=str(account.id))
    return account


async def log_out(
    session: WriteSession, *, account_id: uuid.UUID, token_id: uuid.UUID, expires_at: dt.datetime
) -> None:
    """Revoke a token for all workers at once."""
    await queries.revoke(session, account_id=account_id, token_id=token_id, expires_at=expires_at)
    await queries.purge_revoked_tokens(session)


async def create(
    session: WriteSession,
    *,
    new: NewAccount,
    password_hash: str,
    source: ChangeSource = COMMAND_LINE,
) -> uuid.UUID:
    """The new account's id. Raises Conflict when the name is taken in any letter case."""
    account_id = await queries.add(
        session, {"id": uuid.uuid4(), "password_hash": password_hash, **new.model_dump()}
    )
    if account_id is None:
        raise Conflict("There is an account with this name already.")
    await audit.record(
        session, "account.created", source=source, target_id=account_id, role=new.role
    )
    _log.info("account.created", account_id=str(account_id), role=new.role)
    return account_id


async def get(session: AsyncSession, *, username: str) -> Account:
    """Raises NotFound."""
    account = await queries.by_username(session, fold_username(username))
    if account is None:
        raise NotFound("There is no account with this name.")
    return account


async def get_of_identity(session: ReadSession, *, issuer: str, subject: str) -> Account:
    """The account of a person whom an identity provider knows. Raises NotFound."""
    row = await queries.account_of_identity(session, digest_of(issuer, subject))
    if row is None or row.id is None:
        raise NotFound("There is no account of this person; it appears with their first request.")
    return await get(session, username=row.username)


async def list_all(session: ReadSession) -> list[tuple[Account, str | None]]:
    """All accounts by name, each with the identity provider that knows it."""
    return [(account, issuer) for account, issuer in await queries.all_accounts(session)]


async def disable(
    session: WriteSession, *, account: Account, source: ChangeSource = COMMAND_LINE
) -> None:
    """Refuse the account's logins, and its present tokens for good: enabling revives none."""
    if account.disabled_at is None:
        await queries.update_account(
            session,
            account.id,
            {
                "disabled_at": dt.datetime.now(dt.UTC),
                "password_version": Account.password_version + 1,
            },
        )
        await queries.refuse_identity_tokens(session, account.id)
        await audit.record(session, "account.disabled", source=source, target_id=account.id)
        _log.info("account.disabled", account_id=str(account.id))


async def enable(
    session: WriteSession, *, account: Account, source: ChangeSource = COMMAND_LINE
) -> None:
    if account.disabled_at is not None:
        await queries.update_account(session, account.id, {"disabled_at": None})
        # A provider may have issued further tokens meanwhile.
        await queries.refuse_identity_tokens(session, account.id)
        await audit.record(session, "account.enabled", source=source, target_id=account.id)
        _log.info("account.enabled", account_id=str(account.id))


async def set_password(
    session: WriteSession,
    *,
    account: Account,
    password_hash: str,
    source: ChangeSource = COMMAND_LINE,
) -> None:
    """Set a new password, and refuse all tokens that were issued before.

    Raises Conflict for the account of an identity provider, which has none.
    """
    if await queries.issuer_of(session, account.id) is not None:
        raise Conflict("This account logs in at its identity provider and has no password.")
    await queries.update_account(
        session,
        account.id,
        {"password_hash": password_hash, "password_version": Account.password_version + 1},
    )
    await audit.record(session, "account.password_set", source=source, target_id=account.id)
    _log.info("account.password_set", account_id=str(account.id))


async def delete(
    session: WriteSession, *, account_id: uuid.UUID, source: ChangeSource = COMMAND_LINE
) -> None:
    """Remove the account and its revoked tokens. Rows of other features lose their subject."""
    # Recorded before, so that the trigger of the deletion makes this event anonymous as well.
    await audit.record(session, "account.deleted", source=source, target_id=account_id)
    await queries.refuse_identity_tokens(session, account_id)
    await queries.remove(session, account_id)
    _log.info("account.deleted", account_id=str(account_id))


async def export(
    session: ReadSession, *, account: Account, other_topics: Mapping[str, PersonalData]
) -> dict[str, Any]:
    """All personal data of an account by topic, the topics of other features included."""
    revoked = await queries.revoked_tokens(session, account.id)
    return {
        "account": {
            "id": str(account.id),
            "username": account.username,
            "email": account.email,
            "role": account.role,
            "organization": account.organization,
            "identity_provider": await queries.issuer_of(session, account.id),
            "disabled_at": _iso(account.disabled_at),
            "created_at": _iso(account.created_at),
            "updated_at": _iso(account.updated_at),
        },
        "revoked_tokens": [
            {"id": str(token.jti), "expires_at": _iso(token.expires_at)} for token in revoked
        ],
        **{topic: await read(session, account.id) for topic, read in other_topics.items()},
    }


def _iso(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(dt.UTC).isoformat()
