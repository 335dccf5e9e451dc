"""The middleware that refuses tokens which are no longer valid, on every route.

A token can have a valid signature and be revoked, or belong to an account that is disabled, deleted
or has a new password. Only the database knows. The check runs after the rate limits, so that they
also limit its queries, and before every route, so that public routes refuse such a token too.
"""

import datetime as dt
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts import queries
from scholarship_api.accounts.authentication import CREDENTIALS_KEY, claims_of_request
from scholarship_api.accounts.roles import SCOPES, Role
from scholarship_api.accounts.roles import Scope as AccessScope
from scholarship_api.accounts.tokens import Claims, InvalidToken
from scholarship_api.errors import ApiError, send_error
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.http.rate_limiting import RateLimits

CHECK_PATH: Final = "/api/v1/auth/check"
"""The one route that answers a request with an invalid token: it says that the token is invalid."""

_ACCOUNT_KEY: Final = "account"


@dataclass(frozen=True, slots=True)
class AuthenticatedAccount:
    """The account of the request's token, as the database has it now."""

    id: uuid.UUID
    username: str
    email: str | None
    role: Role
    organization: str | None
    created_at: dt.datetime
    claims: Claims

    @property
    def scopes(self) -> list[AccessScope]:
        return sorted(SCOPES[self.role])

    @property
    def confined_to(self) -> str | None:
        """The only organization whose drafts, figures and changes are the account's; None: all."""
        return None if self.role is Role.ADMIN else self.organization or ""


class TokenCheckMiddleware:
    """Stores the account of a valid token for `account_of_request`, and answers 401 otherwise.

    An invalid token counts for the client's address too. Its owner thus cannot add the limit of an
    account that is no longer theirs to that of the address.
    """

    def __init__(self, app: ASGIApp, *, database: Database, limits: RateLimits) -> None:
        self._app = app
        self._database = database
        self._limits = limits

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope[CREDENTIALS_KEY] is None:
            return self._app(scope, receive, send)
        return self._check(scope, receive, send)

    async def _check(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scope[_ACCOUNT_KEY] = await self._account(scope)
        except ApiError as error:
            if not isinstance(error, InvalidToken) or scope["path"] != CHECK_PATH:
                await send_error(error, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _account(self, scope: Scope) -> AuthenticatedAccount:
        claims = claims_of_request(scope)
        assert claims is not None  # noqa: S101 - narrows for mypy
        async with self._database.read_session() as session:
            account = await queries.account_of_token(
                session, account_id=claims.account_id, token_id=claims.token_id
            )
        if (
            account is None
            or account.revoked
            or account.disabled_at is not None
            or account.password_version != claims.password_version
        ):
            await self._limits.count_for_address(scope)
            raise InvalidToken
        return AuthenticatedAccount(
            id=account.id,
            username=account.username,
            email=account.email,
            role=Role(account.role),
            organization=account.organization,
            created_at=account.created_at,
            claims=claims,
        )


def account_of_request(scope: Scope) -> AuthenticatedAccount | None:
    """The account of the request's token; None without a valid token."""
    account: AuthenticatedAccount | None = scope.get(_ACCOUNT_KEY)
    return account
