"""The middleware that reads the credentials of a request and stores them in the scope."""

from collections.abc import Awaitable, Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts.credentials import Authenticator, Credential, sent_token
from scholarship_api.accounts.login_limits import LoginLimits
from scholarship_api.accounts.passwords import Passwords
from scholarship_api.accounts.tokens import InvalidToken, Tokens
from scholarship_api.errors import ApiError, send_error
from scholarship_api.platform.http.request_context import ACCOUNT_ID_KEY
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings

CREDENTIALS_KEY: Final = "credentials"
"""Scope key of the Credential, of None when none was sent, or of the InvalidToken to raise."""


class Authentication:
    """Tokens, passwords and login limits; one per process, at `app.state.authentication`."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        self.tokens = Tokens(
            key=settings.jwt_secret_key.get_secret_value(),
            previous_keys=[old.get_secret_value() for old in settings.jwt_previous_secret_keys],
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            expires_in=settings.access_token_expire_minutes * 60,
        )
        self.passwords = Passwords()
        self.login_limits = LoginLimits(settings, limiter)


class AuthenticationMiddleware:
    """Reads the credentials of a request, once, before the rate limits count the request.

    The id of their account is stored at ACCOUNT_ID_KEY: the request is counted and logged for that
    account. Invalid credentials store nothing, so that invented ones cannot create buckets. This
    grants no access: a token with a valid signature may have been revoked. TokenCheckMiddleware
    finds the account of the Credential at CREDENTIALS_KEY.
    """

    def __init__(self, app: ASGIApp, *, authenticators: Sequence[Authenticator]) -> None:
        self._app = app
        self._authenticators = authenticators

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            try:
                token = sent_token(scope["headers"])
            except InvalidToken as error:
                scope[CREDENTIALS_KEY] = error
            else:
                if token is not None:
                    return self._authenticate(token, scope, receive, send)
                scope[CREDENTIALS_KEY] = None
        return self._app(scope, receive, send)

    async def _authenticate(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        authenticator = next(each for each in self._authenticators if each.accepts(token))
        try:
            credential = await authenticator.authenticate(token, scope)
        except InvalidToken as error:
            scope[CREDENTIALS_KEY] = error
        except ApiError as error:
            await send_error(error, scope, receive, send)
            return
        else:
            scope[CREDENTIALS_KEY] = credential
            scope[ACCOUNT_ID_KEY] = str(credential.account_id)
        await self._app(scope, receive, send)


def credential_of_request(scope: Scope) -> Credential | None:
    """The credential that the middleware has read; None when none was sent.

    Raises InvalidToken for invalid credentials.
    """
    found: Credential | InvalidToken | None = scope[CREDENTIALS_KEY]
    if isinstance(found, InvalidToken):
        raise found
    return found
