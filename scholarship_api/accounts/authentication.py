"""The middleware that verifies the token of a request and stores its claims in the scope."""

from collections.abc import Awaitable, Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts.login_limits import LoginLimits
from scholarship_api.accounts.passwords import Passwords
from scholarship_api.accounts.tokens import Claims, InvalidToken, Tokens
from scholarship_api.platform.http.request_context import ACCOUNT_ID_KEY
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings

CREDENTIALS_KEY: Final = "credentials"
"""Scope key of the verified claims, of None without a token, or of the InvalidToken to raise."""


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

    def claims_from_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> Claims | None:
        """The claims of the bearer token; None without an Authorization header.

        Raises InvalidToken for any other credentials. Such a request is not anonymous.
        """
        sent = [value for name, value in headers if name == b"authorization"]
        if not sent:
            return None
        scheme, _, token = sent[0].decode("latin-1").partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer":
            raise InvalidToken
        return self.tokens.verify(token.strip())


class AuthenticationMiddleware:
    """Verifies the token of a request, once, before the rate limits count the request.

    The id of the token's account is stored at ACCOUNT_ID_KEY: the request is counted and logged for
    that account. An invalid token stores nothing, so that invented tokens cannot create buckets.
    This grants no access: a token with a valid signature may have been revoked. The rules in
    `access` decide, from the claims at CREDENTIALS_KEY.
    """

    def __init__(self, app: ASGIApp, *, authentication: Authentication) -> None:
        self._app = app
        self._authentication = authentication

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            try:
                claims = self._authentication.claims_from_headers(scope["headers"])
            except InvalidToken as error:
                scope[CREDENTIALS_KEY] = error
            else:
                scope[CREDENTIALS_KEY] = claims
                if claims is not None:
                    scope[ACCOUNT_ID_KEY] = str(claims.account_id)
        return self._app(scope, receive, send)


def claims_of_request(scope: Scope) -> Claims | None:
    """The claims that the middleware verified; None without a token.

    Raises InvalidToken for a token that is not valid.
    """
    found: Claims | InvalidToken | None = scope[CREDENTIALS_KEY]
    if isinstance(found, InvalidToken):
        raise found
    return found
