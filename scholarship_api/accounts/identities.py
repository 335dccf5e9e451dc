"""Accounts of people whom an identity provider knows.

An account appears with the first valid token of a person and belongs to issuer and subject, so that
the same subject at two providers is two people. The subject is stored as a digest only. Role and
organization follow the newest token.
"""

import datetime as dt
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Row

from scholarship_api.accounts import queries
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.passwords import NO_PASSWORD
from scholarship_api.accounts.roles import SCOPES, Role
from scholarship_api.accounts.tokens import InvalidToken
from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import ReadSession

MAX_TOKEN_AGE: Final = dt.timedelta(hours=24)
"""How long after its issue a provider's token is accepted, whatever its `exp`. For as long, and
KEPT_LONGER, the service remembers that the tokens of a deleted account are refused."""

KEPT_LONGER: Final = dt.timedelta(minutes=5)

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A verified token: who it is for, and what it says about them."""

    issuer: str
    digest: bytes
    role: Role
    organization: str | None
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """The account of an identity as the database had it."""

    id: uuid.UUID
    role: str
    organization: str | None
    claims_issued_at: dt.datetime

    def is_outdated_by(self, identity: Identity) -> bool:
        """Whether the token is newer and names another role or organization."""
        return identity.issued_at >= self.claims_issued_at and (
            (identity.role, identity.organization) != (self.role, self.organization)
        )


def digest_of(issuer: str, subject: str) -> bytes:
    return hashlib.sha256(json.dumps([issuer, subject]).encode()).digest()


async def recognise(database: Database, identity: Identity, source: ChangeSource) -> KnownAccount:
    """The account of an identity, which is added or changed where the token says so.

    Raises InvalidToken for a token that was issued before its account was deleted.
    """
    async with database.read_session() as reading:
        known = _known(await queries.account_of_identity(reading, identity.digest))
    if known is None:
        known = await _add(database, identity, source)
    if known.is_outdated_by(identity):
        known = await _change(database, identity, source)
    return known


async def current_account(session: ReadSession, identity: Identity) -> AuthenticatedAccount:
    """The account as the database has it now. Raises InvalidToken when the token is refused."""
    row = await queries.account_of_identity(session, identity.digest)
    if (
        row is None
        or row.id is None
        or row.disabled_at is not None
        or (row.refused_until is not None and row.refused_until >= identity.issued_at)
    ):
        raise InvalidToken
    role = Role(row.role)
    return AuthenticatedAccount(
        id=row.id,
        username=row.username,
        email=row.email,
        role=role,
        organization=row.organization,
        created_at=row.created_at,
        granted=SCOPES[role],
    )


def _known(row: Row[*tuple[Any, ...]] | None) -> KnownAccount | None:
    if row is None or row.id is None:
        return None
    return KnownAccount(
        id=row.id,
        role=row.role,
        organization=row.organization,
        claims_issued_at=row.claims_issued_at,
    )


async def _add(database: Database, identity: Identity, source: ChangeSource) -> KnownAccount:
    """The new account, or that which another request has added meanwhile."""
    account_id = uuid.uuid4()
    async with database.write_session() as session:
        await queries.purge_identities(
            session, refused_before=dt.datetime.now(dt.UTC) - MAX_TOKEN_AGE - KEPT_LONGER
        )
        added = await queries.add_identity(
            session,
            identity={
                "digest": identity.digest,
                "issuer": identity.issuer,
                "claims_issued_at": identity.issued_at,
            },
            account={
                "id": account_id,
                "username": f"oidc-{account_id.hex}",
                "password_hash": NO_PASSWORD,
                "role": identity.role,
                "organization": identity.organization,
            },
        )
        if added:
            await audit.record(
                session,
                "account.created",
                source=source._replace(account_id=account_id),
                target_id=account_id,
                role=identity.role,
                issuer=identity.issuer,
            )
            _log.info("account.created", account_id=str(account_id), role=identity.role)
        known = _known(await queries.account_of_identity(session, identity.digest))
    if known is None:
        raise InvalidToken
    return known


async def _change(database: Database, identity: Identity, source: ChangeSource) -> KnownAccount:
    """The account with the role and the organization of the token."""
    async with database.write_session() as session:
        await queries.lock_identity(session, identity.digest)
        known = _known(await queries.account_of_identity(session, identity.digest))
        if known is None:
            raise InvalidToken
        if not known.is_outdated_by(identity):
            return known
        await queries.update_account(
            session, known.id, {"role": identity.role, "organization": identity.organization}
        )
        await queries.set_claims_issued_at(session, identity.digest, issued_at=identity.issued_at)
        await audit.record(
            session,
            "account.role_changed",
            source=source._replace(account_id=known.id),
            target_id=known.id,
            before={"role": known.role, "organization": known.organization},
            after={"role": identity.role, "organization": identity.organization},
        )
        _log.info("account.role_changed", account_id=str(known.id), role=identity.role)
    return KnownAccount(
        id=known.id,
        role=identity.role,
        organization=identity.organization,
        claims_issued_at=identity.issued_at,
    )
