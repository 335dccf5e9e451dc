"""The middleware that refuses credentials which are no longer valid, on every route.

A token can have a valid signature and be revoked, or belong to an account that is disabled, deleted
or has a new password. Only the database knows. The check runs after the rate limits, so that they
also limit its queries, and before every route, so that public routes refuse such a token too.
"""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts.authentication import CREDENTIALS_KEY, credential_of_request
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.tokens import InvalidToken
from scholarship_api.errors import ApiError, send_error
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.http.rate_limiting import RateLimits

CHECK_PATH: Final = "/api/v1/auth/check"
"""The one route that answers a request with an invalid token: it says that the token is invalid."""

_ACCOUNT_KEY: Final = "account"


class TokenCheckMiddleware:
    """Stores the account of valid credentials for `account_of_request`, and answers 401 otherwise.

    Invalid credentials count for the client's address too. Their owner thus cannot add the limit of
    an account that is no longer theirs to that of the address.
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
        credential = credential_of_request(scope)
        assert credential is not None  # noqa: S101 - narrows for mypy
        try:
            async with self._database.read_session() as session:
                return await credential.account(session, scope)
        except InvalidToken:
            await self._limits.count_for_address(scope)
            raise


def account_of_request(scope: Scope) -> AuthenticatedAccount | None:
    """The account of the request's credentials; None without valid ones."""
    account: AuthenticatedAccount | None = scope.get(_ACCOUNT_KEY)
    return account
