"""Credentials: what a request sends to say who it is from, and the account that they stand for.

A kind of credential, such as the token of a login, has an `Authenticator`. That reads the text of a
request without a look at the account. The `Credential` that it makes finds the account in the
database, where it may have been disabled, or the credential revoked.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from starlette.types import Scope

from scholarship_api.accounts import queries
from scholarship_api.accounts.roles import SCOPES, Role
from scholarship_api.accounts.roles import Scope as AccessScope
from scholarship_api.accounts.tokens import Claims, InvalidToken, Tokens
from scholarship_api.platform.database.sessions import ReadSession

CREDENTIAL_HEADERS: Final = frozenset({b"authorization", b"x-api-key"})
"""A request with one of them is not anonymous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedAccount:
    """The account of a request, as the database has it now."""

    id: uuid.UUID
    username: str
    email: str | None
    role: Role
    organization: str | None
    created_at: dt.datetime
    granted: frozenset[AccessScope]
    session: Claims | None = None
    """The token of a login, which can be revoked; None for other credentials."""

    @property
    def scopes(self) -> list[AccessScope]:
        return sorted(self.granted)

    @property
    def confined_to(self) -> str | None:
        """The only organization whose drafts, figures and changes are the account's; None: all."""
        if self.role is Role.ADMIN or (self.role is Role.SERVICE and self.organization is None):
            return None
        return self.organization or ""


class Credential(Protocol):
    """A token or a key that a request sent, verified as far as that needs no account."""

    @property
    def account_id(self) -> uuid.UUID:
        """For whom the request is counted and logged. It grants nothing."""

    async def account(self, session: ReadSession, scope: Scope) -> AuthenticatedAccount:
        """Raises InvalidToken when the credential or its account is no longer valid."""


class Authenticator(Protocol):
    """Reads one kind of credentials; one per process."""

    def accepts(self, token: str) -> bool:
        """Whether the token is of this kind, whether or not it is valid."""

    async def authenticate(self, token: str, scope: Scope) -> Credential:
        """Raises InvalidToken."""


def sent_token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The token that a request sends as `Authorization: Bearer` or, an API key, as X-API-Key.

    None without either. Raises InvalidToken for any other credentials, and for more than one: such
    a request is not anonymous.
    """
    sent = [(name, value) for name, value in headers if name in CREDENTIAL_HEADERS]
    if not sent:
        return None
    if len(sent) > 1:
        raise InvalidToken
    name, value = sent[0]
    if name == b"x-api-key":
        return value.decode("latin-1").strip()
    scheme, _, token = value.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidToken
    return token.strip()


# --- Tokens of a login ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionCredential:
    """The verified token of a login."""

    claims: Claims

    @property
    def account_id(self) -> uuid.UUID:
        return self.claims.account_id

    async def account(self, session: ReadSession, _: Scope) -> AuthenticatedAccount:
        account = await queries.account_of_token(
            session, account_id=self.claims.account_id, token_id=self.claims.token_id
        )
        if (
            account is None
            or account.revoked
            or account.disabled_at is not None
            or account.password_version != self.claims.password_version
        ):
            raise InvalidToken
        role = Role(account.role)
        return AuthenticatedAccount(
            id=account.id,
            username=account.username,
            email=account.email,
            role=role,
            organization=account.organization,
            created_at=account.created_at,
            granted=SCOPES[role],
            session=self.claims,
        )


class SessionAuthenticator:
    """Verifies the tokens that a login has issued. It also refuses whatever is of no known kind.

    With `is_open` false, LOCAL_LOGIN_ENABLED, it refuses all: those of earlier logins too.
    """

    def __init__(self, tokens: Tokens, *, is_open: bool) -> None:
        self._tokens = tokens
        self._is_open = is_open

    def accepts(self, _: str) -> bool:
        return True

    async def authenticate(self, token: str, _: Scope) -> SessionCredential:
        if not self._is_open:
            raise InvalidToken
        return SessionCredential(self._tokens.verify(token))
